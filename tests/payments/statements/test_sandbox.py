"""The sandbox wallet's own statements, by HTTP, with the faults that its switches give them."""

import datetime as dt

import pytest

from payments import services
from payments.channels.sandbox.settings import API_KEY, MERCHANT, WEBHOOK_SECRET
from payments.models import FurtherCapture, Payment
from payments.services import statements
from payments.states import RefundReason, RefundStatus, Status
from tests.factories import a_payment
from tests.payments.channels.wallet import Wallet, eventually
from tests.payments.statements.world import differences

pytestmark = pytest.mark.django_db(transaction=True)
A_DAY = dt.timedelta(days=1)
AUTH = {"Authorization": f"Bearer {API_KEY}"}
SETTLED = "settled from the statement"


@pytest.fixture
def wallet(tmp_path, settings):
    """A wallet whose callbacks reach nobody, and which tells of a day before it is over."""
    with Wallet(tmp_path) as wallet:
        options = {"base_url": wallet.url, "merchant": MERCHANT, "api_key": API_KEY}
        settings.NODROP_CHANNELS = {
            "sandbox": {
                "CLASS": "payments.channels.sandbox.channel.SandboxChannel",
                "OPTIONS": options | {"webhook_secret": WEBHOOK_SECRET},
            }
        }
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        yield wallet


def paid(wallet, *, noticed=False):
    payment = a_payment(channel="sandbox")
    wallet.pay(payment.payment_no)
    if noticed:
        services.query_now(payment_no=payment.payment_no, now=payment.created_at, actor="")
        payment.refresh_from_db()
    return payment


def import_the_day_of(payment):
    """As if it were over."""
    now, day = payment.created_at + 2 * A_DAY, payment.created_at.date()
    return statements.import_now(channel="sandbox", day=day, now=now, actor="Ada")


def test_payments_refunds_and_second_captures_that_only_the_statement_tells_of(wallet):
    unnoticed, twice = paid(wallet), paid(wallet, noticed=True)
    wallet.charge_again(twice.payment_no)
    refund = services.request_refund(
        payment_no=twice.payment_no,
        amount=500,
        reason=RefundReason.CUSTOMER,
        origin="test",
        now=twice.created_at,
    )
    wallet.set_faults(refund_pending_for={"probability": 1, "seconds": 0.1})
    services.refund_due(now=twice.created_at)
    path = f"/v1/refunds/{refund.refund_no}"
    eventually(lambda: wallet.call("GET", path, headers=AUTH).json()["state"], "succeeded")

    assert import_the_day_of(unnoticed).state == "compared"

    unnoticed.refresh_from_db()
    refund.refresh_from_db()
    assert (unnoticed.status, refund.status) == (Status.SUCCEEDED, RefundStatus.SUCCEEDED)
    assert FurtherCapture.objects.get().payment_id == twice.pk
    assert {each[4] for each in differences()} == {SETTLED}


def test_missing_extra_and_wrong_lines(wallet):
    missing, wrong = paid(wallet, noticed=True), paid(wallet, noticed=True)
    paid(wallet, noticed=True)
    wallet.set_faults(payment_no=missing.payment_no, statement_missing_line=1)
    wallet.set_faults(
        payment_no=wrong.payment_no, statement_wrong_amount={"probability": 1, "delta": 1}
    )
    day = str(missing.created_at.date())
    wallet.set_faults(payment_no=day, statement_extra_line={"probability": 1, "lines": 2})

    assert import_the_day_of(missing).state == "compared"

    assert sorted((kind, ours, theirs) for kind, _, ours, theirs, _ in differences())[:2] == [
        ("amount_differs", "1250 CNY", "1251 CNY"),
        ("missing_there", "1250 CNY", ""),
    ]
    assert [each[0] for each in differences()[2:]] == ["unknown_number"] * 2
    assert set(Payment.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}


def test_one_that_is_late_is_waited_for(wallet):
    payment = paid(wallet)
    wallet.set_faults(statement_late={"probability": 1, "seconds": 30 * 24 * 3600})

    statement = import_the_day_of(payment)

    assert (statement.state, statement.error) == ("waiting", "the day's statement is not ready")
