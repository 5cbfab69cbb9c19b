"""What the log leaves out."""

import logging

from django.core.exceptions import PermissionDenied


class NoTraceOfRefusals(logging.Filter):
    """Who may not is no bug: one line says so, without the trace of how it was found out."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None
        return True
