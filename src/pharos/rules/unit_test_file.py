"""Files that test rules, as promtool's: series, and the alerts and answers that are expected of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from pharos.document import Fields, Value, load_document
from pharos.errors import PharosError
from pharos.gotext.timestamps import parse_time_ms
from pharos.labels import Labels
from pharos.named_file import read_named

DEFAULT_INTERVAL_MS: Final = 60_000
_NUMBER: Final = re.compile(r"([-+]?)(?:\.(inf|nan)|(0x[0-9a-f]+|0o?[0-7]+|0b[01]+)|[0-9.].*)", re.IGNORECASE)

_Item = TypeVar("_Item")


class InputSeries(Struct, frozen=True):
    """A series in the notation of tests."""

    series: str
    values: str
    line: int

    def lines(self) -> Iterator[str]:
        """Yield what there is to load: promtool reads each line as a series, up to one that says nothing."""
        for line in f"{self.series} {self.values}".split("\n"):
            stripped = line.strip()
            if not stripped or stripped.startswith("#"):
                return
            yield stripped


class ExpectedAlert(Struct, frozen=True):
    """An alert that fires, without its name."""

    labels: Labels
    """As written, sorted by name; an empty value is one that no alert has."""
    annotations: Labels


class AlertTest(Struct, frozen=True):
    """What alerts of one name fire at a time."""

    at_ms: int
    name: str
    expected: tuple[ExpectedAlert, ...]
    line: int


class ExpectedSample(Struct, frozen=True):
    """A series of an answer, in the notation of tests; `histogram` counts where it is written."""

    labels: str
    value: float
    histogram: str


class ExprTest(Struct, frozen=True):
    """What an expression answers at a time."""

    at_ms: int
    expr: str
    expected: tuple[ExpectedSample, ...]
    line: int


class UnitTest(Struct, frozen=True):
    """Series, and what is expected of the rules over them. Times of tests count from `start_ms`."""

    name: str
    interval_ms: int
    """Of the series' values."""
    start_ms: int
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertTest, ...]
    exprs: tuple[ExprTest, ...]
    external_labels: Labels
    external_url: str
    line: int

    @property
    def last_ms(self) -> int:
        """The latest time of any of its tests, from its start."""
        times = [one.at_ms for one in self.alerts] + [one.at_ms for one in self.exprs]
        return max(times, default=0)


class UnitTestFile(Struct, frozen=True):
    """A file of unit tests."""

    name: str
    rule_files: tuple[str, ...]
    """Patterns of paths, relative to the file's folder."""
    interval_ms: int
    """How often rules are evaluated."""
    group_order: tuple[str, ...]
    is_fuzzy: bool
    """Whether neighbouring floats are equal."""
    tests: tuple[UnitTest, ...]


def load_unit_tests(path: Path) -> UnitTestFile:
    """Return the unit tests of a file.

    Raises FaultsError with everything that is wrong, and PharosError: MISSING for no file, INVALID for what
    is not YAML, TOO_LARGE past the bounds.
    """
    root = load_document(read_named(path), str(path), first_only=True)
    nothing: UnitTestFile | None = None
    found = root.source.attempt(lambda: _file(root), nothing)
    root.source.raise_faults()
    assert found is not None  # noqa: S101 - what failed has its fault
    return found


def _file(root: Value) -> UnitTestFile:
    fields = Fields(root, "a file of unit tests")
    interval_ms = fields.read("evaluation_interval", Value.duration_ms, 0) or DEFAULT_INTERVAL_MS
    order = _read_order(fields)
    found = UnitTestFile(
        name=root.source.name,
        rule_files=fields.read("rule_files", Value.texts, order[:0]),
        interval_ms=interval_ms,
        group_order=order,
        is_fuzzy=fields.read("fuzzy_compare", Value.boolean, False),
        tests=tuple(_each(fields, "tests", lambda one: _test(one, interval_ms))),
    )
    fields.done()
    return found


