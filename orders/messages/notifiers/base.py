"""What a notifier is: it hands one letter to a provider, and says what that answered.

It imports no model, keeps no retry and writes no log. What can't be told to have arrived is sent
again: a shopper who reads something twice is better off than one who never does, and the providers
replace an earlier letter of the same order by a later one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

SECONDS = 10.0  # for one try
TTL = 86400  # seconds for which a provider keeps it: then the shopper has looked herself


class Result(StrEnum):
    """What came of a try, by what is to be done next."""

    TAKEN = "taken"  # the provider has it
    GONE = "gone"  # the receiver is not there any more, and never will be
    REFUSED = "refused"  # and would be refused again
    AGAIN = "again"  # not now, or nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`text` is for the operator; `retry_after` the provider's own wish in seconds."""

    result: Result
    text: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a shopper is told: `to` is a token, a push service's address or an e-mail address."""

    message_no: str
    order_no: str
    version: int
    kind: str
    title: str
    body: str
    url: str
    to: str
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, str]:
        """What an app works with; all of it text, as FCM wants it."""
        return {
            "order_no": self.order_no,
            "version": str(self.version),
            "kind": self.kind,
            "url": self.url,
        }


class Notifier(Protocol):
    """One configured provider. Shared by threads."""

    def send(self, letter: Letter) -> Answer:
        """One try, of `SECONDS` at the most. May raise: that is `AGAIN`."""
        ...


def by_status(status: int, text: str, headers: Mapping[str, str]) -> Answer:
    """What an HTTP status means where the provider's own words say no more."""
    told = f"HTTP {status} {text}".strip()
    if 200 <= status < 300:
        return Answer(result=Result.TAKEN, text=told)
    if status in (404, 410):
        return Answer(result=Result.GONE, text=told)
    # 401 and 403 are about our own credentials: an operator can mend them meanwhile.
    if status in (401, 403, 408, 425, 429) or status >= 500 or status < 400:
        return Answer(result=Result.AGAIN, text=told, retry_after=_seconds(headers))
    return Answer(result=Result.REFUSED, text=told)


def _seconds(headers: Mapping[str, str]) -> float | None:
    wish = headers.get("retry-after", "")
    return float(wish) if re.fullmatch(r"[0-9]{1,5}", wish) else None
