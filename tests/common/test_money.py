"""Money as it is written for people."""

import pytest

from common.money import format_money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "CNY", "12.50 CNY"),
        (129900, "EUR", "1,299.00 EUR"),
        (5, "USD", "0.05 USD"),
        (1200, "JPY", "1,200 JPY"),
        (1500, "KWD", "1.500 KWD"),
        (2**62, "CNY", "46,116,860,184,273,879.04 CNY"),
    ],
)
def test_money_is_written_to_the_last_minor_unit(amount, currency, text):
    assert format_money(amount, currency) == text
