"""Orders over the API: place, list, read, cancel."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language_from_request
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.models import Order
from orders.seen import note_seen
from shop import services
from shop.api import schema
from shop.api.once import idempotency_key, once
from shop.api.order_json import order_as_json, order_in_brief
from shop.api.paging import page_of
from shop.api.privacy import private
from shop.api.serializers import PlaceOrderSerializer
from shop.api.visible import visible_order, visible_orders


class OrdersView(APIView):
    @schema.list_orders
    def get(self, request: Request) -> Response:
        mine = visible_orders(request)
        orders, cursor = page_of(
            request, mine.prefetch_related("lines"), among=mine, by="order_no", newest_first=True
        )
        shown = [order_in_brief(order) for order in orders]
        return private(Response({"results": shown, "next_cursor": cursor}))

    # Without a key, a second order costs nothing: it is paid once or closes by itself.
    @schema.place_order
    @once(one_transaction=True)
    def post(self, request: Request) -> Response:
        asked = PlaceOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        order = services.place(
            wishes=[services.Wish(**line) for line in asked.validated_data["lines"]],
            email=asked.validated_data["email"],
            owner_id=request.user.pk,
            language=get_language_from_request(request),
            idempotency_key=idempotency_key(request),
            now=timezone.now(),
        )
        place = reverse("api:order", args=[order.order_no])
        return private(Response(_shown(order), status=201, headers={"Location": place}))


class OrderView(APIView):
    @schema.read_order
    def get(self, request: Request, order_no: str) -> Response:
        order = visible_order(request, order_no)
        note_seen(order_no=order_no, version=order.version)
        return private(Response(_shown(order)))


class CancelOrderView(APIView):
    # Cancelling twice is harmless.
    @schema.cancel_order
    @once(one_transaction=False)
    def post(self, request: Request, order_no: str) -> Response:
        visible_order(request, order_no)
        order = services.cancel(order_no=order_no, now=timezone.now())
        return private(Response(_shown(order)))


def _shown(order: Order) -> dict[str, object]:
    return order_as_json(order, now=timezone.now())
