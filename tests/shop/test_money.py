"""Money as text: exact, and with the decimals of its currency."""

import pytest

from shop.formats import format_money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (0, "CNY", "CN¥0.00"),
        (1, "CNY", "CN¥0.01"),
        (129900, "CNY", "CN¥1,299.00"),
        (-1250, "CNY", "-CN¥12.50"),
        (1200, "JPY", "JP¥1,200"),
        (1, "JPY", "JP¥1"),
        (1500, "KWD", "KWD\u00a01.500"),
        (5, "KWD", "KWD\u00a00.005"),
        (12345, "CLF", "CLF\u00a01.2345"),
        (99, "XTS", "XTS\u00a00.99"),
        (2**63 - 1, "USD", "US$92,233,720,368,547,758.07"),
    ],
)
def test_money_as_text(amount, currency, text):
    assert format_money(amount, currency) == text
