"""What the pages' templates need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import segno
from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from payments.models import Payment, Refund
from payments.states import RefundStatus, Status
from shop.formats import format_day, format_moment, format_money
from shop.standing import Standing
from shop.words import PAYMENTS, REFUNDS, STANDINGS

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

register = template.Library()

_DRAWN = {path.stem for path in (Path(__file__).parents[1] / "static/shop/goods").glob("*.svg")}


@register.filter
def money(amount: int, currency: str) -> str:
    """`{{ amount|money:currency }}`, with `amount` in minor units."""
    return format_money(amount, currency)


@register.filter
def day(at: dt.datetime | None) -> str:
    return format_day(at) if at else ""


@register.simple_tag(takes_context=True)
def moment(context: Context, at: dt.datetime | None) -> SafeString:
    """A time for people and for machines; nothing where there is none."""
    if not at:
        return SafeString("")
    now = context.get("now") or timezone.now()
    text = format_moment(at, now=now)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), text)


@register.filter
def own_words(text: str) -> str:
    """What the catalogue knows in the shopper's language; an operator's own words stay."""
    return gettext(text) if text else ""


@register.filter
def standing_word(standing: Standing) -> StrPromise:
    return STANDINGS[standing]


@register.filter
def payment_word(payment: Payment) -> StrPromise:
    return PAYMENTS[Status(payment.status)]


@register.filter
def refund_word(refund: Refund) -> StrPromise:
    return REFUNDS[RefundStatus(refund.status)]


@register.simple_tag
def picture(sku: str, emoji: str | Mapping[str, str] = "") -> SafeString:
    """A product's drawing, else its emoji, else a parcel; the name stands beside it."""
    if sku not in _DRAWN:
        emoji = emoji if isinstance(emoji, str) else emoji.get(sku, "")
        if emoji:
            return format_html('<span class="emoji" aria-hidden="true">{}</span>', emoji)
    drawing = '<img src="{}" alt="" width="200" height="200">'
    return format_html(drawing, picture_url(sku))


@register.simple_tag
def picture_url(sku: str) -> str:
    return static(f"shop/goods/{sku if sku in _DRAWN else 'parcel'}.svg")


@register.filter
def qr_code(text: str) -> SafeString:
    """The text as a QR code, drawn in SVG; its size is the style sheet's business."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=3, light="#fff")
    return mark_safe(drawn)  # noqa: S308  (drawn by us: the text itself is not in it)
