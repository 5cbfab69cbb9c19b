"""Questions about orders."""

from orders.models import Order
from orders.services import UnknownOrder


def get_order(*, order_no: str) -> Order:
    """Raises `UnknownOrder`."""
    order = Order.objects.filter(order_no=order_no).first()
    if order is None:
        raise UnknownOrder(f"There is no order {order_no}.")
    return order
