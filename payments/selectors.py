"""Questions about payments."""

from payments.models import Payment
from payments.states import IN_FOG


class UnknownPayment(LookupError):
    """There is no payment of this number."""


def get_payment(*, payment_no: str) -> Payment:
    """Raises `UnknownPayment`."""
    payment = Payment.objects.filter(payment_no=payment_no).first()
    if payment is None:
        raise UnknownPayment(f"There is no payment {payment_no}.")
    return payment


def payments_of(*, order_no: str) -> list[Payment]:
    """All payments of an order, the newest first."""
    return list(Payment.objects.filter(order_no=order_no).order_by("-id"))


def payment_in_fog(*, order_no: str) -> Payment | None:
    """The payment of an order of which nobody knows yet whether it was paid."""
    return Payment.objects.filter(order_no=order_no, status__in=IN_FOG).first()
