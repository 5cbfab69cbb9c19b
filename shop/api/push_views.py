"""What apps and pages need to be told of changes: tickets for a socket."""

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop import tickets
from shop.api import push_schema as schema
from shop.api.once import once
from shop.api.problems import Problem
from shop.api.push_serializers import TicketSerializer
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
