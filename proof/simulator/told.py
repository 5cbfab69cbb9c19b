"""I12 of the notifications: each is delivered, and those of an order in their order."""

from orders.models import Notification
from orders.states import NotificationState
from proof.simulator.real import RealShop
from proof.simulator.world import Violation


def check_receiver(shop: RealShop) -> None:
    """When all is quiet: everything that was written was taken, in the order of its facts."""
    for order_no, versions in shop.receiver.versions.items():
        if versions != sorted(versions):
            raise Violation("I12", (order_no,), f"a receiver was told of versions {versions}")
    delivered = Notification.objects.filter(state=NotificationState.DELIVERED)
    for number in delivered.order_by("pk").values_list("message_id", flat=True):
        if number not in shop.receiver.taken:
            raise Violation("I12", (number,), "it was delivered, and nobody has taken it")
    waiting = Notification.objects.filter(state=NotificationState.WAITING).order_by("pk").first()
    if waiting:
        raise Violation("I12", (waiting.order.order_no,), f"{waiting} waits to be delivered")
