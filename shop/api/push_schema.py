"""What the OpenAPI description says of the endpoints of push."""

from drf_spectacular.utils import OpenApiResponse, extend_schema

from shop.api.push_serializers import (
    DeviceSerializer,
    OfferedSerializer,
    RegisterDeviceSerializer,
    TicketSerializer,
)
from shop.api.schema import IDEMPOTENCY_KEY, INVALID, NOT_HERE, ORDER_TOKEN, ProblemSerializer

NO_USER = {
    (401, "application/problem+json"): OpenApiResponse(
        ProblemSerializer, description="Not a user's token."
    )
}

issue_ticket = extend_schema(
    operation_id="issue_ticket",
    tags=["push"],
    summary="Get a ticket for a socket",
    description=(
        "It opens one WebSocket of this order, once, within a minute. Offer it as the second "
        "subprotocol behind `nodrop`. The socket says only that something changed: ask then."
    ),
    parameters=[ORDER_TOKEN, IDEMPOTENCY_KEY],
    request=None,
    responses={
        201: TicketSerializer,
        **NOT_HERE,
        (503, "application/problem+json"): OpenApiResponse(
            ProblemSerializer, description="No push here, or not now: go on polling."
        ),
    },
)
push_offered = extend_schema(
    operation_id="push_offered",
    tags=["push"],
    summary="Which devices can be told",
    auth=[],
    responses=OfferedSerializer,
)
register_device = extend_schema(
    operation_id="register_device",
    tags=["push"],
    summary="Have a device told of a user's orders",
    description="The same token is the same device. Register it at each start of the app.",
    parameters=[IDEMPOTENCY_KEY],
    request=RegisterDeviceSerializer,
    responses={201: DeviceSerializer, **INVALID, **NO_USER},
)
forget_device = extend_schema(
    operation_id="forget_device",
    tags=["push"],
    summary="Have it told no more",
    request=None,
    responses={204: None, **NOT_HERE, **NO_USER},
)
register_order_device = extend_schema(
    operation_id="register_order_device",
    tags=["push"],
    summary="Have a device told of one order",
    description="For guests. The same token is the same device.",
    parameters=[ORDER_TOKEN, IDEMPOTENCY_KEY],
    request=RegisterDeviceSerializer,
    responses={201: DeviceSerializer, **INVALID, **NOT_HERE},
)
forget_order_device = extend_schema(
    operation_id="forget_order_device",
    tags=["push"],
    summary="Have it told no more of this order",
    parameters=[ORDER_TOKEN],
    request=None,
    responses={204: None, **NOT_HERE},
)
