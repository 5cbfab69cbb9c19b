"""The catalogues of the shop's texts, kept in step with the code. Needs no gettext: Babel does it.

`manage.py translate` adds what is new, empty, for somebody to translate; drops what is gone; and
writes the compiled catalogues, which are committed so that running the shop needs no extra step.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

SHOP = Path(__file__).resolve().parent
PO = "LC_MESSAGES/django.po"
_KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
}


def catalogues() -> list[Path]:
    """The .po file of each language but English, which the texts themselves are in."""
    return sorted((SHOP / "locale").glob(f"*/{PO}"))


def texts() -> Catalog:
    """All that the shop says, by where it says it."""
    found = Catalog()
    for path in sorted([*SHOP.rglob("*.py"), *SHOP.glob("templates/**/*.html")]):
        for message, context in _texts_of(path):
            found.add(message, locations=[(str(path.relative_to(SHOP.parent)), 0)], context=context)
    return found


def read(path: Path) -> Catalog:
    """A catalogue as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def update(path: Path) -> Catalog:
    """Bring a .po file and its .mo into step with the code; the result may have empty texts."""
    catalogue = read(path)
    catalogue.update(texts(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(read(path)))
    return catalogue


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(message.id) for message in catalogue if message.id and not _is_whole(message)]


def compiled(catalogue: Catalog) -> bytes:
    """What gettext reads."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def _is_whole(message: Message) -> bool:
    said = message.string or ""
    return all(said) if isinstance(said, tuple) else bool(said)


def _texts_of(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    source = path.read_text()
    if path.suffix == ".html":
        # In brackets, so that the indentation of HTML is not taken for that of Python.
        source = f"(\n{templatize(source)}\n)"
    file = BytesIO(source.encode())
    for _line, message, _comments, context in extract("python", file, keywords=_KEYWORDS):
        yield message, context
