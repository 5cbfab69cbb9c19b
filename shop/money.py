"""Money for people to read, from integer minor units. No float ever holds an amount."""

from shop.formats import format_money

__all__ = ["format_money"]
