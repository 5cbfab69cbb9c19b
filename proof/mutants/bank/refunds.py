"""Money that goes back, and the statements that compare."""

from proof.mutants.mutant import Mutant, mutant

_REQUESTING = "payments/services/refunding/requesting.py"
_SETTLING = "payments/services/refunding/settling.py"
_ASKING = "payments/services/asking.py"
_LOOP = "tests/payments/refunding/test_loop.py"
_TESTS = "tests/payments/refunding/test_settling.py"

BANK: tuple[Mutant, ...] = (
    mutant(
        "a refund is asked for without the payment's lock",
        _REQUESTING,
        "Payment.objects.select_for_update(no_key=True).filter(payment_no=payment_no).first()",
        "Payment.objects.filter(payment_no=payment_no).first()",
        "tests/payments/refunding/test_requesting.py",
        "tests/shop/test_races.py",
    ),
    mutant(
        "a double click refunds twice",
        "shop/services/refunding.py",
        "    earlier = Refund.objects.select_related",
        '    of_key += hashlib.sha256(__import__("os").urandom(8)).hexdigest()[:4]\n'
        "    origin = of_key\n"
        "    earlier = Refund.objects.select_related",
        "tests/shop/test_refunds_api.py",
    ),
    mutant(
        "more may go back than is left",
        _REQUESTING,
        "    if amount is not None and amount > left:\n",
        "    if amount is not None and amount > payment.captured_total:\n",
        "tests/payments/refunding/test_requesting.py",
    ),
    mutant(
        "a refund's timeout is taken for a refusal",
        _ASKING,
        "    except (ChannelError, UnknownChannel) as error:\n"
        "        return RefundAnswer(error=str(error))\n",
        "    except (ChannelError, UnknownChannel) as error:\n"
        "        return RefundAnswer(error=str(error), refused=True)\n",
        _LOOP,
    ),
    mutant(
        "a refund that may have been sent is sent again without a question",
        _ASKING,
        "    if is_sent or refund.send_calls > 1:\n",
        "    if is_sent:\n",
        _LOOP,
    ),
    mutant(
        "a refusal of a repeated request ends a refund at once",
        _SETTLING,
        "    settled = only_call or now - (finding.sent_before or refund.created_at)"
        " >= SETTLED_AFTER\n",
        "    settled = True\n",
        _LOOP,
        _TESTS,
    ),
    mutant(
        "a failed refund's money stays reserved",
        _SETTLING,
        "    if to is RefundStatus.FAILED:\n        payment.refund_total -= refund.amount\n"
        "    elif",
        "    if to is RefundStatus.FAILED:\n        pass\n    elif",
        _TESTS,
    ),
    mutant(
        "a refund of another amount is believed",
        _SETTLING,
        "    if report.state is RefundState.SUCCEEDED and told != (refund.amount, refund.currency):\n",
        "    if report.state is RefundState.SUCCEEDED and told[1] != refund.currency:\n",
        _TESTS,
    ),
    mutant(
        "an overtaken callback takes a refund's end back",
        _SETTLING,
        "    return takes_back and evidence.source in (Source.CALLBACK, Source.STATEMENT)\n",
        "    return False\n",
        _TESTS,
        _LOOP,
    ),
    mutant(
        "a refund is told before its payment's money",
        "orders/services/refunds.py",
        '    if not order.ledger.filter(payment_no=payment_no, refund_no="").exists():\n'
        "        raise MoneyNotKnownYet\n",
        "",
        "tests/orders/test_refunds.py",
    ),
    mutant(
        "a statement that is imported again counts again",
        "payments/services/statements/door.py",
        "        'statement:' || l.day || ':' || encode(sha256(written.body), 'hex') AS event_id\n",
        "        'statement:' || l.day || ':' || gen_random_uuid() AS event_id\n",
        "tests/payments/statements",
    ),
    mutant(
        "money that only the statement knows is a note, and no payment",
        "payments/services/statements/comparing.py",
        "    taken, broken = settle_lines(compared.evidence, now)\n",
        "    taken, broken = 0, 0\n",
        "tests/payments/statements",
    ),
)
