"""Payments over the API: start, read, poll, and "the shopper is back"."""

import random
import time
from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.seen import note_seen
from payments.services import pull_forward
from payments.states import Status
from shop import cadence, services
from shop.api import schema
from shop.api.limits import POLLS
from shop.api.once import once
from shop.api.privacy import private
from shop.api.problems import Problem, not_here
from shop.api.serializers import (
    PaymentSerializer,
    PaymentStatusSerializer,
    StartPaymentSerializer,
)
from shop.api.visible import may_see, visible_order, visible_payment
from shop.load import polling
from shop.selectors import PaymentStanding, payment_standing

POLL_AFTER = "X-Poll-After-Ms"


class OrderPaymentsView(APIView):
    # Without a key, two taps are one payment: an order has one open payment, by a constraint.
    @schema.start_payment
    @once(one_transaction=False)
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
        return private(Response(PaymentSerializer(payment).data, status=201 if known else 202))


class PaymentView(APIView):
    @schema.read_payment
    def get(self, request: Request, payment_no: str) -> Response:
        return private(Response(PaymentSerializer(visible_payment(request, payment_no)).data))


class PaymentStatusView(APIView):
    """At most two SQL statements, authentication included, and never a call of the channel."""

    budget = POLLS

    @schema.payment_status
    def get(self, request: Request, payment_no: str) -> HttpResponseBase:
        return _answer_standing(request, payment_no)


class PaymentReturnedView(APIView):
    # Saying it twice is harmless.
    @schema.payment_returned
    @once(one_transaction=True)
    def post(self, request: Request, payment_no: str) -> Response:
        standing, now = _visible_standing(request, payment_no), timezone.now()
        if pull_forward(payment_no=payment_no, now=now):
            standing = standing.as_returned(now)
        return _tell_standing(standing)


def _answer_standing(request: Request, payment_no: str) -> HttpResponseBase:
    standing = _visible_standing(request, payment_no)
    told = _tell_standing(standing)
    answer = get_conditional_response(request, etag=standing.etag, response=told) or told
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
    if standing.final:
        note_seen(order_no=standing.order_no, version=standing.order_version)
    slower, again = polling.slow_down(now=time.time()), None
    if standing.interval is not None:
        again = cadence.with_jitter(standing.interval * slower, chance=random.random())  # noqa: S311
    answer = private(Response(_standing_as_json(standing, again)))
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
