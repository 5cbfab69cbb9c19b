"""An order as JSON: with its lines, payments and refunds."""

from collections.abc import Sequence
from typing import Any

from orders.models import Order
from payments.models import Payment, Refund
from payments.selectors import payments_of, refunds_of
from payments.states import RefundStatus
from shop.access import order_token
from shop.api.serializers import PaymentSerializer, RefundSerializer, money


def order_as_json(order: Order) -> dict[str, Any]:
    """For one who may see it."""
    payments, refunds = payments_of(order_no=order.order_no), refunds_of(order_no=order.order_no)
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
        "payments": PaymentSerializer(payments, many=True).data,
        "refunds": RefundSerializer(refunds, many=True).data,
        "refunded": money(_refunded(refunds, order.currency), order.currency),
        "refundable": money(_refundable(payments, order.currency), order.currency),
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "paid_at": order.paid_at,
        "closed_at": order.closed_at,
        "revived_at": order.revived_at,
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
