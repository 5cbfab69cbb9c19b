"""Money for people to read, from integer minor units. No float ever holds an amount."""

from decimal import Decimal

from common.money import exponent_of

# Only signs that name one currency; all others are written as their code.
_SIGNS = {
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "INR": "₹",
    "JPY": "JP¥",
    "KRW": "₩",
    "USD": "US$",
}


def format_money(amount: int, currency: str) -> str:
    """`amount` minor units as text: `CN¥1,299.00`, `JP¥1,200`, `KWD 1.500` (no-break space)."""
    value = f"{abs(Decimal(amount)).scaleb(-exponent_of(currency)):,f}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{_SIGNS.get(currency, currency + chr(0xA0))}{value}"
