"""What the world sees of the pure shop's rows."""

import datetime as dt

from proof.simulator.pure import statements
from proof.simulator.pure.rows import Order, Payment, Refund
from proof.simulator.pure.store import Store
from proof.simulator.system import EntryView, OrderView, PaymentView, RefundView


def view(order: Order) -> OrderView:
    """An order and all that belongs to it."""
    return OrderView(
        order_no=order.order_no,
        status=str(order.status),
        total=order.total,
        currency=order.currency,
        version=order.version,
        is_paid=order.paid_at is not None,
        payments=[_payment(payment) for payment in order.payments],
        ledger=[
            EntryView(
                payment_no=row.payment_no,
                capture_no=row.capture_no,
                refund_no=row.refund_no,
                amount=row.amount,
                currency=row.currency,
                entry=str(row.entry),
                why=str(row.why or ""),
            )
            for row in order.ledger
        ],
    )


def _payment(payment: Payment) -> PaymentView:
    return PaymentView(
        payment_no=payment.payment_no,
        channel=payment.channel,
        merchant=payment.merchant,
        status=str(payment.status),
        amount=payment.amount,
        currency=payment.currency,
        received_amount=payment.received_amount,
        received_currency=payment.received_currency,
        received_merchant=payment.received_merchant,
        captured_total=payment.captured_total,
        refund_total=payment.refund_total,
        version=payment.version,
        events=[
            (
                event.seq,
                str(event.was),
                str(event.to),
                str(event.source),
                event.evidence is not None,
                event.capture is not None,
                event.due_at is None,
            )
            for event in payment.events
        ],
        refunds=[_refund(refund) for refund in payment.refunds],
    )


def _refund(refund: Refund) -> RefundView:
    return RefundView(
        refund_no=refund.refund_no,
        amount=refund.amount,
        status=str(refund.status),
        reason=str(refund.reason),
        version=refund.version,
        events=[(event.seq, str(event.was), str(event.to)) for event in refund.events],
    )


def due_times(store: Store) -> dict[str, dt.datetime | None]:
    """By task; the sweep leaves what is fresh to the wake-ups, announcements look ahead."""
    consult, refund = store.consults.first(), store.refund_consults.first()
    first = min(filter(None, (consult, refund)), default=None)
    relays = (store.relays.first(), store.refund_relays.first())
    return {
        "workers.announce_due": first and first - dt.timedelta(seconds=60),
        "workers.sync_payment_result": consult and consult + dt.timedelta(seconds=5),
        "workers.relay_due": min(filter(None, relays), default=None),
        "workers.refund_due": refund,
        "workers.close_due": store.closings.first(),
        "workers.notify_due": None,
        "workers.message_due": None,
        "workers.import_statements": statements.due_at(store),
    }
