"""Steps of the stories that operators see."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from payments import services
from payments.models import Payment, Refund
from payments.states import RefundReason
from tests.factories import a_payment
from tests.fakes import FakeChannel
from workers import relay


def a_paid_payment(channel: FakeChannel, order: Order | None = None) -> Payment:
    """Paid, and the order knows."""
    payment = a_payment(order)
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    tell_orders()
    payment.refresh_from_db()
    return payment


def a_refund(payment: Payment, amount: int | None = None, **values: object) -> Refund:
    """A refund for the customer, asked for and not sent."""
    given = {"origin": f"test/{Refund.objects.count()}", "reason": RefundReason.CUSTOMER}
    return services.request_refund(
        payment_no=payment.payment_no,
        amount=amount,
        now=timezone.now(),
        **(given | values),  # type: ignore[arg-type]
    )


def send_refunds() -> None:
    """Every refund that is due goes to its channel, and the orders are told."""
    while services.refund_due(now=timezone.now()):
        pass
    tell_orders()


def tell_orders() -> None:
    while relay.relay_due(now=timezone.now()):
        pass


def get(client: Client, name: str, /, *args: object, **query: object):
    return client.get(reverse(f"admin:{name}", args=args), query)


def post(client: Client, name: str, /, *args: object, **values: object):
    return client.post(reverse(f"admin:{name}", args=args), values, follow=True)


def select(client: Client, name: str, action: str, /, *rows: object, **values: object):
    """Choose an action for rows of a list."""
    keys = [row.pk for row in rows]  # type: ignore[attr-defined]
    sent = {"action": action, "_selected_action": keys, **values}
    return client.post(reverse(f"admin:{name}_changelist"), sent, follow=True)


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def found(client: Client, name: str, /, **query: object) -> list[object]:
    return list(get(client, f"{name}_changelist", **query).context["cl"].result_list)


def errors(answer) -> dict[str, list[str]]:
    return dict(answer.context["form"].errors)
