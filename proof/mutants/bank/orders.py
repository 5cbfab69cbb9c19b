"""The relay and the order side: told once, closed on the channel's word, paid once."""

from proof.mutants.mutant import Mutant, mutant

_RELAY = "workers/relay.py"
_TELLING = "workers/telling.py"
_MONEY = "orders/services/money.py"
_CONCLUDING = "orders/services/concluding.py"

BANK: tuple[Mutant, ...] = (
    mutant(
        "an event is confirmed before the order is told, apart from it",
        _RELAY,
        "@transaction.atomic\ndef _hand_over(",
        "def _hand_over(",
        "tests/flows/test_kill_points.py",
        "tests/workers/test_relay.py",
    ),
    mutant(
        "the relay hands over what another one has handed over",
        _RELAY,
        "    if not confirmed.update(relayed_at=now, relay_due_at=None):\n        return\n",
        "    confirmed.update(relayed_at=now, relay_due_at=None)\n",
        "tests/workers/test_relay.py",
        "tests/flows/test_races.py",
    ),
    mutant(
        "one poisonous event stops the others",
        _RELAY,
        "            _postpone(event, error, now)\n    return len(events)\n",
        "            _postpone(event, error, now)\n            raise\n    return len(events)\n",
        "tests/workers/test_relay.py",
    ),
    mutant(
        "the order side takes the same money twice",
        _MONEY,
        "    return rows.exists()\n",
        "    return False\n",
        "tests/orders/test_services.py",
    ),
    mutant(
        "the order side does not lock the order",
        _CONCLUDING,
        "        return Order.objects.select_for_update(no_key=True).get(order_no=order_no)\n",
        "        return Order.objects.get(order_no=order_no)\n",
        "tests/orders/test_services.py",
        "tests/flows/test_races.py",
    ),
    mutant(
        "an older event overtakes a newer one",
        "orders/services/attempts.py",
        "    if seq <= attempt.seq:\n        return False\n",
        "",
        "tests/orders/test_services.py",
    ),
    mutant(
        "an expired order is closed without the channel's word",
        _CONCLUDING,
        "    if wants_money and order.attempts.filter(status=AttemptStatus.OPEN).exists():\n",
        "    is_open = not order.close_asked_at\n"
        "    if wants_money and is_open and order.attempts.filter(status=AttemptStatus.OPEN).exists():\n",
        "tests/orders/test_closing.py",
        "tests/workers/test_closing.py",
    ),
    mutant(
        "money for a cancelled order revives it",
        _MONEY,
        '    if order.status != OrderStatus.CLOSED or settings.LATE_MONEY != "revive":\n',
        '    if settings.LATE_MONEY != "revive":\n',
        "tests/orders/test_services.py",
        "tests/flows/test_odd_money.py",
    ),
    mutant(
        "surplus is not sent back",
        _TELLING,
        "    if owed and (why := give_back(owed, now)):\n",
        "    if owed and (why := None):\n",
        "tests/flows/test_money_back.py",
    ),
    mutant(
        "surplus is sent back whatever went back before",
        _TELLING,
        "    amount = min(entry.amount, still_owed(payment, surplus_of([entry.payment_no])))\n",
        "    amount = entry.amount\n",
        "tests/flows/test_money_back.py",
        "tests/workers/test_watch.py",
    ),
    mutant(
        "another open payment of a paid order stays open",
        _TELLING,
        "    if entry and entry.entry == Entry.APPLIED:\n"
        "        have_closed(order_no=payment.order_no, now=now)"
        "  # nobody is to pay this order once more\n",
        "",
        "tests/workers/test_closing.py",
        "tests/flows/test_money_back.py",
        "tests/flows/test_odd_money.py",
    ),
    mutant(
        "goods are put back that the order does not hold",
        _CONCLUDING,
        "        if order.stock_held:\n            stock.release(order)\n"
        "            order.stock_held = False\n",
        "        stock.release(order)\n",
        "tests/orders/test_stock.py",
    ),
    mutant(
        "who has paid may pay again before the order knows",
        "shop/services/paying.py",
        "        if payment.status == Status.SUCCEEDED:\n            raise AlreadyPaid(payment)\n",
        "        pass\n",
        "tests/shop/test_pay_again.py",
    ),
    mutant(
        "a notification overtakes an earlier one of its order",
        "orders/deliveries/claiming.py",
        "    return due.exclude(Exists(earlier)).order_by(",
        "    return due.order_by(",
        "tests/orders/test_deliveries.py",
    ),
    mutant(
        "a closed order is not told",
        _CONCLUDING,
        '        notify(order=order, type="order.closed", now=now)\n',
        "        pass\n",
        "tests/flows/test_notifications.py",
    ),
    mutant(
        "a refunded order is not told",
        _CONCLUDING,
        '        notify(order=order, type="order.refunded", now=now)\n',
        "        pass\n",
        "tests/flows/test_notifications.py",
    ),
)
