"""The storm: what befalls the shop's machines and the channels, until everything is healed."""

import datetime as dt
from collections.abc import Callable, Mapping
from random import Random

from proof.simulator.bank import Bank
from proof.simulator.process import Process
from proof.simulator.world import World


class Storm:
    """Draws, for each fault that is on, how often and when it strikes."""

    def __init__(self, world: World, banks: Mapping[str, Bank], rng: Random) -> None:
        self.world, self.banks, self.rng = world, banks, rng

        self._strikes: dict[str, Callable[[], None]] = {
            "F19": self._channel_down,
            "F24": self._kill_a_worker,
            "F25": self._stop_a_worker,
            "F26": self._flush,
            "F27": self._flush_and_kill,
            "F28": self._broker_down,
            "F29": self._broker_down_for_long,
            "F30": self._web_cut_off,
            "F35": self._wrong_clock,
            "F36": self._beat_down,
        }

    def gather(self) -> None:
        """Put it all into the world's heap."""
        for name in self._strikes:
            if self.world.swarm.is_on(name):
                for _ in range(self.rng.randint(1, 4)):
                    self._plan(name)

    def strike(self, name: str) -> None:
        """It strikes now."""
        self.world.hit(name)
        self.world.note("", f"storm: {name}")
        self._strikes[name]()

    def _plan(self, name: str) -> None:
        def run() -> None:
            if self.world.swarm.is_on(name):
                self.strike(name)

        # Most of it while the shoppers are there.
        plan = self.world.plan
        latest = self.rng.choice((plan.arrive_within + 300, plan.storm))
        self.world.after(self.rng.uniform(0, latest), f"storm {name}", run)

    def _channel_down(self) -> None:
        bank = self.banks[self.rng.choice(sorted(self.banks))]
        bank.down_until = self.world.clock.seconds() + self.rng.choice((30.0, 600.0, 6 * 3600.0))

    def _kill_a_worker(self) -> None:
        self.world.kill(self.rng.choice(self.world.workers))

    def _stop_a_worker(self) -> None:
        worker = self.rng.choice(self.world.workers)
        if worker.is_up:
            self.world.broker.release_worker(worker)
            self.world.stop(worker)

    def _flush(self) -> None:
        self.world.broker.flush()

    def _flush_and_kill(self) -> None:
        self._flush()
        for worker in self.world.workers:
            self.world.kill(worker)

    def _broker_down(self) -> None:
        self._down_for(self.rng.uniform(1, 30))

    def _broker_down_for_long(self) -> None:
        seconds = self.rng.uniform(300, 900)
        self._down_for(seconds)
        self.world.after(seconds, "comes back empty", self._flush)

    def _down_for(self, seconds: float) -> None:
        broker = self.world.broker
        broker.down_until = self.world.clock.seconds() + seconds
        self.world.after(seconds + 1, "reconnect", broker.resume)

    def _web_cut_off(self) -> None:
        until = self.world.clock.seconds() + self.rng.uniform(10, 600)
        self.world.broker.cut_from_web_until = until

    def _wrong_clock(self) -> None:
        process = self.rng.choice([self.world.web, *self.world.workers])
        process.skew = dt.timedelta(seconds=self.rng.choice((-600, -5, 5, 600)))

    def _beat_down(self) -> None:
        for beat in self.world.beats:
            beat.is_up = False
        self.world.after(self.rng.uniform(300, 3600), "beat is back", self._beats_up)

    def _beats_up(self) -> None:
        for beat in self.world.beats:
            self.world.start(beat)


def heal(world: World, banks: Mapping[str, Bank]) -> None:
    """Nothing fails any more, and everybody is up."""
    world.note("", "everything heals")
    world.swarm.healed = True
    world.broker.down_until = world.broker.cut_from_web_until = 0.0
    for bank in banks.values():
        bank.down_until = 0.0
    processes: list[Process] = [world.web, *world.workers, *world.beats]
    for process in processes:
        process.skew = dt.timedelta(0)
        world.start(process)
    world.broker.resume()
