"""The promqltest language: parsed into blocks of series and evals, run in this process, compared as upstream.

The language is documented beside promql/promqltest of prometheus/prometheus. A file is a sequence of
commands: `load` adds series to the storage, `clear` empties it, `eval` asks and tells what to expect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pharos.clock import parse_duration_ms
from pharos.errors import PharosError
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, Matcher, labels_of
from pharos.promql.evaluate import EvalOptions, evaluate_text
from pharos.promql.histogram import FloatHistogram, ResetHint
from pharos.promql.histogram_arithmetic import add, subtract
from pharos.promql.histogram_columns import encode_columns
from pharos.promql.quoting import unquote
from pharos.promql.source import STALE_NAN_BITS, SeriesBlock
from pharos.promql.values import Answer, AnswerType

STALE = float(np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0])
EPSILON = 1e-6
OPTIONS = EvalOptions(delayed_name_removal=True)


@dataclass
class Point:
    """A value of a sequence: a float, a histogram, or nothing; `hinted` if a reset hint was written."""

    value: float = 0.0
    histogram: FloatHistogram | None = None
    omitted: bool = False
    hinted: bool = False
    stale: bool = False


@dataclass
class Series:
    """A line that names a series and its sequence of values."""

    labels: Labels
    points: list[Point]


@dataclass
class Load:
    """`load STEP` with its series; `starts` holds the offsets of start timestamps by series."""

    line: int
    step_ms: int
    series: list[Series]
    starts: dict[Labels, list[int | None]]
    with_nhcb: bool


@dataclass
class Clear:
    """`clear`."""

    line: int


@dataclass
class Expect:
    """`expect KIND msg|regex: TEXT`."""

    kind: str
    how: str
    text: str

    def fits(self, text: str) -> bool:
        if self.how == "msg":
            return text == self.text
        return not self.how or re.search(self.text, text) is not None


@dataclass
class Eval:
    """`eval instant at T EXPR` or `eval range from A to B step S EXPR`, and what to expect."""

    line: int
    expr: str
    ranged: bool
    start_ms: int
    end_ms: int
    step_ms: int
    legacy: str = ""
    message: str | None = None
    pattern: str | None = None
    expects: list[Expect] = field(default_factory=list)
    scalar: float | None = None
    string: str | None = None
    range_vector: bool = False
    series: list[Series] = field(default_factory=list)

    def expected(self, kind: str) -> list[Expect]:
        return [expect for expect in self.expects if expect.kind == kind]

    @property
    def fails(self) -> bool:
        return self.legacy == "fail" or bool(self.expected("fail"))

    @property
    def ordered(self) -> bool:
        return self.legacy == "ordered" or bool(self.expected("ordered"))


Command = Load | Clear | Eval

# ---------------------------------------------------------------- reading

_LOAD = re.compile(r"load(?:_(with_nhcb))?\s+(.+?)$")
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$")
_RANGE_VECTOR = re.compile(r"expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"""\s*([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*""")
_STRING = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*""")
_NUM = r"(?:[iI]nf|[nN]a[nN]|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_ITEM = re.compile(rf"([+-]?{_NUM})(?:([+-]{_NUM})(?=x))?(?:x(\d+))?$")
_HISTOGRAM_ITEM = re.compile(r"\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\}(?=x))?(?:x(\d+))?(?=\s|$)")
_SPAN = r"(?:(?:\d+(?:ms|[smhdwy]))+|0)"
_START_ITEM = re.compile(rf"([+-]?{_SPAN})(?:([+-]{_SPAN})(?=x))?(?:x(\d+))?$")


def read_file(path: Path) -> list[Command]:
    """Return the commands of a file."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
    lines = ["" if line.startswith("#") else line for line in lines]
    commands: list[Command] = []
    at = 0
    while at < len(lines):
        word = re.split(r"[ \t]+", lines[at], maxsplit=1)[0].lower()
        if word == "clear":
            commands.append(Clear(at + 1))
        elif word.startswith("load"):
            at, load = _read_load(lines, at)
            commands.append(load)
        elif word.startswith("eval"):
            at, asked = _read_eval(lines, at)
            commands.append(asked)
        elif word:
            raise ValueError(f"{path.name}:{at + 1}: unknown command {word!r}")
        at += 1
    return commands


def _read_load(lines: Sequence[str], at: int) -> tuple[int, Load]:
    found = _LOAD.match(lines[at])
    if not found:
        raise ValueError(f"line {at + 1}: not a load")
    load = Load(at + 1, parse_duration_ms(found[2]), [], {}, bool(found[1]))
    of_labels: dict[Labels, Series] = {}
    while at + 1 < len(lines) and lines[at + 1]:
        at += 1
        labels, rest = _read_labels(lines[at])
        if rest.startswith("@st"):
            load.starts[labels] = _read_starts(rest[3:])
        else:
            of_labels[labels] = Series(labels, read_points(rest))
    load.series = list(of_labels.values())
    return at, load


def _read_eval(lines: Sequence[str], at: int) -> tuple[int, Eval]:
    instant, ranged = _INSTANT.match(lines[at]), _RANGE.match(lines[at])
    if instant:
        time = parse_duration_ms(instant[2] or "0")
        asked = Eval(at + 1, instant[3], False, time, time, 0, instant[1] or "")
    elif ranged:
        start, end, step = (parse_duration_ms(ranged[i]) for i in (2, 3, 4))
        asked = Eval(at + 1, ranged[5], True, start, end, step, ranged[1] or "")
    else:
        raise ValueError(f"line {at + 1}: not an eval")
    while at + 1 < len(lines) and lines[at + 1]:
        at += 1
        if not _read_expectation(asked, lines[at]):
            break
    return at, asked


def _read_expectation(asked: Eval, line: str) -> bool:
    """Add what a line below an eval expects; return whether more may follow."""
    if asked.legacy == "fail" and line.startswith("expected_fail_message"):
        asked.message = line.removeprefix("expected_fail_message").strip()
        return False
    if asked.legacy == "fail" and line.startswith("expected_fail_regexp"):
        asked.pattern = line.removeprefix("expected_fail_regexp").strip()
        return False
    if found := _RANGE_VECTOR.match(line):
        asked.start_ms, asked.end_ms, asked.step_ms = (parse_duration_ms(part) for part in found.groups())
        asked.range_vector = True
        return True
    if line.startswith("expect string"):
        asked.string = unquote(line.removeprefix("expect string").strip())
        return True
    if line.split(" ")[0] == "expect":
        found = _EXPECT.match(line)
        if not found:
            raise ValueError(f"not an expectation: {line!r}")
        asked.expects.append(Expect(found[1], found[2] or "", (found[3] or "").strip()))
        return True
    number = _number(line)
    if number is not None:
        asked.scalar = number
        return False
    labels, rest = _read_labels(line)
    asked.series = [series for series in asked.series if series.labels != labels]
    asked.series.append(Series(labels, read_points(rest)))
    return True


def _number(text: str) -> float | None:
    for read in (lambda: float(int(text, 0)), lambda: float(text)):
        try:
            return read()
        except ValueError:
            continue
    return None


def _read_labels(line: str) -> tuple[Labels, str]:
    labels: dict[str, str] = {}
    found = _NAME.match(line)
    at = 0
    if found:
        labels[METRIC_NAME] = found.group()
        at = found.end()
    rest = line[at:].lstrip(" \t")
    if not rest.startswith("{") or rest.startswith("{{"):
        return labels_of(labels), rest if not line[at:].startswith("@") else line[at:]
    at = 1
    while not rest[at:].lstrip().startswith("}"):
        name = _LABEL.match(rest, at)
        if not name:
            raise ValueError(f"no label name in {rest[at:]!r}")
        key = unquote(name[1]) if name[1][0] in "\"'`" else name[1]
        at = name.end()
        if rest[at] == "=":
            value = _STRING.match(rest, at + 1)
            if not value:
                raise ValueError(f"no label value in {rest[at:]!r}")
            labels[key] = unquote(value[1])
            at = value.end()
        else:
            labels[METRIC_NAME] = key
        if rest[at] == ",":
            at += 1
    return labels_of(labels), rest[rest.index("}", at) + 1 :].strip()


def read_points(text: str) -> list[Point]:
    """Return a sequence of values: `1 2 _ stale 0+10x5 {{...}}x3`."""
    points: list[Point] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text.startswith("{{", at):
            found = _HISTOGRAM_ITEM.match(text, at)
            if not found:
                raise ValueError(f"not a histogram: {text[at:]!r}")
            points += _histogram_points(found)
            at = found.end()
            continue
        item = re.split(r"[ \t]", text[at:], maxsplit=1)[0]
        at += len(item)
        points += _float_points(item)
    return points


def _float_points(item: str) -> Iterator[Point]:
    if item.startswith("_"):
        for _ in range(int(item[2:] or 1) if item.startswith("_x") else 1):
            yield Point(omitted=True)
        return
    if item == "stale":
        yield Point(STALE, stale=True)
        return
    found = _ITEM.match(item)
    if not found:
        raise ValueError(f"not a value: {item!r}")
    value = float(found[1])
    for _ in range(int(found[3]) + 1 if found[3] else 1):
        yield Point(value)
        value += float(found[2] or 0.0)


def _histogram_points(found: re.Match[str]) -> Iterator[Point]:
    current, hinted = read_histogram(found[1])
    change = read_histogram(found[3])[0] if found[2] else None
    for at in range(int(found[4]) + 1 if found[4] else 1):
        if at and change is not None:
            current = current.copy()
            (add if found[2] == "+" else subtract)(current, change)
        yield Point(histogram=current.copy(), hinted=hinted)


_HINTS = {
    "unknown": ResetHint.UNKNOWN,
    "reset": ResetHint.RESET,
    "not_reset": ResetHint.NOT_RESET,
    "gauge": ResetHint.GAUGE,
}


def read_histogram(text: str) -> tuple[FloatHistogram, bool]:
    """Return the histogram between double braces, and whether it tells a reset hint."""
    parts = dict(re.findall(r"(\w+):(\[[^\]]*\]|\S+)", text))
    unknown = set(parts) - {
        "schema", "sum", "count", "z_bucket", "z_bucket_w", "custom_values", "buckets", "offset",
        "n_buckets", "n_offset", "counter_reset_hint",
    }  # fmt: skip
    if unknown:
        raise ValueError(f"unknown parts of a histogram: {unknown}")

    def numbers(name: str) -> list[float]:
        return [float(number) for number in parts.get(name, "[]")[1:-1].split()]

    def side(name: str, offset: str) -> dict[int, float]:
        first = int(parts.get(offset, 0))
        return {first + i: count for i, count in enumerate(numbers(name))}

    histogram = FloatHistogram(
        schema=int(parts.get("schema", 0)),
        count=float(parts.get("count", 0)),
        sum=float(parts.get("sum", 0)),
        zero_threshold=float(parts.get("z_bucket_w", 0)),
        zero_count=float(parts.get("z_bucket", 0)),
        positive=side("buckets", "offset"),
        negative=side("n_buckets", "n_offset"),
        custom=tuple(numbers("custom_values")),
        hint=_HINTS[parts.get("counter_reset_hint", "unknown")],
    )
    return histogram, "counter_reset_hint" in parts


def _read_starts(text: str) -> list[int | None]:
    starts: list[int | None] = []
    for item in text.split():
        if item.startswith("_"):
            starts += [None] * (int(item[2:]) if item.startswith("_x") else 1)
            continue
        found = _START_ITEM.match(item)
        if not found:
            raise ValueError(f"not a start timestamp: {item!r}")
        value = _signed_ms(found[1])
        for _ in range(int(found[3]) + 1 if found[3] else 1):
            starts.append(value)
            value += _signed_ms(found[2]) if found[2] else 0
    return starts


def _signed_ms(text: str) -> int:
    ms = parse_duration_ms(text.lstrip("+-"))
    return -ms if text.startswith("-") else ms


# ---------------------------------------------------------------- storage


@dataclass
class Row:
    """A stored sample."""

    ts_ms: int
    point: Point
    start_ms: int


class MemorySource:
    """Series in memory, with reset hints as upstream's storage reads them back from its chunks."""

    def __init__(self) -> None:
        self.rows: dict[Labels, dict[int, Row]] = {}

    def load(self, load: Load) -> None:
        """Store the series of a `load`."""
        for series in load.series:
            starts = load.starts.get(series.labels, [])
            for at, point in enumerate(series.points):
                if point.omitted:
                    continue
                ts = at * load.step_ms
                offset = starts[at] if at < len(starts) else None
                self._put(series.labels, Row(ts, point, 0 if offset is None else ts + offset))
        if load.with_nhcb:
            self._load_nhcb(load)

    def _put(self, labels: Labels, row: Row) -> None:
        self.rows.setdefault(labels, {})[row.ts_ms] = row

    def _load_nhcb(self, load: Load) -> None:
        found: dict[Labels, dict[int, dict[str, Any]]] = {}
        for series in load.series:
            parts = dict(series.labels)
            base, _, suffix = parts.get(METRIC_NAME, "").rpartition("_")
            if suffix not in {"bucket", "count", "sum"}:
                continue
            bound = parts.pop(BUCKET_LABEL, None) if suffix == "bucket" else None
            parts[METRIC_NAME] = base
            times = found.setdefault(labels_of(parts), {})
            for at, point in enumerate(series.points):
                if point.omitted or point.histogram is not None:
                    continue
                entry = times.setdefault(at * load.step_ms, {"buckets": {}})
                if suffix == "bucket":
                    entry["buckets"][float(bound or "nan")] = point.value
                else:
                    entry[suffix] = point.value
        for labels, times in found.items():
            for ts, entry in sorted(times.items()):
                self._put(labels, Row(ts, Point(histogram=_nhcb_of(entry)), 0))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the matching series in order of their labels."""
        chosen = [
            labels
            for labels in sorted(self.rows)
            if all(matcher.matches(dict(labels).get(matcher.name, "")) for matcher in matchers)
        ]
        floats: list[list[Row]] = []
        histograms: list[list[Row]] = []
        for labels in chosen:
            rows = _hinted([self.rows[labels][ts] for ts in sorted(self.rows[labels])])
            rows = [row for row in rows if start_ms <= row.ts_ms <= end_ms]
            floats.append([row for row in rows if row.point.histogram is None])
            histograms.append([row for row in rows if row.point.histogram is not None])
        flat = [row for rows in floats for row in rows]
        return SeriesBlock(
            labels=chosen,
            offsets=_offsets(floats),
            ts_ms=np.asarray([row.ts_ms for row in flat], np.int64),
            values=np.asarray([row.point.value for row in flat], np.float64),
            start_ms=np.asarray([row.start_ms for row in flat], np.int64),
            histograms=encode_columns(
                _offsets(histograms),
                [(row.ts_ms, row.start_ms, row.point.histogram) for rows in histograms for row in rows],
            ),
        )


def _offsets(rows: Sequence[Sequence[Row]]) -> Any:
    return np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64)


def _hinted(rows: list[Row]) -> list[Row]:
    """Return the rows with the hints that upstream's storage reads back: known only within a chunk."""
    out: list[Row] = []
    previous: FloatHistogram | None = None
    for row in rows:
        histogram = row.point.histogram
        if histogram is None:
            previous = None
            out.append(row)
            continue
        seen = histogram.copy()
        if seen.hint is not ResetHint.GAUGE:
            seen.hint = ResetHint.NOT_RESET if _same_chunk(previous, histogram) else ResetHint.UNKNOWN
        previous = histogram
        out.append(Row(row.ts_ms, Point(histogram=seen), row.start_ms))
    return out


def _same_chunk(previous: FloatHistogram | None, histogram: FloatHistogram) -> bool:
    """Return whether the storage appends a counter histogram to the chunk of the one before it."""
    if previous is None or previous.hint is ResetHint.GAUGE or histogram.hint is ResetHint.RESET:
        return False
    layout = (histogram.schema, histogram.zero_threshold, histogram.custom)
    if layout != (previous.schema, previous.zero_threshold, previous.custom):
        return False
    unhinted = histogram.copy()
    unhinted.hint = ResetHint.UNKNOWN
    return not unhinted.detect_reset(previous)


def _nhcb_of(entry: dict[str, Any]) -> FloatHistogram:
    buckets = dict(sorted(entry["buckets"].items()))
    count = entry.get("count", buckets[max(buckets)] if buckets else 0.0)
    buckets.setdefault(math.inf, count)
    bounds = tuple(bound for bound in buckets if bound != math.inf)
    positive: dict[int, float] = {}
    previous = 0.0
    for at, total in enumerate(buckets.values()):
        if total != previous:
            positive[at] = total - previous
        previous = total
    return FloatHistogram(
        schema=-53, count=count, sum=entry.get("sum", 0.0), positive=positive, custom=bounds
    )


# ---------------------------------------------------------------- comparing


class Mismatch(AssertionError):
    """What an eval gave is not what the file expects."""


def almost_equal(a: float, b: float) -> bool:
    """Return whether two floats are equal as upstream's test runner has it."""
    if (math.isnan(a) and math.isnan(b)) or a == b:
        return True
    total, diff = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or total < 2.2250738585072014e-308:
        return diff < EPSILON * 2.2250738585072014e-308
    return diff / min(total, 1.7976931348623157e308) < EPSILON


def _same_histogram(expected: Point, actual: FloatHistogram) -> bool:
    if expected.histogram is None:
        return False
    a, b = expected.histogram.copy().compact(), actual.copy().compact()
    if expected.hinted and a.hint is not b.hint:
        return False
    if a.schema != b.schema or a.custom != b.custom or a.zero_threshold != b.zero_threshold:
        return False
    pairs = [(a.count, b.count), (a.sum, b.sum), (a.zero_count, b.zero_count)]
    for left, right in ((a.positive, b.positive), (a.negative, b.negative)):
        if left.keys() != right.keys():
            return False
        pairs += [(left[index], right[index]) for index in left]
    return all(almost_equal(left, right) for left, right in pairs)


def _cell(answer: Answer, row: int, k: int) -> float | FloatHistogram:
    cell = None if answer.cells is None else answer.cells[row, k]
    return float(answer.values[row, k]) if cell is None else cell


def _check_cell(what: str, expected: Point, actual: float | FloatHistogram) -> None:
    if isinstance(actual, FloatHistogram):
        if not _same_histogram(expected, actual):
            raise Mismatch(f"{what}: expected {expected.histogram or expected.value}, got {actual!r}")
    elif expected.histogram is not None or not almost_equal(expected.value, actual):
        raise Mismatch(f"{what}: expected {expected.histogram or expected.value}, got {actual}")


def series_points(answer: Answer) -> list[tuple[Labels, list[tuple[int, float | FloatHistogram]]]]:
    """Return the series of a matrix with their points."""
    if answer.raw is not None:
        out: list[tuple[Labels, list[tuple[int, float | FloatHistogram]]]] = []
        raw = answer.raw
        for row, labels in enumerate(raw.labels):
            points: list[tuple[int, float | FloatHistogram]] = [
                (int(raw.ts[j]), float(raw.values[j])) for j in range(raw.offsets[row], raw.offsets[row + 1])
            ]
            if raw.histograms is not None:
                found = raw.histograms
                points += [
                    (int(found.ts[j]), found.cells[j])
                    for j in range(found.offsets[row], found.offsets[row + 1])
                ]
            out.append((labels, sorted(points, key=lambda point: point[0])))
        return out
    times = answer.times_ms.tolist()
    return [
        (labels, [(times[k], _cell(answer, row, k)) for k in np.flatnonzero(answer.present[row]).tolist()])
        for row, labels in enumerate(answer.labels)
    ]


def _check_matrix(asked: Eval, answer: Answer) -> None:
    if asked.ordered or asked.scalar is not None:
        raise Mismatch("got a matrix")
    got = series_points(answer)
    if [labels for labels, _ in got] != sorted(labels for labels, _ in got):
        raise Mismatch(f"a matrix not in order: {[labels for labels, _ in got]}")
    want = {series.labels: series for series in asked.series}
    for labels, points in got:
        if labels not in want:
            raise Mismatch(f"unexpected series {labels} with {points}")
        expected = [
            (asked.start_ms + i * asked.step_ms, point)
            for i, point in enumerate(want.pop(labels).points)
            if not point.omitted
        ]
        if any(ts > asked.end_ms for ts, _ in expected):
            raise Mismatch(f"{labels}: more points expected than the range has")
        if [ts for ts, _ in expected] != [ts for ts, _ in points]:
            raise Mismatch(f"{labels}: expected {[(t, p.value) for t, p in expected]}, got {points}")
        for (ts, point), (_, actual) in zip(expected, points, strict=True):
            _check_cell(f"{labels} at {ts} ms", point, actual)
    if want:
        raise Mismatch(f"expected series not found: {list(want)}")


Vector = list[tuple[Labels, "float | FloatHistogram"]]


def _check_vector(asked: Eval, got: Vector) -> None:
    if asked.scalar is not None:
        raise Mismatch(f"expected a scalar, got the vector {got}")
    places = {series.labels: at for at, series in enumerate(asked.series)}
    want = {series.labels: series for series in asked.series}
    for at, (labels, actual) in enumerate(got):
        if labels not in want:
            raise Mismatch(f"unexpected {labels} with {actual!r}")
        if asked.ordered and places[labels] != at:
            raise Mismatch(f"{labels} expected at {places[labels] + 1}, was at {at + 1}")
        points = want.pop(labels).points
        if not points or points[0].omitted:
            raise Mismatch(f"{labels}: no value expected, got {actual}")
        _check_cell(str(labels), points[0], actual)
    if want:
        raise Mismatch(f"expected series not found: {list(want)}")


def _check_answer(asked: Eval, answer: Answer) -> None:
    if answer.type is AnswerType.MATRIX:
        _check_matrix(asked, answer)
    elif answer.type is AnswerType.VECTOR:
        _check_vector(asked, [(labels, _cell(answer, row, 0)) for row, labels in enumerate(answer.labels)])
    elif answer.type is AnswerType.STRING:
        if answer.text != (asked.string or ""):
            raise Mismatch(f"expected the string {asked.string!r}, got {answer.text!r}")
    elif asked.scalar is None:
        raise Mismatch(f"expected a vector or matrix, got the scalar {answer.values}")
    elif not almost_equal(float(answer.values[0, 0]), asked.scalar):
        raise Mismatch(f"expected the scalar {asked.scalar}, got {answer.values[0, 0]}")


def _check_notes(asked: Eval, answer: Answer) -> None:
    for kind, got in (("warn", answer.warnings), ("info", answer.infos)):
        want = asked.expected(kind)
        if (want or asked.legacy == kind) and not got:
            raise Mismatch(f"expected {kind} annotations, found none")
        for expect in want:
            if not any(expect.fits(text) for text in got):
                raise Mismatch(f"expected {kind} {expect.how} {expect.text!r}, found {got}")
        for text in got if want else ():
            if not any(expect.fits(text) for expect in want):
                raise Mismatch(f"unexpected {kind} {text!r}")
        if asked.expected(f"no_{kind}") and got:
            raise Mismatch(f"unexpected {kind} {got}")


def _check_failure(asked: Eval, message: str) -> None:
    if asked.message is not None and message != asked.message:
        raise Mismatch(f"expected the error {asked.message!r}, got {message!r}")
    if asked.pattern is not None and not re.search(asked.pattern, message):
        raise Mismatch(f"expected an error like {asked.pattern!r}, got {message!r}")
    for expect in asked.expected("fail"):
        if not expect.fits(message):
            raise Mismatch(f"expected the error {expect.text!r}, got {message!r}")


_CONTEXT = re.compile(r"(start|end|range|step)\(\)")


def run_eval(asked: Eval, source: MemorySource) -> None:
    """Ask `source` and compare; an instant is asked again as the middle step of a range.

    Raises Mismatch.
    """
    instant = not asked.ranged
    times = (asked.end_ms, asked.end_ms, 0) if instant else (asked.start_ms, asked.end_ms, asked.step_ms)
    try:
        answer = evaluate_text(asked.expr, source, *times, options=OPTIONS)
    except PharosError as exc:
        if not asked.fails:
            raise Mismatch(f"unexpected error: {exc}") from exc
        _check_failure(asked, exc.message)
        return
    if asked.fails:
        raise Mismatch("expected an error, got none")
    _check_notes(asked, answer)
    _check_answer(asked, answer)
    if asked.ranged or asked.range_vector or asked.string is not None or _CONTEXT.search(asked.expr):
        return
    middle = asked.end_ms
    ranged = evaluate_text(asked.expr, source, middle - 60_000, middle + 60_000, 60_000, options=OPTIONS)
    if asked.ordered:
        return
    vector: Vector = [
        (labels, actual) for labels, points in series_points(ranged) for ts, actual in points if ts == middle
    ]
    if asked.scalar is not None:
        if len(vector) != 1 or isinstance(vector[0][1], FloatHistogram):
            raise Mismatch(f"range: expected one number, got {vector}")
        if not almost_equal(vector[0][1], asked.scalar):
            raise Mismatch(f"range: expected {asked.scalar}, got {vector}")
        return
    try:
        _check_vector(asked, vector)
    except Mismatch as exc:
        raise Mismatch(f"range: {exc}") from exc


def replay(commands: Sequence[Command]) -> Iterator[tuple[Eval, MemorySource]]:
    """Yield every eval with the storage as it is when the eval's turn comes."""
    source = MemorySource()
    for command in commands:
        if isinstance(command, Clear):
            source = MemorySource()
        elif isinstance(command, Load):
            source.load(command)
        else:
            yield command, source
