"""Bodies that were made to hurt: nothing breaks, nothing moves, and what can't be read is kept."""

import base64
import datetime as dt
import gzip
import json
import secrets
from copy import deepcopy

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from payments.channels.sandbox.settings import MERCHANT, WEBHOOK_SECRET
from payments.models import Evidence, Payment
from payments.states import Status, Verdict
from tests.factories import an_opened_payment

pytestmark = pytest.mark.django_db
NEW_SECRET = "whsec_" + base64.b64encode(b"the secret that comes next").decode()


@pytest.fixture
def payment():
    """Of the channel that ships: its wallet is not asked here."""
    return an_opened_payment(channel="sandbox")


def post(body, *, secret=WEBHOOK_SECRET, **headers):
    """Signed by the channel's own secret where it is text; what the view answers."""
    event_id, now = f"evt_{secrets.token_hex(12)}", dt.datetime.now(dt.UTC)
    text = body.decode("utf-8", "replace")
    signed = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, now, text),
    }
    return Client().post(
        "/callbacks/sandbox/", data=body, content_type="application/json", headers=signed | headers
    )


def paid(payment, **changed):
    at, amount = dt.datetime.now(dt.UTC).isoformat(), changed.get("amount", payment.amount)
    return {
        "type": "payment.paid",
        "payment_no": payment.payment_no,
        "bill_no": "B1",
        "state": "paid",
        "amount": payment.amount,
        "currency": payment.currency,
        "merchant": MERCHANT,
        "paid_at": at,
        "capture_no": "C1",
        "captures": [{"capture_no": "C1", "amount": amount, "at": at}],
    } | changed


def status_of(payment):
    payment.refresh_from_db()
    return payment.status


def test_a_true_callback_is_believed_so_that_the_others_here_are_refused_for_what_they_are(payment):
    assert post(json.dumps(paid(payment)).encode()).status_code == 200
    assert status_of(payment) == Status.SUCCEEDED


def test_ten_megabytes_are_refused_and_nothing_is_kept(payment):
    assert post(b"x" * 10_000_000).status_code == 413
    assert not Evidence.objects.exists()


def test_a_length_that_lies_does_not_bring_more_in(payment):
    assert post(b"x" * 1_000_000, **{"content-length": "10"}).status_code in (401, 413)
    assert not Evidence.objects.exists()


UNREADABLE = {
    "deep list": b"[" * 60_000,
    "deep object": b'{"a":' * 12_000,
    "NaN": b'{"type": "payment.paid", "amount": NaN}',
    "too large a float": b'{"type": "payment.paid", "amount": 1e400}',
    "too many digits": b'{"type": "payment.paid", "amount": ' + b"9" * 5_000 + b"}",
    "half a letter": b'"\\ud800"',
    "byte order mark": "\ufeff{}".encode(),
    "nothing": b"",
    "null": b"null",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_not_be_read_is_kept_and_asked_for_again(payment, body):
    assert post(body).status_code == 500
    assert Evidence.objects.get().verdict == Verdict.FAILED
    assert bytes(Evidence.objects.get().body) == body
    assert status_of(payment) == Status.CREATED


def test_a_key_that_is_there_twice_is_not_read_either_way(payment):
    told = json.dumps(paid(payment))
    doubled = told.replace('"amount": ', '"amount": 1, "amount": ', 1)

    assert post(doubled.encode()).status_code == 500
    assert status_of(payment) == Status.CREATED


@pytest.mark.parametrize("charset", ["utf-16", "utf-32", "latin-1"])
def test_another_charset_is_no_text_that_this_channel_signs(payment, charset):
    body = json.dumps(paid(payment, subject="Tee für zwei"), ensure_ascii=False).encode(charset)

    assert post(body).status_code == 401
    assert status_of(payment) == Status.CREATED


def test_a_compressed_bomb_is_never_unpacked(payment):
    bomb = gzip.compress(b"0" * 30_000_000)
    assert len(bomb) < 64 * 1024

    assert post(bomb, **{"content-encoding": "gzip"}).status_code == 401
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("changed", "becomes"),
    [
        ({"amount": 1}, Status.MISPAID),
        ({"currency": "JPY"}, Status.MISPAID),
        ({"merchant": "somebody-else"}, Status.MISPAID),
    ],
    ids=str,
)
def test_what_was_tampered_with_and_truly_signed_pays_nothing(payment, changed, becomes):
    assert post(json.dumps(paid(payment, **changed)).encode()).status_code == 200
    assert status_of(payment) == becomes


def test_the_number_of_anothers_payment_does_not_pay_this_one(payment):
    dearer = an_opened_payment(channel="sandbox")
    Payment.objects.filter(pk=dearer.pk).update(amount=999_900)

    told = paid(payment, payment_no=dearer.payment_no)
    assert post(json.dumps(told).encode()).status_code == 200

    assert (status_of(payment), status_of(dearer)) == (Status.CREATED, Status.MISPAID)


@pytest.fixture
def exchange(settings):
    """Gives the channel other secrets, as a new start of the processes would."""
    channels = deepcopy(settings.NODROP_CHANNELS)

    def to(*secret):
        channels["sandbox"]["OPTIONS"]["webhook_secret"] = " ".join(secret)
        settings.NODROP_CHANNELS = deepcopy(channels)

    return to


def test_once_the_old_secret_is_gone_it_signs_nothing_any_more(payment, exchange):
    body = json.dumps(paid(payment)).encode()

    exchange(WEBHOOK_SECRET, NEW_SECRET)
    during = [post(body, secret=secret).status_code for secret in (WEBHOOK_SECRET, NEW_SECRET)]
    exchange(NEW_SECRET)
    after = [post(body, secret=secret).status_code for secret in (WEBHOOK_SECRET, NEW_SECRET)]

    assert (during, after) == ([200, 200], [401, 200])


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(field=st.sampled_from(sorted(paid(Payment(payment_no="P1", amount=1)))), value=ODD)
def test_whatever_stands_in_a_field_the_answer_is_one_of_two_and_money_is_exact(
    payment, field, value
):
    told = paid(payment) | {field: value}

    answer = post(json.dumps(told).encode())

    assert answer.status_code in (200, 500)
    payment.refresh_from_db()
    assert payment.status != Status.SUCCEEDED or payment.received_amount == payment.amount
