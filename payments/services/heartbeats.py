"""Notes that a part which nobody watches is alive."""

import datetime as dt

from payments.models import Heartbeat


def heartbeat(*, name: str, now: dt.datetime) -> None:
    """Note that `name` was alive at `now`."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )
