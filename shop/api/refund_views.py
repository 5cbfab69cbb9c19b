"""Refunds over the API: for operators' apps, and to read for who may see the order."""

from django.urls import reverse
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop import services
from shop.api import schema
from shop.api.once import idempotency_key, once
from shop.api.privacy import private
from shop.api.problems import Problem
from shop.api.serializers import RefundSerializer, StartRefundSerializer
from shop.api.visible import REFUNDS, may_refund, visible_refund

WHY_A_KEY = (
    "when you ask again after a lost answer, the same key keeps the money from going back twice."
)


class MayRefund(BasePermission):
    """The same answer whether the order exists or not."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method == "OPTIONS" or may_refund(request):
            return True
        if request.user.pk is None:
            raise exceptions.NotAuthenticated("Guests may not refund payments.")
        raise Problem(
            403,
            "not-permitted",
            "You may not refund payments",
            f"Send the token of a user who has the permission `{REFUNDS}`. Operators give it.",
        )


class OrderRefundsView(APIView):
    permission_classes = (MayRefund,)

    # Nothing but the key tells a repeat from a second refund of the same amount.
    @schema.start_refund
    @once(one_transaction=True, required=WHY_A_KEY)
    def post(self, request: Request, order_no: str) -> Response:
        asked = StartRefundSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        refund = services.refund(
            order_no=order_no,
            key=idempotency_key(request),
            user=request.user,
            now=timezone.now(),
            **asked.validated_data,
        )
        place = reverse("api:refund", args=[refund.refund_no])
        shown = RefundSerializer(refund).data
        return private(Response(shown, status=201, headers={"Location": place}))


class RefundView(APIView):
    @schema.read_refund
    def get(self, request: Request, refund_no: str) -> Response:
        return private(Response(RefundSerializer(visible_refund(request, refund_no)).data))
