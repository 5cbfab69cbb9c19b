"""Plays one seed in the pure shop: the same world, faults and invariants as the real one's."""

import gc

from proof.simulator.faults import Swarm
from proof.simulator.pure.here import living
from proof.simulator.pure.shop import PureShop
from proof.simulator.run import populate, run
from proof.simulator.world import Plan, Violation, World


def play(seed: object, *, plan: Plan, swarm: Swarm | None = None) -> tuple[World, Violation | None]:
    """Run one world to its end, or to its first violation."""
    shops: list[PureShop] = []

    def build(world: World) -> PureShop:
        shops.append(PureShop(world))
        return shops[0]

    world = World(seed=seed, build=build, plan=plan, swarm=swarm)
    gc.disable()  # a world is thrown away as a whole
    try:
        with living(world, shops[0].banks):
            judge = populate(world, shops[0].banks)
            run(world, shops[0].banks)
            judge.at_the_end()
    except Violation as violation:
        return world, violation
    finally:
        gc.enable()
    return world, None


def tell(world: World, violation: Violation) -> str:
    """The story of the first bad payment."""
    return f"{violation}\n{world.trace.story(violation.about)}"
