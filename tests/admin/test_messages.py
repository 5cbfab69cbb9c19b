"""Messages to shoppers and their devices: seen, sent again, and no token is ever shown."""

import pytest
from django.utils import timezone

from orders.messages import register_device
from orders.messages.notifiers import get_notifier
from orders.models import Message
from tests.admin.story import found, get, said, select
from tests.factories import an_order
from tests.orders.messages.fakes import FAKE, REFUSED, a_device, pay, send_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ways(settings):
    settings.NOTIFIERS = {"fcm": dict(FAKE)}


@pytest.fixture
def failed():
    """A message that the provider has refused."""
    order = an_order()
    a_device(order, token="secret-token")
    get_notifier("fcm").script.append(REFUSED)
    pay(order)
    send_all()
    return Message.objects.get()


def test_a_message_is_found_by_its_number_its_order_and_its_state(operator, failed):
    other = an_order()
    a_device(other)
    pay(other)
    send_all()

    for query in (
        {"q": failed.message_no},
        {"q": failed.order.order_no.lower()},
        {"state__exact": "failed"},
    ):
        assert found(operator, "orders_message", **query) == [failed]


def test_the_lists_show_what_was_answered_and_no_token(operator, failed):
    messages = get(operator, "orders_message_changelist").content.decode()
    devices = get(operator, "orders_device_changelist").content.decode()

    assert "HTTP 413" in messages
    assert failed.device.device_no in devices
    assert "secret-token" not in messages + devices


def test_the_page_of_a_row_is_the_list_with_that_row(operator, failed):
    answer = get(operator, "orders_message_change", failed.pk)

    assert answer.status_code == 302
    assert answer["Location"].endswith(f"?q={failed.message_no}")


def test_a_failed_message_is_sent_again(operator, failed):
    answer = select(operator, "orders_message", "send_again", failed)
    send_all()

    failed.refresh_from_db()
    assert (failed.state, failed.tries) == ("sent", 1)
    assert said(answer) == ["1 of those selected had failed and are sent now."]


def test_an_onlooker_sends_nothing(onlooker, failed):
    select(onlooker, "orders_message", "send_again", failed)

    failed.refresh_from_db()
    assert failed.state == "failed"


def test_devices_are_found_by_order_and_by_user(operator, django_user_model):
    ann = django_user_model.objects.create_user("ann")
    order = an_order()
    on_order = a_device(order)
    of_ann = register_device(via="fcm", token="ann's", owner_id=ann.pk, now=timezone.now())

    assert found(operator, "orders_device", q=order.order_no) == [on_order]
    assert found(operator, "orders_device", q="ann") == [of_ann]
