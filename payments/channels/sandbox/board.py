"""The switchboard: which switches are on, and whether one strikes now."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from payments.channels.sandbox.database import Database
from payments.channels.sandbox.switches import CATALOGUE

Options = dict[str, Any]


class Board:
    """The switches of one wallet, kept in its file; a payment may have some of its own.

    The dice are a function of the seed, the switch, the operation, how many payments were seen
    before this one, and how often the question was asked for it. So a run with the same seed and
    the same order of payments meets the same faults, whatever the threads do in between.
    """

    def __init__(self, database: Database, *, seed: int) -> None:
        self._database = database
        self._seed = seed
        self._lock = threading.Lock()
        self._ordinals: dict[str, int] = {}
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self._on: dict[str, dict[str, Options]] = {}
        for row in database.connection().execute("SELECT * FROM faults"):
            if switch := CATALOGUE.get(row["name"]):
                # A file of an earlier wallet may lack options that there are by now.
                options = switch.off() | json.loads(row["options"])
                self._on.setdefault(row["payment_no"], {})[row["name"]] = options

    def options(self, payment_no: str = "") -> dict[str, Options]:
        """Every switch with its options: the general ones, under those of one payment."""
        general = {name: switch.off() for name, switch in CATALOGUE.items()}
        return general | self._on.get("", {}) | self._on.get(payment_no, {})

    def own(self, payment_no: str) -> dict[str, Options]:
        """The switches that were set for this one payment (`""`: for all)."""
        return dict(self._on.get(payment_no, {}))

    def payments_with_own(self) -> list[str]:
        """The payments that have switches of their own."""
        return sorted(payment_no for payment_no in self._on if payment_no)

    def replace(self, switches: Mapping[str, Options], payment_no: str = "") -> None:
        """Set these switches, and no others, for all payments or for one."""
        # In this order: whoever ends a bill throws the dice inside of its transaction.
        with self._database.transaction() as db, self._lock:
            db.execute("DELETE FROM faults WHERE payment_no = ?", (payment_no,))
            db.executemany(
                "INSERT INTO faults (payment_no, name, options) VALUES (?, ?, ?)",
                [(payment_no, name, json.dumps(options)) for name, options in switches.items()],
            )
            self._on = self._on | {payment_no: dict(switches)}
            if payment_no and not switches:
                del self._on[payment_no]
            for key in [key for key in self._asked if payment_no in ("", key[2])]:
                del self._asked[key]

    def all_off(self) -> None:
        """Turn every switch off, the payments' own too."""
        for payment_no in ("", *self.payments_with_own()):
            self.replace({}, payment_no)

    def active(self) -> list[str]:
        """The names of the switches that are on for all payments."""
        return [name for name, options in self._on.get("", {}).items() if options["probability"]]

    def strikes(self, name: str, payment_no: str, operation: str = "") -> Options | None:
        """The switch's options if it strikes this call, else None; each call is a new throw."""
        options = self._relevant(name, payment_no, operation)
        if options is None:
            return None
        with self._lock:
            key = (name, operation, payment_no)
            asked = self._asked[key]
            self._asked[key] += 1
        if options.get("times") and asked >= options["times"]:
            return None
        hit = self._dice(name, payment_no, operation, asked) < options["probability"]
        return options if hit else None

    def marks(self, name: str, payment_no: str) -> Options | None:
        """The switch's options if it has chosen this payment: one throw for all its calls."""
        options = self._relevant(name, payment_no, "")
        if options and self._dice(name, payment_no, "", 0) < options["probability"]:
            return options
        return None

    def targets(self, name: str, key: str) -> dict[str, Options | None]:
        """What a switch does to a whole list: its options by payment, None where it spares one.

        Under `""` stands what holds for every payment that has no such switch of its own; `key` is
        the list's own name.
        """
        own = [
            payment_no for payment_no in self.payments_with_own() if name in self.own(payment_no)
        ]
        return {payment_no: self.marks(name, payment_no) for payment_no in own} | {
            "": self.marks(name, key)
        }

    def pick(self, choices: tuple[str, ...], payment_no: str) -> str:
        """One of the choices, by the dice."""
        with self._lock:
            key = ("pick", "", payment_no)
            asked = self._asked[key]
            self._asked[key] += 1
        return choices[int(self._dice("pick", payment_no, "", asked) * len(choices))]

    def _relevant(self, name: str, payment_no: str, operation: str) -> Options | None:
        own = self._on.get(payment_no, {})
        options = own[name] if name in own else self._on.get("", {}).get(name)
        if not options or not options["probability"]:
            return None
        wanted = options.get("operations", ["all"])
        return options if "all" in wanted or operation in wanted else None

    def _dice(self, name: str, payment_no: str, operation: str, asked: int) -> float:
        """A number from 0 up to, never reaching, 1."""
        with self._lock:
            ordinal = self._ordinals.setdefault(payment_no, len(self._ordinals))
        text = f"{self._seed}/{name}/{operation}/{ordinal}/{asked}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
