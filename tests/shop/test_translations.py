"""The catalogues are complete, in step with the code, and compiled."""

import re
from string import Formatter

import pytest
from babel.messages.catalog import Catalog

from shop.catalogue import catalogues, compiled, read, texts, untranslated

CATALOGUES = catalogues()
pytestmark = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])


def ids(catalogue: Catalog) -> set:
    return {message.id for message in catalogue if message.id}


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|</?\w+", text)) | {
        name for _, name, _, _ in Formatter().parse(text) if name
    }


def test_every_text_of_the_shop_is_in_it_and_no_other(path):
    assert ids(read(path)) == ids(texts()), "run: make translations"


def test_every_text_is_translated_and_none_is_a_guess(path):
    catalogue = read(path)

    assert untranslated(catalogue) == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_a_translation_keeps_what_is_filled_in_and_what_is_marked_up(path):
    for message in read(path):
        if not message.id:
            continue
        said = message.id[-1] if isinstance(message.id, tuple) else message.id
        for text in [message.string] if isinstance(message.string, str) else message.string:
            assert placeholders(text) == placeholders(said)


def test_what_is_compiled_is_what_is_written(path):
    assert path.with_suffix(".mo").read_bytes() == compiled(read(path)), "run: make translations"
