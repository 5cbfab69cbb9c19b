"""What the pages' templates need."""

import segno
from django import template
from django.utils.safestring import SafeString, mark_safe

from shop.money import format_money

register = template.Library()


@register.filter
def money(amount: int, currency: str) -> str:
    """`{{ amount|money:currency }}`, with `amount` in minor units."""
    return format_money(amount, currency)


@register.filter
def qr_code(text: str) -> SafeString:
    """The text as a QR code, drawn in SVG; its size is the style sheet's business."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=3, light="#fff")
    return mark_safe(drawn)  # noqa: S308  (drawn by us: the text itself is not in it)
