"""Rules run over what is stored: when each alert would have fired, decided as the evaluation decides it.

Each expression is asked as a range over the window, some thousand steps at a time. Between two steps at which
series come or go, or a `for` or `keep_firing_for` is over, nothing becomes of an alert: only those steps are
taken. What the rules record is laid over what is stored for the rules that read it, so that rules that never
ran can be tried; before the window, and where rules read one another in a circle, what is stored counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.labels import METRIC_NAME, Labels, MatchOp, labels_of
from pharos.promql.answer import evaluate, evaluate_text
from pharos.promql.evaluate import EvalOptions
from pharos.promql.grids.grid import Answer
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import parse
from pharos.promql.plan import DEFAULT_LOOKBACK_MS, nodes, plan
from pharos.promql.source import SampleSource
from pharos.query.limits import Times
from pharos.rules.evaluate import (
    ALERT_STATE,
    ALERTS,
    ALERTS_FOR_STATE,
    ActiveAlert,
    AlertState,
    Element,
    Expand,
    Transition,
    alert_labels,
    changes_between,
    elements,
    elements_at,
    expanded,
    next_alerts,
)
from pharos.rules.event_door import AskText
from pharos.rules.laid_over import LaidOver
from pharos.rules.spec import AlertingRule, Language, RecordingRule, Rule, RuleGroup
from pharos.rules.template import Around, expand

CHUNK_STEPS: Final = 2_880
"""How many steps are asked for at once; fewer where that is too much for a query."""
_CHUNK_LEAST: Final = 8
STEPS_MAX: Final = 50_000_000
"""How often rules may be evaluated in one replay."""
LEAD_MAX_MS: Final = 86_400_000
"""How long before the window it is begun at most, so that what was active then is known."""
_CHANGING: Final = re.compile(r"\{\{.*(?:\$value|\.Value|\bvalue\b|query|now)", re.DOTALL)
_SUBQUERY_STEP_MS: Final = 60_000

T = TypeVar("T")


class History(Protocol):
    """Who gives what is stored."""

    async def over(self, what: str, work: Callable[[SampleSource, EvalOptions], T]) -> T:
        """Return what `work` makes of the samples, on a thread and in turn; `what` says whose work it is.

        Raises what it raises, and PharosError: TIMEOUT without a turn in time.
        """
        ...


class Events(Protocol):
    """Who answers rules over lines, or over spans, of what is stored."""

    async def answer(
        self, what: str, text: str, times: Times, interval_ms: int, work: Callable[[Answer, AskText], T]
    ) -> T:
        """Return what `work` makes of the answer of an expression; see `rules.event_door.EventHistory`."""
        ...


class Past(Struct, frozen=True):
    """What is stored, for rules of each language."""

    metrics: History
    events: Mapping[Language, Events] = field(default_factory=dict)


class ReplayOptions(Struct, frozen=True):
    """Over what time, and what is not said in rule files."""

    start_ms: int
    end_ms: int
    interval_ms: int = 60_000
    """Of groups that name none."""
    query_offset_ms: int = 0
    """The same of how far in the past they are evaluated."""
    step_ms: int = 0
    """How often all groups are evaluated; 0 stands for each group's own interval."""
    external_labels: Labels = ()
    external_url: str = ""
    lookback_ms: int = DEFAULT_LOOKBACK_MS
    within_s: float = 60.0
    """How long it may take."""


class Firing(Struct, frozen=True):
    """An alert that would have fired."""

    labels: Labels
    annotations: Labels
    """As they were when it fired."""
    value: float
    """Of the expression when it fired."""
    active_ms: int
    """Since when it was pending."""
    from_ms: int
    until_ms: int | None
    """When it was over; None for what still fires at the end."""


class Replayed(Struct, frozen=True):
    """What one alerting rule would have done."""

    rule: AlertingRule
    group: str
    file: str
    step_ms: int
    firings: tuple[Firing, ...]
    pending: int = 0
    """How often an alert was pending and did not fire."""
    faults: tuple[str, ...] = ()
    """Why it could not be evaluated, the first few."""


class _Task(Struct):
    """A rule on its way."""

    rule: Rule
    group: RuleGroup
    place: int
    reads: frozenset[str]
    makes: frozenset[str]


