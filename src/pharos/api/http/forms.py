"""Forms and query strings, as Go's net/url and mime/multipart read them, but that every fault is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from pharos.errors import Kind, PharosError

Pairs = tuple[tuple[str, str], ...]
"""Names and values; bytes that are no UTF-8 are kept as lone surrogates (PEP 383)."""

URL_ENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
METHODS: Final = frozenset({"POST", "PUT"})
"""Those of which a body is read as a form."""

_FIELDS_MAX: Final = 10_000
# As upstream's: multipartmaxparts.
_PARTS_MAX: Final = 1_000
_PART_HEAD_MAX_BYTES: Final = 16 << 10
_BAD_ESCAPE: Final = re.compile("%(?![0-9a-fA-F]{2})")


def media_type(content_type: str) -> str:
    """Return a content type without its parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def parse_form(content_type: str, body: bytes) -> Pairs:
    """Return the fields of a form's body, none for any other type. Raises PharosError(INVALID)."""
    media = media_type(content_type)
    if media == URL_ENCODED:
        return parse_pairs(body)
    return tuple(_multipart(content_type, body)) if media == MULTIPART else ()


def parse_pairs(raw: bytes) -> Pairs:
    """Return the pairs of a query string or an URL-encoded form.

    Raises PharosError(INVALID) in the words of Go's url.ParseQuery.
    """
    if not raw:
        return ()
    text = raw.decode("utf-8", "surrogateescape")
    if ";" in text:
        raise _fault("invalid semicolon separator in query")
    if bad := _BAD_ESCAPE.search(text):
        raise _fault(f"invalid URL escape {_escape_at(text, bad.start())}")
    try:
        return tuple(
            parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_FIELDS_MAX)
        )
    except ValueError as exc:
        raise _fault(str(exc)) from exc


def _escape_at(text: str, at: int) -> str:
    """Return what Go shows of a bad escape: three characters, or fewer where the name or value ends."""
    shown = text[at : at + 3].partition("&")[0]
    if "=" not in text[text.rfind("&", 0, at) + 1 : at]:
        shown = shown.partition("=")[0]
    return json.dumps(shown, ensure_ascii=False)


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, f"error parsing form values: {message}")


def _multipart(content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form in parts (RFC 7578); files are no fields."""
    described = Message()
    described["Content-Type"] = content_type
    boundary = described.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise _fault("no multipart boundary param in Content-Type")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("utf-8", "surrogateescape"), _PARTS_MAX + 2)
    if len(parts) == _PARTS_MAX + 3:
        raise _fault("multipart: message too large")
    if len(parts) == 1 or not parts[-1].startswith(b"--"):
        raise _fault("multipart: NextPart: EOF")
    for part in parts[1:-1]:
        # White space may follow the boundary, the blank line comes at once where a part has no headers.
        padding, _, rest = part.partition(b"\r\n")
        head, end, content = (b"\r\n" + rest).partition(b"\r\n\r\n")
        if padding.strip(b" \t") or not end or len(head) > _PART_HEAD_MAX_BYTES:
            raise _fault("multipart: NextPart: malformed part")
        if (name := _field_name(head)) is not None:
            yield name, content.decode("utf-8", "surrogateescape")


def _field_name(head: bytes) -> str | None:
    """Return which field a part with these headers is; None for a file, or for something else."""
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() != "content-disposition":
            continue
        disposition = Message()
        disposition["Content-Disposition"] = value.strip()
        name = disposition.get_param("name", header="content-disposition")
        if disposition.get_content_disposition() != "form-data" or disposition.get_filename():
            return None
        return name if isinstance(name, str) and name else None
    return None
