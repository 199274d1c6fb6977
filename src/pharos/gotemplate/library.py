"""Functions that templates of rules and of notifications have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pharos.errors import PharosError
from pharos.gotemplate.builtins import fault
from pharos.gotemplate.moments import Duration
from pharos.gotemplate.values import ANY, TEXT, Budget, Function, SafeHtml, Value, type_name
from pharos.gotext.numbers import parse_float
from pharos.gotext.quoting import quote
from pharos.gotext.references import replace_all
from pharos.gotext.regex_faults import regex_fault
from pharos.labels import compile_regex

_MAX_PATTERN: Final = 4096
_DOT: Final = "(?-s)"
"""Here a dot matches no newline."""
_TOO_MANY: Final = 2.0**63
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")


def upper(text: str) -> str:
    """Return `text` in capital letters, each of which stays one letter: `straße` becomes `STRAßE`."""
    return text.upper() if text.isascii() else "".join(_one(char, char.upper()) for char in text)


def lower(text: str) -> str:
    """Return `text` in small letters, each of which stays one letter."""
    return text.lower() if text.isascii() else "".join(_one(char, char.lower()) for char in text)


def capital(char: str) -> str:
    """Return a letter as it begins a title."""
    return _one(char, char.title())


def _one(char: str, changed: str) -> str:
    return changed if len(changed) == 1 else changed[0] if char == "\u0130" else char


def to_real(value: Value) -> float:
    """Return a number, a text that is one, or the seconds of a duration. Raises PharosError(INVALID)."""
    if isinstance(value, Duration):
        return int(value) / 1e9
    if isinstance(value, str) and type(value) is str:
        return parse_float(value)
    if isinstance(value, int | float) and type(value) in {int, float}:
        return float(value)
    raise fault(f"can't convert {type_name(value)} to float")


def humanize_duration(value: Value) -> str:
    """Return seconds as `1d 2h 3m 4s`, and below one second as `12.3ms`."""
    seconds = to_real(value)
    if not math.isfinite(seconds):
        return four(seconds)
    if seconds == 0:
        return "0s"
    if abs(seconds) < 1:
        scaled, prefix = shrunk(seconds)
        return f"{four(scaled)}{prefix}s"
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    # what is past 64 bits becomes the least number there is, all parts of which are negative
    count, minus = (int(seconds), "") if seconds < _TOO_MANY else (int(_TOO_MANY), "-")
    parts = f"{count // 86_400} {count // 3600 % 24} {count // 60 % 60} {count % 60}".split()
    while len(parts) > 1 and parts[0] == "0":
        del parts[0]
    if len(parts) > 1:
        units = "dhms"[-len(parts) :]
        return sign + " ".join(
            f"{minus if part != '0' else ''}{part}{unit}" for part, unit in zip(parts, units, strict=True)
        )
    return f"{sign}{four(seconds)}s"


def shrunk(value: float) -> tuple[float, str]:
    """Return a number below one as a larger number with a prefix: 0.002 is 2 m."""
    prefix = ""
    for one in _SMALL:
        if abs(value) >= 1:
            break
        prefix, value = one, value * 1000
    return value, prefix


def four(value: float) -> str:
    """Return a number with four digits, as `%.4g` prints it."""
    if math.isfinite(value):
        return f"{value:.4g}"
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


@lru_cache(maxsize=256)
def pattern_of(text: str) -> Any:
    """Return a compiled regular expression of RE2. Raises PharosError(INVALID)."""
    if len(text) > _MAX_PATTERN:
        raise fault(f"a regular expression has more than {_MAX_PATTERN} characters")
    try:
        return compile_regex(plain(f"{_DOT}{text}"))
    except PharosError as exc:
        raise fault(regex_fault(exc).replace(_DOT, "", 1)) from exc


def plain(text: str) -> str:
    """Return `text` with what is no UTF-8 replaced, for what takes nothing else."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _match(budget: Budget, pattern: str, text: str) -> bool:
    budget.make(len(text))
    return pattern_of(pattern).search(plain(text)) is not None


def _replace(budget: Budget, pattern: str, replacement: str, text: str) -> str:
    try:
        compiled = pattern_of(pattern)
    except PharosError as exc:
        shown = quote(pattern) if "`" in pattern or not pattern.isprintable() else f"`{pattern}`"
        raise fault(f"regexp: Compile({shown}): {exc.message}") from exc
    return replace_all(compiled, plain(replacement), plain(text), budget.make)


SHARED: Final[Mapping[str, Function]] = {
    "toUpper": Function(upper, (TEXT,)),
    "toLower": Function(lower, (TEXT,)),
    "match": Function(_match, (TEXT, TEXT), spends=True),
    "reReplaceAll": Function(_replace, (TEXT, TEXT, TEXT), spends=True),
    "safeHtml": Function(SafeHtml, (TEXT,)),
    "humanizeDuration": Function(humanize_duration, (ANY,)),
}