async def replay(
    groups: Sequence[RuleGroup], options: ReplayOptions, past: Past, clock: Clock
) -> list[Replayed]:
    """Return what each alerting rule would have done, in order of the files.

    Raises PharosError: INVALID for a window without steps, LIMITED for too many of them, TOO_LARGE when rules
    record too much, TIMEOUT when it takes longer than it may. What fails of one rule is told with it.
    """
    tasks = [
        _Task(rule, group, place, *_names(rule, group.language))
        for place, (group, rule) in enumerate((group, rule) for group in groups for rule in group.rules)
    ]
    _check(tasks, options)
    run = _Replay(options, past, clock, is_asked_for_alerts=any(ALERTS in task.reads for task in tasks))
    found: dict[int, Replayed] = {}
    for task in _ordered(tasks):
        one = _RuleReplay(run, task)
        await one.run()
        if isinstance(task.rule, AlertingRule):
            found[task.place] = one.replayed(task.rule)
    return [found[place] for place in sorted(found)]


def _check(tasks: Sequence[_Task], options: ReplayOptions) -> None:
    width_ms = options.end_ms - options.start_ms
    if width_ms <= 0:
        raise PharosError(Kind.INVALID, "a replay ends after it begins")
    steps = sum(width_ms // _step_ms(task.group, options) + 1 for task in tasks)
    if steps > STEPS_MAX:
        raise PharosError(
            Kind.LIMITED,
            f"the replay has {steps:,} evaluations, more than {STEPS_MAX:,}",
            hint="take a shorter window or a longer step",
        )


def _step_ms(group: RuleGroup, options: ReplayOptions) -> int:
    return options.step_ms or group.interval_ms or options.interval_ms


def _names(rule: Rule, language: Language) -> tuple[frozenset[str], frozenset[str]]:
    """Return which metrics a rule reads by name, and which it makes."""
    expr = parse(rule.expr) if language is Language.PROMQL else None
    reads = {
        matcher.value
        for node in (() if expr is None else nodes(expr))
        if isinstance(node, VectorSelector)
        for matcher in node.matchers
        if matcher.name == METRIC_NAME and matcher.op is MatchOp.EQUAL
    }
    is_alert = isinstance(rule, AlertingRule)
    return frozenset(reads), frozenset({ALERTS, ALERTS_FOR_STATE} if is_alert else {rule.name})


def _ordered(tasks: Sequence[_Task]) -> Iterator[_Task]:
    """Yield the rules so that those come first that others read; in a circle, in order of the files."""
    left = list(tasks)
    while left:
        ready = next(
            (one for one in left if not any(other.makes & one.reads for other in left if other is not one)),
            left[0],
        )
        left.remove(ready)
        yield ready


class _Replay:
    """What all rules of a replay share."""

    def __init__(
        self, options: ReplayOptions, past: Past, clock: Clock, *, is_asked_for_alerts: bool
    ) -> None:
        self.options = options
        self.past = past
        self.clock = clock
        self.is_asked_for_alerts = is_asked_for_alerts
        self.ends_s = clock.monotonic_s() + options.within_s
        self.made = LaidOver()

    def check(self) -> None:
        """Raise PharosError(TIMEOUT) when it takes too long."""
        if self.clock.monotonic_s() > self.ends_s:
            raise PharosError(
                Kind.TIMEOUT,
                f"the replay took more than {self.options.within_s:g} s",
                hint="take a shorter window, a longer step or fewer rules",
            )


class _Told(Struct):
    """What is known of a rule's alerts up to now."""

    open: dict[Labels, ActiveAlert] = field(default_factory=dict)
    firings: list[Firing] = field(default_factory=list)
    pending: int = 0
    stretches: list[tuple[ActiveAlert, int, int]] = field(default_factory=list)
    """(alert, from, until): when it was in that state, where another rule asks."""
    since: dict[Labels, tuple[ActiveAlert, int]] = field(default_factory=dict)


class _RuleReplay:
    """One rule over the window."""

    def __init__(self, shared: _Replay, task: _Task) -> None:
        options = shared.options
        self.shared, self.task = shared, task
        self.step_ms = _step_ms(task.group, options)
        rule = task.rule
        lead_ms = 0
        if isinstance(rule, AlertingRule):
            lead_ms = min(rule.for_ms + rule.keep_firing_for_ms, LEAD_MAX_MS)
        self.first_ms = -(-(options.start_ms - lead_ms) // self.step_ms) * self.step_ms
        self.last_ms = options.end_ms // self.step_ms * self.step_ms
        self.alerts: dict[Labels, ActiveAlert] = {}
        self.is_changing = any(_CHANGING.search(text) for _, text in rule.labels)
        """Whether labels of its alerts may be others from one time to the next."""
        self._labels: dict[Labels, Labels] = {}
        """The labels of the alert of each series."""
        self.told = _Told()
        self.faults: list[str] = []

    async def run(self) -> None:
        """Go over the window."""
        at_ms, steps = self.first_ms, CHUNK_STEPS
        while at_ms <= self.last_ms:
            self.shared.check()
            until_ms = min(at_ms + (steps - 1) * self.step_ms, self.last_ms)
            try:
                await self._over(at_ms, until_ms)
            except PharosError as exc:
                if exc.kind in {Kind.LIMITED, Kind.TIMEOUT} and steps > _CHUNK_LEAST:
                    steps //= 4
                    continue
                if exc.kind not in {Kind.INVALID, Kind.UNSUPPORTED, Kind.LIMITED, Kind.TIMEOUT}:
                    raise
                self.faults.append(f"{self.task.rule.name}: {exc}")
                return
            at_ms = until_ms + self.step_ms
        self._end()

    def replayed(self, rule: AlertingRule) -> Replayed:
        """Return what became of it."""
        start_ms = self.shared.options.start_ms
        firings = [one for one in self.told.firings if one.until_ms is None or one.until_ms > start_ms]
        return Replayed(
            rule,
            self.task.group.name,
            self.task.group.file,
            self.step_ms,
            tuple(sorted(firings, key=lambda one: (one.from_ms, one.labels))),
            self.told.pending,
            tuple(self.faults),
        )

    async def _over(self, at_ms: int, until_ms: int) -> None:
        """Ask for the answers of some steps, and go over them."""
        group, rule = self.task.group, self.task.rule
        options = self.shared.options
        offset_ms = options.query_offset_ms if group.query_offset_ms is None else group.query_offset_ms
        times = Times(at_ms - offset_ms, until_ms - offset_ms, self.step_ms)
        if group.language is Language.PROMQL:
            await self.shared.past.metrics.over(rule.name, self._metrics_work(times, at_ms))
            return
        events = self.shared.past.events.get(group.language)
        if events is None:
            raise PharosError(Kind.UNSUPPORTED, f"rules in {group.language} are not replayed here")

        def work(answer: Answer, ask: AskText) -> None:
            self._take(answer, at_ms, ask)

        interval_ms = group.interval_ms or options.interval_ms
        await events.answer(rule.name, rule.expr, times, interval_ms, work)

    def _metrics_work(self, times: Times, at_ms: int) -> Callable[[SampleSource, EvalOptions], None]:
        text = self.task.rule.expr
        expr = parse(text)

        def work(source: SampleSource, options: EvalOptions) -> None:
            seen = self.shared.made.over(source, self.task.reads)
            planned = plan(
                expr,
                times.start_ms,
                times.end_ms,
                times.step_ms,
                _SUBQUERY_STEP_MS,
                lookback_ms=self.shared.options.lookback_ms,
                text=text,
            )

            def ask(more: str, now_ms: int) -> Answer:
                return evaluate_text(more, seen, now_ms, now_ms, 0, options=options)

            self._take(evaluate(planned, seen, options), at_ms, ask)

        return work

    def _take(self, answer: Answer, at_ms: int, ask: AskText) -> None:
        rule = self.task.rule
        if isinstance(rule, RecordingRule):
            self._record(rule, answer)
        else:
            self._advance(rule, answer, at_ms, ask)

    def _record(self, rule: RecordingRule, answer: Answer) -> None:
        own = {METRIC_NAME: rule.name, **dict(rule.labels)}
        found = [labels_of({**dict(labels), **own}) for labels in answer.labels]
        if len(set(found)) < len(found):
            raise PharosError(
                Kind.INVALID, "vector contains metrics with the same labelset after applying rule labels"
            )
        self.shared.made.add(found, answer)

    def _advance(self, rule: AlertingRule, answer: Answer, at_ms: int, ask_text: AskText) -> None:
        """Take the alerts through the steps of an answer at which something may become of them."""
        steps = answer.present.shape[1]
        for step in self._eventful(rule, answer, at_ms):
            now_ms = at_ms + step * self.step_ms

            def ask(text: str, now_ms: int = now_ms) -> list[tuple[Labels, float]]:
                return [(one.labels, one.value) for one in elements(ask_text(text, now_ms))]

            around = Around(
                ask, now_ms, self.shared.options.external_labels, self.shared.options.external_url
            )

            def said(text: str, one: Element, around: Around = around) -> str:
                value = one.value if one.histogram is None else str(one.histogram)
                return expand(text, dict(one.labels), value, around, rule.name)

            found = elements_at(answer, step) if step < steps else iter(())
            try:
                self._step(rule, found, now_ms, said)
            except PharosError as exc:
                self._failed(exc, now_ms)

    def _step(self, rule: AlertingRule, found: Iterator[Element], now_ms: int, said: Expand) -> None:
        """Take the alerts to what was found; their annotations are not needed before they fire."""
        of_alert: dict[Labels, Element] = {}
        for one in found:
            labels = self._labels.get(one.labels)
            if labels is None:
                labels = alert_labels(rule, one, said)
                if not self.is_changing:
                    self._labels[one.labels] = labels
            if labels in of_alert:
                raise PharosError(
                    Kind.INVALID, "vector contains metrics with the same labelset after applying alert labels"
                )
            of_alert[labels] = one
        fresh = {
            labels: ActiveAlert(labels, (), AlertState.PENDING, one.value, now_ms)
            for labels, one in of_alert.items()
        }
        alerts = next_alerts(rule, self.alerts, fresh, now_ms)
        limit = self.task.group.limit
        active = sum(alert.state is not AlertState.INACTIVE for alert in alerts.values()) if limit > 0 else 0
        if active > limit > 0:
            raise PharosError(Kind.LIMITED, f"exceeded limit of {limit} with {active} alerts")
        before, self.alerts = self.alerts, alerts
        for change in changes_between(before, alerts, now_ms):
            self._note(change, rule, of_alert.get(change.alert.labels), said)

    def _eventful(self, rule: AlertingRule, answer: Answer, at_ms: int) -> Iterator[int]:
        """Yield the steps at which series come or go, or a time is over; the state may change in between."""
        present = answer.present
        count = (min(answer.times_ms[-1], self.last_ms) - answer.times_ms[0]) // self.step_ms + 1
        changes = np.zeros(count, np.bool_)
        changes[0] = True
        if len(present):
            changes[1:] = (present[:, 1:] != present[:, :-1]).any(axis=0)
            if self.is_changing:
                changes |= present.any(axis=0)
        due = np.flatnonzero(changes).tolist()
        step = -1
        for change in due:
            yield from self._timed(rule, at_ms, step, change)
            yield change
            step = change
        yield from self._timed(rule, at_ms, step, count)

    def _timed(self, rule: AlertingRule, at_ms: int, after: int, before: int) -> Iterator[int]:
        """Yield the steps between two others at which a `for` or `keep_firing_for` is over."""
        step = after
        while True:
            ends = [end for alert in self.alerts.values() if (end := _over_ms(rule, alert))]
            later = [-(-(end - at_ms) // self.step_ms) for end in ends]
            step = min((one for one in later if one > step), default=before)
            if step >= before:
                return
            yield step

    def _failed(self, fault: PharosError, now_ms: int) -> None:
        if fault.kind is Kind.LIMITED:
            self.alerts = {}
            self.told.open.clear()
        if len(self.faults) < 3:
            after = format_duration(now_ms - self.shared.options.start_ms)
            self.faults.append(f"{self.task.rule.name}, {after} after the start: {fault}")

    def _note(self, change: Transition, rule: AlertingRule, one: Element | None, said: Expand) -> None:
        alert, told = change.alert, self.told
        if self.shared.is_asked_for_alerts:
            before = told.since.pop(alert.labels, None)
            if before is not None:
                told.stretches.append((*before, change.at_ms))
            if alert.state is not AlertState.INACTIVE:
                told.since[alert.labels] = (alert, change.at_ms)
        if alert.state is AlertState.FIRING:
            annotations = () if one is None else expanded(rule.annotations, one, said)
            told.open[alert.labels] = replace(alert, annotations=annotations)
        elif change.before is AlertState.FIRING:
            opened = told.open.pop(alert.labels, None)
            if opened is not None:
                told.firings.append(_firing(opened, change.at_ms))
        elif change.before is AlertState.PENDING:
            told.pending += 1

    def _end(self) -> None:
        self.told.firings += [_firing(alert, None) for alert in self.told.open.values()]
        if not self.shared.is_asked_for_alerts:
            return
        end_ms = self.last_ms + self.step_ms
        left = [(alert, since_ms, end_ms) for alert, since_ms in self.told.since.values()]
        for alert, from_ms, until_ms in [*self.told.stretches, *left]:
            labels = {**dict(self.task.rule.labels), **dict(alert.labels)}
            for name, state, value in (
                (ALERTS, str(alert.state), 1.0),
                (ALERTS_FOR_STATE, "", float(alert.active_ms // 1000)),
            ):
                found = labels_of({**labels, METRIC_NAME: name, ALERT_STATE: state})
                self.shared.made.add_constant(found, from_ms, until_ms, self.step_ms, value)


def _over_ms(rule: AlertingRule, alert: ActiveAlert) -> int:
    """Return when a pending alert fires, or one that is kept firing ends, if nothing comes or goes; or 0."""
    if alert.state is AlertState.PENDING:
        return alert.active_ms + rule.for_ms
    if alert.state is AlertState.FIRING and alert.gone_ms:
        return alert.gone_ms + rule.keep_firing_for_ms
    return 0


def _firing(alert: ActiveAlert, until_ms: int | None) -> Firing:
    return Firing(alert.labels, alert.annotations, alert.value, alert.active_ms, alert.fired_ms, until_ms)
