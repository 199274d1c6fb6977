"""Templates of `line_format` and `label_format`: Go's, with the functions that Loki has.

See grafana.com/docs/loki/latest/query/template_functions.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from pharos.errors import Kind, PharosError
from pharos.gotemplate import Function, Limits, Templates, Value
from pharos.gotemplate.builtins import escape_query, fault
from pharos.gotemplate.library import lower, plain, upper
from pharos.gotemplate.moments import TIME, Time
from pharos.gotemplate.values import ANY, TEXT, WHOLE, Budget, Items, Table, decoded, encoded, is_true
from pharos.gotext.durations import parse_go_duration
from pharos.gotext.numbers import parse_float, parse_int
from pharos.gotext.quoting import quote
from pharos.gotext.references import replace_all
from pharos.gotext.times import ZERO, Moment, format_time, load_zone, parse_time
from pharos.search.logql.regexes import compile_pattern
from pharos.search.logql.units import parse_bytes

_LIMITS: Final = Limits(steps=20_000, characters=1 << 20)
_NAME: Final = "line"
_BAD_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_WORD_START: Final = re.compile(r"(?<![\w'])\w")
_NS: Final = 1_000_000_000


def check_template(text: str) -> Templates:
    """Return a template, read and checked. Raises PharosError(INVALID) with Go's message."""
    return _read(text)


@lru_cache(maxsize=256)
def _read(text: str) -> Templates:
    return Templates({**FUNCTIONS, **_of_line("", 0)}, _LIMITS).reading(_NAME, text)


def expand(template: Templates, labels: Mapping[str, str], line: str, ts_ns: int) -> str:
    """Return what a template makes of a line's labels. Raises PharosError: INVALID, LIMITED."""
    table = Table(dict(labels), "string")
    return template.expand(_NAME, table, _of_line(line, ts_ns))


def _of_line(line: str, ts_ns: int) -> dict[str, Function]:
    return {
        "__line__": Function(lambda: line),
        "__timestamp__": Function(lambda: Time(Moment(ts_ns))),
        # The moment of the line: what a query answers does not change with when it is asked.
        "now": Function(lambda: Time(Moment(ts_ns))),
    }


# --- texts


def _regex_replace(budget: Budget, pattern: str, text: str, replacement: str) -> str:
    return replace_all(compile_pattern(pattern), plain(replacement), plain(text), budget.make)


def _regex_replace_literal(budget: Budget, pattern: str, text: str, replacement: str) -> str:
    return replace_all(
        compile_pattern(pattern), plain(replacement).replace("$", "$$"), plain(text), budget.make
    )


def _count(pattern: str, text: str) -> int:
    return sum(1 for _ in compile_pattern(pattern).finditer(plain(text)))


def _replace(budget: Budget, text: str, old: str, new: str, count: int = -1) -> str:
    budget.make(len(text) + len(new) * (text.count(old) if count < 0 else min(count, text.count(old))))
    return text.replace(old, new, count)


def _replace_all(budget: Budget, old: str, new: str, text: str) -> str:
    return _replace(budget, text, old, new)


def _repeat(budget: Budget, count: Value, text: str) -> str:
    times = max(_whole(count), 0)
    budget.make(times * len(text))
    return text * times


def _title(text: str) -> str:
    return _WORD_START.sub(lambda found: upper(found[0]), text)


def _trunc(count: int, text: str) -> str:
    if count < 0:
        return text[count:] if len(text) + count > 0 else text
    return text[:count]


def _substr(start: int, end: int, text: str) -> str:
    if start < 0:
        return text[: max(end, 0)]
    return text[start:] if end < 0 or end > len(text) else text[start:end]


def _indent(budget: Budget, count: int, text: str) -> str:
    if count < 0:
        raise fault("indent: negative count")
    budget.make((text.count("\n") + 1) * count + len(text))
    pad = " " * count
    return pad + text.replace("\n", f"\n{pad}")


def _align(budget: Budget, count: int, text: str, *, left: bool) -> str:
    if count < 0:
        return text
    budget.make(count)
    if left:
        return text[:count].ljust(count)
    return text[max(len(text) - count, 0) :].rjust(count)


def _url_decode(text: str) -> str:
    bad = _BAD_PERCENT.search(text)
    if bad:
        raise fault(f"invalid URL escape {quote(text[bad.start() : bad.start() + 3])}")
    return unquote_plus(text, errors="surrogateescape")


def _decode(text: str) -> str:
    try:
        return decoded(base64.b64decode(encoded(text), validate=True))
    except (binascii.Error, ValueError) as exc:
        return str(exc)


def _default(fallback: Value, value: Value = None) -> Value:
    return value if is_true(value) else fallback


