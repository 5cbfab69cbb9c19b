"""Lets the shop come to rest: everything that is due is done, by the doors that do it."""

from django.db import connection

from payments import services
from proof.races.stage import Stage
from workers import closing, relay

LEASE = 100.0  # seconds: longer than every lease, so that nothing is somebody else's any more
ROUNDS = 8

_DUE = """
    SELECT EXISTS (SELECT FROM payments_payment WHERE consult_due_at <= %(now)s),
        EXISTS (SELECT FROM orders_order WHERE close_due_at <= %(now)s),
        EXISTS (SELECT FROM payments_refund WHERE consult_due_at <= %(now)s),
        EXISTS (SELECT FROM payments_paymentevent WHERE relay_due_at <= %(now)s)
        OR EXISTS (SELECT FROM payments_refundevent WHERE relay_due_at <= %(now)s)
"""


def come_to_rest(stage: Stage) -> None:
    """Workers work until nothing is due; what they leave undone is for the invariants to see."""
    stage.pass_time(LEASE)
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"now": stage.now})
            consults, orders, refunds, events = cursor.fetchone()
        if not (consults or orders or refunds or events):
            return
        if consults:
            services.consult_due(now=stage.now)
        if orders:
            closing.close_due(now=stage.now)
        if refunds:
            services.refund_due(now=stage.now)
        if events:
            relay.relay_due(now=stage.now)
        stage.pass_time(1)
