"""Whether money is conserved: what the channel holds is what the shop has sold, or owes back."""

from django.db import connection

from orders.models import LedgerEntry
from payments.models import Payment
from payments.states import RefundStatus
from tests.accounts import QUERY, Account


def accounts() -> list[Account]:
    with connection.cursor() as cursor:
        cursor.execute(QUERY, [[]])
        return [Account(*row) for row in cursor.fetchall()]


def owed_back() -> int:
    """What is still owed back, over all orders, in minor units."""
    return sum(account.owed for account in accounts())


def is_conserved(held: int) -> bool:
    """Captured minus refunded at the channel, in minor units, equals what we sold and owe back.

    In each order by itself as well: what is missing in one is not made up for by another.
    """
    books = accounts()
    agree = held == sum(account.sold + account.owed for account in books)
    return agree and all(account.is_sound for account in books) and _rows_agree()


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
