"""Money and times as the shopper writes them: by the language of the page, and where she lives.

A browser says it: `Accept-Language: en-US` wants `$12.00` and `7:03 PM`, `en-GB` wants `US$12.00`
and `19:03`. Her time zone comes from a cookie that the pages' script sets; without it, it is UTC.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header

from common.money import exponent_of

# English of no country: days before months, 24 hours, no sign that could be another currency's.
_USUAL = {"en": Locale("en", "GB"), "zh-hans": Locale("zh", "CN", "Hans")}

_locale: ContextVar[Locale] = ContextVar("locale", default=_USUAL["en"])


@contextmanager
def speaking(language: str, *, accepted: str = "", zone: str = "") -> Iterator[None]:
    """Inside, texts are in this language, and money and times are written as its readers do.

    `accepted` is the header Accept-Language, which may name a country; `zone` is an IANA time zone,
    UTC if it is unknown.
    """
    token = _locale.set(_locale_of(language, accepted))
    try:
        with translation.override(language), timezone.override(_zone(zone)):
            yield
    finally:
        _locale.reset(token)


def format_money(amount: int, currency: str) -> str:
    """`amount` minor units, exactly: `CN¥1,299.00`, `JP¥1,200`, `KWD 1.500` (no-break space)."""
    locale, exponent = _locale.get(), exponent_of(currency)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, exponent)
    text: str = pattern.apply(
        Decimal(amount).scaleb(-exponent), locale, currency=currency, currency_digits=False
    )
    # CLDR leaves a code and its digits together.
    return text.replace(currency, f"{currency}\xa0") if f"{currency}\xa0" not in text else text


def format_day(at: dt.datetime) -> str:
    """`24 Nov 2026`."""
    return format_date(timezone.localtime(at).date(), "medium", locale=_locale.get())


def format_moment(at: dt.datetime, *, now: dt.datetime) -> str:
    """`19:03` today, else `24 Nov 2026, 19:03`; it says UTC where her time zone is unknown."""
    local = timezone.localtime(at)
    text = format_time(local.time(), "short", locale=_locale.get())
    if str(timezone.get_current_timezone()) == "UTC":
        text = f"{text} UTC"
    if local.date() == timezone.localtime(now).date():
        return text
    joined = str(_locale.get().datetime_formats["medium"])
    return joined.replace("{1}", format_day(at)).replace("{0}", text).replace("'", "")


@lru_cache(maxsize=512)
def _locale_of(language: str, accepted: str) -> Locale:
    """The language as the first country writes it that the browser names with it."""
    usual = _USUAL.get(language, _USUAL[settings.LANGUAGE_CODE])
    for tag, _ in parse_accept_lang_header(accepted):
        try:
            locale = Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
        same = (locale.language, locale.script or usual.script) == (usual.language, usual.script)
        if same and locale.territory:
            return locale
    return usual


def _zone(name: str) -> dt.tzinfo:
    return ZoneInfo(name) if name in _zones() else dt.UTC


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
