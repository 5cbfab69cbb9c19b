"""Money for people who read it, from integer minor units. No float ever holds an amount."""

from decimal import Decimal

NO_DECIMALS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"),
    *("VND", "VUV", "XAF", "XOF", "XPF"),
)
EXPONENTS = {  # ISO 4217; all others are 2
    **dict.fromkeys(NO_DECIMALS, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def exponent_of(currency: str) -> int:
    """How many decimals the minor unit of an ISO 4217 currency stands for."""
    return EXPONENTS.get(currency, 2)


def format_money(amount: int, currency: str) -> str:
    """`amount` minor units with their code, which no sign leaves in doubt: `1,299.00 CNY`."""
    return f"{Decimal(amount).scaleb(-exponent_of(currency)):,f} {currency}"
