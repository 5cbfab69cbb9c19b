"""The admin's first page: is money being learned about, and if not, where does it wait?

Some thirty short queries, none of which counts a whole table. It must render when Redis is down,
since that is when it is looked at.
"""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from alerts.figures import open_alerts
from orders.figures import order_figures, owed_back
from payments import health
from payments.figures import figures, refund_figures
from workers.dashboard.alive import alive
from workers.dashboard.tiles import Seen
from workers.dashboard.to_look_at import to_look_at
from workers.dashboard.waiting import waiting


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Only who may view payments is told figures."""
    if not request.user.has_perm("payments.view_payment"):
        return context
    now = timezone.now()
    seen = Seen(
        alerts=open_alerts(),
        payments=figures(now=now),
        refunds=refund_figures(now=now),
        orders=order_figures(now=now),
        owed=owed_back(),
        now=now,
    )
    return {
        **context,
        "to_look_at": to_look_at(seen),
        "waiting": waiting(seen),
        "alive": alive(health.report(now=now)),
        "now": now,
    }
