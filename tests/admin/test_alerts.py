"""Alerts in the admin: the open ones first, each with a way to what it is about, and an end."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from alerts.models import Alert
from alerts.services import raise_alert
from tests.admin.story import errors, found, get, post, said, select
from tests.factories import a_payment

pytestmark = pytest.mark.django_db


def an_alert(kind="refund_failed", subject="R0123456789ABCDEFGHJK", detail="it failed") -> Alert:
    raise_alert(f"alert.{kind}", subject=subject, detail=detail, now=timezone.now())
    return Alert.objects.get(kind=kind, subject=subject, resolved_at=None)


def test_open_ones_come_first_and_the_newest_of_them_on_top(operator):
    first, resolved, last = an_alert(subject="A"), an_alert(subject="B"), an_alert(subject="C")
    post(operator, "alerts_alert_resolve", resolved.pk, reason="done")

    assert found(operator, "alerts_alert") == [last, first, Alert.objects.get(pk=resolved.pk)]


def test_filters_and_search(operator):
    failed, slow = an_alert(), an_alert("refund_slow", "RABC")
    post(operator, "alerts_alert_resolve", slow.pk, reason="it came")

    assert found(operator, "alerts_alert", state="open") == [failed]
    assert found(operator, "alerts_alert", state="resolved") == [slow]
    assert found(operator, "alerts_alert", kind="refund_slow") == [slow]
    assert found(operator, "alerts_alert", q=" rabc ") == [slow]


@pytest.mark.parametrize(
    ("kind", "subject", "url"),
    [
        ("slow_lane", "P0123456789ABCDEFGHJK", "/admin/payments/payment/P0123456789ABCDEFGHJK/"),
        ("refund_failed", "R0123456789ABCDEFGHJK", "/admin/payments/refund/R0123456789ABCDEFGHJK/"),
        ("close_stands_still", "N0123456789ABCDEFGHJK", "/admin/orders/order/N0123456789ABCDEF"),
        (
            "notification_failed",
            "msg_0123456789ABCDEFGHJK",
            "/admin/orders/notification/?q=msg_0123456789ABCDEFGHJK",
        ),
        (
            "statement_missing",
            "fake 2026-01-31",
            "/admin/payments/statement/fake%202026-01-31/change/",
        ),
        ("orphan", "P0123456789ABCDEFGHJK", "/admin/payments/evidence/?q=P0123456789ABCDEFGHJK"),
    ],
)
def test_the_subject_leads_to_the_page_that_it_is_about(operator, kind, subject, url):
    alert = an_alert(kind, subject)

    in_list = get(operator, "alerts_alert_changelist").content.decode()
    on_page = get(operator, "alerts_alert_change", alert.pk).content.decode()

    assert f'href="{url}' in in_list
    assert f'href="{url}' in on_page


def test_the_link_of_an_alert_arrives(operator, channel):
    payment = a_payment()
    an_alert("slow_lane", payment.payment_no)

    answer = operator.get(f"/admin/payments/payment/{payment.payment_no}/change/", follow=True)

    assert answer.context["payment"] == payment


@pytest.mark.parametrize("subject", ["", "alert.owed_back", "<b>x</b>", "P1"])
def test_a_subject_without_a_page_is_only_text(operator, subject):
    alert = an_alert("watch", subject)

    in_list = get(operator, "alerts_alert_changelist")
    on_page = get(operator, "alerts_alert_change", alert.pk)

    assert (in_list.status_code, on_page.status_code) == (200, 200)
    assert on_page.context["subject_url"] == ""
    assert b"<b>x</b>" not in in_list.content + on_page.content


def test_an_alert_is_resolved_with_its_actor_and_its_reason(operator):
    alert = an_alert()

    answer = post(operator, "alerts_alert_resolve", alert.pk, reason="gave it back by hand")

    alert.refresh_from_db()
    assert (alert.resolution, alert.resolved_by) == ("gave it back by hand", "olga")
    assert said(answer) == [f"{alert}: resolved."]
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.get_change_message()) == (
        "olga",
        "Resolved: gave it back by hand",
    )


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_it_stays_open(operator, reason):
    alert = an_alert()

    answer = post(operator, "alerts_alert_resolve", alert.pk, reason=reason)

    alert.refresh_from_db()
    assert alert.resolved_at is None
    assert errors(answer)["reason"] == ["Say what was done about it, and why it is right so."]


def test_selected_ones_are_resolved_for_one_reason(operator):
    one, other, left = an_alert(subject="A"), an_alert(subject="B"), an_alert(subject="C")

    form = select(operator, "alerts_alert", "resolve_selected", one, other, index="0")
    select(operator, "alerts_alert", "resolve_selected", one, other, asked="1", reason="known")

    resolved = Alert.objects.filter(resolution="known", resolved_by="olga")
    assert set(resolved) == {one, other}
    assert (list(form.context["selected"]), LogEntry.objects.count()) == ([other, one], 2)
    assert Alert.objects.get(resolved_at=None) == left


def test_selected_ones_are_not_resolved_without_a_reason(operator):
    alert = an_alert()

    answer = select(operator, "alerts_alert", "resolve_selected", alert, asked="1", reason="")

    alert.refresh_from_db()
    assert alert.resolved_at is None
    assert "reason" in errors(answer)


def test_an_alert_is_resolved_once(operator):
    alert = an_alert()
    post(operator, "alerts_alert_resolve", alert.pk, reason="mine")

    answer = post(operator, "alerts_alert_resolve", alert.pk, reason="too late")

    alert.refresh_from_db()
    assert alert.resolution == "mine"
    assert said(answer) == [f"{alert}: This alert is resolved already."]
    assert LogEntry.objects.count() == 1


def test_an_onlooker_resolves_nothing(onlooker):
    alert = an_alert()

    page = get(onlooker, "alerts_alert_change", alert.pk)
    answer = post(onlooker, "alerts_alert_resolve", alert.pk, reason="mine")
    select(onlooker, "alerts_alert", "resolve_selected", alert, asked="1", reason="mine")

    alert.refresh_from_db()
    assert b"Resolve" not in page.content
    assert (answer.status_code, alert.resolved_at) == (403, None)


def test_whose_permission_it_is_may_resolve(client):
    alert = an_alert()
    user = User.objects.create_user("rita", is_staff=True)
    wanted = ["view_alert", "resolve_alert"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)

    post(client, "alerts_alert_resolve", alert.pk, reason="mine")

    alert.refresh_from_db()
    assert alert.resolved_by == "rita"


def test_a_list_of_twenty_costs_as_much_as_one(operator, django_assert_num_queries):
    for number in range(20):
        an_alert(subject=str(number))

    with django_assert_num_queries(4):
        get(operator, "alerts_alert_changelist")