def _from_json(text: str) -> Value:
    try:
        return _value_of(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _value_of(found: object) -> Value:
    if isinstance(found, dict):
        return Table({str(key): _value_of(one) for key, one in found.items()})
    if isinstance(found, list):
        return Items(tuple(map(_value_of, found)))
    if isinstance(found, bool | str) or found is None:
        return found
    return float(found) if isinstance(found, int | float) else None


# --- numbers


def _whole(value: Value) -> int:
    """Return a value as an integer of 64 bits; 0 for what is none (spf13/cast ToInt64)."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else 0
    if isinstance(value, str):
        try:
            return parse_int(str(value))
        except PharosError:
            return 0
    return 0


def _real(value: Value) -> float:
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return parse_float(str(value))
        except PharosError:
            return 0.0
    return 0.0


def _wrapped(value: int) -> int:
    """Return an integer as 64 bits hold it."""
    return (value + 2**63) % 2**64 - 2**63


def _divided(one: Value, other: Value) -> int:
    a, b = _whole(one), _whole(other)
    if b == 0:
        raise fault("integer divide by zero")
    return _wrapped(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def _rest(one: Value, other: Value) -> int:
    a, b = _whole(one), _whole(other)
    if b == 0:
        raise fault("integer divide by zero")
    return int(math.copysign(abs(a) % abs(b), a)) if abs(a) < 2**52 else a - _divided(a, b) * b


def _quotient(first: Value, *others: Value) -> float:
    result = _real(first)
    for one in others:
        divisor = _real(one)
        if divisor == 0:
            raise fault("division by zero")
        result /= divisor
    return result


def _difference(first: Value, *others: Value) -> float:
    result = _real(first)
    for one in others:
        result -= _real(one)
    return result


def _product(*values: Value) -> float:
    return math.prod(map(_real, values))


def _round(value: Value, places: Value, half: Value = 0.5) -> float:
    number, power = _real(value), 10.0 ** max(min(_whole(places), 300), -300)
    digit = power * number
    if not math.isfinite(digit):
        return number
    fraction, whole = math.modf(digit)
    return (
        (math.ceil(digit) if fraction >= _real(half) else math.floor(digit)) / power
        if whole or digit
        else 0.0
    )


def _whole_product(first: Value, *others: Value) -> int:
    result = _whole(first)
    for one in others:
        result = _wrapped(result * _whole(one))
    return result


# --- times


def _moment(value: Value) -> Moment:
    if isinstance(value, Time):
        return value.moment
    if isinstance(value, int):
        return Moment(int(value) * _NS)
    raise fault("neither a time nor seconds since 1970")


def _date(layout: str, value: Value) -> str:
    return format_time(layout, _moment(value))


def _to_date(layout: str, text: str) -> Time:
    try:
        return Time(parse_time(layout, text))
    except PharosError:
        return Time(ZERO)


def _to_date_in_zone(layout: str, zone: str, text: str) -> Time:
    try:
        tz = load_zone(zone)
    except PharosError:
        tz = load_zone("UTC")
    try:
        at = parse_time(layout, text)
    except PharosError:
        return Time(ZERO)
    if at.zone is not Moment(0).zone:
        return Time(at)
    local = at.local().replace(tzinfo=tz)
    return Time(Moment(int(local.timestamp()) * _NS + at.nanosecond, tz))


_EPOCH_DIGITS: Final = {5: 86_400 * _NS, 10: _NS, 13: 1_000_000, 16: 1_000, 19: 1}


def _unix_to_time(text: str) -> Time:
    size = _EPOCH_DIGITS.get(len(text))
    if size is None or not text.isdecimal():
        raise fault(f"unable to parse time {quote(text[:40])}: days, s, ms, µs or ns since 1970")
    return Time(Moment(int(text) * size))


def _seconds(text: str) -> float:
    return parse_go_duration(text) / 1e9 if text else _no_duration()


def _no_duration() -> float:
    raise PharosError(Kind.INVALID, 'invalid duration ""')


FUNCTIONS: Final[Mapping[str, Function]] = {
    "ToLower": Function(lower, (TEXT,)),
    "ToUpper": Function(upper, (TEXT,)),
    "lower": Function(lower, (TEXT,)),
    "upper": Function(upper, (TEXT,)),
    "title": Function(_title, (TEXT,)),
    "Replace": Function(_replace, (TEXT, TEXT, TEXT, WHOLE), spends=True),
    "replace": Function(_replace_all, (TEXT, TEXT, TEXT), spends=True),
    "Trim": Function(lambda text, chars: text.strip(chars) if chars else text, (TEXT, TEXT)),
    "TrimLeft": Function(lambda text, chars: text.lstrip(chars) if chars else text, (TEXT, TEXT)),
    "TrimRight": Function(lambda text, chars: text.rstrip(chars) if chars else text, (TEXT, TEXT)),
    "TrimPrefix": Function(lambda text, prefix: text.removeprefix(prefix), (TEXT, TEXT)),
    "TrimSuffix": Function(lambda text, suffix: text.removesuffix(suffix), (TEXT, TEXT)),
    "TrimSpace": Function(lambda text: text.strip(), (TEXT,)),
    "trim": Function(lambda text: text.strip(), (TEXT,)),
    "trimAll": Function(lambda chars, text: text.strip(chars) if chars else text, (TEXT, TEXT)),
    "trimPrefix": Function(lambda prefix, text: text.removeprefix(prefix), (TEXT, TEXT)),
    "trimSuffix": Function(lambda suffix, text: text.removesuffix(suffix), (TEXT, TEXT)),
    "trunc": Function(_trunc, (WHOLE, TEXT)),
    "substr": Function(_substr, (WHOLE, WHOLE, TEXT)),
    "contains": Function(lambda part, text: part in text, (TEXT, TEXT)),
    "hasPrefix": Function(lambda part, text: text.startswith(part), (TEXT, TEXT)),
    "hasSuffix": Function(lambda part, text: text.endswith(part), (TEXT, TEXT)),
    "indent": Function(_indent, (WHOLE, TEXT), spends=True),
    "nindent": Function(
        lambda budget, count, text: "\n" + _indent(budget, count, text), (WHOLE, TEXT), spends=True
    ),
    "repeat": Function(_repeat, (ANY, TEXT), spends=True),
    "alignLeft": Function(
        lambda budget, count, text: _align(budget, count, text, left=True), (WHOLE, TEXT), spends=True
    ),
    "alignRight": Function(
        lambda budget, count, text: _align(budget, count, text, left=False), (WHOLE, TEXT), spends=True
    ),
    "regexReplaceAll": Function(_regex_replace, (TEXT, TEXT, TEXT), spends=True),
    "regexReplaceAllLiteral": Function(_regex_replace_literal, (TEXT, TEXT, TEXT), spends=True),
    "count": Function(_count, (TEXT, TEXT)),
    "urldecode": Function(_url_decode, (TEXT,)),
    "urlencode": Function(escape_query, (TEXT,)),
    "b64enc": Function(lambda text: base64.b64encode(encoded(text)).decode(), (TEXT,)),
    "b64dec": Function(_decode, (TEXT,)),
    "bytes": Function(lambda text: float(parse_bytes(text)), (TEXT,)),
    "duration": Function(_seconds, (TEXT,)),
    "duration_seconds": Function(_seconds, (TEXT,)),
    "default": Function(_default, (ANY,), ANY),
    "fromJson": Function(_from_json, (TEXT,)),
    "int": Function(_whole, (ANY,)),
    "float64": Function(_real, (ANY,)),
    "add": Function(lambda *values: _wrapped(sum(map(_whole, values))), (), ANY),
    "sub": Function(lambda one, other: _wrapped(_whole(one) - _whole(other)), (ANY, ANY)),
    "mul": Function(_whole_product, (ANY,), ANY),
    "div": Function(_divided, (ANY, ANY)),
    "mod": Function(_rest, (ANY, ANY)),
    "addf": Function(lambda *values: float(sum(map(_real, values))), (), ANY),
    "subf": Function(_difference, (ANY,), ANY),
    "mulf": Function(_product, (ANY,), ANY),
    "divf": Function(_quotient, (ANY,), ANY),
    "max": Function(lambda *values: max(map(_whole, values)), (ANY,), ANY),
    "min": Function(lambda *values: min(map(_whole, values)), (ANY,), ANY),
    "maxf": Function(lambda *values: max(map(_real, values)), (ANY,), ANY),
    "minf": Function(lambda *values: min(map(_real, values)), (ANY,), ANY),
    "ceil": Function(lambda value: float(math.ceil(_finite(value))), (ANY,)),
    "floor": Function(lambda value: float(math.floor(_finite(value))), (ANY,)),
    "round": Function(_round, (ANY, ANY), ANY),
    "date": Function(_date, (TEXT, ANY)),
    "toDate": Function(_to_date, (TEXT, TEXT)),
    "toDateInZone": Function(_to_date_in_zone, (TEXT, TEXT, TEXT)),
    "unixEpoch": Function(lambda time: str(time.moment.ns // _NS), (TIME,)),
    "unixEpochMillis": Function(lambda time: str(time.moment.ns // 1_000_000), (TIME,)),
    "unixEpochNanos": Function(lambda time: str(time.moment.ns), (TIME,)),
    "unixToTime": Function(_unix_to_time, (TEXT,)),
}
"""Functions of Loki's templates; those of a line (`__line__`, `__timestamp__`, `now`) come with it."""


def _finite(value: Value) -> float:
    number = _real(value)
    return number if math.isfinite(number) else 0.0
