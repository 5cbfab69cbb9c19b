"""Configuring endpoints, their secrets, and sending anew."""

import datetime as dt
import logging

import pytest
from django.core.checks import run_checks
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.models import Alert
from orders.deliveries import deliver_due, recording, resend, resend_since
from orders.endpoints import RefusedUrl, add_endpoint, rotate_secret
from orders.models import DeliveryTry, Endpoint
from orders.signing import SecretUnreadable, seal, unseal
from tests.factories import an_order
from tests.orders.receiver import answering
from tests.orders.telling import a_fact, an_endpoint, deliver_all

pytestmark = pytest.mark.django_db(transaction=True)


def add(url):
    return add_endpoint(name="warehouse", url=url, now=timezone.now())


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host.example/", "must begin with https://"),
        ("host.example/hook", "like https://host.example"),
        ("https://", "like https://host.example"),
        ("https://host.example:99999/", "like https://host.example"),
        ("https://[::1/", "like https://host.example"),
        ("https://höst.example/", "like https://host.example"),
        ("https://host.example/a b", "like https://host.example"),
        ("https://user:password@host.example/", "Leave user and password out"),
        ("https://host.example/#part", "behind '#'"),
        ("https://10.1.2.3/", "10.1.2.3 is a private address"),
        ("https://127.0.0.1/", "is a private address"),
        ("https://2130706433/", "is a private address"),
        ("https://169.254.169.254/latest/", "is a private address"),
        ("https://[::1]/", "::1 is a private address"),
        ("https://localhost:8443/", "localhost is a private address"),
        ("https://LocalHost./", "localhost. is a private address"),
    ],
)
def test_a_url_that_would_not_do_is_refused_with_what_would(url, why):
    with pytest.raises(RefusedUrl, match="(?i)" + why.replace(".", r"\.")):
        add(url)

    assert not Endpoint.objects.exists()


def test_plain_http_is_refused_where_it_is_not_allowed(settings):
    settings.NOTIFY_HTTP = False

    with pytest.raises(RefusedUrl, match="NODROP_NOTIFY_HTTP=1"):
        add("http://host.example/")


def test_an_endpoint_is_told_of_what_comes_after_it():
    an_endpoint("https://books.example/hook", "books")
    a_fact()

    endpoint, secret = add("https://host.example/hook")

    assert secret.startswith("whsec_")
    assert not endpoint.notifications.exists()


def test_secrets_are_stored_encrypted_and_differ():
    pairs = [
        add_endpoint(name=name, url="https://host.example/", now=timezone.now()) for name in "ab"
    ]

    assert [unseal(endpoint.secret) for endpoint, _ in pairs] == [secret for _, secret in pairs]
    assert len({secret for _, secret in pairs}) == 2
    assert all(secret not in endpoint.secret for endpoint, secret in pairs)


def test_a_secret_is_readable_while_its_key_is_a_former_one(settings):
    sealed = seal("whsec_abc")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert unseal(sealed) == "whsec_abc"

    settings.SECRET_KEY_FALLBACKS = []

    with pytest.raises(SecretUnreadable):
        unseal(sealed)


def test_a_secret_that_cannot_be_read_fails_the_try_and_can_be_replaced(receiver, settings):
    endpoint = an_endpoint(receiver.url)
    _fact, now = a_fact(), timezone.now()
    settings.SECRET_KEY = "another"

    deliver_due(now=now)
    assert (receiver.received, DeliveryTry.objects.get().answer) == ([], SecretUnreadable.__doc__)
    secret = rotate_secret(endpoint_id=endpoint.pk, now=now)
    deliver_due(now=now + dt.timedelta(seconds=20))

    assert verifies(secret, receiver.received[0], at=now + dt.timedelta(seconds=20))


def verifies(secret, received, *, at=None):
    """Whether the reference library, in the receiver's place, takes it for ours."""
    try:
        Webhook(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return at is None or int(received.headers["webhook-timestamp"]) == int(at.timestamp())


def test_the_reference_library_verifies_what_we_send(receiver):
    _endpoint, secret = add(receiver.url)
    fact = a_fact(note="Tee für 2 · 茶")

    deliver_due(now=timezone.now())

    [received] = receiver.received
    assert verifies(secret, received)
    assert not verifies("whsec_bm90IG91cnM=", received)
    assert received.message_id == fact.message_id


def test_a_body_that_was_changed_on_its_way_is_not_verified(receiver):
    _endpoint, secret = add(receiver.url)
    a_fact()
    deliver_due(now=timezone.now())
    [received] = receiver.received

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body.replace(b"1250", b"9999"), received.headers)


def test_after_a_rotation_both_secrets_verify_for_a_day(receiver):
    endpoint, old = add(receiver.url)
    now = timezone.now()
    new = rotate_secret(endpoint_id=endpoint.pk, now=now)
    a_fact()

    deliver_due(now=timezone.now())

    assert [verifies(secret, receiver.received[0]) for secret in (old, new)] == [True, True]


def test_a_day_after_a_rotation_the_old_secret_verifies_nothing(receiver):
    endpoint, old = add(receiver.url)
    new = rotate_secret(endpoint_id=endpoint.pk, now=timezone.now() - dt.timedelta(hours=24))
    a_fact()

    deliver_due(now=timezone.now())

    assert [verifies(secret, receiver.received[0]) for secret in (old, new)] == [False, True]


