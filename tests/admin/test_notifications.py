"""Notifications and their endpoints: seen, sent again, configured; and no secret is ever shown."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from orders.endpoints import set_active
from orders.models import DeliveryTry, Endpoint, Notification
from orders.signing import unseal
from tests.admin.story import errors, found, get, post, said, select
from tests.factories import an_order
from tests.orders.telling import a_fact, an_endpoint

pytestmark = pytest.mark.django_db
URL = "https://warehouse.example/hook"


@pytest.fixture
def endpoint() -> Endpoint:
    return an_endpoint(URL)


def given_up(notification):
    Notification.objects.filter(pk=notification.pk).update(state="failed", due_at=None, tries=8)
    DeliveryTry.objects.create(
        notification=notification, at=timezone.now(), seconds=0.25, answer="500 <b>boom</b>"
    )
    notification.refresh_from_db()
    return notification


def test_a_notification_is_found_by_order_and_by_message(operator, endpoint):
    one, _other = a_fact(), a_fact()

    assert found(operator, "orders_notification", q=one.order.order_no.lower()) == [one]
    assert found(operator, "orders_notification", q=one.message_id) == [one]


def test_filters_find_state_type_and_endpoint(operator, endpoint):
    failed, waiting = given_up(a_fact()), a_fact(type="order.closed")

    assert found(operator, "orders_notification", state__exact="failed") == [failed]
    assert found(operator, "orders_notification", type="order.closed") == [waiting]
    listed = found(operator, "orders_notification", endpoint__id__exact=endpoint.pk)
    assert listed == [waiting, failed]


def test_a_list_of_twenty_costs_as_much_as_one(operator, endpoint, django_assert_num_queries):
    for _ in range(20):
        a_fact()

    with django_assert_num_queries(4):
        get(operator, "orders_notification_changelist")


def test_the_page_shows_the_body_the_tries_and_the_answers(operator, endpoint):
    notification = given_up(a_fact())

    page = get(operator, "orders_notification_change", notification.pk)

    html = page.content.decode()
    assert "&quot;type&quot;: &quot;order.paid&quot;" in html
    assert "500 &lt;b&gt;boom&lt;/b&gt;" in html
    assert page.context["tries"][0][1:] == ("0.2 s", "500 <b>boom</b>")
    assert page.context["label"] == "Failed"


def test_selected_ones_are_sent_again(operator, endpoint):
    one, other = given_up(a_fact()), given_up(a_fact())

    answer = select(operator, "orders_notification", "send_again", one, other)

    states = Notification.objects.values_list("state", "tries")
    assert list(states) == [("waiting", 0), ("waiting", 0)]
    assert said(answer) == [f"{one}: sent again now.", f"{other}: sent again now."]
    entries = {entry.get_change_message() for entry in LogEntry.objects.all()}
    assert entries == {"Asked that it be sent again."}


def test_one_is_sent_again_from_its_page_once_its_endpoint_is_on(operator, endpoint):
    notification = given_up(a_fact())
    set_active(endpoint_id=endpoint.pk, active=False, now=timezone.now())

    answer = post(operator, "orders_notification_resend", notification.pk)

    notification.refresh_from_db()
    assert notification.state == "waiting"
    assert said(answer) == [f"{notification}: sent again as soon as warehouse is switched on."]


def test_everything_since_a_time_is_sent_again(operator, endpoint):
    now = timezone.now()
    old = given_up(a_fact(now=now - dt.timedelta(hours=3)))
    new = given_up(a_fact(now=now - dt.timedelta(minutes=5)))
    since = (now - dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")

    answer = post(operator, "orders_endpoint_resend", endpoint.pk, since=since)

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state) == ("failed", "waiting")
    text = f"1 written since {since.replace('T', ' ')}:00 UTC are sent again."
    assert said(answer) == [f"warehouse: {text}"]
    assert LogEntry.objects.get().get_change_message() == text


@pytest.mark.parametrize(
    ("since", "error"),
    [
        ("yesterday", "Write the time like 2026-01-31T12:00, in UTC."),
        ("2126-01-01T00:00", "This time is yet to come: nothing was written since then."),
        ("", "This field is required."),
    ],
)
def test_a_time_that_can_not_be_is_refused(operator, endpoint, since, error):
    answer = post(operator, "orders_endpoint_resend", endpoint.pk, since=since)

    assert errors(answer)["since"] == [error]


def test_an_endpoint_is_added_and_its_secret_is_shown_this_once(operator):
    answer = post(operator, "orders_endpoint_add", name="warehouse", url=URL)

    endpoint = Endpoint.objects.get()
    secret = unseal(endpoint.secret)
    assert (endpoint.name, endpoint.url, endpoint.active) == ("warehouse", URL, True)
    assert answer.content.decode().count(secret) == 1
    assert "no-store" in answer["Cache-Control"]
    assert_never_shown(operator, endpoint, secret)


def test_a_new_secret_is_shown_this_once(operator, endpoint):
    former = unseal(endpoint.secret)

    answer = post(operator, "orders_endpoint_rotate", endpoint.pk)

    endpoint.refresh_from_db()
    secret = unseal(endpoint.secret)
    assert secret != former
    assert answer.content.decode().count(secret) == 1
    assert former not in answer.content.decode()
    assert_never_shown(operator, endpoint, secret, former)


def assert_never_shown(client, endpoint, *secrets):
    """Neither the secrets, nor what is stored of them."""
    a_fact(an_order())
    pages = [
        get(client, "orders_endpoint_change", endpoint.pk),
        get(client, "orders_endpoint_changelist"),
        get(client, "orders_endpoint_history", endpoint.pk),
        get(client, "orders_endpoint_resend", endpoint.pk),
        get(client, "orders_notification_change", Notification.objects.latest("pk").pk),
        get(client, "orders_notification_changelist"),
    ]
    told = "".join(answer.content.decode() for answer in pages)
    told += "".join(
        f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()
    )
    kept = [*secrets, endpoint.secret, endpoint.former_secret]
    assert not [secret for secret in kept if secret and secret in told]
    assert "whsec_" not in told


@pytest.mark.parametrize(
    "url",
    ["http://host.example/", "https://127.0.0.1/", "https://u:p@host.example/", "nonsense"],
)
def test_an_url_that_must_not_be_is_refused_in_words(operator, settings, url):
    settings.NOTIFY_HTTP = settings.NOTIFY_PRIVATE = False

    answer = post(operator, "orders_endpoint_add", name="warehouse", url=url)

    assert not Endpoint.objects.exists()
    assert len(errors(answer)["url"]) == 1


def test_a_name_is_given_once(operator, endpoint):
    answer = post(operator, "orders_endpoint_add", name="warehouse", url=URL)

    assert errors(answer)["name"] == ["There is an endpoint of this name: take another one."]


def test_an_endpoint_is_switched_off_and_on(operator, endpoint):
    post(operator, "orders_endpoint_switch", endpoint.pk, to="off")
    endpoint.refresh_from_db()
    off = endpoint.active
    answer = post(operator, "orders_endpoint_switch", endpoint.pk, to="on")

    endpoint.refresh_from_db()
    assert (off, endpoint.active) == (False, True)
    assert said(answer)[-1] == "warehouse: switched on."
    told = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert told == ["Switched off.", "Switched on."]


def test_an_onlooker_configures_and_sends_nothing(onlooker, endpoint):
    notification = given_up(a_fact())
    before = Endpoint.objects.get().secret

    answers = [
        post(onlooker, "orders_endpoint_add", name="mine", url=URL),
        post(onlooker, "orders_endpoint_rotate", endpoint.pk),
        post(onlooker, "orders_endpoint_switch", endpoint.pk, to="off"),
        post(onlooker, "orders_endpoint_resend", endpoint.pk, since="2020-01-01T00:00"),
        post(onlooker, "orders_notification_resend", notification.pk),
    ]
    select(onlooker, "orders_notification", "send_again", notification)
    page = get(onlooker, "orders_endpoint_change", endpoint.pk).content

    notification.refresh_from_db()
    assert {answer.status_code for answer in answers} == {403}
    assert notification.state == "failed"
    assert (Endpoint.objects.get().secret, Endpoint.objects.get().active) == (before, True)
    assert not [text for text in (b"New secret", b"Switch off", b"Resend all") if text in page]


def test_who_may_resend_can_not_configure(client, endpoint):
    user = User.objects.create_user("rita", is_staff=True)
    wanted = ["view_endpoint", "view_notification", "resend_notification"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)

    resent = post(client, "orders_endpoint_resend", endpoint.pk, since="2020-01-01T00:00")
    rotated = post(client, "orders_endpoint_rotate", endpoint.pk)

    assert (resent.status_code, rotated.status_code) == (200, 403)


def test_a_link_can_trigger_nothing(operator, endpoint):
    notification = a_fact()

    answers = [
        get(operator, "orders_endpoint_rotate", endpoint.pk),
        get(operator, "orders_endpoint_switch", endpoint.pk),
        get(operator, "orders_notification_resend", notification.pk),
    ]

    assert {answer.status_code for answer in answers} == {405}
