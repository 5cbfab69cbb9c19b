"""The inside watch: what it finds is mended by the door that would have done it, or is an alert."""

import datetime as dt

import pytest
from django.utils import timezone

from alerts.models import Alert
from alerts.services import resolve_alert
from orders.models import LedgerEntry, Order, Stock
from orders.services import cancel_order
from orders.states import Entry, OrderStatus
from payments import services
from payments.channels.base import DefiniteNo, OutcomeUnknown, RefundState
from payments.models import Evidence, Heartbeat, PaymentEvent, Refund, RefundEvent
from payments.states import RefundReason, Source, Verdict
from tests.factories import a_payment, an_order, rewriting_history
from tests.flows.world import relay_all
from workers import glance
from workers import watch as inside
from workers.closing import close_due
from workers.watch import watch

pytestmark = pytest.mark.django_db


def minutes(count):
    return timezone.now() + dt.timedelta(minutes=count)


def tomorrow_noon(minutes=0):
    """Today's statement is long overdue then, and tomorrow's is not written."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + dt.timedelta(hours=36, minutes=minutes)


def a_paid_payment(channel, order=None, **wrong):
    payment = a_payment(order)
    channel.pay(payment.payment_no, **wrong)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    return payment


def lose_events():
    """Every event says that the order was told, and it was not."""
    PaymentEvent.objects.update(relayed_at=timezone.now(), relay_due_at=None)
    RefundEvent.objects.update(relayed_at=timezone.now(), relay_due_at=None)


def open_alerts():
    return list(Alert.objects.filter(resolved_at=None).values_list("kind", "subject"))


def seen(found):
    return {name: count for name, count in found.items() if count}


def test_where_all_is_well_it_finds_nothing(channel):
    a_paid_payment(channel)
    relay_all(minutes(1))

    assert seen(watch(now=minutes(5))) == {}
    assert open_alerts() == []


def test_an_order_that_was_never_told_of_its_payment_is_told(channel):
    order = an_order()
    a_paid_payment(channel, order)
    lose_events()

    assert seen(watch(now=minutes(5))) == {"order_untold": 1}

    order.refresh_from_db()
    assert (order.status, LedgerEntry.objects.get().entry) == (OrderStatus.PAID, Entry.APPLIED)
    assert (seen(watch(now=minutes(6))), open_alerts()) == ({}, [])


def test_a_ledger_row_that_is_missing_though_the_order_was_told_is_written(channel):
    order = an_order()
    a_paid_payment(channel, order)
    relay_all(minutes(1))
    with rewriting_history():
        LedgerEntry.objects.all().delete()

    watch(now=minutes(5))

    assert LedgerEntry.objects.get().amount == 1250


def test_the_relay_is_left_its_time(channel):
    a_paid_payment(channel)

    assert seen(watch(now=timezone.now())) == {}


def test_an_order_that_can_not_be_told_is_an_alert_until_it_can(channel):
    order = an_order()
    payment = a_paid_payment(channel, order)
    lose_events()
    Order.objects.update(order_no="GONE")
    watch(now=minutes(5))
    assert open_alerts() == [("order_untold", payment.payment_no)]

    Order.objects.update(order_no=order.order_no)
    watch(now=minutes(6))

    assert open_alerts() == []
    assert Alert.objects.get().resolution == "healed"


def test_a_further_capture_that_the_order_was_not_told_of_is_owed_back(channel):
    payment = a_paid_payment(channel)
    relay_all(minutes(1))
    channel.charge_again(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    lose_events()

    watch(now=minutes(5))

    assert LedgerEntry.objects.get(entry=Entry.SURPLUS).capture_no == "C2"
    assert Refund.objects.get().reason == RefundReason.SECOND


def test_a_refund_that_the_order_was_not_told_of_is_told(channel):
    order = an_order()
    payment = a_paid_payment(channel, order)
    relay_all(minutes(1))
    channel.refund_state = RefundState.SUCCEEDED
    services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.CUSTOMER,
        origin="a",
        now=timezone.now(),
    )
    services.refund_due(now=minutes(1))
    lose_events()

    assert seen(watch(now=minutes(5))) == {"refund_untold": 1}

    order.refresh_from_db()
    assert order.status == OrderStatus.REFUNDED


def test_an_order_that_says_paid_without_any_money_is_an_alert(channel):
    order = an_order()
    Order.objects.update(status="paid", paid_at=timezone.now(), close_due_at=None)

    watch(now=minutes(5))

    assert open_alerts() == [("paid_without_money", order.order_no)]


def test_a_ledger_that_differs_from_the_total_is_an_alert(channel):
    order = an_order()
    a_paid_payment(channel, order)
    relay_all(minutes(1))
    Order.objects.update(total=1251)

    watch(now=minutes(5))

    assert open_alerts() == [("ledger_differs", order.order_no)]
    assert "12.51 CNY, the ledger says 12.50 CNY" in Alert.objects.get().detail


def a_late_payment(channel):
    """A cancelled order whose payment succeeds all the same: surplus, and its refund."""
    order = an_order()
    payment = a_payment(order)
    cancel_order(order_no=order.order_no, now=timezone.now())
    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    relay_all(minutes(1))
    return payment


def test_surplus_without_a_refund_is_refunded(channel, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("workers.telling.give_back", lambda *_: "")  # forgotten
        payment = a_late_payment(channel)
    assert not Refund.objects.exists()

    watch(now=minutes(5))

    refund = Refund.objects.get()
    assert (refund.payment.payment_no, refund.amount) == (payment.payment_no, 1250)
    assert seen(watch(now=minutes(6))) == {}


def test_a_refund_that_failed_is_asked_for_again_later_each_time_and_then_an_alert(channel):
    channel.script("refund", *[DefiniteNo("not enough money")] * 10)
    payment = a_late_payment(channel)
    moments = []
    for minute in range(1, 40):
        services.refund_due(now=minutes(minute))
        before = Refund.objects.count()
        watch(now=minutes(minute))
        moments += [minute] * (Refund.objects.count() - before)

    assert Refund.objects.count() == 3
    assert 1 <= moments[0] <= 3
    assert 5 <= moments[1] - moments[0] <= 7
    assert ("owed_back", payment.payment_no) in open_alerts()
    failed = Alert.objects.filter(kind="refund_failed")
    assert (failed.count(), failed.filter(resolved_at=None).count()) == (3, 1)  # the last one's
    assert "3 refunds have failed" in Alert.objects.get(kind="owed_back").detail


def test_what_is_owed_back_and_refunded_by_an_operator_is_no_alert_any_more(channel):
    channel.script("refund", *[DefiniteNo()] * 3)
    payment = a_late_payment(channel)
    for minute in range(1, 40):
        services.refund_due(now=minutes(minute))
        watch(now=minutes(minute))

    services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.LATE,
        origin="by hand",
        now=minutes(41),
    )
    watch(now=minutes(42))

    assert ("owed_back", payment.payment_no) not in open_alerts()


def test_mispaid_money_is_kept_for_an_operator(channel):
    a_paid_payment(channel, amount=1)
    relay_all(minutes(1))

    watch(now=minutes(5))

    assert not Refund.objects.exists()
    assert [kind for kind, _ in open_alerts()] == ["mispaid"]


def test_mispaid_money_is_refunded_where_the_shop_wants_that(channel, settings):
    settings.MISPAID = "refund"
    payment = a_paid_payment(channel, amount=1)
    relay_all(minutes(1))

    refund = Refund.objects.get()
    assert (refund.amount, refund.reason) == (1, RefundReason.MISPAID)
    assert payment.payment_no == refund.payment.payment_no


def test_an_order_that_stays_open_though_nothing_is_is_closed(channel):
    order = an_order()
    payment = a_payment(order)
    relay_all(minutes(0))
    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    lose_events()
    Order.objects.update(close_asked_at=timezone.now(), close_due_at=minutes(600))

    assert seen(watch(now=minutes(10))) == {"close_stands_still": 1}

    order.refresh_from_db()
    assert order.status == OrderStatus.CLOSED
    assert open_alerts() == []


def test_a_close_that_a_channel_does_not_end_is_an_alert_after_an_hour(channel):
    order = an_order()
    a_payment(order)
    relay_all(minutes(0))
    channel.script("query", *[OutcomeUnknown()] * 9)
    Order.objects.update(close_asked_at=timezone.now())

    watch(now=minutes(50))
    assert open_alerts() == []
    watch(now=minutes(61))

    assert open_alerts() == [("close_stands_still", order.order_no)]


def test_open_rows_that_nobody_would_ever_look_at_are_found(channel):
    an_order()
    Order.objects.update(close_due_at=None)

    assert seen(watch(now=minutes(5))) == {"orders_without_a_time_to_close": 1}


def test_one_look_that_breaks_stops_no_other(channel, monkeypatch):
    a_paid_payment(channel)
    lose_events()

    def broken(_glance):
        raise RuntimeError("no such column")
        yield

    monkeypatch.setitem(inside.LOOKS, "alert.ledger_differs", broken)
    found = watch(now=minutes(5))

    assert found["order_untold"] == 1
    assert open_alerts() == [("watch", "alert.ledger_differs")]


def test_its_cost_does_not_grow_with_old_rows(channel, django_assert_max_num_queries):
    a_paid_payment(channel)
    relay_all(minutes(1))

    with django_assert_max_num_queries(35):
        watch(now=minutes(5))


def test_it_leaves_a_sign_of_life(channel):
    watch(now=timezone.now())

    assert Heartbeat.objects.filter(name="watch").exists()


def test_only_what_is_left_is_refunded_after_an_operator_gave_a_part_back(channel):
    channel.script("refund", DefiniteNo("not enough money"))
    payment = a_late_payment(channel)
    services.refund_due(now=minutes(1))
    services.request_refund(
        payment_no=payment.payment_no,
        amount=1000,
        reason=RefundReason.CUSTOMER,
        origin="by hand",
        now=minutes(1),
    )

    watch(now=minutes(5))

    assert list(Refund.objects.order_by("pk").values_list("amount", flat=True)) == [1250, 1000, 250]


def test_an_alert_stays_as_long_as_it_is_so_however_old(channel):
    order = an_order()
    payment = a_paid_payment(channel, order)
    lose_events()
    Order.objects.update(order_no="GONE", status="paid", paid_at=timezone.now(), close_due_at=None)

    for minute in (5, 27 * 60, 500 * 60):
        watch(now=minutes(minute))

    assert sorted(each for each in open_alerts() if each[0] != "statement_missing") == [
        ("order_untold", payment.payment_no),
        ("paid_without_money", "GONE"),
    ]


def test_what_a_person_has_settled_is_not_raised_again(channel):
    order = an_order()
    Order.objects.update(status="paid", paid_at=timezone.now(), close_due_at=None)
    watch(now=minutes(5))

    resolve_alert(
        alert_id=Alert.objects.get().pk, reason="a test of ours", actor="olivia", now=minutes(6)
    )
    watch(now=minutes(7))

    assert open_alerts() == []
    assert Alert.objects.get().subject == order.order_no


def test_what_is_owed_back_and_can_not_be_refunded_is_one_alert_from_the_start(channel, settings):
    settings.MISPAID = "refund"
    payment = a_paid_payment(channel, merchant="somebody-else")
    relay_all(minutes(1))
    assert ("owed_back", payment.payment_no) in open_alerts()

    for minute in (1, 2, 3):
        watch(now=minutes(minute))

    alert = Alert.objects.get(kind="owed_back")
    assert (alert.times, alert.resolved_at) == (4, None)


def test_captures_with_numbers_that_resemble_each_other_are_all_refunded(channel):
    payment = a_paid_payment(channel)
    relay_all(minutes(1))
    numbers = ["C2", "C2/1", "x" * 100 + "1", "x" * 100 + "2"]
    for number in numbers:
        channel.charge_again(payment.payment_no, number)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")

    relay_all(minutes(1))

    assert Refund.objects.count() == len(numbers)


def test_an_order_that_can_not_be_closed_calls_a_person(channel):
    order = an_order()
    Stock.objects.create(sku="tea", available=2**63 - 1)
    order.lines.update(reserved=True)  # one more is more than a number can hold

    for minute in range(31, 45):
        close_due(now=minutes(minute))
        watch(now=minutes(minute))

    assert ("close_stands_still", order.order_no) in open_alerts()


def test_an_answer_whose_process_died_is_not_left_without_a_verdict(channel):
    payment = a_payment()
    answers = [Source.CONSULT, Source.CALLBACK, Source.STATEMENT]
    for source in answers:
        Evidence.objects.create(
            payment=payment, channel="fake", source=source, received_at=minutes(-61)
        )

    assert seen(watch(now=minutes(0))) == {"answers_that_nobody_judged": 1}

    assert Evidence.objects.get(source=Source.CONSULT).verdict == Verdict.INCONCLUSIVE


def test_a_statement_is_missed_though_nobody_ever_imports(channel):
    a_paid_payment(channel)
    relay_all(minutes(1))
    today = timezone.now().date()

    watch(now=tomorrow_noon())

    assert open_alerts() == [("statement_missing", f"fake {today}")]


def test_a_statement_that_a_person_has_given_up_is_not_missed_again(channel):
    a_paid_payment(channel)
    relay_all(minutes(1))
    watch(now=tomorrow_noon())
    alert = Alert.objects.get(resolved_at=None)
    resolve_alert(alert_id=alert.pk, reason="none that day", actor="ada", now=tomorrow_noon(1))

    watch(now=tomorrow_noon(2))

    assert open_alerts() == []


def test_a_channel_whose_code_breaks_hides_no_statement_of_another(channel, settings):
    a_paid_payment(channel)
    relay_all(minutes(1))
    settings.NODROP_CHANNELS = {"broken": {"CLASS": "no.such.Channel"}} | settings.NODROP_CHANNELS

    found = watch(now=tomorrow_noon())

    assert found["statements_that_are_missing"] == 2
    assert {kind for kind, _ in open_alerts()} == {"statement_missing"}


@pytest.fixture
def short_of_time(monkeypatch):
    """Two rows are a page, and there is time for no more than one."""
    monkeypatch.setattr(glance, "MOST", 2)
    monkeypatch.setattr(glance, "SECONDS", -1)


def test_what_can_not_be_mended_does_not_hide_what_can(channel, monkeypatch):
    monkeypatch.setattr(glance, "MOST", 2)
    orders = [an_order() for _ in range(5)]
    for order in orders:
        a_paid_payment(channel, order)
    lose_events()
    for order in orders[:4]:
        Order.objects.filter(pk=order.pk).update(order_no=f"GONE{order.pk}")

    watch(now=minutes(5))

    orders[4].refresh_from_db()
    assert orders[4].status == OrderStatus.PAID
    assert len(open_alerts()) == 4


def test_nor_where_there_is_time_for_one_page_only(channel, short_of_time):
    orders = [an_order() for _ in range(5)]
    for order in orders:
        a_paid_payment(channel, order)
    lose_events()
    for order in orders[:4]:
        Order.objects.filter(pk=order.pk).update(order_no=f"GONE{order.pk}")

    for minute in (5, 6, 7):
        watch(now=minutes(minute))

    orders[4].refresh_from_db()
    assert orders[4].status == OrderStatus.PAID


def test_an_alert_that_there_was_no_time_to_look_after_stays(channel, short_of_time):
    for _ in range(5):
        an_order()
    Order.objects.update(status="paid", paid_at=timezone.now(), close_due_at=None)

    for minute in (5, 6, 7):
        watch(now=minutes(minute))

    assert len(open_alerts()) == 5
    assert not Alert.objects.exclude(resolved_at=None).exists()


def test_what_is_mended_in_a_look_without_an_end_is_no_alert_any_more(channel, short_of_time):
    orders = [an_order() for _ in range(3)]
    for order in orders:
        a_paid_payment(channel, order)
    lose_events()
    numbers = {order.pk: order.order_no for order in orders}
    for pk in numbers:
        Order.objects.filter(pk=pk).update(order_no=f"GONE{pk}")
    for minute in (5, 6, 7):
        watch(now=minutes(minute))
    assert len(open_alerts()) == 3

    for pk, number in numbers.items():
        Order.objects.filter(pk=pk).update(order_no=number)
    watch(now=minutes(8))

    assert len(open_alerts()) in {1, 2}


def test_orders_that_merely_wait_hide_no_close_that_stands_still(channel, short_of_time):
    for _ in range(4):
        a_payment()
    relay_all(minutes(0))
    forgotten = an_order()
    Order.objects.update(close_asked_at=timezone.now(), close_due_at=minutes(600))

    assert seen(watch(now=minutes(10))) == {"close_stands_still": 1}

    forgotten.refresh_from_db()
    assert forgotten.status == OrderStatus.CLOSED


def test_another_payment_of_a_paid_order_that_its_channel_never_ends_is_an_alert(channel):
    order = an_order()
    first = a_payment(order)
    services.close_payment(payment_no=first.payment_no, now=timezone.now())
    second = a_payment(order)
    channel.script("query", *[OutcomeUnknown()] * 9)
    channel.script("close", *[OutcomeUnknown()] * 9)
    services.close_payment(payment_no=second.payment_no, now=timezone.now())
    Order.objects.update(status="paid", paid_at=timezone.now(), close_due_at=None)
    a_ledger_entry(order, first)

    watch(now=minutes(50))
    assert open_alerts() == []
    watch(now=minutes(61))

    assert open_alerts() == [("close_stands_still", order.order_no)]
    assert second.payment_no in Alert.objects.get().detail


def a_ledger_entry(order, payment, **values):
    money = {"amount": 1250, "currency": "CNY", "entry": Entry.APPLIED}
    return LedgerEntry.objects.create(
        order=order,
        payment_no=payment.payment_no,
        recorded_at=timezone.now(),
        **(money | values),
    )


def test_an_order_of_which_more_went_back_than_came_is_an_alert(channel):
    order = an_order()
    payment = a_paid_payment(channel, order)
    relay_all(minutes(1))
    refund = services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.CUSTOMER,
        origin="a",
        now=timezone.now(),
    )
    channel.refund_state = RefundState.SUCCEEDED
    services.refund_due(now=minutes(1))
    relay_all(minutes(1))
    watch(now=minutes(5))
    assert open_alerts() == []

    with rewriting_history():
        LedgerEntry.objects.filter(refund_no=refund.refund_no).update(amount=1251)
    watch(now=minutes(6))

    assert open_alerts() == [("ledger_differs", order.order_no)]
    assert Alert.objects.get().detail == "12.51 CNY went back of 12.50 CNY that came"


@pytest.mark.parametrize("wrong", [{"amount": 1251}, {"currency": "USD"}])
def test_an_entry_that_differs_from_what_its_payment_received_is_an_alert(channel, wrong):
    payment = a_late_payment(channel)
    watch(now=minutes(5))
    assert open_alerts() == []

    with rewriting_history():
        LedgerEntry.objects.filter(entry=Entry.SURPLUS).update(**wrong)
    watch(now=minutes(6))

    assert open_alerts() == [("ledger_differs", payment.order_no)]
    assert f"{payment.payment_no} received 12.50 CNY" in Alert.objects.get().detail


def test_so_is_one_that_differs_from_its_capture_until_it_agrees(channel):
    payment = a_paid_payment(channel)
    relay_all(minutes(1))
    channel.charge_again(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    relay_all(minutes(1))
    entry = LedgerEntry.objects.filter(capture_no="C2")
    with rewriting_history():
        entry.update(amount=1)
    watch(now=minutes(5))
    assert open_alerts() == [("ledger_differs", payment.order_no)]
    assert "capture C2 was 12.50 CNY" in Alert.objects.get().detail

    with rewriting_history():
        entry.update(amount=1250)
    watch(now=minutes(6))

    assert open_alerts() == []
