"""Statements and differences: seen, imported, downloaded, and resolved with a reason."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from payments.channels.base import OutcomeUnknown
from payments.models import Difference, Statement
from tests.admin.story import a_paid_payment, errors, found, get, post, said, select

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.now().date() - dt.timedelta(days=1)
NOON = dt.datetime.combine(YESTERDAY, dt.time(12), dt.UTC)


@pytest.fixture
def paid(channel):
    """A payment of yesterday, by the channel's clock."""
    payment = a_paid_payment(channel)
    type(payment).objects.filter(pk=payment.pk).update(paid_at=NOON)
    channel.pay(payment.payment_no, paid_at=NOON)
    return payment


def imported(client, day=YESTERDAY):
    return post(client, "payments_statement_import_a_day", channel="fake", day=day.isoformat())


@pytest.fixture
def difference(operator, channel, paid):
    """The statement does not know the payment."""
    channel.write_statement(YESTERDAY, without=paid.payment_no)
    imported(operator)
    return Difference.objects.get()


def test_a_statement_is_imported_by_channel_and_day(operator, channel, paid):
    channel.write_statement(YESTERDAY)

    answer = imported(operator)

    statement = Statement.objects.get()
    assert (statement.state, statement.lines, statement.matched) == ("compared", 1, 1)
    text = "1 of 1 lines agree with our rows."
    assert said(answer) == [f"{statement}: {text}"]
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.get_change_message()) == ("olga", f"Imported: {text}")


def test_a_day_that_is_not_over_is_refused_in_words(operator, channel):
    answer = imported(operator, timezone.now().date())

    assert not Statement.objects.exists()
    assert errors(answer)["__all__"] == ["This day is not over in the channel's time zone."]


def test_a_day_that_is_none_is_refused(operator, channel):
    answer = post(operator, "payments_statement_import_a_day", channel="fake", day="31.1.")

    assert errors(answer)["day"] == ["Write the day like 2026-01-31."]


def test_a_channel_that_does_not_answer_is_told(operator, channel, paid):
    channel.script("statement", OutcomeUnknown("no answer in 5 s"))

    answer = imported(operator)

    statement = Statement.objects.get()
    assert said(answer) == [f"{statement}: Not imported: no answer in 5 s"]
    assert LogEntry.objects.get().get_change_message() == "Not imported: no answer in 5 s"


def test_import_now_takes_it_once_more(operator, channel, difference, paid):
    channel.write_statement(YESTERDAY)

    post(operator, "payments_statement_import-now", difference.statement.pk)

    difference.refresh_from_db()
    assert difference.resolved_at is not None
    assert Statement.objects.get().matched == 1


def test_the_list_counts_lines_and_open_differences(operator, difference):
    [statement] = found(operator, "payments_statement")

    assert (statement.lines, statement.unresolved) == (0, 1)
    assert found(operator, "payments_statement", waiting="differs") == [statement]
    assert found(operator, "payments_statement", waiting="missing") == []
    assert found(operator, "payments_statement", state__exact="compared", channel="fake") == [
        statement
    ]


def test_a_statement_that_should_be_there_is_missing(operator, channel):
    now = timezone.now()
    late = Statement.objects.create(
        channel="fake", day=YESTERDAY, due_at=now - dt.timedelta(minutes=1)
    )
    Statement.objects.create(channel="fake", day=now.date(), due_at=now + dt.timedelta(hours=9))

    assert found(operator, "payments_statement", waiting="missing") == [late]


def test_the_page_shows_the_differences(operator, difference, paid):
    page = get(operator, "payments_statement_change", difference.statement.pk)

    assert [row["label"] for row in page.context["differences"]] == ["Missing there"]
    assert paid.payment_no in page.content.decode()
    assert page.context["unresolved"] == 1
    assert page.context["differences"][0]["ours"] == "12.50 CNY"
    linked = operator.get(page.context["all_differences"])
    assert list(linked.context["cl"].result_list) == [difference]


def test_the_page_answers_to_channel_and_day(operator, difference):
    answer = get(operator, "payments_statement_change", f"fake {YESTERDAY.isoformat()}")

    assert answer.url == f"/admin/payments/statement/{difference.statement.pk}/change/"


@pytest.mark.parametrize("number", ["fake 2020-01-01", "fake yesterday", "fake"])
def test_a_day_without_a_statement_leads_back(operator, channel, number):
    assert get(operator, "payments_statement_change", number).status_code == 302


