"""Money as it is written for people."""

import pytest

from common.money import format_money, format_plain, parse_money


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


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "CNY", 1250),
        (" 12 ", "CNY", 1200),
        ("12.5", "CNY", 1250),
        ("0.29", "CNY", 29),  # as a float, 28.999999999999996
        ("1,299.00", "EUR", 129900),
        ("12.50 CNY", "CNY", 1250),
        ("1200", "JPY", 1200),
        ("1,200", "JPY", 1200),
        ("1.5", "KWD", 1500),
        ("46116860184273879.04", "CNY", 2**62),
    ],
)
def test_money_that_a_person_wrote_is_read_exactly(text, currency, amount):
    assert parse_money(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *(("", "CNY"), ("12,50", "CNY"), ("1,299", "CNY"), ("12,99.00", "CNY"), ("1.234", "CNY")),
        *(("12.", "CNY"), (".5", "CNY"), ("+1", "CNY"), ("-1", "CNY"), ("1e3", "CNY")),
        *(("NaN", "CNY"), ("1 000", "CNY"), ("١٢", "CNY"), ("1.0", "JPY"), ("1,500", "KWD")),
        *(("12 EUR", "CNY"), ("9" * 25, "CNY"), ("1_000", "CNY"), ("0x10", "CNY")),
    ],
)
def test_money_that_could_be_misread_is_refused_with_what_is_right(text, currency):
    with pytest.raises(ValueError, match=f"Write the amount in {currency} like "):
        parse_money(text, currency)


@pytest.mark.parametrize("currency", ["CNY", "JPY", "KWD", "CLF"])
@pytest.mark.parametrize("amount", [0, 1, 29, 1250, 2**53 + 1])
def test_what_is_written_plainly_is_read_as_the_same(amount, currency):
    assert parse_money(format_plain(amount, currency), currency) == amount
    assert parse_money(format_money(amount, currency), currency) == amount
