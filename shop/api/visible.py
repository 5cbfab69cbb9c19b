"""What a request may see: its user's orders, and those that it shows the token of."""

import re

from django.db.models import Q, QuerySet
from rest_framework import exceptions
from rest_framework.request import Request

from orders.models import Order
from orders.selectors import get_order
from payments.models import Payment, Refund
from payments.selectors import UnknownPayment, UnknownRefund, get_payment, get_refund
from shop.access import is_order_token
from shop.api.problems import not_here

REFUNDS = "payments.refund_payment"
MOST_TOKENS = 50
_PAIR = r"[0-9A-Za-z_-]{1,32}:[0-9a-f]{64}"
TOKENS = rf"^{_PAIR}(, ?{_PAIR}){{0,{MOST_TOKENS - 1}}}$"


def may_refund(request: Request) -> bool:
    """Whether the request comes from a user who may refund payments, whoever's the order is."""
    allowed: bool = request.user.has_perm(REFUNDS)
    return allowed


def may_see(request: Request, *, order_no: str, owner_id: int | None) -> bool:
    """Whether the request comes from the order's owner, or carries its token."""
    if owner_id is not None and request.user.pk == owner_id:
        return True
    return is_order_token(request.headers.get("X-Order-Token", ""), order_no=order_no)


def visible_orders(request: Request) -> QuerySet[Order]:
    """The user's own, and those whose tokens come along; a wrong token shows nothing."""
    shown: str | None = request.headers.get("X-Order-Tokens")
    if shown is None and request.user.pk is None:
        raise exceptions.NotAuthenticated(
            "Say whose orders: send `X-Order-Tokens`, or a user's token."
        )
    if shown is not None and not re.fullmatch(TOKENS, shown):
        raise exceptions.ValidationError(
            {"X-Order-Tokens": [f"Send 1 to {MOST_TOKENS} of `order_no:token`, with commas."]}
        )
    pairs = [pair.strip().split(":") for pair in (shown or "").split(",") if pair]
    opened = [number for number, token in pairs if is_order_token(token, order_no=number)]
    mine = Q(order_no__in=opened)
    if request.user.pk is not None:
        mine |= Q(owner_id=request.user.pk)
    return Order.objects.filter(mine)


def visible_order(request: Request, order_no: str) -> Order:
    order = get_order(order_no=order_no)
    if not may_see(request, order_no=order_no, owner_id=order.owner_id):
        raise not_here()
    return order


def visible_payment(request: Request, payment_no: str) -> Payment:
    try:
        payment = get_payment(payment_no=payment_no)
    except UnknownPayment:
        raise not_here() from None
    visible_order(request, payment.order_no)
    return payment


def visible_refund(request: Request, refund_no: str) -> Refund:
    try:
        refund = get_refund(refund_no=refund_no)
    except UnknownRefund:
        raise not_here() from None
    if not may_refund(request):
        visible_order(request, refund.payment.order_no)
    return refund
