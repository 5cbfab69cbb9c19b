"""What a shopper may see: the orders of this browser, and her own once she has signed in."""

from django.db.models import Q
from django.http import Http404, HttpRequest

from orders.models import Order
from orders.selectors import get_order
from orders.services import UnknownOrder

REMEMBERED = 50  # orders a browser


def order_of(request: HttpRequest, order_no: str) -> Order:
    """The order, with its lines. Raises `Http404` for one that isn't there, or is another's."""
    try:
        order = get_order(order_no=order_no)
    except UnknownOrder:
        raise Http404 from None
    if not _is_remembered(request, order_no) and not _owns(request, order):
        raise Http404
    return order


def remember(request: HttpRequest, order_no: str) -> None:
    """From now on this browser may see the order: it placed it, or came with its key."""
    others = [known for known in _remembered(request) if known != order_no]
    request.session["orders"] = [*others, order_no][-REMEMBERED:]


def theirs(request: HttpRequest) -> Q:
    """Which orders the shopper may see."""
    mine = Q(order_no__in=_remembered(request))
    return mine | Q(owner_id=request.user.pk) if request.user.is_authenticated else mine


def _owns(request: HttpRequest, order: Order) -> bool:
    return order.owner_id is not None and order.owner_id == request.user.pk


def _is_remembered(request: HttpRequest, order_no: str) -> bool:
    return order_no in _remembered(request)


def _remembered(request: HttpRequest) -> list[str]:
    orders: list[str] = request.session.get("orders", [])
    return orders
