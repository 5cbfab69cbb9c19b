"""Raw bytes and headers for human eyes: readable, and without secrets."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

HIDDEN = "•••"
_SECRET = re.compile(
    r"auth|cookie|sign|token|secret|passw|credential|session|csrf|api.?key|^cvc$|^cvv$|^pan$", re.I
)
_FORM = re.compile(r"[\w.\-\[\]%]+=[^\s]*")
SHOWN = 128 * 1024  # characters


def readable_headers(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values in order, those that may authenticate somebody hidden."""
    return [(name, _hidden(name) or str(value)) for name, value in sorted(headers.items())]


def readable_body(body: bytes) -> str:
    """JSON indented, a form one field a line, other text as it came, anything else as a hex dump.

    Values of fields that are named like secrets are hidden; where nothing has names, nothing is.
    """
    # Lone surrogates are legal in JSON, and can't be sent to a browser.
    text = _text(body).encode(errors="backslashreplace").decode()
    rest = len(text) - SHOWN
    return f"{text[:SHOWN]}\n… and {rest} characters more" if rest > 0 else text


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _dump(body)
    if "\x00" in text:
        return _dump(body)
    try:
        values = json.loads(text, parse_float="\0{}\0".format)  # 12.50 must not turn into 12.5
        shown = json.dumps(_without_secrets(values), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _form(text)
    return re.sub(r'"\\u0000([^"]*)\\u0000"', r"\1", shown)


def _form(text: str) -> str:
    if not _FORM.fullmatch(text.strip()):
        return text
    fields = parse_qsl(text.strip(), keep_blank_values=True)
    return "\n".join(f"{name} = {_hidden(name) or value}" for name, value in fields)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(name) or _without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value


def _hidden(name: str) -> str:
    return HIDDEN if _SECRET.search(name) else ""


def _dump(body: bytes) -> str:
    """Sixteen bytes a line: offset, hex, and what can be read of it."""
    lines = []
    for offset in range(0, len(body), 16):
        part = body[offset : offset + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{offset:06x}  {part.hex(' '):<47}  {seen}")
    return "\n".join(lines)
