"""Operators, and rows in every state."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from payments.models import Payment
from payments.states import IN_FOG, Status
from tests.factories import a_payment
from workers import relay


@pytest.fixture
def operator(client: Client) -> Client:
    """A browser that is logged in as somebody who may do everything."""
    client.force_login(User.objects.create_superuser("olga", password="olga"))
    return client


@pytest.fixture
def onlooker(client: Client) -> Client:
    """A browser that is logged in as somebody who may look, and do nothing."""
    user = User.objects.create_user("otto", password="otto", is_staff=True)
    looks = Permission.objects.filter(codename__startswith="view_")
    user.user_permissions.set(looks)
    client.force_login(user)
    return client


@pytest.fixture
def payments_in_every_state(channel) -> list[Payment]:
    """One payment in each status, each of an order of its own, and the orders know."""
    found = []
    for status in Status:
        payment = a_payment()
        if status != Status.PAYING:
            _force(payment, status)
        found.append(payment)
    while relay.relay_due(now=timezone.now()):
        pass
    return found


def _force(payment: Payment, status: Status) -> None:
    received = status in (Status.SUCCEEDED, Status.MISPAID)
    in_fog = status in IN_FOG
    Payment.objects.filter(pk=payment.pk).update(
        status=status,
        consult_due_at=payment.consult_due_at if in_fog else None,
        settled_at=None if in_fog else timezone.now(),
        received_amount=payment.amount if received else None,
        received_currency=payment.currency if received else "",
    )
    payment.refresh_from_db()
