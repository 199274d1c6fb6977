"""How tests write series: `name{label="value"}` and a sequence of values, `1 2 _ stale 0+10x5 {{sum:1}}x3`.

It is the notation of promtool's unit tests and of promqltest (promql/parser, `ParseSeriesDesc`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote, unquote
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.promql.histograms.arithmetic import add, subtract
from pharos.promql.histograms.value import FloatHistogram, IncompatibleSchemaError, ResetHint
from pharos.promql.kernels.samples import Bools, Floats
from pharos.promql.source import STALE_NAN_BITS

STALE: Final = float(np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0])
MOST_VALUES: Final = 10_000_000
"""How many values one series may have."""

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_RUNES: Final = r"u(?![dD][89a-fA-F])[\da-fA-F]{4}|U00(?:0[\da-fA-F]|10)[\da-fA-F]{4}"
_ESCAPES: Final = rf"[abfnrtv\\]|[0-3][0-7]{{2}}|x[\da-fA-F]{{2}}|{_RUNES}"
_QUOTED: Final = rf"""(?:"(?:[^"\\\n]|\\(?:"|{_ESCAPES}))*"|'(?:[^'\\\n]|\\(?:'|{_ESCAPES}))*'|`[^`]*`)"""
_LABEL: Final = re.compile(rf"\s*([a-zA-Z_][a-zA-Z0-9_]*|{_QUOTED})\s*")
_STRING: Final = re.compile(rf"\s*({_QUOTED})\s*")
_DIGITS: Final = r"\d+(?:_\d+)*"
_FINITE: Final = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_NUMBER: Final = rf"(?:(?i:inf|nan)|{_FINITE})"
_BLANK: Final = re.compile(r"_(?:x(\d+))?")
_FLOAT: Final = re.compile(rf"([+-]?{_FINITE})(?:([+-]{_FINITE})(?=x))?(?:x(\d+))?|[+-]?(?i:inf|nan)")
_NO_NAMES: Final = frozenset({"atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"})
"""Words of the language that no metric is called by where its name is not quoted."""
_HISTOGRAM: Final = re.compile(r"\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\}(?=x))?(?:x(\d+))?(?=\s|$)", re.DOTALL)
_PART: Final = re.compile(r"\s*(\w+)\s*:\s*(\[[^\]]*\]|[^\s\[\]]+)(?=\s|$)")
_OCTAL: Final = re.compile(r"([+-]?)0([0-7]+)")
_HINTS: Final = {
    "unknown": ResetHint.UNKNOWN,
    "reset": ResetHint.RESET,
    "not_reset": ResetHint.NOT_RESET,
    "gauge": ResetHint.GAUGE,
}
_LISTS: Final = frozenset({"custom_values", "buckets", "n_buckets"})
_WHOLE: Final = frozenset({"schema", "offset", "n_offset"})
_FLOATS: Final = frozenset({"sum", "count", "z_bucket", "z_bucket_w"})


class Values(Struct):
    """A sequence of values, one a step; `present` says where there is one, be it a float or a histogram."""

    floats: Floats
    present: Bools
    histograms: dict[int, FloatHistogram] = field(default_factory=dict)
    """By step; the float there means nothing."""
    hinted: set[int] = field(default_factory=set)
    """Steps whose histogram says a reset hint."""


def read_series(text: str) -> tuple[Labels, Values]:
    """Return the labels and the values of a line.

    Raises PharosError: INVALID for what is none, TOO_LARGE for more than MOST_VALUES.
    """
    labels, rest = read_labels(text)
    if not labels:
        raise _fault(f"a series has a name or labels, got {quote(text[:40])}")
    return labels, read_values(rest)


def read_labels(text: str) -> tuple[Labels, str]:
    """Return the labels at the beginning of a line, the metric's name among them, and what follows.

    Raises PharosError(INVALID).
    """
    labels: dict[str, str] = {}
    found = _NAME.match(text)
    at = 0
    if found and found.group().lower() not in _NO_NAMES:
        labels[METRIC_NAME] = found.group()
        at = found.end()
    rest = text[at:].lstrip()
    if not rest.startswith("{") or rest.startswith("{{"):
        return labels_of(labels), text[at:].strip()
    at = 1
    while not rest[at:].lstrip().startswith("}"):
        name = _LABEL.match(rest, at)
        if name is None:
            raise _fault(f"no name of a label at {quote(rest[at:][:40])}")
        key = unquote(name[1]) if name[1][0] in "\"'`" else name[1]
        at = name.end()
        if rest[at : at + 1] == "=":
            value = _STRING.match(rest, at + 1)
            if value is None:
                raise _fault(f"no quoted value of a label at {quote(rest[at + 1 :][:40])}")
            if key in labels and key != METRIC_NAME:
                raise _fault(f"label name {quote(key)} is not unique")
            labels[key] = unquote(value[1])
            at = value.end()
        elif name[1] == key:
            raise _fault(f"the label {quote(key)} has no value")
        elif METRIC_NAME in labels:
            raise _fault(f"metric name must not be set twice: {quote(labels[METRIC_NAME])} or {quote(key)}")
        else:
            labels[METRIC_NAME] = key
        if rest[at : at + 1] == ",":
            at += 1
        elif rest[at : at + 1] != "}":
            raise _fault(f"expected a comma or a closing brace at {quote(rest[at:][:40])}")
    return labels_of(labels), rest[rest.index("}", at) + 1 :].strip()


