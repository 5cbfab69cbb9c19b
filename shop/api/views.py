"""The REST API for apps: each view parses, makes one call, and answers."""

import random
import time
from typing import Any

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from payments.channels.registry import channel_names, get_channel, get_label
from payments.services import pull_forward
from payments.states import Status
from shop import cadence, services
from shop.api import schema
from shop.api.order_json import order_as_json
from shop.api.problems import Problem, not_here
from shop.api.serializers import (
    ChannelSerializer,
    PaymentSerializer,
    PaymentStatusSerializer,
    PlaceOrderSerializer,
    ProductSerializer,
    RefundSerializer,
    StartPaymentSerializer,
    StartRefundSerializer,
)
from shop.api.visible import (
    REFUNDS,
    may_refund,
    may_see,
    visible_order,
    visible_payment,
    visible_refund,
)
from shop.load import polling
from shop.models import Product
from shop.selectors import PaymentStanding, payment_standing
from shop.stock import stock_of

POLL_AFTER = "X-Poll-After-Ms"
LEAST_GUEST_KEY = 16  # characters: guests share one name space, so a key must not be guessable
MOST_KEY = 255
KEY_FOR_REFUNDS = (
    f"Send 1 to {MOST_KEY} random characters: when you ask again after a lost answer, the same key "
    "keeps the money from going back twice."
)


class ProductsView(APIView):
    @schema.list_products
    def get(self, request: Request) -> Response:
        products = list(Product.objects.filter(active=True))
        stock = stock_of([product.sku for product in products])
        shown = ProductSerializer(products, many=True, context={"stock": stock})
        return Response(shown.data)


class ChannelsView(APIView):
    @schema.list_channels
    def get(self, request: Request) -> Response:
        channels = [
            {
                "name": name,
                "label": get_label(name),
                "currencies": sorted(get_channel(name).capabilities.currencies),
            }
            for name in channel_names()
        ]
        return Response(ChannelSerializer(channels, many=True).data)


class OrdersView(APIView):
    @schema.place_order
    def post(self, request: Request) -> Response:
        asked = PlaceOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        order = services.place(
            wishes=[services.Wish(**line) for line in asked.validated_data["lines"]],
            email=asked.validated_data["email"],
            owner_id=request.user.pk,
            idempotency_key=_idempotency_key(request),
            now=timezone.now(),
        )
        place = reverse("api:order", args=[order.order_no])
        return _private(Response(order_as_json(order), status=201, headers={"Location": place}))


class OrderView(APIView):
    @schema.read_order
    def get(self, request: Request, order_no: str) -> Response:
        return _private(Response(order_as_json(visible_order(request, order_no))))


class CancelOrderView(APIView):
    @schema.cancel_order
    def post(self, request: Request, order_no: str) -> Response:
        visible_order(request, order_no)
        order = services.cancel(order_no=order_no, now=timezone.now())
        return _private(Response(order_as_json(order)))


class OrderPaymentsView(APIView):
    @schema.start_payment
    def post(self, request: Request, order_no: str) -> Response:
        visible_order(request, order_no)
        asked = StartPaymentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        payment = services.pay(order_no=order_no, now=timezone.now(), **asked.validated_data)
        if payment.status == Status.FAILED:
            raise Problem(
                502,
                "channel-refused",
                "The channel took no payment",
                "Nothing was paid: try again, or take another channel.",
                payment_no=payment.payment_no,
            )
        known = payment.action is not None or not payment.in_fog
        return _private(Response(PaymentSerializer(payment).data, status=201 if known else 202))


class PaymentView(APIView):
    @schema.read_payment
    def get(self, request: Request, payment_no: str) -> Response:
        return _private(Response(PaymentSerializer(visible_payment(request, payment_no)).data))


