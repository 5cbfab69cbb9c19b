"""The JSON of the API. Money is an integer of minor units, its currency, and text for people."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orders.states import OrderStatus
from payments.channels.registry import get_label
from payments.models import Payment, Refund
from payments.states import RefundReason, RefundStatus, Status
from shop.api.fields import ListOf, StrictObject, WholeNumberField
from shop.formats import format_money
from shop.models import Product
from shop.money_back import Cause, Way
from shop.return_urls import BadReturnUrl, check_return_url
from shop.services import MOST_LINES, MOST_OF_A_NOTE, MOST_OF_AN_EMAIL, MOST_OF_ONE
from shop.standing import Standing


class MoneySerializer(serializers.Serializer):
    """An amount; calculate with `amount`, show `text`."""

    amount = serializers.IntegerField(help_text="minor units")
    currency = serializers.CharField(help_text="ISO 4217")
    text = serializers.CharField()


def money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency, "text": format_money(amount, currency)}


class ProductSerializer(serializers.Serializer):
    sku = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    emoji = serializers.CharField()
    price = serializers.SerializerMethodField()
    left = serializers.SerializerMethodField(help_text="how many can be had; null: any number")

    @extend_schema_field(MoneySerializer)
    def get_price(self, product: Product) -> dict[str, Any]:
        return money(product.price, product.currency)

    def get_left(self, product: Product) -> int | None:
        stock: dict[str, int] = self.context["stock"]
        return stock.get(product.sku)


class ChannelSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="what to send when a payment is started")
    label = serializers.CharField(help_text="what to show to the shopper")
    currencies = serializers.ListField(child=serializers.CharField(), help_text="ISO 4217")
    can_refund = serializers.BooleanField(help_text="false: an operator gives money back there")
    can_close = serializers.BooleanField(
        help_text="false: a payment stays open until its time is over, and so does its order"
    )


class ChannelsOfSerializer(serializers.Serializer):
    currency = serializers.RegexField(
        r"^[A-Z]{3}$", required=False, help_text="only those that take it: ISO 4217"
    )


class WishSerializer(StrictObject):
    sku = serializers.CharField(max_length=32)
    quantity = WholeNumberField(min_value=1, max_value=MOST_OF_ONE)


class PlaceOrderSerializer(StrictObject):
    # Not `many=True`: its limits would be missing from the schema.
    lines = ListOf(child=WishSerializer(), min_length=1, max_length=MOST_LINES)
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", max_length=MOST_OF_AN_EMAIL
    )


class StartPaymentSerializer(StrictObject):
    channel = serializers.CharField(max_length=32)
    return_url = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        trim_whitespace=False,
        default="",
        help_text="where the wallet sends the shopper back to; the shop's own page if left out",
    )

    def validate_return_url(self, value: str) -> str:
        try:
            return check_return_url(value) if value else ""
        except BadReturnUrl as error:
            raise serializers.ValidationError(str(error)) from None


class ActionSerializer(serializers.Serializer):
    """What the app opens so that the shopper can pay."""

    kind = serializers.ChoiceField(choices=["redirect", "qr", "form"])
    url = serializers.CharField(help_text="redirect: open it; form: post the fields to it")
    text = serializers.CharField(help_text="qr: what the code holds")
    fields = serializers.DictField(child=serializers.CharField(), help_text="form: hidden fields")


class PaymentSerializer(serializers.Serializer):
    payment_no = serializers.CharField()
    order_no = serializers.CharField()
    channel = serializers.CharField()
    channel_label = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Status.choices)
    amount = serializers.SerializerMethodField()
    received = serializers.SerializerMethodField(
        help_text="all that came, whatever was asked for and has gone back since; null: nothing"
    )
    action = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    status_url = serializers.SerializerMethodField()

    def get_channel_label(self, payment: Payment) -> str:
        return get_label(payment.channel)

    @extend_schema_field(MoneySerializer)
    def get_amount(self, payment: Payment) -> dict[str, Any]:
        return money(payment.amount, payment.currency)

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_received(self, payment: Payment) -> dict[str, Any] | None:
        if payment.received_amount is None:
            return None
        return money(payment.captured_total, payment.received_currency)

    @extend_schema_field(ActionSerializer(allow_null=True))
    def get_action(self, payment: Payment) -> dict[str, Any] | None:
        return payment.action if payment.in_fog else None

    def get_status_url(self, payment: Payment) -> str:
        return f"/api/v1/payments/{payment.payment_no}/status"


class StartRefundSerializer(StrictObject):
    amount = WholeNumberField(
        required=False, min_value=1, help_text="minor units; all that is left if left out"
    )
    payment_no = serializers.CharField(
        required=False, max_length=32, help_text="the payment that paid the order if left out"
    )
    note = serializers.CharField(
        min_length=1, max_length=MOST_OF_A_NOTE, help_text="why; shoppers are not shown it"
    )


class RefundSerializer(serializers.Serializer):
    refund_no = serializers.CharField()
    order_no = serializers.CharField(source="payment.order_no")
    payment_no = serializers.CharField(source="payment.payment_no")
    amount = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=RefundStatus.choices)
    reason = serializers.ChoiceField(choices=RefundReason.choices)
    created_at = serializers.DateTimeField()
    refunded_at = serializers.DateTimeField(
        allow_null=True, help_text="when the money went back, by the channel's clock"
    )
    settled_at = serializers.DateTimeField(allow_null=True, help_text="when the shop knew the end")

    @extend_schema_field(MoneySerializer)
    def get_amount(self, refund: Refund) -> dict[str, Any]:
        return money(refund.amount, refund.currency)


class LineSerializer(serializers.Serializer):
    sku = serializers.CharField()
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneySerializer()
    total = MoneySerializer()


class OrderInBriefSerializer(serializers.Serializer):
    order_no = serializers.CharField()
    token = serializers.CharField(help_text="opens this order: send it as X-Order-Token")
    status = serializers.ChoiceField(choices=OrderStatus.choices)
    version = serializers.IntegerField(help_text="grows with each change of the order")
    cancel_asked = serializers.BooleanField(help_text="cancelled as soon as no payment is open")
    total = MoneySerializer()
    lines = LineSerializer(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="takes no payment after this, and is closed unless it is paid"
    )
    paid_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True, help_text="or cancelled")
    revived_at = serializers.DateTimeField(
        allow_null=True, help_text="paid after it was closed, and the goods could still be had"
    )


class MoneyBackSerializer(serializers.Serializer):
    cause = serializers.ChoiceField(choices=[(each.value, each.name) for each in Cause])
    way = serializers.ChoiceField(choices=[(each.value, each.name) for each in Way])
    amount = MoneySerializer()
    at = serializers.DateTimeField(allow_null=True, help_text="when it went back")


class OrderSerializer(OrderInBriefSerializer):
    standing = serializers.ChoiceField(
        choices=[(each.value, each.name) for each in Standing],
        help_text="where it stands, as its shopper should be told; never more than is known",
    )
    may_pay = serializers.BooleanField(help_text="whether to offer to pay, or to pay again")
    may_cancel = serializers.BooleanField()
    payments = PaymentSerializer(many=True, help_text="the newest first")
    refunds = RefundSerializer(many=True, help_text="the newest first")
    refunded = MoneySerializer(help_text="what has gone back, of the order's currency")
    refundable = MoneySerializer(help_text="what may be given back still, of the order's currency")
    money_back = MoneyBackSerializer(
        many=True, help_text="all that goes back, and how far it is, in the shopper's words"
    )


class PaymentStatusSerializer(serializers.Serializer):
    payment_no = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    final = serializers.BooleanField(help_text="the order knows the end too: stop asking")
    version = serializers.IntegerField(help_text="only grows; ignore an answer with a smaller one")
    poll_after_ms = serializers.IntegerField(
        allow_null=True, help_text="ask again after this; null: stop asking"
    )
    give_up_at = serializers.DateTimeField(help_text="stop asking at this time at the latest")
    order_no = serializers.CharField()
    order_status = serializers.ChoiceField(choices=OrderStatus.choices)
