"""A whole run: shoppers and beats are put into a world, the storm blows, everything heals."""

import datetime as dt

from proof.simulator.actors import Beat, Shopper
from proof.simulator.process import Process
from proof.simulator.records import keep_records
from proof.simulator.world import World


def populate(world: World, banks: dict) -> None:  # type: ignore[type-arg]
    """Everybody who acts."""
    keep_records(world)
    arrivals = world.rng("arrivals")
    for number in range(world.plan.orders):
        shopper = Shopper(world, banks, number, world.rng(f"shopper {number}"))
        world.after(arrivals.uniform(0, world.plan.arrive_within), "arrive", shopper.arrive)
    process = Process("beat-1", "beat")
    beat = Beat(world, process, world.rng("beat-1"))
    world.beats.append(process)
    world.on_write.append(beat.rearm)


def run(world: World) -> None:
    world.run_until(world.clock.start + dt.timedelta(seconds=world.plan.storm))
    world.swarm.healed = True
    world.run_until(world.clock.true_now + dt.timedelta(seconds=world.plan.bound))
