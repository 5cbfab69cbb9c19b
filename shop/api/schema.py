"""What the OpenAPI description says of each endpoint."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from shop.api.once import HEADER, PATTERN
from shop.api.paging import PageSerializer, a_page_of
from shop.api.serializers import (
    ChannelSerializer,
    ChannelsOfSerializer,
    MoneySerializer,
    OrderInBriefSerializer,
    OrderSerializer,
    PaymentSerializer,
    PaymentStatusSerializer,
    PlaceOrderSerializer,
    ProductSerializer,
    RefundSerializer,
    StartPaymentSerializer,
    StartRefundSerializer,
)
from shop.api.visible import TOKENS


class ProblemSerializer(serializers.Serializer):
    """An error (RFC 9457), sent as `application/problem+json`."""

    type = serializers.CharField(help_text="`urn:nodrop:…` to switch on, or `about:blank`")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="what would be right")
    request_id = serializers.CharField(help_text="name it when you ask for help")
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="messages by field, e.g. `lines.0.sku`",
    )
    payment_no = serializers.CharField(required=False, help_text="the payment in the way")
    refundable = MoneySerializer(required=False, help_text="what can be refunded at the most")


ORDER_TOKEN = OpenApiParameter(
    "X-Order-Token",
    str,
    OpenApiParameter.HEADER,
    description="The order's token; its owner may send `Authorization: Token …` instead.",
)
ORDER_TOKENS = OpenApiParameter(
    "X-Order-Tokens",
    {"type": "string", "pattern": TOKENS},
    OpenApiParameter.HEADER,
    description="A guest's orders, as `order_no:token`, with commas.",
)
_KEY = {"type": "string", "pattern": PATTERN}
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    _KEY,
    OpenApiParameter.HEADER,
    description="The same key and body give the same answer again, for a day at least.",
)
REFUND_KEY = OpenApiParameter(
    HEADER,
    _KEY,
    OpenApiParameter.HEADER,
    required=True,
    description="The same key and body give the same refund.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The `ETag` of the last answer."
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    description="Changes with everything that the answer says, except the jitter.",
    response=[200, 304],
)
POLL_AFTER = OpenApiParameter(
    "X-Poll-After-Ms",
    int,
    OpenApiParameter.HEADER,
    description="When to ask again, in milliseconds; missing: stop asking.",
    response=[200, 304],
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, description="Where to read it.", response=[201]
)


def _problem(description: str) -> OpenApiResponse:
    return OpenApiResponse(ProblemSerializer, description=description)


INVALID = {(400, "application/problem+json"): _problem("`errors` says what to correct.")}
NOT_HERE = {(404, "application/problem+json"): _problem("Not there, or not yours.")}

list_products = extend_schema(
    operation_id="list_products",
    tags=["shop"],
    summary="What is sold",
    auth=[],
    parameters=[PageSerializer],
    responses={200: a_page_of("ProductPage", ProductSerializer), **INVALID},
)
read_product = extend_schema(
    operation_id="read_product",
    tags=["shop"],
    summary="Read a product",
    auth=[],
    responses={200: ProductSerializer, **NOT_HERE},
)
list_channels = extend_schema(
    operation_id="list_channels",
    tags=["shop"],
    summary="How one can pay",
    auth=[],
    parameters=[ChannelsOfSerializer],
    responses={200: ChannelSerializer(many=True), **INVALID},
)
list_orders = extend_schema(
    operation_id="list_orders",
    tags=["orders"],
    summary="Orders so far",
    description="The user's own, and those of the tokens that come along; the newest first.",
    parameters=[PageSerializer, ORDER_TOKENS],
    responses={200: a_page_of("OrderPage", OrderInBriefSerializer), **INVALID},
)
place_order = extend_schema(
    operation_id="place_order",
    tags=["orders"],
    summary="Place an order",
    description=(
        "Prices are the shop's, not the app's. One order has one currency. Its goods are kept for "
        "it until `expires_at`; what is sold out is refused, line by line."
    ),
    parameters=[IDEMPOTENCY_KEY, LOCATION],
    request=PlaceOrderSerializer,
    responses={201: OrderSerializer, **INVALID},
)
read_order = extend_schema(
    operation_id="read_order",
    tags=["orders"],
    summary="Read an order",
    parameters=[ORDER_TOKEN],
    responses={200: OrderSerializer, **NOT_HERE},
)
cancel_order = extend_schema(
    operation_id="cancel_order",
    tags=["orders"],
    summary="Cancel an order",
    description=(
        "Also closes its open payment at the channel. The answer may still say `paying` with "
        "`cancel_asked`: then the channel's word decides, and money that came first wins."
    ),
    parameters=[ORDER_TOKEN, IDEMPOTENCY_KEY],
    request=None,
    responses={
        200: OrderSerializer,
        **NOT_HERE,
        (409, "application/problem+json"): _problem("Paid or closed already."),
    },
)
start_payment = extend_schema(
    operation_id="start_payment",
    tags=["payments"],
    summary="Pay an order",
    description=(
        "Open what `action` says. Asking again gives the same payment as long as it is open; "
        "asking for another channel closes it first. It takes no money after the order's "
        "`expires_at`."
    ),
    parameters=[ORDER_TOKEN, IDEMPOTENCY_KEY],
    request=StartPaymentSerializer,
    responses={
        201: PaymentSerializer,
        202: OpenApiResponse(
            PaymentSerializer,
            description="The channel's answer was lost: `action` is null; ask again to get it.",
        ),
        **INVALID,
        **NOT_HERE,
        (409, "application/problem+json"): _problem(
            "Paid already, still being confirmed, or its time is over."
        ),
        (502, "application/problem+json"): _problem("The channel refused; nothing was paid."),
    },
)
read_payment = extend_schema(
    operation_id="read_payment",
    tags=["payments"],
    summary="Read a payment",
    parameters=[ORDER_TOKEN],
    responses={200: PaymentSerializer, **NOT_HERE},
)
payment_status = extend_schema(
    operation_id="payment_status",
    tags=["payments"],
    summary="Poll a payment",
    description=(
        "Cheap: ask again after `poll_after_ms` until `final`. Until then nobody knows the end, so "
        "say neither paid nor failed. Send `If-None-Match` to be spared what you know."
    ),
    parameters=[ORDER_TOKEN, IF_NONE_MATCH, ETAG, POLL_AFTER],
    responses={
        200: PaymentStatusSerializer,
        304: OpenApiResponse(description="As you know it: ask again as before."),
        **NOT_HERE,
    },
)
payment_returned = extend_schema(
    operation_id="payment_returned",
    tags=["payments"],
    summary="The shopper is back from the wallet",
    description="Has the channel asked now, and the cadence begin anew. Answers at once.",
    parameters=[ORDER_TOKEN, IDEMPOTENCY_KEY],
    request=None,
    responses={200: PaymentStatusSerializer, **NOT_HERE},
)
start_refund = extend_schema(
    operation_id="start_refund",
    tags=["refunds"],
    summary="Give money back",
    description=(
        "For users who may refund payments, whoever's the order is. Accepted is not done: read the "
        "refund until it has `succeeded` or `failed`."
    ),
    parameters=[REFUND_KEY, LOCATION],
    request=StartRefundSerializer,
    responses={
        201: RefundSerializer,
        **INVALID,
        (403, "application/problem+json"): _problem("Not a user who may refund payments."),
        **NOT_HERE,
        (409, "application/problem+json"): _problem("Not so much, or nothing, can be refunded."),
    },
)
read_refund = extend_schema(
    operation_id="read_refund",
    tags=["refunds"],
    summary="Read a refund",
    description="For who may see its order, and for users who may refund payments.",
    parameters=[ORDER_TOKEN],
    responses={200: RefundSerializer, **NOT_HERE},
)
