"""A whole run: shoppers, beats and strangers, a storm, then everything heals, and all is judged."""

import datetime as dt
from collections.abc import Mapping

from proof.simulator.bank import Bank
from proof.simulator.beat import Beat
from proof.simulator.invariants import Judge
from proof.simulator.process import Process
from proof.simulator.records import keep_records
from proof.simulator.shoppers import Shopper
from proof.simulator.storm import Storm, heal
from proof.simulator.strangers import Operators, Strangers
from proof.simulator.world import World

STEP = dt.timedelta(hours=2)
LEAST = dt.timedelta(hours=26)  # after the heal: the day ends, and its statement comes


def populate(world: World, banks: Mapping[str, Bank]) -> Judge:
    """Everybody who acts, and who watches."""
    keep_records(world)
    judge = Judge(world, banks)
    judge.attend()
    arrivals = world.rng("arrivals")
    for number in range(world.plan.orders):
        shopper = Shopper(world, dict(banks), number, world.rng(f"shopper {number}"))
        world.after(arrivals.uniform(0, world.plan.arrive_within), "arrive", shopper.arrive)
    beats = world.plan.beats
    if beats is None:
        beats = 2 if world.swarm.is_on("F37") else 1
    for number in range(beats):
        _start_beat(world, f"beat-{number + 1}")
    if beats > 1:
        world.after(60, "two beats", lambda: world.hit("F37"))
    Storm(world, banks, world.rng("storm")).gather()
    Strangers(world, banks, world.rng("strangers")).come()
    Operators(world, world.rng("operators")).come()
    return judge


def _start_beat(world: World, name: str) -> None:
    process = Process(name, "beat")
    beat = Beat(world, process, world.rng(name))
    world.beats.append(process)
    world.on_write.append(beat.rearm)


def run(world: World, banks: Mapping[str, Bank]) -> None:
    """The storm, and then the quiet."""
    world.run_until(world.clock.start + dt.timedelta(seconds=world.plan.storm))
    finish(world, banks)


def finish(world: World, banks: Mapping[str, Bank]) -> None:
    """Everything heals, and then at most the bound; sooner when nothing is left to happen."""
    heal(world, banks)
    healed_at = world.clock.true_now
    until = healed_at + dt.timedelta(seconds=world.plan.bound)
    while world.clock.true_now < until:
        world.run_until(min(world.clock.true_now + STEP, until))
        if world.clock.true_now >= healed_at + LEAST and _is_quiet(world, until):
            break


def _is_quiet(world: World, until: dt.datetime) -> bool:
    """Whether nothing is to happen by then."""
    due = world.system.due_times().values()
    return not any(at and at <= until for at in due) and not world.has_plans()
