"""What shoppers fill in."""

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.states import Via
from shop.services import MOST_OF_AN_EMAIL, MOST_OF_ONE
from shop.stock import say_how_many_are_left


def new_key() -> str:
    """One filled-in form makes one order, however often it is sent."""
    return secrets.token_urlsafe(24)


def writes_mail() -> bool:
    """Whether shoppers are written to at all: else nobody is asked for an address."""
    return Via.EMAIL in settings.NOTIFIERS


def say_the_range() -> str:
    return gettext("Order 1 to %(most)d.") % {"most": MOST_OF_ONE}


class HowMany(forms.Form):
    """How many of one product, of which so many are left; None: any number."""

    quantity = forms.IntegerField(
        label=_("How many"),
        min_value=1,
        max_value=MOST_OF_ONE,
        initial=1,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            lazy(say_the_range, str)(),
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, left: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left = left

    def clean_quantity(self) -> int:
        wanted: int = self.cleaned_data["quantity"]
        if self._left is not None and wanted > self._left:
            raise forms.ValidationError(say_how_many_are_left(self._left))
        return wanted

    def cart_is_full(self) -> None:
        self.add_error(None, _("Your cart is full: order what is in it first."))


class InCart(forms.Form):
    """How many of a product the cart is to hold; none takes it out."""

    sku = forms.SlugField(max_length=32)
    quantity = forms.IntegerField(min_value=0, max_value=MOST_OF_ONE)


class BuyNow(forms.Form):
    """The address of a checkout of one product."""

    sku = forms.SlugField(max_length=32)
    quantity = forms.IntegerField(min_value=1, max_value=MOST_OF_ONE)


class Checkout(forms.Form):
    """Where to write to, and the total that was agreed to."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=MOST_OF_AN_EMAIL,
        required=False,
        help_text=_(
            "Optional: only for this order, and if you leave before we know that it is paid."
        ),
        error_messages={"invalid": _("Write an address like you@example.com.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    key = forms.CharField(min_length=16, max_length=255, initial=new_key, widget=forms.HiddenInput)
    total = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not writes_mail():
            del self.fields["email"]

    def ask_again(self, why: str, **values: object) -> None:
        """It can't be taken as it stands: say why, and let it be sent anew with these values."""
        self.data = {name: self.data[name] for name in self.data} | values
        self.add_error(None, why)


class TellMe(forms.Form):
    """Where to write to when the end is known."""

    email = forms.EmailField(
        label=_("Tell me by e-mail"),
        max_length=MOST_OF_AN_EMAIL,
        error_messages=dict.fromkeys(
            ("required", "invalid"), _("Write an address like you@example.com.")
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class Credentials(AuthenticationForm):
    """Name and password, with a label above each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
