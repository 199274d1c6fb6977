"""A stream's labels: read from their text form, and made a resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import unquote
from pharos.ingest.events.requests import resource_of

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z", re.ASCII)
_ESCAPE: Final = (
    r"""\\(?:[abfnrtv\\'"]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u[0-9a-fA-F]{4}"""
    r"""|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"""
)
_PAIR: Final = re.compile(
    rf"""[ \t\r\n]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t\r\n]*=[ \t\r\n]*"""
    rf"""("(?:[^"\\\n]|{_ESCAPE})*"|'(?:[^'\\\n]|{_ESCAPE})*'|`[^`]*`)[ \t\r\n]*(,|(?=\}}))""",
    re.ASCII,
)
_OPEN: Final = re.compile(r"[ \t\r\n]*\{")
_CLOSE: Final = re.compile(r"[ \t\r\n]*\}[ \t\r\n]*\Z")
_KEPT_CHARACTERS: Final = 2048
_SHOWN: Final = 120


def parse_labels(text: str) -> dict[str, str]:
    r"""Return the labels of `{a="b", c="d"}`, whose values are quoted as Go does; empty ones are none.

    Raises PharosError(INVALID) for anything else, and without any label.
    """
    opened = _OPEN.match(text)
    if opened is None:
        raise _not_labels(text)
    labels: dict[str, str] = {}
    at = opened.end()
    while pair := _PAIR.match(text, at):
        name, literal, _ = pair.groups()
        if name in labels:
            raise PharosError(Kind.INVALID, f"the label {name} stands twice in {text[:_SHOWN]}")
        labels[name] = unquote(literal)
        at = pair.end()
    if _CLOSE.match(text, at) is None:
        raise _not_labels(text)
    return labels


def _not_labels(text: str) -> PharosError:
    return PharosError(
        Kind.INVALID, f"not labels: {text[:_SHOWN]!r}", hint='they are written as {app="shop", env="test"}'
    )


def stream_resource(labels: Mapping[str, str]) -> bytes:
    """Return the Resource of a stream. Raises PharosError(INVALID) for a bad name, and without labels."""
    for name in labels:
        if not _NAME.match(name):
            raise PharosError(
                Kind.INVALID,
                f"{name[:_SHOWN]!r} is not the name of a label",
                hint="letters, digits and _, beginning with a letter or _",
            )
    told = sorted((name, value) for name, value in labels.items() if value)
    if not told:
        raise PharosError(Kind.INVALID, "a stream has no labels", hint="at least one is needed")
    return resource_of(told)


def text_resource(text: str) -> bytes:
    """Return the Resource of labels in their text form. Raises PharosError(INVALID)."""
    # The same few streams come again and again.
    return _kept_resource(text) if len(text) <= _KEPT_CHARACTERS else stream_resource(parse_labels(text))


@lru_cache(8192)
def _kept_resource(text: str) -> bytes:
    return stream_resource(parse_labels(text))
