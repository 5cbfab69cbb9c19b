"""Beat: sends what the schedule says, when it says so."""

import datetime as dt
from random import Random

from kombu.exceptions import OperationalError

from proof.simulator.process import Process
from proof.simulator.world import World
from workers.schedule import Entry

AHEAD = dt.timedelta(seconds=10)  # how fine beat's ticks are
SELDOM = dt.timedelta(hours=4)  # a look that follows no due time, when nothing changes
CALM = dt.timedelta(minutes=30)  # the same when all is healed: what it has to mend is mended soon
QUIET_AFTER = dt.timedelta(minutes=10)


class Beat:
    """Sends what the schedule says. Ticks that would find nothing are left out."""

    def __init__(self, world: World, process: Process, rng: Random) -> None:
        self.world, self.process, self.rng = world, process, rng
        now = world.clock.true_now
        self._next = {
            entry.task: now + dt.timedelta(seconds=rng.uniform(0, entry.every))
            for entry in world.strategy.entries
        }
        self._armed_at = dt.datetime.max.replace(tzinfo=dt.UTC)
        self._due: dict[str, dt.datetime | None] = {}
        self._due_of = -1  # the commit count that it is of
        self._sent_at = dict(self._next)
        self._changed_at = now
        self._arm(now + AHEAD * rng.random())

    def rearm(self) -> None:
        """Something was committed: perhaps something is due sooner."""
        self._changed_at = self.world.clock.true_now
        self._arm(self.world.clock.true_now + AHEAD)

    def _arm(self, at: dt.datetime) -> None:
        if at < self._armed_at:
            self._armed_at = at
            self.world.at(at, f"{self.process.name} ticks", lambda: self._tick(at))

    def _tick(self, at: dt.datetime) -> None:
        if at != self._armed_at:
            return  # armed sooner since
        self._armed_at = dt.datetime.max.replace(tzinfo=dt.UTC)
        now = self.world.clock.true_now
        self._look()
        wanted = [self._serve(entry, now) for entry in self.world.strategy.entries]
        self._arm(max(now + AHEAD, min(wanted)))

    def _look(self) -> None:
        writes = self.world.system.writes()
        if writes != self._due_of:
            self._due = self.world.system.due_times()
            self._due_of = writes

    def _serve(self, entry: Entry, now: dt.datetime) -> dt.datetime:
        """Send it if its time has come; returns when to look at it again."""
        next_at, due_at = self._next[entry.task], self._due_at(entry, now)
        if next_at <= now and due_at <= now:
            self._sent_at[entry.task] = now
            self._send(entry)
        if next_at <= now:
            missed = (now - next_at) // dt.timedelta(seconds=entry.every)
            next_at += (missed + 1) * dt.timedelta(seconds=entry.every)
            self._next[entry.task] = next_at
        return max(next_at, due_at)

    def _due_at(self, entry: Entry, now: dt.datetime) -> dt.datetime:
        seldom = self._sent_at[entry.task] + SELDOM
        if entry.task in self._due:
            due = self._due[entry.task] or now + SELDOM
            if entry.task == "workers.import_statements":  # a new day makes rows that are due
                is_new_day = self._sent_at[entry.task].date() < now.date()
                return now if is_new_day else min(due, seldom)
            return due
        if entry.task in self.world.strategy.tasks:
            return now
        if now - self._changed_at > QUIET_AFTER:
            return seldom
        return self._sent_at[entry.task] + CALM if self.world.swarm.healed else now

    def _send(self, entry: Entry) -> None:
        def send() -> None:
            try:
                self.world.broker.publish(
                    task=entry.task, kwargs=dict(entry.kwargs), expires=float(entry.every)
                )
            except OperationalError:
                return  # beat logs it, and skips this run

        self.world.act(self.process, send)
