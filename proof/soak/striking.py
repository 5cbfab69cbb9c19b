"""Does to the stage what the storm has drawn, and undoes it when its time is over."""

import contextlib
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import psycopg2
import redis
import requests

from proof.soak.stage import WORKERS, Stage
from proof.soak.storm import COMMIT_FAULTS, LINK_FAULTS, SWITCHES, Strike

# What the wallet does on any day.
EVERY_DAY: dict[str, object] = {
    "lose_callback": 0.15,
    "delay_callback": {"probability": 0.1, "seconds": 2},
    "duplicate_callback": {"probability": 0.1, "count": 3},
}
POISON = (
    b"this is no message",
    b'{"body": "e30=", "headers": {"task": "workers.unknown", "id": "1"}, "content-type":'
    b' "application/json", "content-encoding": "utf-8", "properties": {"delivery_tag": "1",'
    b' "delivery_info": {"exchange": "", "routing_key": "relay"}, "body_encoding": "base64"}}',
)
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only"


@dataclass
class Striker:
    """Strikes a stage. `faults` counts them by kind; `pending` is what is to be undone."""

    stage: Stage
    chance: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    kills: int = 0
    points_hit: int = 0
    _switches: list[str] = field(default_factory=list)
    _armed: dict[str, tuple[str, int]] = field(default_factory=dict)

    def strike(self, strike: Strike) -> Callable[[], None] | None:
        """Do it; what undoes it, where that takes more than its own end."""
        kind = f"{strike.kind} {strike.detail or strike.where}"
        if strike.kind == "kill at":
            kind = "kill at a point"
        if strike.kind == "link":
            kind = f"{strike.detail} {strike.where.partition('>')[2]}"
        self.faults[kind.strip()] += 1
        self.log.append(str(strike))
        deeds: dict[str, Callable[[Strike], Callable[[], None] | None]] = {
            "kill": self._kill,
            "kill child": self._kill_child,
            "kill parent": self._kill_parent,
            "kill all workers": self._kill_workers,
            "deploy": self._deploy,
            "kill at": self._kill_at,
            "freeze": self._freeze,
            "poison task": self._poison,
            "flushall": self._flush,
            "flushall and kill all workers": self._flush,
            "stop": self._stop,
            "no memory": self._no_memory,
            "restart": self._restart,
            "end connections": self._end_connections,
            "read only": self._read_only,
            "link": self._link,
            "wallet": self._wallet,
        }
        return deeds[strike.kind](strike)

    def look(self) -> None:
        """Disarm who has died at its point: the next one of it shall live."""
        for name, (_, deaths) in list(self._armed.items()):
            if self.stage.deaths(name) > deaths:
                self._disarm(name)
                self.points_hit += 1
                self.kills += 1

    def every_day(self) -> None:
        """Switch the wallet to what it does on any day."""
        self._set_switches()

    def all_quiet(self) -> None:
        """The wallet does nothing wrong any more."""
        self._switches.clear()
        requests.delete(f"{self.stage.wallet}/faults", timeout=10).raise_for_status()

    def _kill(self, strike: Strike) -> None:
        self.stage.kill(strike.where)
        self.kills += 1

    def _kill_child(self, strike: Strike) -> None:
        """One of granian's workers, which serves requests; not the helper of multiprocessing."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.stage.pid(strike.where)).children()
            serving = [each for each in children if "resource_tracker" not in str(each.cmdline())]
            if serving:
                self.chance.choice(serving).kill()
                self.kills += 1

    def _kill_parent(self, strike: Strike) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.stage.pid(strike.where)).kill()
            self.kills += 1

    def _kill_workers(self, strike: Strike) -> None:
        for name in WORKERS:
            self.stage.kill(name)
            self.kills += 1

    def _deploy(self, strike: Strike) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.stage.pid(strike.where)).terminate()

    def _kill_at(self, strike: Strike) -> Callable[[], None]:
        """Started anew, so that it kills itself when it comes by that point."""
        name = strike.where
        self.stage[name].env["NODROP_KILL_AT"] = strike.detail
        self.stage.kill(name)
        self.kills += 1
        # Its end now counts one death; the next one is the point's.
        self._armed[name] = (strike.detail, self.stage.deaths(name) + 1)

        def disarm() -> None:
            if name in self._armed:
                self._disarm(name)
                self.stage.kill(name)
                self.kills += 1

        return disarm

    def _disarm(self, name: str) -> None:
        del self._armed[name]
        self.stage[name].env.pop("NODROP_KILL_AT", None)

    def _freeze(self, strike: Strike) -> Callable[[], None]:
        if strike.where in ("valkey", "postgres"):
            self.stage.store.signal(strike.where, signal.SIGSTOP)
            return lambda: self.stage.store.signal(strike.where, signal.SIGCONT)
        self.stage.kill(strike.where, signal.SIGSTOP)
        return lambda: self.stage.kill(strike.where, signal.SIGCONT)

    def _poison(self, strike: Strike) -> None:
        with contextlib.suppress(redis.RedisError):
            for message in POISON:
                self.stage.store.redis().lpush(f"nodrop.{strike.where}", message)

    def _flush(self, strike: Strike) -> None:
        with contextlib.suppress(redis.RedisError):
            self.stage.store.redis().flushall()
        if "kill" in strike.kind:
            self._kill_workers(strike)

    def _stop(self, strike: Strike) -> Callable[[], None]:
        self.stage.store.stop(strike.where)
        return lambda: self.stage.store.start(strike.where)

    def _no_memory(self, strike: Strike) -> Callable[[], None]:
        self._set_memory("1mb")
        return lambda: self._set_memory("0")

    def _set_memory(self, size: str) -> None:
        with contextlib.suppress(redis.RedisError):
            self.stage.store.redis().config_set("maxmemory", size)

    def _restart(self, strike: Strike) -> None:
        how = signal.SIGQUIT if strike.detail == "immediate" else signal.SIGINT
        self.stage.store.signal(strike.where, signal.SIGCONT)  # it may be frozen
        self.stage.store.signal(strike.where, how)
        self.stage.store.wait(strike.where)
        self.stage.store.start(strike.where)

    def _end_connections(self, strike: Strike) -> None:
        self._sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def _read_only(self, strike: Strike) -> Callable[[], None]:
        self._sql(READ_ONLY)
        self._sql("SELECT pg_reload_conf()")
        return self._writable

    def _writable(self) -> None:
        self.stage.store.sql(WRITABLE)
        self.stage.store.sql("SELECT pg_reload_conf()")

    def _sql(self, statement: str) -> None:
        with contextlib.suppress(psycopg2.OperationalError):  # it may be frozen
            self.stage.store.sql(statement)

    def _link(self, strike: Strike) -> Callable[[], None]:
        link = self.stage.links[strike.where]
        link.strike((LINK_FAULTS | COMMIT_FAULTS)[strike.detail])
        return link.heal

    def _wallet(self, strike: Strike) -> Callable[[], None]:
        self._switches.append(strike.detail)
        self._set_switches()

        def off() -> None:
            self._switches.remove(strike.detail)
            self._set_switches()

        return off

    def _set_switches(self) -> None:
        on = dict(EVERY_DAY)
        for name in self._switches:
            on |= SWITCHES[name]
        requests.put(f"{self.stage.wallet}/faults", json=on, timeout=10).raise_for_status()
