"""Stories of odd money: late, twice, and in the moment of the close."""

from django.utils import timezone

from config.processes import Processes
from demo import shopper
from demo.results import Result
from demo.telling import begin, end
from orders.models import Order
from orders.states import OrderStatus
from payments.models import Refund
from payments.states import RefundStatus

PATIENCE = 60.0  # seconds: beat looks after closing orders and refunds every twenty


def late_money(parts: Processes) -> Result:
    """The order has expired and is closed everywhere; then the wallet takes the money."""
    purchase, screen = begin("5. The money comes late", parts)
    screen.say("half an hour passes: the demo sets this order's clock forward")
    now = timezone.now()
    Order.objects.filter(order_no=purchase.order_no).update(expires_at=now, close_due_at=now)
    screen.watch(until=lambda: _status(purchase) == OrderStatus.CLOSED, patience=PATIENCE)
    screen.say("the order is closed, here and in the wallet; its umbrella is for sale again")
    screen.say("the wallet takes the money all the same, and tells so")
    shopper.act(purchase, "pay_late", wallet=parts.url("wallet"))
    if screen.watch(until=lambda: _status(purchase) == OrderStatus.PAID, patience=PATIENCE):
        screen.say("the order is revived: its umbrella could still be had")
    return end("money comes late", purchase, screen, parts)


def paid_twice(parts: Processes) -> Result:
    """The wallet takes the money twice under one number: the second time is refunded."""
    purchase, screen = begin("6. The wallet takes the money twice", parts)
    screen.say("the shopper pays in the wallet, which takes the money once more a moment later")
    shopper.pay(purchase)
    screen.watch(until=screen.is_over, patience=PATIENCE)
    shopper.act(purchase, "charge_again", wallet=parts.url("wallet"))
    if screen.watch(until=lambda: _is_refunded(purchase), patience=PATIENCE):
        screen.say("the second payment went back by itself")
    return end("paid twice", purchase, screen, parts)


def closed_while_paying(parts: Processes) -> Result:
    """The shopper cancels, and has just paid: who came first in the wallet has won."""
    purchase, screen = begin("7. Closed while paying", parts)
    shopper.set_faults(purchase, wallet=parts.url("wallet"), lose_callback=1, busy_close=1)
    screen.say("the shopper cancels; the wallet answers “busy”: she may be paying this very moment")
    shopper.cancel(purchase, web=parts.url("web"))
    screen.say("busy is not closed: the order waits, and no callback will ever come")
    screen.say("she pays")
    shopper.pay(purchase)
    if screen.watch(until=lambda: _status(purchase) == OrderStatus.PAID, patience=PATIENCE):
        screen.say("the money came first: the order is hers")
    return end("closed while paying", purchase, screen, parts)


def _status(purchase: shopper.Purchase) -> str:
    return Order.objects.get(order_no=purchase.order_no).status


def _is_refunded(purchase: shopper.Purchase) -> bool:
    done = Refund.objects.filter(
        payment__payment_no=purchase.payment_no, status=RefundStatus.SUCCEEDED
    )
    return done.filter(events__relayed_at=None).count() == 0 and done.exists()
