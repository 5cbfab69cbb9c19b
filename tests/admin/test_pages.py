"""Every list and page of the admin renders, in every state, at a bounded cost."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from payments import services
from payments.models import Evidence, Payment, PaymentEvent, RelayFailure
from payments.states import Source, Verdict
from tests.factories import a_payment, an_order, rewriting_history

pytestmark = pytest.mark.django_db

LISTS = [
    "index",
    "payments_payment_changelist",
    "payments_evidence_changelist",
    "payments_paymentevent_changelist",
    "payments_refund_changelist",
    "payments_refundevent_changelist",
    "payments_statement_changelist",
    "payments_difference_changelist",
    "alerts_alert_changelist",
    "orders_order_changelist",
    "orders_notification_changelist",
    "orders_message_changelist",
    "orders_device_changelist",
    "orders_endpoint_changelist",
    "orders_stock_changelist",
    "shop_product_changelist",
    "django_celery_beat_periodictask_changelist",
    "django_celery_beat_intervalschedule_changelist",
    "django_celery_beat_crontabschedule_changelist",
    "auth_user_changelist",
    "auth_group_changelist",
]


def page(client, name, *args, **query):
    return client.get(reverse(f"admin:{name}", args=args), query)


@pytest.mark.parametrize("name", LISTS)
def test_each_list_renders_empty_and_full(operator, name, payments_in_every_state):
    call_command("sync_beat", verbosity=0)
    full = page(operator, name)
    with rewriting_history():
        for model in (RelayFailure, PaymentEvent, Evidence, Payment):
            model.objects.all().delete()

    empty = page(operator, name)

    assert (full.status_code, empty.status_code) == (200, 200)


def test_each_payment_page_renders_whatever_its_state(operator, payments_in_every_state):
    pages = [page(operator, "payments_payment_change", row.pk) for row in payments_in_every_state]

    assert {answer.status_code for answer in pages} == {200}


def test_each_order_page_renders_whatever_its_payment_did(operator, payments_in_every_state):
    pages = [page(operator, "orders_order_change", order.pk) for order in Order.objects.all()]

    assert {answer.status_code for answer in pages} == {200}


def test_a_page_answers_to_the_public_number_too(operator, channel):
    payment = a_payment()

    answer = page(operator, "payments_payment_change", payment.payment_no)
    order = page(operator, "orders_order_change", payment.order_no)

    assert answer.url == reverse("admin:payments_payment_change", args=[payment.pk])
    assert order.url.startswith("/admin/orders/order/")


def test_a_number_that_is_nobodys_leads_back_with_a_message(operator, channel):
    answers = [
        page(operator, name, "P0000000000000000000")
        for name in ("payments_payment_change", "orders_order_change")
    ]

    assert {answer.status_code for answer in answers} == {302}


@pytest.mark.parametrize(
    "name", ["payments_payment", "payments_evidence", "payments_paymentevent", "orders_order"]
)
def test_nobody_adds_or_deletes_rows_that_are_about_money(operator, channel, name):
    a_payment()
    row = {"payments_payment": Payment, "payments_evidence": Evidence}.get(name, Payment).objects

    added = page(operator, f"{name}_add")
    deleted = page(operator, f"{name}_delete", row.first().pk)

    assert added.status_code == 403
    assert deleted.status_code in (302, 403)


def test_posting_to_a_payments_page_changes_nothing(operator, channel):
    payment = a_payment()

    operator.post(
        reverse("admin:payments_payment_change", args=[payment.pk]), {"status": "succeeded"}
    )

    payment.refresh_from_db()
    assert payment.status == "paying"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("payments_payment_changelist", 5),
        ("payments_evidence_changelist", 5),
        ("payments_paymentevent_changelist", 5),
        ("orders_order_changelist", 5),
    ],
)
def test_a_list_of_thirty_costs_as_many_queries_as_a_list_of_one(
    operator, channel, name, most, django_assert_max_num_queries
):
    for _ in range(30):
        a_payment()

    with django_assert_max_num_queries(most):
        answer = page(operator, name)

    assert answer.context["cl"].result_list.count() >= 30


def test_a_long_story_costs_as_many_queries_as_a_short_one(
    operator, channel, django_assert_max_num_queries
):
    payment = a_payment()
    for _ in range(30):
        services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="olga")

    with django_assert_max_num_queries(13):
        answer = page(operator, "payments_payment_change", payment.pk)

    assert answer.content.count(b"Query by an operator") == 30


def test_an_order_page_costs_the_same_with_many_payments(
    operator, channel, django_assert_max_num_queries
):
    order = an_order()
    for number in range(30):
        order.attempts.create(payment_no=f"P{number:019}", status="over", seq=3)

    with django_assert_max_num_queries(7):
        page(operator, "orders_order_change", order.pk)


def test_who_may_nothing_sees_no_payment(client, channel):
    payment = a_payment()
    client.force_login(User.objects.create_user("new", is_staff=True))

    answers = [
        page(client, "payments_payment_changelist"),
        page(client, "payments_payment_change", payment.pk),
        page(client, "payments_evidence_change", payment.evidence.get().pk),
    ]
    index = page(client, "index")

    assert {answer.status_code for answer in answers} == {403}
    assert b"In the fog" not in index.content


def test_a_script_in_a_callback_is_shown_and_not_run(operator, channel):
    evil = Evidence.objects.create(
        channel="fake",
        source=Source.CALLBACK,
        event_id="evil",
        body=b'{"note": "<script>alert(1)</script>"}',
        headers={"user-agent": "<script>alert(2)</script>"},
        error="<script>alert(3)</script>",
        verdict=Verdict.FAILED,
        received_at=timezone.now(),
    )

    html = page(operator, "payments_evidence_change", evil.pk).content.decode()

    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert") == 3


def test_no_secret_is_in_any_page(operator, channel, settings):
    settings.NODROP_CHANNELS["fake"]["WEBHOOK"] = "canary-0"
    payment = a_payment()
    row = payment.evidence.get()
    row.body = b'{"client_secret": "canary-1", "deep": [{"access_token": "canary-2"}], "n": 12.50}'
    row.headers = {"Authorization": "canary-3", "x-signature": "canary-4", "Cookie": "canary-5"}
    with rewriting_history():
        row.save()
    Payment.objects.update(action={"kind": "form", "fields": {"sign": "canary-6"}})

    pages = [
        page(operator, "payments_payment_change", payment.pk).content.decode(),
        page(operator, "payments_evidence_change", row.pk).content.decode(),
        page(operator, "payments_payment_changelist").content.decode(),
    ]

    assert not [html for html in pages if "canary" in html]
    assert "12.50" in pages[1]


def test_a_lone_surrogate_in_a_body_is_shown_escaped(operator, client, channel):
    payment = a_payment()
    headers, body = channel.signed(b'{"event_id": "e", "state": "\\ud800", "payment_no": "P"}')
    client.post("/callbacks/fake/", body, content_type="application/json", headers=headers)
    row = Evidence.objects.get(source="callback")
    with rewriting_history():
        Evidence.objects.filter(pk=row.pk).update(payment=payment)

    of_row = page(operator, "payments_evidence_change", row.pk)
    of_payment = page(operator, "payments_payment_change", payment.pk)

    assert (of_row.status_code, of_payment.status_code) == (200, 200)
    assert "\\ud800" in of_row.content.decode()


@pytest.mark.parametrize("name", ["orders_order_change", "payments_payment_change"])
def test_a_number_that_can_not_be_is_not_found(operator, name):
    assert page(operator, name, "\0").status_code in (302, 404)


def test_a_body_that_is_no_text_is_shown_as_bytes(operator, channel):
    row = a_payment().evidence.get()
    row.body = b"\x00\xff\xfeABC"
    with rewriting_history():
        row.save()

    html = page(operator, "payments_evidence_change", row.pk).content.decode()

    assert "00 ff fe 41 42 43" in html


@pytest.mark.django_db
def test_who_logs_in_without_having_been_elsewhere_lands_on_the_dashboard(client):
    User.objects.create_superuser("olivia", password="secret")

    answer = client.post("/admin/login/", {"username": "olivia", "password": "secret"})

    assert (answer.status_code, answer.url) == (302, "/admin/")


def test_who_may_not_is_one_line_in_the_log(client, caplog, channel):
    client.force_login(User.objects.create_user("nobody", password="nobody", is_staff=True))

    answer = client.get(reverse("admin:payments_payment_changelist"))

    [said] = [record for record in caplog.records if record.name == "django.request"]
    assert answer.status_code == 403
    assert said.getMessage() == "Forbidden (Permission denied): /admin/payments/payment/"
    assert said.exc_info is None
