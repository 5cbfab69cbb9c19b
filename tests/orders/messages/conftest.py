"""Ways to shoppers that lead into lists."""

import pytest
from django.core import mail

from orders.messages.notifiers import get_notifier
from tests.orders.messages.fakes import FAKE


@pytest.fixture(autouse=True)
def _ways(settings):
    mailer = {"CLASS": "orders.messages.notifiers.email.EmailNotifier", "OPTIONS": {"host": "mx"}}
    settings.NOTIFIERS = {"fcm": dict(FAKE), "apns": dict(FAKE), "web": dict(FAKE), "email": mailer}
    settings.DEFAULT_FROM_EMAIL = "Shop <shop@shop.example>"
    settings.PUBLIC_URL = "https://shop.example"


@pytest.fixture
def fcm(_ways):
    return get_notifier("fcm")


@pytest.fixture
def letters(_ways):
    """The e-mails that were sent."""
    return mail.outbox
