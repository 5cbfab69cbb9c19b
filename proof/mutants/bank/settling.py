"""The door: what a channel says becomes the payment's status."""

from proof.mutants.mutant import Mutant, mutant

_SETTLING = "payments/services/settling.py"
_STATES = "payments/states/payment.py"
_TESTS = "tests/payments/test_settling.py"

BANK: tuple[Mutant, ...] = (
    mutant(
        "the door does not lock the payment",
        _SETTLING,
        "    locked = Payment.objects.select_for_update(no_key=True)\n    rows = locked.filter(",
        "    rows = Payment.objects.filter(",
        _TESTS,
        "tests/flows/test_races.py",
    ),
    mutant(
        "amounts are compared in whole units",
        _SETTLING,
        "    asked = (payment.amount, payment.currency, payment.merchant)\n"
        "    received = (report.amount, report.currency, report.merchant)\n",
        "    asked = (round(payment.amount, -2), payment.currency, payment.merchant)\n"
        "    received = (round(report.amount or 0, -2), report.currency, report.merchant)\n",
        _TESTS,
    ),
    mutant(
        "another currency is believed",
        _SETTLING,
        "    received = (report.amount, report.currency, report.merchant)\n",
        "    received = (report.amount, payment.currency, report.merchant)\n",
        _TESTS,
    ),
    mutant(
        "another merchant's money is believed",
        _SETTLING,
        "    received = (report.amount, report.currency, report.merchant)\n",
        "    received = (report.amount, report.currency, payment.merchant)\n",
        _TESTS,
    ),
    mutant(
        "a paid payment may fail",
        _STATES,
        "    Status.SUCCEEDED: frozenset(),\n",
        "    Status.SUCCEEDED: frozenset({Status.FAILED, Status.CLOSED}),\n",
        "tests/payments/test_states.py",
        _TESTS,
    ),
    mutant(
        "late money is dropped",
        _STATES,
        "    Status.CLOSED: MONEY_CAME,\n",
        "    Status.CLOSED: frozenset(),\n",
        "tests/payments/test_states.py",
        _TESTS,
    ),
    mutant(
        "a second capture is ignored",
        _SETTLING,
        "    told = list(report.further)\n",
        "    return []\n    told = list(report.further)\n",
        "tests/payments/test_captures.py",
    ),
    mutant(
        "a second capture is recorded as often as it is told",
        _SETTLING,
        "if each.capture_no not in known}",
        "}",
        "tests/payments/test_captures.py",
    ),
    mutant(
        "an event is published before the commit",
        "common/wake.py",
        "    def wake_it() -> None:\n        wake(task=task)\n\n"
        "    transaction.on_commit(wake_it, robust=True)\n",
        "    wake(task=task)\n",
        "tests/flows/test_wake_ups.py",
        "tests/flows/test_budgets.py",
    ),
    mutant(
        "the shopper's return is overwritten by an older question",
        _SETTLING,
        "    if payment.in_fog and finding.ask_again_at and payment.consult_due_at == finding.lease:\n",
        "    if payment.in_fog and finding.ask_again_at:\n",
        "tests/payments/test_consulting.py",
    ),
)
