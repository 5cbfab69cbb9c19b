"""The states of a channel's statement, and the kinds of differences that one may show. Pure."""

from django.db.models import TextChoices


class StatementState(TextChoices):
    """Where a day's statement stands."""

    WAITING = "waiting", "Waiting"  # not downloaded yet: not ready, or the channel did not answer
    COMPARED = "compared", "Compared"
    UNREADABLE = "unreadable", "Unreadable"  # kept raw; downloaded again at the next try


class DifferenceKind(TextChoices):
    """What a statement and our rows do not agree about."""

    MISSING_HERE = "missing_here", "Missing here"  # money moved there, and we did not know
    MISSING_THERE = "missing_there", "Missing there"  # we say it moved, the statement does not
    AMOUNT_DIFFERS = "amount_differs", "Amount differs"
    STATE_DIFFERS = "state_differs", "State differs"
    UNKNOWN_NUMBER = "unknown_number", "Unknown number"
