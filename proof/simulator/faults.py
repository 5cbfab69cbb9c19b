"""The faults, by their numbers in the fault matrix, and the swarm that switches some of them on.

A world in which everything fails at once hides defects: nothing gets far enough. So each seed
switches on a random subset, with random intensities.
"""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which the world may misbehave; `most` is its highest probability, per chance."""

    name: str
    what: str
    most: float


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("F01", "the callback is never sent", 1.0),
        Fault("F02", "the callback comes up to 72 hours late", 0.6),
        Fault("F03", "the callback is sent several times", 0.6),
        Fault("F04", "callbacks overtake each other", 0.5),
        Fault("F05", "a forged callback", 0.2),
        Fault("F06", "an old callback is replayed", 0.3),
        Fault("F07", "a signed callback tells of other money, or of another payment", 0.1),
        Fault("F09", "news of a payment, a refund or a channel that is not here", 0.1),
        Fault("F10", "web dies while it handles a request", 0.1),
        Fault("F12", "the channel does it, and its answer is lost", 0.3),
        Fault("F13", "the channel times out, and has done nothing", 0.3),
        Fault("F14", "the channel answers 5xx or 429", 0.4),
        Fault("F15", "the channel answers garbage", 0.3),
        Fault("F16", "the channel's answers flap", 0.4),
        Fault("F17", "the channel knows nothing yet", 0.5),
        Fault("F18", "the channel took another amount, currency or account", 0.15),
        Fault("F19", "the channel is down for hours", 0.5),
        Fault("F20", "the channel takes the money twice", 0.2),
        Fault("F22", "the channel can't be reached", 0.3),
        Fault("F23", "closed at the channel, and paid in the same second", 0.5),
        Fault("F24", "a worker dies", 0.05),
        Fault("F25", "a worker is stopped gently", 0.5),
        Fault("F26", "the broker forgets everything", 0.5),
        Fault("F27", "the broker forgets everything, and the workers die", 0.5),
        Fault("F28", "the broker is down for a moment", 0.5),
        Fault("F29", "the broker is down for long, and comes back empty", 0.5),
        Fault("F30", "web can't reach the broker, workers can", 0.5),
        Fault("F32", "a message is delivered twice", 0.3),
        Fault("F33", "a queue is starved: messages come late, and out of order", 0.4),
        Fault("F34", "a channel's code breaks on one payment, again and again", 0.1),
        Fault("F35", "a process's clock is wrong by up to ten minutes", 0.5),
        Fault("F36", "beat is down", 0.5),
        Fault("F37", "two beats", 0.5),
        Fault("F40", "the database goes away before it has committed", 0.02),
        Fault("F41", "the database has committed, and nobody hears of it", 0.02),
        Fault("F42", "a deadlock, or a transaction that can't be serialized", 0.02),
        Fault("F47", "a receiver is away, or its answer is lost", 0.5),
        Fault("F48", "the order is cancelled while it is being paid, or paid too late", 0.5),
        Fault("F49", "an order is paid at two channels", 0.4),
        Fault("F50", "a refund fails, late or after it had succeeded", 0.5),
        Fault("F51", "messages of another release", 0.3),
        Fault("F52", "operators ask, replay and refund at random", 0.5),
        Fault("F52s", "a statement is late, lacks lines or has others", 0.4),
    )
}


@dataclass
class Swarm:
    """Which faults are on, and how likely each is; healed, nothing happens any more."""

    rng: random.Random
    levels: dict[str, float] = field(default_factory=dict)
    healed: bool = False
    armed: list[str] = field(default_factory=list)  # that are to happen at the next chance

    @classmethod
    def of(cls, rng: random.Random) -> "Swarm":
        """A random subset with random intensities."""
        share = rng.uniform(0.05, 0.6)
        on = [fault for fault in FAULTS.values() if rng.random() < share]
        return cls(rng, {fault.name: fault.most * rng.uniform(0.1, 1.0) for fault in on})

    @classmethod
    def of_few(cls, rng: random.Random, most: int = 4) -> "Swarm":
        """A few faults, so that none hides what another does."""
        on = rng.sample(list(FAULTS.values()), rng.randint(1, most))
        return cls(rng, {fault.name: fault.most * rng.uniform(0.1, 1.0) for fault in on})

    @classmethod
    def of_all(cls, rng: random.Random, share: float) -> "Swarm":
        """Every fault, each at this share of its highest intensity."""
        return cls(rng, {fault.name: fault.most * share for fault in FAULTS.values()})

    def is_on(self, name: str) -> bool:
        return not self.healed and name in self.levels

    def happens(self, name: str) -> bool:
        """Whether it happens now: one chance."""
        if self.healed:
            return False
        if name in self.armed:
            self.armed.remove(name)
            return True
        level = self.levels.get(name)
        return level is not None and self.rng.random() < level