class OrderRefundsView(APIView):
    @schema.start_refund
    def post(self, request: Request, order_no: str) -> Response:
        _demand_refund_permission(request)
        key = _idempotency_key(request)
        if not key:
            raise exceptions.ValidationError({"Idempotency-Key": [KEY_FOR_REFUNDS]})
        asked = StartRefundSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        refund = services.refund(
            order_no=order_no,
            key=key,
            user=request.user,
            now=timezone.now(),
            **asked.validated_data,
        )
        place = reverse("api:refund", args=[refund.refund_no])
        shown = RefundSerializer(refund).data
        return _private(Response(shown, status=201, headers={"Location": place}))


class RefundView(APIView):
    @schema.read_refund
    def get(self, request: Request, refund_no: str) -> Response:
        return _private(Response(RefundSerializer(visible_refund(request, refund_no)).data))


class PaymentStatusView(APIView):
    """At most two SQL statements, authentication included, and never a call of the channel."""

    @schema.payment_status
    def get(self, request: Request, payment_no: str) -> HttpResponseBase:
        return _answer_standing(request, payment_no)


class PaymentReturnedView(APIView):
    @schema.payment_returned
    def post(self, request: Request, payment_no: str) -> Response:
        standing, now = _visible_standing(request, payment_no), timezone.now()
        if pull_forward(payment_no=payment_no, now=now):
            standing = standing.as_returned(now)
        return _tell_standing(standing)


class UnknownPathView(APIView):
    """Every other path of the API, in the API's own words."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotFound("There is no such path: /api/docs/ lists those that are.")


def _answer_standing(request: Request, payment_no: str) -> HttpResponseBase:
    standing = _visible_standing(request, payment_no)
    told = _tell_standing(standing)
    answer = get_conditional_response(request, etag=standing.etag, response=told)
    if POLL_AFTER in told:  # where there is no news, there is a pace all the same
        answer[POLL_AFTER] = told[POLL_AFTER]
    return answer


def _visible_standing(request: Request, payment_no: str) -> PaymentStanding:
    standing = payment_standing(payment_no=payment_no, now=timezone.now())
    if standing is None:
        raise not_here()
    if not may_see(request, order_no=standing.order_no, owner_id=standing.owner_id):
        raise not_here()
    return standing


def _tell_standing(standing: PaymentStanding) -> Response:
    """Where it stands, and when to ask again: jitter and load are no part of its ETag."""
    slower, again = polling.slow_down(now=time.time()), None
    if standing.interval is not None:
        again = cadence.with_jitter(standing.interval * slower, chance=random.random())  # noqa: S311
    answer = _private(Response(_standing_as_json(standing, again)))
    answer["ETag"] = standing.etag
    if again is not None:
        answer[POLL_AFTER] = str(again)
    return answer


def _standing_as_json(standing: PaymentStanding, again: int | None) -> dict[str, Any]:
    return dict(
        PaymentStatusSerializer(
            {
                "payment_no": standing.payment_no,
                "status": standing.status,
                "final": standing.final,
                "version": standing.version,
                "poll_after_ms": again,
                "give_up_at": standing.give_up_at,
                "order_no": standing.order_no,
                "order_status": standing.order_status,
            }
        ).data
    )


def _private(answer: Response) -> Response:
    """Only the asker may keep it, and only to ask whether it is still true."""
    answer["Cache-Control"] = "private, no-cache"
    answer["Vary"] = "Authorization, X-Order-Token"
    return answer


def _demand_refund_permission(request: Request) -> None:
    """The same answer whether the order exists or not."""
    if not may_refund(request):
        raise Problem(
            403,
            "not-permitted",
            "You may not refund payments",
            f"Send the token of a user who has the permission `{REFUNDS}`. Operators give it.",
        )


def _idempotency_key(request: Request) -> str:
    key: str = request.headers.get("Idempotency-Key", "")
    least = 0 if request.user.is_authenticated else LEAST_GUEST_KEY
    if key and not least <= len(key) <= MOST_KEY:
        raise exceptions.ValidationError(
            {"Idempotency-Key": [f"Send {least or 1} to {MOST_KEY} random characters, or none."]}
        )
    return key
