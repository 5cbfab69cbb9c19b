"""The form that gives money back: how much, and why. Sent twice, it makes one refund."""

import re
import secrets
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from common.admin_forms import dress
from common.money import format_money, format_plain, parse_money
from payments import services
from payments.models import Payment, Refund
from payments.services import RefundError
from payments.states import RefundReason

if TYPE_CHECKING:
    from payments.admin.payments import PaymentAdmin

ONE_TIME_KEY = re.compile(r"[0-9a-f]{32}")


class RefundForm(forms.Form):
    """`amount` is written in major units, and cleaned to minor ones."""

    amount = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    reason = forms.ChoiceField(choices=RefundReason)
    note = forms.CharField(
        label="Why",
        max_length=200,
        help_text="In your own words. It is kept, and the channel is told it.",
        error_messages={"required": "Say why this money goes back."},
    )
    key = forms.RegexField(ONE_TIME_KEY, widget=forms.HiddenInput)

    def __init__(self, payment: Payment, data: object = None) -> None:
        self.currency = payment.received_currency
        initial = {
            "amount": format_plain(payment.refundable, self.currency),
            "reason": RefundReason.CUSTOMER,
            "key": secrets.token_hex(16),
        }
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        dress(self)
        self.fields["amount"].label = f"Amount in {self.currency}"
        self.fields["amount"].help_text = f"{initial['amount']} can be refunded at the most."

    def clean_amount(self) -> int:
        try:
            amount = parse_money(self.cleaned_data["amount"], self.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if amount <= 0:
            raise forms.ValidationError("A refund needs an amount above 0.")
        return amount


def refund_a_payment(page: "PaymentAdmin", request: HttpRequest, payment: Payment) -> HttpResponse:
    """Show the form, or ask for the refund; then the refund's page tells how it goes on."""
    form = RefundForm(payment, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        refund = _ask(page, request, payment, form)
        if refund:
            return HttpResponseRedirect(reverse("admin:payments_refund_change", args=[refund.pk]))
    return page.form_page(
        request,
        form,
        title=f"Refund payment {payment.payment_no}",
        submit="Refund",
        row=payment,
        facts=_facts(payment),
        intro="The money goes back to who paid it, through the channel. It can't be called back.",
    )


def _ask(
    page: "PaymentAdmin", request: HttpRequest, payment: Payment, form: RefundForm
) -> Refund | None:
    asked, now = form.cleaned_data, timezone.now()
    try:
        refund = services.request_refund(
            payment_no=payment.payment_no,
            amount=asked["amount"],
            reason=RefundReason(asked["reason"]),
            note=asked["note"],
            origin=f"admin/{asked['key']}",
            now=now,
            actor=request.user.get_username(),
        )
    except RefundError as error:
        form.add_error(None, str(error))
        return None
    money = format_money(refund.amount, refund.currency)
    if refund.created_at == now:  # else the form was sent twice: this is told already
        page.log_change(
            request, payment, f"Refunded {money} by {refund.refund_no}: {asked['note']}"
        )
    text = f"{money} go back by {refund.refund_no}. This page tells when the channel has done it."
    page.message_user(request, text, messages.SUCCESS)
    return refund


def _facts(payment: Payment) -> list[tuple[str, str]]:
    currency = payment.received_currency or payment.currency
    return [
        ("Order", payment.order_no),
        ("Captured", format_money(payment.captured_total, currency)),
        ("Goes back already", format_money(payment.refund_total, currency)),
        ("Refundable", format_money(payment.refundable, currency)),
    ]
