"""Daily statements: the last net. What a channel says at the end of the day, against our rows."""

from payments.services.statements.alarms import miss_statements
from payments.services.statements.importing import (
    DayNotOver,
    NoStatements,
    import_file,
    import_now,
    import_statements,
)
from payments.services.statements.resolving import DifferenceResolved, resolve_difference

__all__ = [
    "DayNotOver",
    "DifferenceResolved",
    "NoStatements",
    "import_file",
    "import_now",
    "import_statements",
    "miss_statements",
    "resolve_difference",
]
