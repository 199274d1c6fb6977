"""The promqltest language, read into commands: `load`, `clear` and `eval`.

It is documented beside promql/promqltest of prometheus/prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pharos.gotext.durations import parse_duration
from pharos.gotext.quoting import unquote
from pharos.labels import Labels
from pharos.promql.histograms.value import FloatHistogram
from pharos.promql.series_notation import read_labels, read_values
from pharos.promql.source import STALE_NAN_BITS


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
    load = Load(at + 1, parse_duration(found[2]), [], {}, bool(found[1]))
    of_labels: dict[Labels, Series] = {}
    while at + 1 < len(lines) and lines[at + 1]:
        at += 1
        labels, rest = read_labels(lines[at])
        if rest.startswith("@st"):
            load.starts[labels] = _read_starts(rest[3:])
        else:
            of_labels[labels] = Series(labels, read_points(rest))
    load.series = list(of_labels.values())
    return at, load


def _read_eval(lines: Sequence[str], at: int) -> tuple[int, Eval]:
    instant, ranged = _INSTANT.match(lines[at]), _RANGE.match(lines[at])
    if instant:
        time = parse_duration(instant[2] or "0")
        asked = Eval(at + 1, instant[3], False, time, time, 0, instant[1] or "")
    elif ranged:
        start, end, step = (parse_duration(ranged[i]) for i in (2, 3, 4))
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
        asked.start_ms, asked.end_ms, asked.step_ms = (parse_duration(part) for part in found.groups())
        asked.range_vector = True
        return True
    if line.startswith("expect string"):
        asked.string = unquote(line.removeprefix("expect string").strip())
        return True
    if line.split(" ", maxsplit=1)[0] == "expect":
        found = _EXPECT.match(line)
        if not found:
            raise ValueError(f"not an expectation: {line!r}")
        asked.expects.append(Expect(found[1], found[2] or "", (found[3] or "").strip()))
        return True
    number = _number(line)
    if number is not None:
        asked.scalar = number
        return False
    labels, rest = read_labels(line)
    asked.series = [series for series in asked.series if series.labels != labels]
    asked.series.append(Series(labels, read_points(rest)))
    return True


def _number(text: str) -> float | None:
    try:
        return float(int(text, 0))
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def read_points(text: str) -> list[Point]:
    """Return a sequence of values: `1 2 _ stale 0+10x5 {{...}}x3`."""
    values = read_values(text)
    return [
        Point(
            float(values.floats[at]),
            values.histograms.get(at),
            omitted=not values.present[at],
            hinted=at in values.hinted,
            stale=bool(values.floats[at : at + 1].view(np.int64)[0] == STALE_NAN_BITS),
        )
        for at in range(len(values.floats))
    ]


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
    ms = parse_duration(text.lstrip("+-"))
    return -ms if text.startswith("-") else ms
