"""What shoppers fill in."""

import secrets

from django import forms

from shop.services import MOST_OF_AN_EMAIL, MOST_OF_ONE


def new_key() -> str:
    """One filled-in form makes one order, however often it is sent."""
    return secrets.token_urlsafe(24)


class BuyForm(forms.Form):
    """How many of one product, and where to write to."""

    quantity = forms.IntegerField(
        label="How many",
        min_value=1,
        max_value=MOST_OF_ONE,
        initial=1,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), f"Order 1 to {MOST_OF_ONE}."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=MOST_OF_AN_EMAIL,
        required=False,
        help_text="Optional: only for questions about this order.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "placeholder": "you@example.com"}),
    )
    key = forms.CharField(min_length=16, max_length=255, initial=new_key, widget=forms.HiddenInput)
