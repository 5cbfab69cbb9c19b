"""An order as JSON: with its lines, payments and refunds; or in brief, for a list."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from orders.models import Order
from payments.models import Payment, Refund
from payments.selectors import payments_of, refunds_of
from payments.states import RefundStatus
from shop.access import order_token
from shop.api.serializers import PaymentSerializer, RefundSerializer, money
from shop.money_back import money_back
from shop.standing import MAY_CANCEL, MAY_PAY, standing_of


def order_in_brief(order: Order) -> dict[str, Any]:
    """For one who may see it, among others."""
    return {
        "order_no": order.order_no,
        "token": order_token(order.order_no),
        "status": order.status,
        "version": order.version,
        "cancel_asked": order.cancel_asked_at is not None,
        "total": money(order.total, order.currency),
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "unit_price": money(line.unit_price, order.currency),
                "total": money(line.total, order.currency),
            }
            for line in order.lines.all()
        ],
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "paid_at": order.paid_at,
        "closed_at": order.closed_at,
        "revived_at": order.revived_at,
    }


def order_as_json(order: Order, *, now: dt.datetime) -> dict[str, Any]:
    """For one who may see it: all that its page tells."""
    payments, refunds = payments_of(order_no=order.order_no), refunds_of(order_no=order.order_no)
    ledger = list(order.ledger.all())
    standing = standing_of(order, payments, ledger=ledger, refunds=refunds, now=now)
    return order_in_brief(order) | {
        "standing": standing,
        "may_pay": standing in MAY_PAY,
        "may_cancel": standing in MAY_CANCEL and order.cancel_asked_at is None,
        "payments": PaymentSerializer(payments, many=True).data,
        "refunds": RefundSerializer(refunds, many=True).data,
        "refunded": money(_refunded(refunds, order.currency), order.currency),
        "refundable": money(_refundable(payments, order.currency), order.currency),
        "money_back": [
            {
                "cause": each.cause,
                "way": each.way,
                "amount": money(each.amount, each.currency),
                "at": each.at,
            }
            for each in money_back(ledger, refunds)
        ],
    }


def _refunded(refunds: Sequence[Refund], currency: str) -> int:
    return sum(
        refund.amount
        for refund in refunds
        if refund.status == RefundStatus.SUCCEEDED and refund.currency == currency
    )


def _refundable(payments: Sequence[Payment], currency: str) -> int:
    its = [payment for payment in payments if payment.received_currency == currency]
    return sum(payment.refundable for payment in its)
