"""What the OpenAPI description says of the endpoints of push."""

from drf_spectacular.utils import OpenApiResponse, extend_schema

from shop.api.push_serializers import TicketSerializer
from shop.api.schema import IDEMPOTENCY_KEY, NOT_HERE, ORDER_TOKEN, ProblemSerializer

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
