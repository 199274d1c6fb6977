"""What is computed of answers: math, reduce, resample, threshold (Grafana's server side expressions)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pharos.dashboards.answer.frames import Bools, Floats, Frame, SeriesFrame, Ticks
from pharos.dashboards.reading import Json, items, mapping, mappings, number, text
from pharos.dashboards.times import parse_interval
from pharos.errors import Kind, PharosError

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|\$\{?(\w+)\}?|(\*\*|&&|\|\||[<>=!]=|[-+*/%<>!(),])|([a-z_]\w*))"
)
_LONGEST: Final = 2_000
_DEEPEST: Final = 50
_MOST_VALUES: Final = 2_000_000
_LEVELS: Final = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"), ("**",))
Reducer: TypeAlias = Callable[[Floats], float]
_REDUCERS: Final[Mapping[str, Reducer]] = {
    "mean": lambda found: float(found.mean()),
    "avg": lambda found: float(found.mean()),
    "sum": lambda found: float(found.sum()),
    "min": lambda found: float(found.min()),
    "max": lambda found: float(found.max()),
    "count": lambda found: float(found.size),
    "last": lambda found: float(found[-1]),
    "median": lambda found: float(np.median(found)),
}
_FUNCTIONS: Final[Mapping[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs,
    "log": np.log,
    "round": np.round,
    "ceil": np.ceil,
    "floor": np.floor,
    "is_nan": lambda found: np.isnan(found).astype(np.float64),
    "is_inf": lambda found: np.isinf(found).astype(np.float64),
    "is_number": lambda found: np.isfinite(found).astype(np.float64),
}


def compute(target: Json, known: Mapping[str, Sequence[Frame]]) -> list[Frame]:
    """Return the frames of an expression over the answers of others. Raises PharosError."""
    kind, ref = text(target.get("type")), text(target.get("refId"))
    expression = text(target.get("expression"))
    if kind == "math":
        if len(expression) > _LONGEST:
            raise PharosError(Kind.INVALID, f"the expression {ref} is longer than {_LONGEST} characters")
        return _named(_Math(expression, known).evaluate(), ref)
    found = _series_of(known, expression.removeprefix("$").strip("{}"))
    if kind == "reduce":
        return [_reduced(one, ref, target) for one in found]
    if kind == "resample":
        return [_resampled(one, ref, target) for one in found]
    if kind == "threshold":
        return [_compared(one, ref, target) for one in found]
    raise PharosError(
        Kind.UNSUPPORTED,
        f"the expression {ref} is of the type {kind!r}, which is not computed here",
        hint="math, reduce, resample and threshold are",
    )


def _series_of(known: Mapping[str, Sequence[Frame]], ref: str) -> list[SeriesFrame]:
    if ref not in known:
        raise PharosError(Kind.INVALID, f"there is no answer of a query {ref[:40]!r}", hint="name its letter")
    return [one for one in known[ref] if isinstance(one, SeriesFrame) and not one.histograms]


# -- reduce, resample, threshold --


def _reduced(frame: SeriesFrame, ref: str, target: Json) -> SeriesFrame:
    name = text(target.get("reducer")) or "last"
    reducer = _REDUCERS.get(name)
    if reducer is None:
        raise PharosError(Kind.UNSUPPORTED, f"{ref}: {name!r} is no way to reduce", hint=", ".join(_REDUCERS))
    settings = mapping(target.get("settings"))
    mode, instead = text(settings.get("mode")), number(settings.get("replaceWithValue"))
    values = np.full((len(frame.names), 1), np.nan)
    for row in range(len(frame.names)):
        found = frame.values[row][frame.present[row]]
        if mode == "dropNN":
            found = found[np.isfinite(found)]
        elif mode == "replaceNN":
            found = np.where(np.isfinite(found), found, 0.0 if instead is None else float(instead))
        if found.size:
            values[row, 0] = reducer(found)
        elif name in {"sum", "count"}:
            values[row, 0] = 0.0
    last = frame.ticks.all_ms()[-1:] or [0]
    return replace(
        frame, ref=ref, ticks=Ticks(last[0], 1, 1), values=values, present=np.ones(values.shape, np.bool_)
    )


def _resampled(frame: SeriesFrame, ref: str, target: Json) -> SeriesFrame:
    window = parse_interval(text(target.get("window")))
    moments = np.array(frame.ticks.all_ms(), np.int64)
    if not window or moments.size == 0:
        raise PharosError(Kind.INVALID, f"{ref}: resample needs a window such as 1m")
    count = int((moments[-1] - moments[0]) // window) + 1
    if count * max(len(frame.names), 1) > _MOST_VALUES:
        raise PharosError(
            Kind.LIMITED, f"{ref}: resampled it would have too many values", hint="a longer window"
        )
    down = _REDUCERS.get(text(target.get("downsampler")) or "mean", _REDUCERS["mean"])
    up = text(target.get("upsampler")) or "pad"
    places = (moments - moments[0]) // window
    values = np.full((len(frame.names), count), np.nan)
    present = np.zeros(values.shape, np.bool_)
    for row in range(len(frame.names)):
        there = frame.present[row]
        for place in np.unique(places[there]).tolist():
            values[row, place] = down(frame.values[row][there & (places == place)])
            present[row, place] = True
        if up == "pad":
            _pad(values[row], present[row])
        elif up == "backfilling":
            _pad(values[row][::-1], present[row][::-1])
    return replace(
        frame, ref=ref, ticks=Ticks(int(moments[0]), window, count), values=values, present=present
    )


def _pad(values: Floats, present: Bools) -> None:
    """Fill each gap with the value before it."""
    known = np.maximum.accumulate(np.where(present, np.arange(values.size), -1))
    there = known >= 0
    values[there] = values[known[there]]
    present[there] = True


def _compared(frame: SeriesFrame, ref: str, target: Json) -> SeriesFrame:
    condition = next(iter(mappings(target.get("conditions"))), {})
    evaluator = mapping(condition.get("evaluator"))
    limits = [float(one) for one in map(number, items(evaluator.get("params"))) if one is not None]
    limits = [*limits, 0.0, 0.0]
    kind, values = text(evaluator.get("type")), frame.values
    tests: dict[str, Callable[[], Any]] = {
        "gt": lambda: values > limits[0],
        "lt": lambda: values < limits[0],
        "gte": lambda: values >= limits[0],
        "lte": lambda: values <= limits[0],
        "eq": lambda: values == limits[0],
        "ne": lambda: values != limits[0],
        "within_range": lambda: (values > limits[0]) & (values < limits[1]),
        "outside_range": lambda: (values < limits[0]) | (values > limits[1]),
    }
    if kind not in tests:
        raise PharosError(Kind.UNSUPPORTED, f"{ref}: {kind!r} is no threshold", hint=", ".join(tests))
    return replace(frame, ref=ref, values=tests[kind]().astype(np.float64))


# -- math --


class _Row(Struct, frozen=True):
    """One series in a computation; without ticks a number."""

    labels: tuple[tuple[str, str], ...]
    values: Floats
    present: Bools
    ticks: Ticks | None


def _named(rows: list[_Row], ref: str) -> list[Frame]:
    frames: list[Frame] = []
    by_ticks: dict[Ticks, list[_Row]] = {}
    for row in rows:
        by_ticks.setdefault(row.ticks or Ticks(0, 1, 1), []).append(row)
    for ticks, some in by_ticks.items():
        labels = [dict(one.labels) for one in some]
        names = [", ".join(f"{name}={value}" for name, value in one.items()) or ref for one in labels]
        frames.append(
            SeriesFrame(
                ref,
                ticks,
                names,
                labels,
                np.stack([one.values for one in some]),
                np.stack([one.present for one in some]),
            )
        )
    return frames


class _Math:
    """Reads an expression and computes it on the way."""

    def __init__(self, said: str, known: Mapping[str, Sequence[Frame]]) -> None:
        self._known = known
        self._tokens = self._split(said)
        self._at = 0
        self._depth = 0

    def _split(self, said: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        said = said.rstrip()
        while at < len(said):
            found = _TOKEN.match(said, at)
            if found is None:
                raise PharosError(
                    Kind.INVALID, f"math, character {at + 1}: {said[at : at + 10]!r} is not known"
                )
            kind = next(place for place in range(1, 5) if found[place] is not None)
            tokens.append((["number", "ref", "sign", "word"][kind - 1], found[kind]))
            at = found.end()
        return tokens

    def evaluate(self) -> list[_Row]:
        """Return the series that the expression comes to."""
        found = self._binary(0)
        if self._at < len(self._tokens):
            raise PharosError(Kind.INVALID, f"math: {self._tokens[self._at][1]!r} is not expected")
        return found

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise PharosError(Kind.INVALID, "math: the expression ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _sees(self, *signs: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] in [("sign", one) for one in signs]

    def _binary(self, level: int) -> list[_Row]:
        if level == len(_LEVELS):
            return self._unary()
        found = self._binary(level + 1)
        while self._sees(*_LEVELS[level]):
            sign = self._next()[1]
            found = _joined(sign, found, self._binary(level + 1))
        return found

    def _unary(self) -> list[_Row]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PharosError(Kind.INVALID, "math: the expression is nested too deep")
        try:
            return self._operand()
        finally:
            self._depth -= 1

    def _operand(self) -> list[_Row]:
        kind, said = self._next()
        if kind == "number":
            return [_constant(float(said))]
        if kind == "ref":
            return self._of(said)
        if said == "-":
            return [replace(one, values=-one.values) for one in self._unary()]
        if said == "!":
            return [replace(one, values=(one.values == 0).astype(np.float64)) for one in self._unary()]
        if said == "(":
            found = self._binary(0)
            self._expect(")")
            return found
        if kind == "word":
            return self._call(said)
        raise PharosError(Kind.INVALID, f"math: {said!r} is not expected")

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            raise PharosError(Kind.INVALID, f"math: {sign!r} is missing")
        self._at += 1

    def _of(self, ref: str) -> list[_Row]:
        return [
            _Row(
                tuple(sorted(frame.labels[row].items())),
                frame.values[row],
                frame.present[row],
                frame.ticks if frame.ticks.count > 1 else None,
            )
            for frame in _series_of(self._known, ref)
            for row in range(len(frame.names))
        ]

    def _call(self, name: str) -> list[_Row]:
        self._expect("(")
        if name in {"inf", "nan", "null", "infn"}:
            self._expect(")")
            value = {"inf": np.inf, "infn": -np.inf}.get(name, np.nan)
            return [_constant(value)]
        if name == "is_null":
            found = self._binary(0)
            self._expect(")")
            return [
                replace(
                    one,
                    values=(~one.present).astype(np.float64),
                    present=np.ones(one.present.shape, np.bool_),
                )
                for one in found
            ]
        function = _FUNCTIONS.get(name)
        if function is None:
            raise PharosError(
                Kind.UNSUPPORTED, f"math: there is no function {name[:40]!r}", hint=", ".join(_FUNCTIONS)
            )
        found = self._binary(0)
        self._expect(")")
        with np.errstate(all="ignore"):
            return [replace(one, values=function(one.values)) for one in found]


def _constant(value: float) -> _Row:
    return _Row((), np.array([value]), np.ones(1, np.bool_), None)


def _joined(sign: str, left: list[_Row], right: list[_Row]) -> list[_Row]:
    """Return pairs of series joined: those with the same labels, or one's a part of the other's."""
    found = []
    for one in left:
        for other in right:
            mine, theirs = set(one.labels), set(other.labels)
            if not (mine <= theirs or theirs <= mine) and len(left) + len(right) > 2:
                continue
            pair = _aligned(one, other)
            if pair is None:
                continue
            a, b, present, ticks = pair
            with np.errstate(all="ignore"):
                values = _operate(sign, a, b)
            labels = one.labels if len(one.labels) >= len(other.labels) else other.labels
            found.append(_Row(labels, values, present, ticks))
            if len(found) * values.size > _MOST_VALUES:
                raise PharosError(Kind.LIMITED, "math: the expression comes to too many values")
    return found


def _aligned(one: _Row, other: _Row) -> tuple[Floats, Floats, Bools, Ticks | None] | None:
    """Return the values of both at the times that both have; a number counts at all times."""
    if one.ticks is None or other.ticks is None or one.ticks == other.ticks:
        return one.values, other.values, one.present & other.present, one.ticks or other.ticks
    mine, theirs = np.array(one.ticks.all_ms(), np.int64), np.array(other.ticks.all_ms(), np.int64)
    both, first, second = np.intersect1d(mine, theirs, return_indices=True)
    if not both.size:
        return None
    listed = Ticks(0, 0, int(both.size), tuple(both.tolist()))
    return one.values[first], other.values[second], one.present[first] & other.present[second], listed


def _operate(sign: str, a: Floats, b: Floats) -> Floats:
    operations: dict[str, Callable[[], Any]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: np.fmod(a, b),
        "**": lambda: np.power(a, b),
        "==": lambda: a == b,
        "!=": lambda: a != b,
        "<": lambda: a < b,
        "<=": lambda: a <= b,
        ">": lambda: a > b,
        ">=": lambda: a >= b,
        "&&": lambda: (a != 0) & (b != 0),
        "||": lambda: (a != 0) | (b != 0),
    }
    return np.asarray(operations[sign](), np.float64)