def read_metric(text: str) -> Labels:
    """Return the labels that are all of a text. Raises PharosError(INVALID)."""
    labels, rest = read_labels(text.strip())
    if rest:
        raise _fault(f"unexpected text after a metric: {quote(rest[:40])}")
    return labels


def read_values(text: str) -> Values:
    """Return a sequence of values.

    Raises PharosError: INVALID for what is none, TOO_LARGE for more than MOST_VALUES.
    """
    values = Values(np.empty(0), np.empty(0, np.bool_))
    floats: list[Floats] = []
    present: list[Bools] = []
    at = total = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text.startswith("{{", at):
            found = _HISTOGRAM.match(text, at)
            if found is None:
                raise _fault(f"not a histogram: {quote(text[at:][:80])}")
            part = np.zeros(_count(found[4], total))
            _put_histograms(values, found, total, len(part))
            at = found.end()
            is_there = True
        else:
            item = text[at:].split(maxsplit=1)[0]
            part, is_there = _float_part(item, total)
            at += len(item)
        floats.append(part)
        present.append(np.full(len(part), is_there))
        total += len(part)
    if floats:
        values.floats, values.present = np.concatenate(floats), np.concatenate(present)
    return values


def _float_part(item: str, total: int) -> tuple[Floats, bool]:
    blank = _BLANK.fullmatch(item)
    if blank is not None:
        return np.zeros(_count(blank[1], total) - 1 if blank[1] else 1), False
    if item == "stale":
        return np.array([STALE]), True
    found = _FLOAT.fullmatch(item)
    if found is None:
        raise _fault(f"not a value: {quote(item[:80])}")
    part = np.full(_count(found[3], total), _number(found[1] or item))
    if found[2]:
        part[1:] = _number(found[2])
        part = np.cumsum(part)  # one after another, as upstream adds them
    return part, True


def _count(times: str | None, total: int) -> int:
    count = 1 + int(times[:20]) if times else 1
    if count + total > MOST_VALUES:
        raise PharosError(Kind.TOO_LARGE, f"a series has more than {MOST_VALUES} values")
    return count


def _number(text: str) -> float:
    octal = _OCTAL.fullmatch(text)
    if octal is not None:
        return float(int(octal[2], 8)) * (-1.0 if octal[1] == "-" else 1.0)
    value = float(text.replace("_", ""))
    if math.isinf(value) and "n" not in text.lower():
        raise _fault(f"value out of range: {quote(text[:80])}")
    return value


def _put_histograms(values: Values, found: re.Match[str], first: int, count: int) -> None:
    current, is_hinted = read_histogram(found[1])
    change = read_histogram(found[3])[0] if found[2] else None
    for step in range(first, first + count):
        if step > first and change is not None:
            try:
                (add if found[2] == "+" else subtract)(current, change)
            except IncompatibleSchemaError as exc:
                raise _fault("histograms of exponential and of custom buckets do not add up") from exc
        values.histograms[step] = current.copy()
        if is_hinted:
            values.hinted.add(step)


def read_histogram(text: str) -> tuple[FloatHistogram, bool]:
    """Return the histogram between double braces, and whether it says a reset hint.

    Raises PharosError(INVALID).
    """
    parts = dict(_parts(text))

    def numbers(name: str) -> list[float]:
        return [_number_of(number, name) for number in parts.get(name, "[]")[1:-1].split()]

    def number(name: str) -> float:
        return _number_of(parts.get(name, "0"), name)

    def side(name: str, offset: str) -> dict[int, float]:
        first = int(number(offset))
        return {first + index: count for index, count in enumerate(numbers(name))}

    hint = parts.get("counter_reset_hint", "unknown")
    if hint not in _HINTS:
        raise _fault(f"not a reset hint: {quote(hint)}")
    histogram = FloatHistogram(
        schema=int(number("schema")),
        count=number("count"),
        sum=number("sum"),
        zero_threshold=number("z_bucket_w"),
        zero_count=number("z_bucket"),
        positive=side("buckets", "offset"),
        negative=side("n_buckets", "n_offset"),
        custom=tuple(numbers("custom_values")),
        hint=_HINTS[hint],
    )
    return histogram, "counter_reset_hint" in parts


def _parts(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _PART.match(text, at)
        if found is None:
            raise _fault(f"not a part of a histogram: {quote(text[at:].strip()[:80])}")
        name, value = found.groups()
        if name not in _LISTS | _WHOLE | _FLOATS | {"counter_reset_hint"}:
            raise _fault(f"a histogram has no {quote(name)}")
        if value.startswith("[") is not (name in _LISTS):
            raise _fault(f"{quote(name)} of a histogram: unexpected {quote(value[:80])}")
        yield name, value
        at = found.end()


def _number_of(text: str, name: str) -> float:
    if name in _WHOLE:
        try:
            return int(text)
        except ValueError:
            raise _fault(f"{quote(name)} of a histogram is a whole number, got {quote(text)}") from None
    if re.fullmatch(rf"[+-]?{_NUMBER}", text) is None:
        raise _fault(f"{quote(name)} of a histogram: not a number: {quote(text)}")
    return _number(text)


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message)
