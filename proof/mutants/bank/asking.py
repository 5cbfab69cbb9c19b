"""Asking channels: when, how often, and what their silence means."""

from proof.mutants.mutant import Edit, Mutant, mutant

_ASKING = "payments/services/asking.py"
_CONSULTING = "payments/services/consulting.py"
_TESTS = "tests/payments/test_consulting.py"

BANK: tuple[Mutant, ...] = (
    mutant(
        "a timeout is taken for a failure",
        _ASKING,
        "    except (ChannelError, UnknownChannel) as error:\n"
        "        return Answer(error=str(error))\n",
        "    except (ChannelError, UnknownChannel) as error:\n"
        "        return Answer(\n"
        "            Report(payment_no=payment.payment_no, state=ChannelState.FAILED),\n"
        "            error=str(error),\n        )\n",
        _TESTS,
    ),
    mutant(
        "what the channel does not find is closed at once",
        _ASKING,
        "    if report.state is not ChannelState.NOT_FOUND or final_after is None:\n"
        "        return report\n"
        "    if now < payment.expires_at + dt.timedelta(seconds=final_after):\n"
        "        return report\n",
        "    if report.state is not ChannelState.NOT_FOUND:\n        return report\n",
        _TESTS,
    ),
    mutant(
        "a close is believed without asking again",
        _ASKING,
        '        reach("close.closed")\n'
        "        report = channel.query(payment_no=payment.payment_no, "
        "channel_no=payment.channel_no)\n",
        '        reach("close.closed")\n'
        "        report = Report(payment_no=payment.payment_no, state=ChannelState.CLOSED)\n",
        "tests/workers/test_closing.py",
        _TESTS,
    ),
    mutant(
        "a close is asked for without a question first",
        _ASKING,
        "    closes = payment.close_asked_at and still_open and channel.capabilities.can_close\n",
        "    closes = payment.close_asked_at and channel.capabilities.can_close\n",
        "tests/workers/test_closing.py",
        _TESTS,
    ),
    Mutant(
        "the sweep pages by OFFSET",
        (
            Edit(
                _CONSULTING,
                "def _claim(due: Q, now: dt.datetime) -> list[Payment]:\n",
                "def _claim(due: Q, now: dt.datetime, skip: int = 0) -> list[Payment]:\n",
            ),
            Edit(
                _CONSULTING,
                '        .order_by("consult_due_at", "pk")[:BATCH]\n',
                '        .order_by("consult_due_at", "pk")[skip : skip + BATCH]\n',
            ),
            Edit(
                _CONSULTING,
                "        payments = _claim(overdue & recent, later(now, started))\n",
                "        payments = _claim(overdue & recent, later(now, started), count)\n",
            ),
        ),
        (_TESTS, "tests/flows/test_races.py"),
    ),
    mutant(
        "the lease is not pushed before the question",
        _CONSULTING,
        "    lease = now + LEASE\n    Payment.objects",
        "    lease = now\n    Payment.objects",
        _TESTS,
        "tests/flows/test_races.py",
    ),
    mutant(
        "rows that another worker claims are claimed as well",
        _CONSULTING,
        "        Payment.objects.select_for_update(skip_locked=True, no_key=True)\n"
        "        .filter(due)\n",
        "        Payment.objects.filter(due)\n",
        "tests/flows/test_races.py",
    ),
    mutant(
        "payments without a due time are left alone",
        _CONSULTING,
        "    while _adopt(recent, now - OVERDUE):\n        pass\n",
        "",
        _TESTS,
    ),
    mutant(
        "a channel's own pause is not kept",
        "payments/services/batches.py",
        "    if retry_after is None:\n        return due_at\n",
        "    return due_at\n",
        _TESTS,
    ),
    mutant(
        "a refused repeat of a creation ends the payment",
        "payments/services/starting.py",
        "        return None, Status.FAILED if only_call else None, str(error)\n",
        "        return None, Status.FAILED, str(error)\n",
        "tests/payments/test_starting.py",
    ),
    mutant(
        "a lost answer to a creation ends the payment",
        "payments/services/starting.py",
        "    except ChannelError as error:\n        return None, Status.PAYING, str(error)\n",
        "    except ChannelError as error:\n        return None, Status.FAILED, str(error)\n",
        "tests/payments/test_starting.py",
    ),
)