def test_the_raw_file_comes_as_the_channel_wrote_it(operator, channel, difference):
    answer = get(operator, "payments_statement_raw", difference.statement.pk)

    assert answer.streaming
    raw = b"".join(answer.streaming_content)
    assert raw == b"".join(channel.statements[YESTERDAY])
    assert answer["Content-Length"] == str(len(raw))
    assert answer["Content-Disposition"] == (
        f'attachment; filename="fake-{YESTERDAY.isoformat()}.statement"'
    )
    assert LogEntry.objects.latest("pk").get_change_message() == "Downloaded the raw file."


def test_a_difference_is_found_by_any_number(operator, difference, paid):
    for number in (paid.payment_no.lower(), paid.order_no, paid.channel_no):
        assert found(operator, "payments_difference", q=number) == [difference]
    assert found(operator, "payments_difference", q="P0") == []


def test_differences_have_filters(operator, difference):
    assert found(operator, "payments_difference", state="open") == [difference]
    assert found(operator, "payments_difference", state="resolved") == []
    assert found(operator, "payments_difference", kind__exact="missing_there") == [difference]
    assert found(operator, "payments_difference", channel="fake") == [difference]
    assert found(operator, "payments_difference", channel="other") == []


def test_a_difference_is_resolved_with_its_actor_and_its_reason(operator, difference):
    answer = post(operator, "payments_difference_resolve", difference.pk, reason="asked the bank")

    difference.refresh_from_db()
    assert (difference.resolution, difference.resolved_by) == ("asked the bank", "olga")
    assert said(answer) == [f"{difference}: resolved."]
    assert LogEntry.objects.latest("pk").get_change_message() == "Resolved: asked the bank"


def test_without_a_reason_it_stays_open(operator, difference):
    answer = post(operator, "payments_difference_resolve", difference.pk, reason=" ")

    difference.refresh_from_db()
    assert difference.resolved_at is None
    assert "reason" in errors(answer)


def test_selected_ones_are_resolved_for_one_reason(operator, difference):
    form = select(operator, "payments_difference", "resolve_selected", difference)
    select(operator, "payments_difference", "resolve_selected", difference, asked="1", reason="ok")

    difference.refresh_from_db()
    assert list(form.context["selected"]) == [difference]
    assert difference.resolution == "ok"


def test_the_page_of_each_kind_renders_and_links_only_to_rows_of_ours(operator, difference):
    statement = difference.statement
    strangers = [
        Difference.objects.create(
            statement=statement,
            kind=kind,
            payment_no="P-of-a-stranger",
            refund_no=f"R-{kind}",
            theirs="1 CNY",
            found_at=timezone.now(),
        )
        for kind in ("unknown_number", "missing_here", "amount_differs", "state_differs")
    ]

    pages = [get(operator, "payments_difference_change", row.pk) for row in strangers]
    listed = get(operator, "payments_difference_changelist")

    assert {page.status_code for page in [*pages, listed]} == {200}
    shown = [(page.context["payment_is_ours"], page.context["refund_is_ours"]) for page in pages]
    assert shown == [(False, False), (True, False), (True, True), (True, True)]


def test_an_onlooker_looks_only(client, operator, difference, django_user_model):
    otto = django_user_model.objects.create_user("otto", is_staff=True)
    otto.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(otto)

    listed = get(client, "payments_statement_changelist")
    answers = [
        imported(client),
        get(client, "payments_statement_raw", difference.statement.pk),
        post(client, "payments_statement_import-now", difference.statement.pk),
        post(client, "payments_difference_resolve", difference.pk, reason="mine"),
    ]
    select(client, "payments_difference", "resolve_selected", difference, asked="1", reason="mine")

    difference.refresh_from_db()
    assert listed.status_code == 200
    assert "Import…" not in listed.content.decode()
    assert {answer.status_code for answer in answers} == {403}
    assert difference.resolved_at is None


def test_lists_cost_the_same_however_long(operator, difference, django_assert_num_queries):
    for number in range(20):
        day = YESTERDAY - dt.timedelta(days=1 + number)
        statement = Statement.objects.create(channel="fake", day=day)
        Difference.objects.create(
            statement=statement, kind="missing_there", payment_no="P", found_at=timezone.now()
        )

    with django_assert_num_queries(3):
        get(operator, "payments_statement_changelist")
    with django_assert_num_queries(3):
        get(operator, "payments_difference_changelist")
