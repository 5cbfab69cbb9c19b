"""The WSGI entry point: pages, REST API, callbacks and admin.

Does not start with a setting that a system check finds wrong: the server says which one.
"""

import os

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from config.chunked import MeasureChunkedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_app = get_wsgi_application()
call_command("check")
application = MeasureChunkedBodies(django_app, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