def test_secrets_are_in_no_log_and_in_no_try(receiver, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.behaviours = [answering(500, b"sorry")]
    endpoint, old = add(receiver.url)
    new = rotate_secret(endpoint_id=endpoint.pk, now=timezone.now())
    a_fact()

    deliver_due(now=timezone.now())
    deliver_due(now=timezone.now() + dt.timedelta(seconds=20))

    said = caplog.text + "".join(DeliveryTry.objects.values_list("answer", flat=True))
    assert len(receiver.received) == 2
    assert not any(secret.removeprefix("whsec_") in said for secret in (old, new))


def delivered(count, order=None):
    facts = [a_fact(order) for _ in range(count)]
    deliver_all()
    return facts


def test_one_is_sent_anew_under_its_id(receiver):
    an_endpoint(receiver.url)
    [fact] = delivered(1)

    resent = resend(notification_id=fact.pk, now=timezone.now())
    assert (resent.state, resent.tries, resent.delivered_at) == ("waiting", 0, None)
    deliver_all()

    assert receiver.ids == [fact.message_id] * 2
    assert receiver.received[0].body == receiver.received[1].body


def test_what_waited_behind_one_that_is_sent_anew_follows_it_at_once(receiver):
    an_endpoint(receiver.url)
    order, now = an_order(), timezone.now()
    first, behind = a_fact(order), a_fact(order)
    receiver.behaviours = [answering(500)] * 2
    for seconds in (1, 10):
        deliver_due(now=now + dt.timedelta(seconds=seconds))
    later = now + dt.timedelta(seconds=20)

    resend(notification_id=first.pk, now=later)
    deliver_all(now=later)
    deliver_all(now=later + dt.timedelta(seconds=5))

    assert receiver.ids == [first.message_id] * 3 + [behind.message_id]


def test_one_that_was_given_up_is_sent_anew_with_all_its_tries_and_its_alert_goes(
    receiver, monkeypatch
):
    monkeypatch.setattr(recording, "SCHEDULE", ())
    receiver.behaviours = [answering(500)]
    an_endpoint(receiver.url)
    [fact] = delivered(1)
    assert Alert.objects.filter(subject="warehouse", resolved_at=None).exists()

    resend(notification_id=fact.pk, now=timezone.now())
    deliver_all()

    fact.refresh_from_db()
    assert (fact.state, fact.tries) == ("delivered", 1)
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_an_alert_stays_while_that_receiver_misses_another_one(receiver, monkeypatch):
    monkeypatch.setattr(recording, "SCHEDULE", ())
    receiver.always = answering(500)
    an_endpoint(receiver.url)
    first, second = delivered(2)
    assert Alert.objects.get(resolved_at=None).times == 2

    resend(notification_id=first.pk, now=timezone.now())
    assert Alert.objects.filter(resolved_at=None).exists()
    resend(notification_id=second.pk, now=timezone.now())

    assert not Alert.objects.filter(resolved_at=None).exists()


def test_all_since_a_time_are_sent_anew_in_order(receiver, monkeypatch):
    monkeypatch.setattr("orders.deliveries.resending.PAGE", 2)
    endpoint = an_endpoint(receiver.url)
    order = an_order()
    before = delivered(1, order)
    since = timezone.now()
    facts = delivered(5, order)
    receiver.received.clear()

    count = resend_since(endpoint_id=endpoint.pk, since=since, now=timezone.now())
    deliver_all()

    assert count == 5
    assert receiver.ids == [fact.message_id for fact in facts]
    assert before[0].message_id not in receiver.ids


def test_sending_anew_tells_no_other_endpoint(receiver, other_receiver):
    endpoint = an_endpoint(receiver.url, "books")
    an_endpoint(other_receiver.url, "warehouse")
    since = timezone.now()
    delivered(2)

    resend_since(endpoint_id=endpoint.pk, since=since, now=timezone.now())
    deliver_all()

    assert (len(receiver.received), len(other_receiver.received)) == (4, 2)


def test_one_sent_anew_while_a_try_is_under_way_keeps_all_its_tries(receiver):
    an_endpoint(receiver.url)
    fact, now = a_fact(), timezone.now()
    receiver.behaviours = [answering(500)]
    deliver_due(now=now)
    fact.refresh_from_db()

    resend(notification_id=fact.pk, now=now)
    recording.record(
        notification=fact,
        outcome=recording.Outcome(status=500, answer="HTTP 500", seconds=0.1),
        now=now,
    )

    fact.refresh_from_db()
    assert (fact.state, fact.tries, fact.due_at) == ("waiting", 0, now)


def warned(settings, **values):
    for name, value in values.items():
        setattr(settings, name, value)
    return [problem.id for problem in run_checks() if problem.id.startswith("orders.")]


def test_what_is_for_trying_out_is_a_warning_in_production(settings):
    assert warned(settings, NOTIFY_PRIVATE=True) == []
    assert warned(settings, PRODUCTION=True, NOTIFY_HTTP=False) == ["orders.W001"]
    assert warned(settings, NOTIFY_PRIVATE=False, NOTIFY_HTTP=True) == ["orders.W002"]
