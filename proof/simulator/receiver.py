"""A system that fulfils orders: it is told of them, or its answer gets lost."""

import json
from typing import TYPE_CHECKING

from orders.deliveries.posting import Outcome, Parcel

if TYPE_CHECKING:
    from proof.simulator.world import World


class Receiver:
    """Takes each message once, however often it comes; `versions` are those of an order so far."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.taken: dict[str, None] = {}
        self.versions: dict[str, list[int]] = {}

    def post(self, parcel: Parcel) -> Outcome:
        """In the place of `orders.deliveries.posting.post`."""
        world = self.world
        world.calling_channel()
        world.wait(0.05)
        if world.strikes("F47"):
            return Outcome(status=None, answer="connection refused", seconds=0.0)
        self._take(parcel)
        world.wait(0.05)
        if world.strikes("F47"):
            return Outcome(status=None, answer="no answer in time", seconds=0.1)
        return Outcome(status=200, answer="200", seconds=0.1)

    def _take(self, parcel: Parcel) -> None:
        if parcel.message_id in self.taken:
            return
        self.taken[parcel.message_id] = None
        told = json.loads(parcel.body)["data"]
        self.world.note(str(told["order_no"]), f"a receiver is told: {told['status']}")
        self.versions.setdefault(str(told["order_no"]), []).append(int(told["version"]))
