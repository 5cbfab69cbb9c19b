"""Questions about orders."""

from orders.models import Order
from orders.services import UnknownOrder


def get_order(*, order_no: str) -> Order:
    """The order with its lines. Raises `UnknownOrder`."""
    order = Order.objects.filter(order_no=order_no).prefetch_related("lines").first()
    if order is None:
        raise UnknownOrder(f"There is no order {order_no}.")
    return order
