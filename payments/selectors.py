"""Questions about payments."""

from collections.abc import Collection

from payments.models import Payment, Refund
from payments.states import IN_FOG


class UnknownPayment(LookupError):
    """There is no payment of this number."""


def get_payment(*, payment_no: str) -> Payment:
    """Raises `UnknownPayment`."""
    payment = Payment.objects.filter(payment_no=payment_no).first()
    if payment is None:
        raise UnknownPayment(f"There is no payment {payment_no}.")
    return payment


class UnknownRefund(LookupError):
    """There is no refund of this number."""


def get_refund(*, refund_no: str) -> Refund:
    """With its payment. Raises `UnknownRefund`."""
    refund = Refund.objects.select_related("payment").filter(refund_no=refund_no).first()
    if refund is None:
        raise UnknownRefund(f"There is no refund {refund_no}.")
    return refund


def refunds_of(*, order_no: str) -> list[Refund]:
    """All refunds of an order's payments, the newest first."""
    refunds = Refund.objects.filter(payment__order_no=order_no).select_related("payment")
    return list(refunds.order_by("-id"))


def payments_of(*, order_no: str) -> list[Payment]:
    """All payments of an order, the newest first."""
    return list(Payment.objects.filter(order_no=order_no).order_by("-id"))


def payment_in_fog(*, order_no: str) -> Payment | None:
    """The payment of an order of which nobody knows yet whether it was paid."""
    return Payment.objects.filter(order_no=order_no, status__in=IN_FOG).first()


def payments_in_fog(*, order_nos: Collection[str]) -> list[Payment]:
    """The same for many orders."""
    fog = Payment.objects.filter(order_no__in=order_nos, status__in=IN_FOG)
    return list(fog.order_by("pk"))
