"""Money for people to read, from integer minor units. No float ever holds an amount."""

from decimal import Decimal

# ISO 4217 exponents that are not 2. (CLDR's differ for some: they say how cash is rounded.)
_EXPONENTS = {
    "BHD": 3,
    "BIF": 0,
    "CLF": 4,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "IQD": 3,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "PYG": 0,
    "RWF": 0,
    "TND": 3,
    "UGX": 0,
    "UYI": 0,
    "UYW": 4,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
}
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


def exponent_of(currency: str) -> int:
    """How many decimals the minor unit of an ISO 4217 currency stands for."""
    return _EXPONENTS.get(currency, 2)


def format_money(amount: int, currency: str) -> str:
    """`amount` minor units as text: `CN¥1,299.00`, `JP¥1,200`, `KWD 1.500` (no-break space)."""
    value = f"{abs(Decimal(amount)).scaleb(-exponent_of(currency)):,f}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{_SIGNS.get(currency, currency + chr(0xA0))}{value}"
