"""What apps and pages need to be told of changes: tickets for a socket, and devices."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.messages import BadDevice, forget_device, register_device
from orders.messages.notifiers import get_notifier
from orders.states import Via
from shop import tickets
from shop.api import push_schema as schema
from shop.api.once import once
from shop.api.problems import Problem, not_here
from shop.api.push_serializers import (
    KINDS,
    DeviceSerializer,
    OfferedSerializer,
    RegisterDeviceSerializer,
    TicketSerializer,
)
from shop.api.visible import visible_order


class TicketsView(APIView):
    # A second ticket is harmless.
    @schema.issue_ticket
    @once(one_transaction=False)
    def post(self, request: Request, order_no: str) -> Response:
        order = visible_order(request, order_no)
        is_owner = order.owner_id is not None and order.owner_id == request.user.pk
        if not settings.PUSH_URL:
            raise push_not_here("This shop runs no push.")
        try:
            secret = tickets.issue(order_no=order_no, user_id=order.owner_id if is_owner else None)
        except tickets.PushAway:
            raise push_not_here("Push is not there at the moment.") from None
        ticket = {
            "ticket": secret,
            "expires_at": timezone.now() + tickets.LIFE,
            "url": f"{settings.PUSH_URL}/ws/orders/{order_no}/",
        }
        answer = Response(TicketSerializer(ticket).data, status=201)
        answer["Cache-Control"] = "no-store"
        return answer


def push_not_here(detail: str) -> Problem:
    """Nothing is lost without push: the client polls as before."""
    return Problem(503, "push-not-here", "No push", f"{detail} Go on polling.")


class OfferedView(APIView):
    @schema.push_offered
    def get(self, request: Request) -> Response:
        kinds = [kind for kind in KINDS if kind in settings.NOTIFIERS]
        # By its name: its library needs a second to load, which others would wait for in vain.
        key = getattr(get_notifier(Via.WEB), "public_key", None) if Via.WEB in kinds else None
        return Response(OfferedSerializer({"kinds": kinds, "vapid_public_key": key}).data)


class UserDevicesView(APIView):
    # The same token is the same device.
    @schema.register_device
    @once(one_transaction=True)
    def post(self, request: Request) -> Response:
        return _register(request, owner_id=_user(request))


class UserDeviceView(APIView):
    @schema.forget_device
    def delete(self, request: Request, device_no: str) -> Response:
        return _forget(device_no, owner_id=_user(request))


class OrderDevicesView(APIView):
    # The same token is the same device.
    @schema.register_order_device
    @once(one_transaction=True)
    def post(self, request: Request, order_no: str) -> Response:
        visible_order(request, order_no)
        return _register(request, order_no=order_no)


class OrderDeviceView(APIView):
    @schema.forget_order_device
    def delete(self, request: Request, order_no: str, device_no: str) -> Response:
        visible_order(request, order_no)
        return _forget(device_no, order_no=order_no)


def _user(request: Request) -> int:
    """A guest has no devices but those of an order."""
    if not request.user.is_authenticated:
        raise exceptions.NotAuthenticated("Guests register a device with each order.")
    return int(request.user.pk)


def _register(request: Request, **holder: Any) -> Response:
    asked = RegisterDeviceSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    subscription = values.get("subscription")
    try:
        device = register_device(
            via=values["kind"],
            token=subscription["endpoint"] if subscription else values["token"],
            keys=subscription["keys"] if subscription else None,
            language=values["language"],
            now=timezone.now(),
            **holder,
        )
    except BadDevice as error:
        raise exceptions.ValidationError({"kind": [str(error)]}) from None
    shown = {"device_no": device.device_no, "kind": device.via, "created_at": device.created_at}
    return Response(DeviceSerializer(shown).data, status=201)


def _forget(device_no: str, **holder: Any) -> Response:
    if not forget_device(device_no=device_no, now=timezone.now(), **holder):
        raise not_here()
    return Response(status=204)
