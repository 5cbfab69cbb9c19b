"""One run: a strategy in the drill's world, from the first shopper to a quiet end."""

import datetime as dt
import gc
from collections.abc import Sequence

from orders.models import LedgerEntry
from orders.states import Entry
from payments.models import PaymentEvent
from payments.states import MONEY_CAME
from proof.drill.databases import vacuum_regularly
from proof.drill.figures import NEVER, Outcome, Taken
from proof.drill.report import FULL
from proof.drill.telling import story_of
from proof.drill.weather import DrillShop, DrillShopper, DrillWorld
from proof.simulator.beat import Beat
from proof.simulator.invariants import Judge
from proof.simulator.process import Process
from proof.simulator.real import living
from proof.simulator.run import run
from proof.simulator.storm import Storm
from proof.simulator.system import OrderView, PaymentView
from proof.simulator.world import Plan, Record, Strategy, Violation

HOUR = 3600.0
PER_SECOND = 1.0  # orders
STORM_AFTER = 1800.0  # seconds for which it goes on when the last shopper has come


def plan_for(orders: int, hours: float) -> Plan:
    """An order a second, the storm half an hour longer, and so many hours to heal."""
    arrive_within = orders / PER_SECOND
    return Plan(
        orders=orders,
        arrive_within=arrive_within,
        storm=arrive_within + STORM_AFTER,
        bound=hours * HOUR,
        beats=1,
    )


def run_strategy(*, seed: int, orders: int, strategy: Strategy, hours: float = 50.0) -> Outcome:
    """Run it to its end, `hours` after the heal at the latest.

    Needs a database of its own, which it empties.
    """
    world = DrillWorld(seed=seed, plan=plan_for(orders, hours), strategy=strategy)
    shop = world.system
    assert isinstance(shop, DrillShop)  # noqa: S101
    broken: list[Violation] = []
    gc.disable()  # a world is thrown away as a whole
    try:
        with living(world):
            before = shop.rows_read_by_itself
            _populate(world, shop)
            try:
                run(world, shop.banks)
            except Violation as violation:
                broken.append(violation)
            rows = shop.rows_read_by_itself - before
            return _judge(world, shop, rows, broken)
    finally:
        gc.enable()


def _populate(world: DrillWorld, shop: DrillShop) -> None:
    arrivals = world.rng("arrivals")
    for number in range(world.plan.orders):
        shopper = DrillShopper(world, dict(shop.banks), number, world.rng(f"shopper {number}"))
        world.after(arrivals.uniform(0, world.plan.arrive_within), "arrive", shopper.arrive)
    process = Process("beat-1", "beat")
    beat = Beat(world, process, world.rng("beat-1"))
    world.beats.append(process)
    world.on_write.append(beat.rearm)
    vacuum_regularly(world)
    Storm(world, shop.banks, world.rng("storm")).gather()


def _judge(world: DrillWorld, shop: DrillShop, rows: int, broken: list[Violation]) -> Outcome:
    views = shop.views(shop.all_orders())
    records = [each for each in world.records.values() if each.taken_at]
    _note_ends(world, views)
    if world.strategy.name == FULL:
        broken += _violations(world, shop)
    dropped = [each for each in records if each.known_at is None]
    about = [set(each.about) for each in broken]
    about += [{each.payment_no, each.order_no} for each in dropped]
    return Outcome(
        strategy=world.strategy.name,
        payments=len(world.records),
        taken=[_taken(world, record) for record in records],
        queries=sum(bank.calls["query"] for bank in shop.banks.values()),
        rows_read=rows,
        doubles=sum(_is_doubled(shop, view) for view in views),
        broken=[str(each) for each in broken],
        story=story_of(world, about[0]) if about else "",
        again=f"make drill SEED={world.seed} ORDERS={world.plan.orders}",
    )


def _violations(world: DrillWorld, shop: DrillShop) -> list[Violation]:
    judge = Judge(world, shop.banks)
    try:
        judge.at_the_end()
    except Violation as violation:
        return [violation]
    return []


def _note_ends(world: DrillWorld, views: Sequence[OrderView]) -> None:
    """When the shop said so, by its own rows: they are written once and keep their time."""
    for event in PaymentEvent.objects.filter(to_status__in=MONEY_CAME, capture=None).order_by("pk"):
        record = world.records.get(event.payment.payment_no)
        if record and not record.source:
            record.settled_at, record.source = event.occurred_at, str(event.source)
    for entry in LedgerEntry.objects.filter(entry=Entry.APPLIED):
        if record := world.records.get(entry.payment_no):
            record.known_at = entry.recorded_at
    for view in views:
        for payment in view.payments:
            record = world.records.get(payment.payment_no)
            if record and not record.known_at and _went_back(payment):
                record.known_at = _last_refund(payment)


def _went_back(payment: PaymentView) -> bool:
    gone = sum(each.amount for each in payment.refunds if each.status == "succeeded")
    return 0 < payment.captured_total <= gone


def _last_refund(payment: PaymentView) -> dt.datetime | None:
    entries = LedgerEntry.objects.filter(payment_no=payment.payment_no, entry=Entry.REFUND)
    last = entries.order_by("recorded_at").last()
    return last.recorded_at if last else None


def _taken(world: DrillWorld, record: Record) -> Taken:
    unknown_for = NEVER
    if record.known_at and record.taken_at:
        unknown_for = max((record.known_at - record.taken_at).total_seconds(), 0.0)
    return Taken(world.ordinal(record.payment_no), unknown_for, record.source)


def _is_doubled(shop: DrillShop, order: OrderView) -> bool:
    """Paid by two payments, or more given back than a channel took."""
    applied = sum(1 for entry in order.ledger if entry.entry == Entry.APPLIED)
    overpaid = any(
        shop.banks[payment.channel].held(payment.payment_no) < 0 for payment in order.payments
    )
    return applied > 1 or overpaid
