"""The only place where values become SQL text.

Statements are written by Pharos; what users name (labels, tenants, patterns) enters them through these
functions and nowhere else. `Statement` is a type of its own so that a bare string cannot be run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.labels import METRIC_NAME, Matcher, MatchOp

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement whose every value was printed by this module."""

    text: str


ENGINE_VERSION: Final = Statement("SELECT version() AS version")


def string(value: str) -> str:
    """Return `value` as a string literal (ClickHouse syntax, section String literals).

    Lone surrogates stand for bytes that are no UTF-8 (PEP 383) and become those bytes, which no stored
    text has.
    """
    text = value.translate(_ESCAPES)
    if not text.isascii():
        text = _SURROGATE.sub(_byte_escapes, text)
    return f"'{text}'"


def _byte_escapes(found: re.Match[str]) -> str:
    code = ord(found[0])
    raw = bytes([code & 0xFF]) if 0xDC80 <= code <= 0xDCFF else found[0].encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def strings(values: Iterable[str]) -> str:
    """Return a parenthesised list of string literals."""
    return f"({', '.join(string(value) for value in values)})"


def integers(values: NDArray[np.integer] | Iterable[int]) -> str:
    """Return a parenthesised list of integer literals."""
    numbers: list[int] = values.tolist() if isinstance(values, np.ndarray) else [int(v) for v in values]
    return f"({', '.join(map(str, numbers))})"


def identifier(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def regex(pattern: str) -> str:
    """Return an anchored pattern literal for `match`, whose dot takes newlines as Prometheus' does."""
    return string(f"^(?:{pattern})$")


def matcher_condition(matcher: Matcher) -> str:
    """Return the condition of one matcher over the columns `metric` and `labels` of the series table."""
    column = "metric" if matcher.name == METRIC_NAME else f"labels[{string(matcher.name)}]"
    match matcher.op:
        case MatchOp.EQUAL:
            return f"{column} = {string(matcher.value)}"
        case MatchOp.NOT_EQUAL:
            return f"{column} != {string(matcher.value)}"
        case MatchOp.REGEX:
            return f"match({column}, {regex(matcher.value)})"
        case MatchOp.NOT_REGEX:
            return f"NOT match({column}, {regex(matcher.value)})"


def series_condition(tenant: str, matchers: Sequence[Matcher], *conditions: str) -> str:
    """Return the condition that selects a tenant's series: the tenant fence first, then every matcher."""
    parts = [f"tenant = {string(tenant)}", *(matcher_condition(m) for m in matchers), *conditions]
    return " AND ".join(f"({part})" for part in parts)
