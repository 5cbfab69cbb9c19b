"""The finder finds: races that are planted into the product, and the same again from their seed."""

import threading
from itertools import pairwise

import pytest
from django.db import connection, transaction

from orders.models import Order, Stock
from orders.services import attempts, closing, money
from payments.channels.base import ChannelState
from payments.models import Payment
from payments.services import settling
from payments.services.refunding import requesting
from proof.races.finder import explore, play, prepare
from proof.races.pairs import PAIRS
from proof.races.story import shorten, tell
from proof.races.strategies import Pct, Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


def payments_without_a_lock(payment_nos):
    return {row.payment_no: row for row in Payment.objects.filter(payment_no__in=payment_nos)}


def order_without_a_lock(order_no):
    return Order.objects.get(order_no=order_no)


class Unlocked:
    """Payments that nobody locks, whatever is asked for."""

    def __init__(self, manager):
        self.objects = self
        self._manager = manager

    def select_for_update(self, **_options):
        return self._manager.all()

    def __getattr__(self, name):
        return getattr(self._manager, name)


@pytest.mark.parametrize("name", ["callback/consult", "callback/callback", "close/settle"])
def test_a_door_without_its_lock_is_found(name, stage, monkeypatch):
    monkeypatch.setattr(settling, "_lock", payments_without_a_lock)

    found = explore(stage, PAIRS[name](), range(100))

    assert found.finds


def test_an_order_side_without_its_lock_is_found(stage, monkeypatch):
    for module in (attempts, closing, money):
        monkeypatch.setattr(module, "lock_order", order_without_a_lock)

    found = explore(stage, PAIRS["relay/relay"](), range(100))

    assert found.finds


def test_a_refund_that_is_asked_for_without_a_lock_is_found(stage, monkeypatch):
    monkeypatch.setattr(requesting, "Payment", Unlocked(Payment.objects))

    found = explore(stage, PAIRS["refund/refund"](), range(100))

    assert found.finds


def test_a_find_is_the_same_again_and_tells_the_statements_of_each_side(stage, monkeypatch):
    monkeypatch.setattr(settling, "_lock", payments_without_a_lock)
    pair = PAIRS["callback/consult"]()
    (find,) = explore(stage, pair, range(100)).finds

    prepare(stage, pair)
    again = play(stage, pair, find.seed)

    assert (again.steps, again.broken != []) == (find.steps, True)
    story = tell(again)
    assert f"seed {find.seed}" in story
    assert "callback: INSERT INTO payments_evidence" in story
    assert "consult: UPDATE payments_payment" in story
    assert "consult: channel: query" in story


@pytest.mark.parametrize("name", PAIRS)
def test_a_seed_is_an_interleaving(name, stage):
    pair = PAIRS[name]()
    with pair.conditions():
        prepare(stage, pair)

        plays = [play(stage, pair, seed).steps for seed in (6, 7, 6, 7)]

    assert plays[:2] == plays[2:]
    assert plays[0] != plays[1]


def test_those_who_end_alike_are_judged_as_if_each_had_come_to_rest(stage, monkeypatch):
    monkeypatch.setattr(settling, "_lock", payments_without_a_lock)
    pair = PAIRS["callback/callback"]()
    prepare(stage, pair)

    quickly = [play(stage, pair, seed).broken for seed in range(30)]
    ends = len(stage.judged)
    one_by_one = []
    for seed in range(30):
        stage.judged.clear()
        one_by_one.append(play(stage, pair, seed).broken)

    assert quickly == one_by_one
    assert [] in quickly
    assert any(quickly)
    assert 1 < ends < 30


def test_ends_differ_by_each_row_each_answer_of_a_channel_and_the_clock(stage):
    prepare(stage, pair := PAIRS["callback/consult"]())
    stage.put_back()
    begun = stage.how_it_is()

    Stock.objects.update(available=3)
    with_less_tea = stage.how_it_is()
    stage.put_back()
    stage.channel.end(pair.payment.payment_no, ChannelState.CLOSED)
    closed = stage.how_it_is()
    stage.put_back()
    stage.pass_time(1)
    later = stage.how_it_is()
    stage.put_back()

    assert len({begun, with_less_tea, closed, later}) == 4
    assert stage.how_it_is() == begun


def test_a_deadlock_is_reported_and_its_victim_gets_the_error(stage):
    Stock.objects.create(sku="a", available=1)
    Stock.objects.create(sku="b", available=1)

    def take(*skus):
        with transaction.atomic():
            for sku in skus:
                Stock.objects.select_for_update().get(sku=sku)

    runs = [
        stage.crew.play([lambda: take("a", "b"), lambda: take("b", "a")], Walk(seed))
        for seed in range(10)
    ]

    locked = [run for run in runs if run.deadlocks]
    assert locked
    for run in locked:
        errors = [each for each in run.results.values() if each is not None]
        assert [error.__cause__.pgcode for error in errors] == ["40P01"]
        assert "… is the victim of a deadlock" in [step.what for step in run.steps]


def test_only_one_part_runs_at_a_time(stage):
    inside, most = [0], []

    def work():
        for _ in range(20):
            inside[0] += 1
            most.append(inside[0])
            with connection.cursor() as cursor:
                inside[0] -= 1
                cursor.execute("SELECT 1")

    stage.crew.play([work, work, work], Walk(1))

    assert (max(most), len(most)) == (1, 60)
    assert threading.active_count() >= 3


def test_few_preemptions_are_at_most_as_many_as_the_depth_allows():
    switches = []
    for seed in range(50):
        strategy, order = Pct(seed, depth=3, steps=40), []
        for _ in range(40):
            order.append(strategy.choose([0, 1], order[-1] if order else None))
        switches.append(sum(a != b for a, b in pairwise(order)))

    assert max(switches) == 2
    assert len(set(switches)) > 1


@pytest.mark.parametrize(
    ("sql", "short"),
    [
        ('SELECT "a"."id", "a"."b" FROM "a" WHERE "a"."id" = %s', "SELECT … FROM a WHERE id = %s"),
        ("UPDATE\n  a SET b = 1", "UPDATE a SET b = 1"),
        ("COMMIT", "COMMIT"),
    ],
)
def test_statements_are_told_shortly(sql, short):
    assert shorten(sql) == short
