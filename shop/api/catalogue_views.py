"""What is sold, and how one can pay."""

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from payments.channels.registry import channel_names, get_channel, get_label
from shop.api import schema
from shop.api.paging import page_of
from shop.api.serializers import ChannelSerializer, ChannelsOfSerializer, ProductSerializer
from shop.models import Product
from shop.stock import stock_of


class ProductsView(APIView):
    @schema.list_products
    def get(self, request: Request) -> Response:
        sold = Product.objects.filter(active=True)
        products, cursor = page_of(
            request, sold, among=Product.objects.all(), by="sku", newest_first=False
        )
        return Response({"results": _shown(products), "next_cursor": cursor})


class ProductView(APIView):
    @schema.read_product
    def get(self, request: Request, sku: str) -> Response:
        product = Product.objects.filter(sku=sku, active=True).first()
        if product is None:
            raise exceptions.NotFound(f'"{sku}" is not sold here (any more).')
        return Response(_shown([product])[0])


class ChannelsView(APIView):
    @schema.list_channels
    def get(self, request: Request) -> Response:
        asked = ChannelsOfSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        currency = asked.validated_data.get("currency")
        offers = {name: get_channel(name).capabilities for name in channel_names()}
        channels = [
            {
                "name": name,
                "label": get_label(name),
                "currencies": sorted(its.currencies),
                "can_refund": its.can_refund,
                "can_close": its.can_close,
            }
            for name, its in offers.items()
            if currency is None or currency in its.currencies
        ]
        return Response(ChannelSerializer(channels, many=True).data)


def _shown(products: list[Product]) -> list[dict[str, object]]:
    stock = stock_of([product.sku for product in products])
    shown = ProductSerializer(products, many=True, context={"stock": stock}).data
    return [dict(product) for product in shown]