def _read_order(fields: Fields) -> tuple[str, ...]:
    value = fields.take("group_eval_order")
    names = () if value is None else value.texts()
    for name in {name for name in names if names.count(name) > 1}:
        source = fields.value.source
        source.faults.append((value or fields.value).fault(f"group_eval_order has the group {name!r} twice"))
    return names


def _each(fields: Fields, name: str, reader: Callable[[Value], _Item]) -> Iterator[_Item]:
    value = fields.take(name)
    if value is not None:
        yield from value.each(reader)


def _test(value: Value, interval_ms: int) -> UnitTest:
    fields = Fields(value, "a test")
    none: Labels = ()
    found = UnitTest(
        name=fields.read("name", Value.text, ""),
        interval_ms=fields.read("interval", Value.duration_ms, 0) or interval_ms,
        start_ms=fields.read("start_timestamp", _time_ms, 0),
        series=tuple(_each(fields, "input_series", _series)),
        alerts=tuple(_each(fields, "alert_rule_test", _alert_test)),
        exprs=tuple(_each(fields, "promql_expr_test", _expr_test)),
        external_labels=fields.read("external_labels", _pairs, none),
        external_url=fields.read("external_url", Value.text, ""),
        line=value.line,
    )
    fields.done()
    return found


def _time_ms(value: Value) -> int:
    try:
        return parse_time_ms(value.text())
    except PharosError as exc:
        raise value.fault(f"{value.path}: {exc}") from exc


def _pairs(value: Value) -> Labels:
    return tuple(sorted(value.group().items()))


def _series(value: Value) -> InputSeries:
    fields = Fields(value, "a series")
    found = InputSeries(
        fields.read("series", Value.text, ""), fields.read("values", Value.text, ""), value.line
    )
    fields.done()
    return found


def _alert_test(value: Value) -> AlertTest:
    fields = Fields(value, "a test of alerts")
    found = AlertTest(
        at_ms=fields.read("eval_time", Value.duration_ms, 0),
        name=fields.read("alertname", Value.text, ""),
        expected=tuple(_each(fields, "exp_alerts", _expected_alert)),
        line=value.line,
    )
    fields.done()
    if not found.name:
        value.source.faults.append(value.fault("a test of alerts must have an alertname"))
    return found


def _expected_alert(value: Value) -> ExpectedAlert:
    fields = Fields(value, "an expected alert")
    none: Labels = ()
    found = ExpectedAlert(
        fields.read("exp_labels", _pairs, none), fields.read("exp_annotations", _pairs, none)
    )
    fields.done()
    return found


def _expr_test(value: Value) -> ExprTest:
    fields = Fields(value, "a test of an expression")
    found = ExprTest(
        at_ms=fields.read("eval_time", Value.duration_ms, 0),
        expr=fields.read("expr", Value.text, ""),
        expected=tuple(_each(fields, "exp_samples", _sample)),
        line=value.line,
    )
    fields.done()
    return found


def _sample(value: Value) -> ExpectedSample:
    fields = Fields(value, "an expected sample")
    found = ExpectedSample(
        labels=fields.read("labels", Value.text, ""),
        value=fields.read("value", _number, 0.0),
        histogram=fields.read("histogram", Value.text, ""),
    )
    fields.done()
    return found


def _number(value: Value) -> float:
    """Return a number as YAML writes it; text that looks like one is none."""
    text = value.text().replace("_", "")
    found = None if value.is_quoted() else _NUMBER.fullmatch(text)
    if found is not None:
        sign, special, whole = found.groups()
        try:
            if special:
                return float(sign + special)
            return float(int(sign + _go_octal(whole), 0)) if whole else float(text)
        except ValueError:
            pass
    raise value.fault(f"{value.path}: expected a number, got {value.text()!r}")


def _go_octal(text: str) -> str:
    """Return a whole number with 0o where an octal one has only a zero in front."""
    is_old = len(text) > 1 and text[0] == "0" and text[1].isdigit()
    return f"0o{text[1:]}" if is_old else text
