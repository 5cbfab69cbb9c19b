import pytest
from django.utils import timezone

from payments import services
from payments.states import RefundReason
from tests.factories import a_payment


@pytest.fixture
def paid(channel):
    """A payment of 1250 CNY that has succeeded."""
    payment = a_payment()
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    payment.refresh_from_db()
    return payment


@pytest.fixture
def ask_for(paid):
    """Ask for a refund of that payment."""

    def ask(amount=None, *, origin="test/1", reason=RefundReason.CUSTOMER, now=None):
        return services.request_refund(
            payment_no=paid.payment_no,
            amount=amount,
            reason=reason,
            origin=origin,
            now=now or timezone.now(),
        )

    return ask
