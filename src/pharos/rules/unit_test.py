"""Unit tests of rules, run over made series in memory, with promtool's verdicts.

All groups are evaluated at each step of the file's interval, in order; what rules record is there for those
after them. Alerts are compared with the evaluation at or before the test's time, expressions at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any, Final, get_args

from msgspec import Struct, field

from pharos.alert import ALERT_NAME
from pharos.document import FaultsError
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote
from pharos.labels import Labels, Matcher
from pharos.promql.answer import evaluate
from pharos.promql.histograms.value import FloatHistogram, ResetHint
from pharos.promql.language.ast import Call, Expr, MatrixSelector, Subquery
from pharos.promql.language.parse import parse
from pharos.promql.memory import MemorySource
from pharos.promql.plan import DEFAULT_LOOKBACK_MS, PlansTogether, nodes
from pharos.promql.series_notation import STALE, read_metric, read_series, read_values
from pharos.rules.evaluate import Element, RuleState, elements, next_state
from pharos.rules.spec import AlertingRule, Language, Rule, RuleGroup, load_rules
from pharos.rules.template import Around, expand
from pharos.rules.unit_test_file import (
    AlertTest,
    ExpectedSample,
    ExprTest,
    UnitTest,
    UnitTestFile,
    load_unit_tests,
)

_EVALUATIONS_MAX: Final = 100_000_000
"""How often rules may be evaluated in one test."""
_NODES: Final = get_args(Expr)


class Verdict(Struct, frozen=True):
    """What came of one test."""

    name: str
    line: int
    faults: tuple[str, ...]
    """What is not as expected, one or more lines each; none when the test passes."""
    is_of_old: bool = False
    """Whether it passes only with windows that are closed on the left, as those of Prometheus 2 are."""


class FileVerdict(Struct, frozen=True):
    """What came of a file of tests."""

    file: str
    tests: tuple[Verdict, ...] = ()
    faults: tuple[str, ...] = ()
    """What kept the file from being run."""
    notices: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether all is as expected."""
        return not self.faults and not any(test.faults for test in self.tests)


def run_unit_tests(
    path: Path, is_asked: Callable[[str], bool] = lambda _name: True, *, is_strict: bool = False
) -> FileVerdict:
    """Return what comes of the tests of a file, of those whose name is asked for.

    A test that fails is run again with windows that are closed on the left: many were made for Prometheus 2,
    and need a sample that is exactly as old as a window is long. With `is_strict` it just fails.
    """
    notices: list[str] = []
    try:
        file = load_unit_tests(path)
        groups = _ordered(_groups(file, path.parent, notices), file.group_order)
    except PharosError as exc:
        faults = exc.faults if isinstance(exc, FaultsError) else (exc,)
        return FileVerdict(str(path), faults=tuple(map(str, faults)), notices=tuple(notices))
    verdicts = []
    for number, test in enumerate(file.tests, 1):
        if is_asked(test.name):
            found = tuple(_Run(file, test, groups).faults())
            is_of_old = bool(found) and not is_strict and not any(_Run(file, test, groups, 1).faults())
            told = () if is_of_old else found
            verdicts.append(Verdict(test.name or f"test {number}", test.line, told, is_of_old))
    return FileVerdict(str(path), tuple(verdicts), notices=tuple(notices))


def _groups(file: UnitTestFile, folder: Path, notices: list[str]) -> list[RuleGroup]:
    """Return the groups of all rule files, each once."""
    found: dict[tuple[str, str], RuleGroup] = {}
    for pattern in file.rule_files:
        paths = sorted(glob(str(folder / pattern), include_hidden=True)) if pattern else []  # noqa: PTH207
        if not paths:
            notices.append(f"{file.name}: no rule file is called {pattern!r}")
        for path in paths:
            for group in load_rules(Path(path)).groups:
                if group.language is not Language.PROMQL:
                    notices.append(
                        f"{path}:{group.line}: the group {group.name!r} is in {group.language}, and is not"
                        " tested: tests have series alone"
                    )
                    continue
                found.setdefault((path, group.name), group)
    return list(found.values())


def _ordered(groups: Sequence[RuleGroup], order: Sequence[str]) -> list[RuleGroup]:
    places = {name: place for place, name in enumerate(order)}
    return sorted(groups, key=lambda group: places.get(group.name, 0))


