"""Whether money is conserved: what the channel holds is what the shop has sold, or owes back."""

from django.db.models import Sum

from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments.models import Payment, Refund
from payments.states import RefundStatus

SIGN = {Entry.APPLIED: 1, Entry.SURPLUS: 1, Entry.REFUND: -1, Entry.BOUNCED: 1}


def owed_back() -> int:
    """What is still owed back, over all orders: all that came, less the paid orders' money."""
    kept = 0
    for order in Order.objects.all():
        net = sum(SIGN[Entry(each.entry)] * each.amount for each in order.ledger.all())
        sold = order.total - refunded_for_customers(order) if order.status == "paid" else 0
        kept += net - sold
    return kept


def refunded_for_customers(order: Order) -> int:
    refunds = Refund.objects.filter(
        payment__order_no=order.order_no, reason="customer", status=RefundStatus.SUCCEEDED
    )
    return refunds.aggregate(total=Sum("amount"))["total"] or 0


def sold() -> int:
    """The totals of the paid orders, less what customers got back of them."""
    paid = Order.objects.filter(status=OrderStatus.PAID)
    return sum(order.total - refunded_for_customers(order) for order in paid)


def is_conserved(held: int) -> bool:
    """Captured minus refunded at the channel, in minor units, equals what we sold and owe back."""
    return held == sold() + owed_back() and _rows_agree()


def _rows_agree() -> bool:
    """Each payment's totals are those of its captures and refunds, and of the order's ledger."""
    for payment in Payment.objects.all():
        further = sum(each.amount for each in payment.further_captures.all())
        going = payment.refunds.exclude(status=RefundStatus.FAILED)
        ledger = LedgerEntry.objects.filter(payment_no=payment.payment_no, refund_no="")
        captured = (payment.received_amount or 0) + further
        totals = (payment.captured_total, payment.refund_total)
        if totals != (captured, sum(refund.amount for refund in going)):
            return False
        if sum(entry.amount for entry in ledger) != captured:
            return False
    return True
