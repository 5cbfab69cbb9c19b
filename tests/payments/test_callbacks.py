"""Callbacks over HTTP: verified, stored, judged, and answered only after the commit."""

import json

import pytest
from django.db import DatabaseError
from django.utils import timezone

from payments import services
from payments.channels.base import ChannelState
from payments.models import Evidence
from payments.services import callbacks
from payments.states import Source, Status, Verdict
from tests.factories import a_payment, an_opened_payment

pytestmark = pytest.mark.django_db


def send(client, headers, body, *, to="fake"):
    return client.post(
        f"/callbacks/{to}/", data=body, content_type="application/json", headers=headers
    )


def evidence_of(payment):
    return list(payment.evidence.filter(source=Source.CALLBACK))


def test_a_callback_makes_the_payment_succeed_and_is_answered_as_the_channel_wants(client, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    answer = send(client, *channel.callback(payment.payment_no))

    payment.refresh_from_db()
    assert (answer.status_code, answer.content) == (200, b"success")
    assert payment.status == Status.SUCCEEDED
    assert payment.events.last().source == Source.CALLBACK


def test_the_raw_bytes_are_kept_and_no_secret_header(client, channel):
    payment = a_payment()
    headers, body = channel.callback(payment.payment_no)

    send(client, headers | {"cookie": "session=canary", "authorization": "canary"}, body)

    [evidence] = evidence_of(payment)
    assert bytes(evidence.body) == body
    assert "canary" not in json.dumps(evidence.headers)


def test_a_repeat_is_one_evidence_received_twice(client, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)

    assert [send(client, *callback).status_code for _ in range(2)] == [200, 200]

    [evidence] = evidence_of(payment)
    assert (evidence.times_received, evidence.verdict) == (2, Verdict.APPLIED)
    assert payment.events.count() == 3


def test_other_content_under_a_known_event_id_is_other_evidence(client, channel):
    payment = a_payment()
    send(client, *channel.callback(payment.payment_no, event_id="evt"))
    channel.pay(payment.payment_no)

    send(client, *channel.callback(payment.payment_no, event_id="evt"))

    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED
    assert len(evidence_of(payment)) == 2


def test_a_forged_callback_is_refused_and_only_counted(client, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)
    headers, body = channel.callback(payment.payment_no)

    answer = send(client, headers | {"x-signature": "forged"}, body)

    payment.refresh_from_db()
    assert (answer.status_code, payment.status) == (401, Status.PAYING)
    assert evidence_of(payment) == []
    assert services.rejected_today(now=timezone.now()) == {"fake": 1, "other": 0}


def test_a_tampered_callback_is_refused(client, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)
    headers, body = channel.callback(payment.payment_no)

    assert send(client, headers, body.replace(b"1250", b"1251")).status_code == 401


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 401), (64 * 1024 + 1, 413)])
def test_a_callback_over_64_kb_is_refused_before_it_is_read(client, channel, size, status):
    assert send(client, {}, b"x" * size).status_code == status


def test_an_unknown_channel_is_a_404(client, channel):
    assert send(client, {}, b"{}", to="bank").status_code == 404


def test_a_get_is_not_a_callback(client, channel):
    assert client.get("/callbacks/fake/").status_code == 405


def test_an_unknown_payment_is_kept_as_an_orphan_and_answered_as_taken(client, channel):
    payment = a_payment()

    answer = send(client, *channel.callback(payment.payment_no, payment_no="P0000000000000000"))

    assert (answer.status_code, answer.content) == (200, b"success")
    orphan = Evidence.objects.get(verdict=Verdict.ORPHAN)
    assert (orphan.payment, orphan.payment_no) == (None, "P0000000000000000")


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b'{"event_id": "e", "state": "paid"}', b'{"event_id": "e"}']
)
def test_a_signed_callback_that_can_not_be_read_is_kept_and_sent_again(client, channel, body):
    answer = send(client, *channel.signed(body))

    kept = Evidence.objects.get(source=Source.CALLBACK)
    assert answer.status_code == 500
    assert (kept.verdict, bytes(kept.body)) == (Verdict.FAILED, body)
    assert "MalformedCallback" in kept.error


def test_a_callback_that_can_not_be_settled_is_kept_and_sent_again(client, channel, monkeypatch):
    payment = a_payment()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    with monkeypatch.context() as broken:
        broken.setattr(callbacks, "settle", fail)
        assert send(client, *callback).status_code == 500
    failed = Evidence.objects.get(source=Source.CALLBACK)
    assert (failed.verdict, "settling broke" in failed.error) == (Verdict.FAILED, True)

    assert send(client, *callback).status_code == 200

    payment.refresh_from_db()
    failed.refresh_from_db()
    assert (payment.status, failed.verdict) == (Status.SUCCEEDED, Verdict.APPLIED)


def fail(**_kwargs):
    raise DatabaseError("settling broke")


def test_an_operator_replays_a_kept_callback(client, channel, monkeypatch):
    payment = a_payment()
    channel.pay(payment.payment_no)
    with monkeypatch.context() as broken:
        broken.setattr(callbacks, "settle", fail)
        send(client, *channel.callback(payment.payment_no))
    kept = Evidence.objects.get(source=Source.CALLBACK)

    replayed = services.replay_callback(evidence_id=kept.pk, now=timezone.now(), actor="ops")

    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED
    assert (replayed.verdict, replayed.actor, replayed.error) == (Verdict.APPLIED, "ops", "")


def test_a_callback_before_the_start_call_returned_is_believed(client, channel):
    payment = an_opened_payment()

    def shopper_is_fast():
        channel.before.clear()
        channel.know(payment)
        channel.pay(payment.payment_no)
        send(client, *channel.callback(payment.payment_no))

    channel.before["create"] = shopper_is_fast
    started = services.create_at_channel(payment_no=payment.payment_no, now=timezone.now())

    assert started.status == Status.SUCCEEDED


@pytest.mark.parametrize("end", [ChannelState.FAILED, ChannelState.CANCELLED, ChannelState.CLOSED])
def test_callbacks_in_the_wrong_order_end_in_the_same_success(client, channel, end):
    payment = a_payment()
    channel.pay(payment.payment_no)

    send(client, *channel.callback(payment.payment_no))
    late = send(client, *channel.callback(payment.payment_no, state=end))

    payment.refresh_from_db()
    assert (late.status_code, payment.status) == (200, Status.SUCCEEDED)


def test_a_late_callback_after_the_close_is_late_money(client, channel):
    payment = a_payment()
    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    channel.pay(payment.payment_no)

    send(client, *channel.callback(payment.payment_no))

    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_a_wrong_amount_in_a_callback_is_mispaid(client, channel):
    payment = a_payment()
    channel.pay(payment.payment_no, amount=1)

    send(client, *channel.callback(payment.payment_no))

    payment.refresh_from_db()
    assert (payment.status, payment.received_amount) == (Status.MISPAID, 1)