class _Evaluated(Struct):
    """A rule as it stands in a test."""

    rule: Rule
    group: RuleGroup
    plans: PlansTogether
    is_timeless: bool
    """Whether the expression always answers the same as long as no series is there that it asks for."""
    state: RuleState = field(default_factory=RuleState)
    asked_for: tuple[tuple[Matcher, ...], ...] | None = None
    """What series it asks for, once that is known."""
    of_nothing: list[Element] | None = None
    """What it answers without series, once that is known."""


class _Run:
    """One test on its way; its windows are so many milliseconds longer to the left."""

    def __init__(
        self, file: UnitTestFile, test: UnitTest, groups: Sequence[RuleGroup], longer_ms: int = 0
    ) -> None:
        self.file, self.test = file, test
        self.longer_ms = longer_ms
        self.source = MemorySource()
        self.rules = [
            _Evaluated(rule, group, self._plans(rule.expr), _is_timeless(rule.expr))
            for group in groups
            for rule in group.rules
        ]

    def _plans(self, text: str) -> PlansTogether:
        expr, lookback_ms = parse(text), DEFAULT_LOOKBACK_MS + self.longer_ms
        if self.longer_ms:
            expr = _lengthened(expr, self.longer_ms)
        return PlansTogether([(expr, text)], self.file.interval_ms, lookback_ms)

    def faults(self) -> Iterator[str]:
        """Yield what is not as expected."""
        try:
            self._load()
        except PharosError as exc:
            yield str(exc)
            return
        of_step: dict[int, list[AlertTest]] = {}
        for asked in self.test.alerts:
            of_step.setdefault(asked.at_ms // self.file.interval_ms, []).append(asked)
        steps = self.test.last_ms // self.file.interval_ms + 1
        if steps * max(1, len(self.rules)) > _EVALUATIONS_MAX:
            yield f"{steps} evaluations of {len(self.rules)} rules are too many"
            return
        for step in range(steps):
            failed = list(self._step(self.test.start_ms + step * self.file.interval_ms))
            yield from failed
            if failed:
                return
            for asked in sorted(of_step.get(step, ()), key=lambda one: one.at_ms):
                yield from self._alert_faults(asked)
        for expr in self.test.exprs:
            yield from self._expr_faults(expr)

    def _load(self) -> None:
        for series in self.test.series:
            try:
                found = [read_series(line) for line in series.lines()]
            except PharosError as exc:
                raise PharosError(exc.kind, f"line {series.line}: {exc}") from exc
            for labels, values in found:
                self.source.load(labels, self.test.start_ms, self.test.interval_ms, values)

    def _step(self, at_ms: int) -> Iterator[str]:
        """Evaluate all rules at a time; yield what failed."""
        self.source.until_ms = at_ms
        around = Around(
            lambda text: [(one.labels, one.value) for one in self._ask(self._plans(text), at_ms)],
            at_ms,
            self.test.external_labels,
            self.test.external_url,
        )
        for one in self.rules:
            try:
                self._evaluate(one, at_ms, around)
            except PharosError as exc:
                after = format_duration(at_ms - self.test.start_ms)
                yield f"rule: {one.rule.name}, time: {after}, err: {exc}"

    def _evaluate(self, one: _Evaluated, at_ms: int, around: Around) -> None:
        asked_ms = at_ms - (one.group.query_offset_ms or 0)
        found = self._found(one, asked_ms)

        def expanded(text: str, element: Element) -> str:
            value = element.value if element.histogram is None else str(element.histogram)
            return expand(text, dict(element.labels), value, around, one.rule.name)

        outcome = next_state(one.rule, one.state, found, at_ms, expanded, limit=one.group.limit)
        one.state = outcome.state
        for sample in outcome.samples:
            value = sample.value if sample.histogram is None else sample.histogram
            self.source.append(sample.labels, asked_ms, value)
        for labels in outcome.gone:
            with suppress(PharosError):  # upstream says nothing of a marker that cannot be written either
                self.source.append(labels, asked_ms, STALE)

    def _found(self, one: _Evaluated, at_ms: int) -> list[Element]:
        """Return what a rule answers; most rules of large files ask for series that a test lacks."""
        if one.is_timeless and one.asked_for is None:
            fetches = one.plans.at(at_ms)[0].own_fetches()
            one.asked_for = tuple(fetch.matchers for fetch in fetches)
        if one.asked_for is None or any(map(self.source.has, one.asked_for)):
            return self._ask(one.plans, at_ms)
        if one.of_nothing is None:
            one.of_nothing = self._ask(one.plans, at_ms)
        return one.of_nothing

    def _ask(self, plans: PlansTogether, at_ms: int) -> list[Element]:
        return elements(evaluate(plans.at(at_ms)[0], self.source))

    def _alert_faults(self, asked: AlertTest) -> Iterator[str]:
        got = sorted(
            (alert.labels, alert.annotations)
            for one in self.rules
            if isinstance(one.rule, AlertingRule) and one.rule.name == asked.name
            for alert in one.state.firing()
        )
        expected = sorted(
            (tuple(sorted({**dict(one.labels), ALERT_NAME: asked.name}.items())), one.annotations)
            for one in asked.expected
        )
        if got != expected:
            yield "\n".join(
                [
                    f"line {asked.line}: alertname: {asked.name}, time: {format_duration(asked.at_ms)}",
                    *_listed("expected", map(_shown_alert, expected)),
                    *_listed("got", map(_shown_alert, got)),
                ]
            )

    def _expr_faults(self, asked: ExprTest) -> Iterator[str]:
        where = f"line {asked.line}: expr: {quote(asked.expr)}, time: {format_duration(asked.at_ms)}"
        try:
            got = self._ask(self._plans(asked.expr), self.test.start_ms + asked.at_ms)
            expected = [_expected(one) for one in asked.expected]
        except PharosError as exc:
            yield f"{where}, err: {exc}"
            return
        for listed in (got, expected):
            listed.sort(key=lambda one: one.labels)
        if len(got) != len(expected) or not all(map(self._is_equal, got, expected)):
            told = [*_listed("expected", map(_shown, expected)), *_listed("got", map(_shown, got))]
            yield "\n".join([where, *told])

    def _is_equal(self, one: Element, other: Element) -> bool:
        if one.labels != other.labels:
            return False
        if one.histogram is not None or other.histogram is not None:
            return _facts(one.histogram) == _facts(other.histogram)
        neighbours = (math.nextafter(one.value, -math.inf), math.nextafter(one.value, math.inf))
        return one.value == other.value or (self.file.is_fuzzy and other.value in neighbours)


def _lengthened(expr: Expr, by_ms: int) -> Expr:
    """Return an expression whose ranges are longer; those that are computed stay."""

    def changed(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(changed, value))
        return _lengthened(value, by_ms) if isinstance(value, _NODES) else value

    fields: dict[str, Any] = {one.name: changed(getattr(expr, one.name)) for one in dataclass_fields(expr)}
    if isinstance(expr, MatrixSelector | Subquery) and isinstance(expr.range, int):
        fields["range"] = expr.range + by_ms
    return replace(expr, **fields)


def _is_timeless(text: str) -> bool:
    return not any(isinstance(node, Call) and not node.args for node in nodes(parse(text)))


def _expected(sample: ExpectedSample) -> Element:
    labels = read_metric(sample.labels)
    if not sample.histogram:
        return Element(labels, sample.value)
    values = read_values(sample.histogram)
    if len(values.floats) != 1 or not values.histograms:
        raise PharosError(Kind.INVALID, f"expected one histogram, got {quote(sample.histogram)}")
    return Element(labels, 0.0, values.histograms[0])


def _facts(histogram: FloatHistogram | None) -> tuple[object, ...] | None:
    """Return all that tells histograms apart."""
    if histogram is None:
        return None
    one = histogram.copy().compact()
    numbers = (one.schema, one.count, one.sum, one.zero_threshold, one.zero_count)
    return (*numbers, one.positive, one.negative, one.custom, one.hint)


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    told = list(lines)
    return [f"    {title}: none"] if not told else [f"    {title}:", *(f"        {line}" for line in told)]


def _shown_alert(alert: tuple[Labels, Labels]) -> str:
    labels, annotations = alert
    return f"{_braces(labels)} annotations {_braces(annotations)}"


def _shown(one: Element) -> str:
    if one.histogram is None:
        return f"{_braces(one.labels)} {format_g(one.value)}"
    hint = one.histogram.hint
    told = f" counter_reset_hint:{hint.name.lower()}" if hint is not ResetHint.UNKNOWN else ""
    return f"{_braces(one.labels)} {one.histogram}{told}"


def _braces(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
