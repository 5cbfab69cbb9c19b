"""Money for people who read and write it; in the code it is integer minor units, never a float."""

import re
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
LONGEST = 24  # characters: exact within the precision of Decimal


def exponent_of(currency: str) -> int:
    """How many decimals the minor unit of an ISO 4217 currency stands for."""
    return EXPONENTS.get(currency, 2)


def format_money(amount: int, currency: str) -> str:
    """`amount` minor units with their code, which no sign leaves in doubt: `1,299.00 CNY`."""
    return f"{Decimal(amount).scaleb(-exponent_of(currency)):,f} {currency}"


def format_plain(amount: int, currency: str) -> str:
    """`amount` minor units as one types them: `1299.00`."""
    return f"{Decimal(amount).scaleb(-exponent_of(currency)):f}"


def parse_money(text: str, currency: str) -> int:
    """Minor units of an amount that a person wrote: `12.50`, `12`, `1,299.00`, `12.50 CNY`.

    What could be meant in two ways is refused: `12,50`, and `1,299` where decimals might follow.
    Raises `ValueError`, whose message says what would be right.
    """
    number = text.strip().removesuffix(currency).strip()
    exponent = exponent_of(currency)
    decimals = rf"\.[0-9]{{1,{exponent}}}" if exponent else ""
    grouped = rf"[0-9]{{1,3}}(,[0-9]{{3}})+{decimals}"
    plain = rf"[0-9]+({decimals})?"
    if len(number) > LONGEST or not re.fullmatch(f"{grouped}|{plain}", number):
        example = format_plain(129900, currency) if exponent else "1299"
        raise ValueError(
            f"Write the amount in {currency} like {example}"
            + (f", with {exponent} decimals at the most." if exponent else ", without decimals.")
        )
    return int(Decimal(number.replace(",", "")).scaleb(exponent))
