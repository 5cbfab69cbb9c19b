"""Plays one seed in the real shop."""

import gc
import time
from dataclasses import dataclass, field

from proof.simulator.clock import EVENING, START
from proof.simulator.coverage import Coverage
from proof.simulator.faults import Swarm
from proof.simulator.real import RealShop, living
from proof.simulator.run import populate, run
from proof.simulator.told import check_receiver
from proof.simulator.world import EVERYTHING, Plan, Strategy, Violation, World


@dataclass
class Outcome:
    """What came of a seed."""

    seed: object
    world: World
    violation: Violation | None
    seconds: float
    coverage: Coverage = field(init=False)

    def __post_init__(self) -> None:
        self.coverage = self.world.coverage

    @property
    def lives(self) -> int:
        """How many payments lived in it."""
        return len(self.world.statuses)

    @property
    def points(self) -> dict[str, int]:
        return self.world.points

    @property
    def digest(self) -> str:
        return self.world.trace.digest()

    def __str__(self) -> str:
        faults = " ".join(sorted(self.world.swarm.levels))
        end = f"FAILED {self.violation}" if self.violation else "ok"
        cost = f"{self.lives} payments, {self.seconds:.1f} s of CPU"
        return f"seed {self.seed}: {cost}, {end} [{faults}]"

    def tell(self, *, everything: bool = False) -> str:
        """The story of the first bad payment, step by step."""
        if self.violation is None:
            return ""
        about = set(self.violation.about)
        about |= {line[2] for line in self.world.trace.lines} if everything else set()
        return f"{self.violation}\n{self.world.trace.story(about)}"

    def keep(self) -> str:
        """What to do so that a seed that failed in the real shop is played from now on."""
        line = f"{self.seed} {self.world.plan.orders} {self.violation}"
        return f"Add to proof/simulator/seeds.txt:\n{line}"


def plan_of(seed: int, orders: int) -> Plan:
    """The world of a numbered seed: the same by hand, in the tests, and when it is played again."""
    return Plan(orders=orders, receiver=seed % 3 == 0, begins=EVENING if seed % 2 else START)


def play(
    seed: object,
    *,
    plan: Plan | None = None,
    swarm: Swarm | None = None,
    strategy: Strategy = EVERYTHING,
) -> Outcome:
    """Run one world to its end, or to its first violation."""
    began = time.process_time()
    shops: list[RealShop] = []

    def build(world: World) -> RealShop:
        shops.append(RealShop(world))
        return shops[0]

    world = World(seed=seed, build=build, plan=plan, swarm=swarm, strategy=strategy)
    violation = None
    gc.disable()  # a world is thrown away as a whole
    try:
        with living(world):
            judge = populate(world, shops[0].banks)
            run(world, shops[0].banks)
            judge.at_the_end()
            check_receiver(shops[0])
    except Violation as found:
        violation = found
    finally:
        gc.enable()
    return Outcome(seed, world, violation, time.process_time() - began)
