"""What is checked: the model as the code is, in a few settings, and with one planted bug each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

HOLDS = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A run of TLC. `expected` is the property that must be violated, or `HOLDS`.

    `live` properties need a look at the whole state graph; `thorough` ones take minutes.
    """

    name: str
    module: str
    constants: Mapping[str, bool | int | str]
    safe: tuple[str, ...]
    live: tuple[str, ...] = ()
    step: tuple[str, ...] = ()  # about each step rather than about each state
    expected: str = HOLDS
    thorough: bool = False

    def text(self) -> str:
        """The `.cfg` of TLC."""
        values = (f"    {name} = {_value(value)}" for name, value in self.constants.items())
        told = [*self.step, *self.live]
        return "\n".join(
            [
                f"SPECIFICATION {'Spec' if self.live else 'Safe'}",
                "CONSTANTS",
                *values,
                f"INVARIANTS {' '.join(self.safe)}",
                *([f"PROPERTIES {' '.join(told)}"] if told else []),
                "",
            ]
        )


def _value(value: bool | int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).upper()


PAYMENT = Configuration(
    name="one payment, everything odd",
    module="Payment",
    constants={
        "Attempts": 1,
        "Late": True,
        "Further": True,
        "Wrong": True,
        "Cancels": True,
        "Overtaking": True,
        "Statements": True,
        "Expires": True,
        "Bug": "none",
    },
    safe=(
        "TypeOK",
        "FulfilledAtMostOnce",
        "NoRefundOfTheWinner",
        "NoFreeGoods",
        "Truthful",
        "ClosedOnlyByTheChannelsWord",
        "OrderEndsAfterItsPayments",
        "OneInTheFog",
        "OrderKnowsOnlyWhatIsCommitted",
        "RefundAtMostCaptured",
    ),
    step=("StickyTruth",),
    live=("NoDrop", "EveryEventIsConsumed", "EveryClosingEnds"),
)
_PLAIN = {"Late": False, "Further": False, "Wrong": False, "Overtaking": False}
ALONE = replace(
    PAYMENT,
    name="one payment, no statements: the sweep alone",
    constants={**PAYMENT.constants, **_PLAIN, "Statements": False},
)
LATE = replace(
    PAYMENT,
    name="one payment, late money",
    constants={**PAYMENT.constants, **_PLAIN, "Late": True},
)
OVERTAKING = replace(
    ALONE,
    name="one payment, no statements, events overtake each other",
    constants={**ALONE.constants, "Overtaking": True},
)
TWO = replace(
    PAYMENT,
    name="two payments, late money",
    constants={
        **PAYMENT.constants,
        **_PLAIN,
        "Attempts": 2,
        "Late": True,
        "Cancels": False,
        "Expires": False,
    },
    live=(),
)
TWO_AND_MORE = replace(
    TWO,
    name="two payments, late money, cancelling, expiry",
    constants={**TWO.constants, "Cancels": True, "Expires": True},
    thorough=True,
)
REFUND = Configuration(
    name="refunds of two captures, one of them owed back",
    module="Refund",
    constants={
        "Rows": 2,
        "Tries": 2,
        "Captured": 2,
        "Surplus": 1,
        "Bounces": True,
        "Operator": True,
        "Bug": "none",
    },
    safe=(
        "TypeOK",
        "GoneAtMostCaptured",
        "ReservedAtMostCaptured",
        "NoRefundOfTheWinner",
        "DoneIsDone",
        "FailedIsFailed",
    ),
    live=("EveryRefundEnds", "RowsLearnTheTruth"),
    thorough=True,
)
WHOLE = replace(
    REFUND,
    name="refunds of one capture that is owed back",
    constants={**REFUND.constants, "Captured": 1, "Operator": False},
    live=(*REFUND.live, "SurplusGoesBack"),
    thorough=False,
)
THREE = replace(
    REFUND,
    name="three refunds of two captures",
    constants={**REFUND.constants, "Rows": 3},
    live=(),
    thorough=True,
)
NOTIFICATION = Configuration(
    name="three facts of an order, told to one endpoint",
    module="Notification",
    constants={"Facts": 3, "Tries": 2, "Refusals": 2, "Bug": "none"},
    safe=(
        "TypeOK",
        "EveryFactIsWrittenWithItsNotification",
        "InTheOrderOfTheFacts",
        "DeliveredIsDelivered",
    ),
    live=("EveryNotificationArrives", "NoneWaitsForEver"),
)
GOOD = (PAYMENT, ALONE, LATE, OVERTAKING, TWO, TWO_AND_MORE, REFUND, WHOLE, THREE, NOTIFICATION)


def _mutant(base: Configuration, bug: str, expected: str, **constants: bool | int) -> Configuration:
    """With this bug; of what goes on for ever only what is expected is looked at."""
    return replace(
        base,
        name=bug.replace("_", " "),
        constants={**base.constants, **constants, "Bug": bug},
        live=(expected,) if expected in base.live else (),
        expected=expected,
        thorough=False,
    )


MUTANTS = (
    _mutant(ALONE, "no_sweep", "NoDrop"),
    _mutant(LATE, "refuse_late_money", "NoDrop"),
    _mutant(LATE, "no_refund_of_surplus", "NoDrop"),
    _mutant(PAYMENT, "believe_forged_callbacks", "Truthful"),
    _mutant(PAYMENT, "timeout_is_failed", "ClosedOnlyByTheChannelsWord"),
    _mutant(PAYMENT, "expire_without_asking", "ClosedOnlyByTheChannelsWord"),
    _mutant(PAYMENT, "believe_the_answer_to_close", "ClosedOnlyByTheChannelsWord"),
    _mutant(PAYMENT, "settle_without_lock", "StickyTruth"),
    _mutant(TWO, "pay_again_without_closing", "OneInTheFog"),
    _mutant(PAYMENT, "no_deduplication", "NoRefundOfTheWinner"),
    _mutant(OVERTAKING, "believe_old_events", "EveryClosingEnds"),
    _mutant(OVERTAKING, "confirm_before_telling", "EveryEventIsConsumed"),
    _mutant(PAYMENT, "tell_before_commit", "OrderKnowsOnlyWhatIsCommitted"),
    _mutant(WHOLE, "another_number_for_each_try", "GoneAtMostCaptured"),
    _mutant(WHOLE, "money_is_not_reserved", "ReservedAtMostCaptured", Operator=True),
    _mutant(REFUND, "every_asker_makes_a_refund", "NoRefundOfTheWinner"),
    _mutant(REFUND, "accepted_is_done", "DoneIsDone"),
    _mutant(REFUND, "believe_the_refusal_of_a_repeat", "FailedIsFailed"),
    _mutant(WHOLE, "failed_is_the_end", "SurplusGoesBack"),
    _mutant(WHOLE, "believe_overtaken_callbacks", "RowsLearnTheTruth"),
    _mutant(NOTIFICATION, "written_after_the_fact", "EveryFactIsWrittenWithItsNotification"),
    _mutant(NOTIFICATION, "no_turn", "InTheOrderOfTheFacts"),
    _mutant(NOTIFICATION, "delivered_before_sent", "DeliveredIsDelivered"),
    _mutant(NOTIFICATION, "no_answer_is_delivered", "DeliveredIsDelivered"),
)
CONFIGURATIONS = (*GOOD, *MUTANTS)
