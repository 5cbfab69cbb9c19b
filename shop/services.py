"""What a shopper does: order, pay, cancel. No channel is ever called inside a transaction."""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from orders.models import Order
from orders.selectors import get_order
from orders.services import IdempotencyKeyReused, Line, cancel_order, expect_payment, place_order
from payments.models import Payment
from payments.selectors import get_payment, payment_in_fog
from payments.services import (
    AnotherPaymentInFog,
    close_payment,
    create_at_channel,
    open_payment,
)
from payments.states import Status
from shop.access import link_key
from shop.models import Product

MOST_LINES = 50
MOST_OF_ONE = 99
MOST_OF_AN_EMAIL = 254  # characters, as the database has it


class CannotBeOrdered(ValueError):
    """The order can't be placed as it stands; `errors` says what is wrong, by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(self.__doc__)
        self.errors = errors


class PaymentUnderWay(Exception):
    """Another payment of this order stands in the way."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(self.__doc__)
        self.payment = payment


class AlreadyPaid(PaymentUnderWay):
    """This order has been paid: nothing more is to be paid."""


class StillBeingConfirmed(PaymentUnderWay):
    """A payment of this order is still being confirmed: wait for it, and don't pay again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """So many of one product."""

    sku: str
    quantity: int


def place(
    *,
    wishes: Sequence[Wish],
    now: dt.datetime,
    owner_id: int | None = None,
    email: str = "",
    idempotency_key: str = "",
) -> Order:
    """Place an order at today's prices; the same key and wishes give the same order again.

    Raises `CannotBeOrdered`, or `IdempotencyKeyReused` for the same key with other wishes.
    """
    request_hash = _hash(wishes, email)
    if idempotency_key:
        # A repeat gets its order back even when the goods are sold out by now.
        earlier = Order.objects.filter(owner_id=owner_id, idempotency_key=idempotency_key).first()
        if earlier and earlier.request_hash == request_hash:
            return earlier
        if earlier:
            raise IdempotencyKeyReused
    lines, currency = _price(wishes)
    return place_order(
        lines=lines,
        currency=currency,
        now=now,
        owner_id=owner_id,
        email=email,
        idempotency_key=idempotency_key,
        request_hash=request_hash,
    )


def pay(*, order_no: str, channel: str, now: dt.datetime, return_url: str = "") -> Payment:
    """Start a payment, or give back the one that is under way: two taps make one payment.

    A payment at another channel is closed first. The answer's `action` is what to open; it is None
    when the channel's answer was lost (pay again replays it), and the status may be `failed`.
    Raises `AlreadyPaid`, `StillBeingConfirmed`, and what `expect_payment` and `open_payment` raise.
    """
    payment = payment_in_fog(order_no=order_no)
    if payment and not _can_go_on(payment, channel, now):
        _close_for_another(payment, now)
        payment = None
    if payment is None:
        payment = _open(order_no, channel, return_url, now)
    if payment.in_fog and payment.action is None:
        payment = create_at_channel(payment_no=payment.payment_no, now=now)
    return payment


def cancel(*, order_no: str, now: dt.datetime) -> Order:
    """Cancel an order, and close its open payment at the channel; money that came first wins.

    Returns the order as it then is: it may wait, with `cancel_asked_at`, for the channel's word.
    Raises `OrderNotCancellable`, `UnknownOrder`.
    """
    cancel_order(order_no=order_no, now=now)
    payment = payment_in_fog(order_no=order_no)
    if payment:
        close_payment(payment_no=payment.payment_no, now=now)
    return get_order(order_no=order_no)


def _can_go_on(payment: Payment, channel: str, now: dt.datetime) -> bool:
    return (
        payment.channel == channel and payment.expires_at > now and payment.close_asked_at is None
    )


def _close_for_another(payment: Payment, now: dt.datetime) -> None:
    """Only a payment that certainly brought no money makes room for another one."""
    closed = close_payment(payment_no=payment.payment_no, now=now)
    if closed.status == Status.SUCCEEDED:
        raise AlreadyPaid(closed)
    if closed.in_fog or closed.status == Status.MISPAID:
        raise StillBeingConfirmed(closed)


def _open(order_no: str, channel: str, return_url: str, now: dt.datetime) -> Payment:
    order = get_order(order_no=order_no)
    try:
        with transaction.atomic():
            payment = open_payment(
                order_no=order_no,
                channel=channel,
                amount=order.total,
                currency=order.currency,
                subject=f"Order {order_no}",
                return_url=return_url or _result_page(order_no),
                now=now,
            )
            # Locks the order after the payment's row: nothing locks them the other way round.
            expect_payment(
                order_no=order_no, payment_no=payment.payment_no, seq=payment.version, now=now
            )
            # Paid a moment ago, and the order side does not know yet.
            paid = Payment.objects.filter(order_no=order_no, status=Status.SUCCEEDED).first()
            if paid:
                raise AlreadyPaid(paid)
    except AnotherPaymentInFog as other:  # the other tap was faster
        if not _can_go_on(other.payment, channel, now):
            raise StillBeingConfirmed(other.payment) from None
        return get_payment(payment_no=other.payment.payment_no)
    return payment


def _result_page(order_no: str) -> str:
    path = reverse("shop:back", args=[order_no])
    return f"{settings.PUBLIC_URL}{path}?key={link_key(order_no)}"


def _price(wishes: Sequence[Wish]) -> tuple[list[Line], str]:
    """The lines at the database's prices, and their one currency."""
    products = {
        product.sku: product
        for product in Product.objects.filter(active=True, sku__in=[wish.sku for wish in wishes])
    }
    errors = _find_errors(wishes, products)
    if errors:
        raise CannotBeOrdered(errors)
    lines = [
        Line(
            sku=wish.sku,
            title=products[wish.sku].title,
            unit_price=products[wish.sku].price,
            quantity=wish.quantity,
        )
        for wish in wishes
    ]
    return lines, products[wishes[0].sku].currency


def _find_errors(wishes: Sequence[Wish], products: dict[str, Product]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    seen: set[str] = set()
    if not 1 <= len(wishes) <= MOST_LINES:
        errors["lines"] = [f"Order 1 to {MOST_LINES} lines."]
    for number, wish in enumerate(wishes):
        if wish.sku not in products:
            errors[f"lines.{number}.sku"] = [f'"{wish.sku}" is not sold here (any more).']
        elif wish.sku in seen:
            errors[f"lines.{number}.sku"] = [f'"{wish.sku}" is listed twice: add the quantities.']
        if not 1 <= wish.quantity <= MOST_OF_ONE:
            errors[f"lines.{number}.quantity"] = [f"Order 1 to {MOST_OF_ONE} of one product."]
        seen.add(wish.sku)
    currencies = sorted({products[sku].currency for sku in seen & products.keys()})
    if len(currencies) > 1:
        named = " and ".join(currencies)
        errors["lines"] = [f"One order has one currency; these are {named}: order them apart."]
    return errors


def _hash(wishes: Sequence[Wish], email: str) -> str:
    """Tells a repeat from another request: what was asked for, not what it costs today."""
    asked = sorted([wish.sku, wish.quantity] for wish in wishes)
    return hashlib.sha256(json.dumps([asked, email]).encode()).hexdigest()
