"""A running group: its rules one after another at one time, what they record, and who is told of it."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.alert import Alert
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.promql.source import STALE_NAN_BITS
from pharos.rules.deliveries import Telling, owed
from pharos.rules.doors import AlertSink, QueryDoor, QueryRound, Recorded, Recorder
from pharos.rules.evaluate import Element, Expand, Outcome, RuleState, elements, next_state
from pharos.rules.leases import AllOurs, Leases
from pharos.rules.ledger import Ledger, alert_of, storable
from pharos.rules.restore import TOLD, Gap, Remembered, by_rule, for_state, restore
from pharos.rules.running import (
    RunningRule,
    Unknown,
    group_key,
    next_unknown,
    rule_keys,
    unknown_labels,
)
from pharos.rules.spec import AlertingRule, Language, RuleGroup
from pharos.state import State, Unit, rule_alerts
from pharos.state.rule_alerts import Key, Row
from pharos.state.rule_leases import Place
from pharos.telemetry import (
    RULE_EVALUATION_FAILED,
    RULE_EVALUATION_SECONDS,
    RULE_EVALUATIONS,
    RULE_GROUP_LAST_DURATION,
    RULE_GROUP_LAST_EVALUATION,
    RULE_GROUP_SAMPLES,
    RULE_GROUP_SECONDS,
    RULES_UNKNOWN,
)

_LOG = logging.getLogger(__name__)

_STALE: Final = struct.unpack("<d", struct.pack("<Q", STALE_NAN_BITS))[0]
_TURN_S: Final = 0.1
"""After that long on a thread others get their turn."""


class RuleOptions(Struct, frozen=True):
    """How rules are evaluated where their group does not say; times in milliseconds."""

    interval_ms: int = 60_000
    query_offset_ms: int = 0
    resend_ms: int = 60_000
    hold_ms: int = 120_000
    """So long data may take to come in after a gap in which nothing was evaluated."""
    lookback_ms: int = 300_000
    unknown: Labels | None = None
    """Labels of the alert that a rule's answer is not known; None tells nobody."""
    unknown_after_ms: int = 300_000
    url: str = ""
    """How people reach this server."""


Expanding = Callable[[QueryRound, AlertingRule], Expand]
"""Returns what expands the templates of a rule; they may ask further queries of the round."""


class Surroundings(Struct, frozen=True):
    """What every group stands on."""

    door: QueryDoor
    recorder: Recorder
    sink: AlertSink
    state: State
    clock: Clock
    expanding: Expanding
    options: RuleOptions = RuleOptions()
    shown: Callable[[Labels], Labels | None] = lambda labels: labels
    """The labels under which an alert is told of; None for one that is not."""
    external_labels: Labels = ()
    leases: Leases = field(default_factory=AllOurs)
    """Which groups are evaluated here."""
    event_doors: Mapping[Language, QueryDoor] = field(default_factory=dict)
    """Who answers rules over logs and spans."""

    def door_of(self, language: Language) -> QueryDoor:
        """Return who answers a language. Raises PharosError(UNSUPPORTED) where nobody does."""
        found = self.door if language is Language.PROMQL else self.event_doors.get(language)
        if found is None:
            raise PharosError(Kind.UNSUPPORTED, f"rules in {language} are not evaluated here")
        return found


class _Iteration(Struct):
    """What one evaluation of a group came to."""

    at_ms: int
    sample_ms: int
    outcomes: list[tuple[RunningRule, RuleState, Outcome]] = field(default_factory=list)
    """Each with what was remembered before."""
    samples: int = 0


class RunningGroup:
    """Evaluates a group's rules, one iteration at a time. For one event loop."""

    def __init__(self, group: RuleGroup, scope: Scope, around: Surroundings) -> None:
        self.group = group
        self.scope = scope
        self.key = group_key(group)
        self._around = around
        options = around.options
        self.interval_ms = group.interval_ms or options.interval_ms
        offset_ms = group.query_offset_ms
        self.query_offset_ms = options.query_offset_ms if offset_ms is None else offset_ms
        expressions = [rule.expr for rule in group.rules]
        self._prepared = around.door_of(group.language).prepare(expressions, self.interval_ms)
        is_own = group.language is Language.PROMQL
        self._known = self._prepared if is_own else around.door.prepare([], self.interval_ms)
        """Who tells what alerts were: what rules record are metrics, whatever they ask about."""
        keys = rule_keys(group.rules)
        self.runs = [
            RunningRule(rule, key, self._prepared.reads(index))
            for index, (rule, key) in enumerate(zip(group.rules, keys, strict=True))
        ]
        self.ledger = Ledger(scope.tenant, storable(self.key), around.shown)
        self.place: Place = (scope.tenant, self.ledger.group)
        """What its lease is called."""
        self._telling = Telling(
            options.resend_ms, self.interval_ms, around.shown, options.url, has_graph=is_own
        )
        self._gap = Gap(self.interval_ms, options.lookback_ms, options.hold_ms)
        self._leftover: set[Labels] = set()
        self._again: list[Alert] = []
        self._remembers = False
        self._looked_ms = 0
        self.last_ms = 0
        """When it was evaluated last, by the wall clock."""
        self.took_s = 0.0
        self._metrics = _GroupMetrics(scope.tenant, self.key)

    # -- one iteration --

    async def iterate(self, at_ms: int) -> None:
        """Evaluate all rules as of `at_ms`, keep what they record, and tell of alerts."""
        clock = self._around.clock
        began_s = clock.monotonic_s()
        remembered = await self._remember()
        found = _Iteration(at_ms, at_ms - self.query_offset_ms)
        one = self._prepared.round(self.scope, found.sample_ms)
        index = 0
        try:
            if remembered is not None:
                past = one if self._known is self._prepared else self._known.round(self.scope, one.at_ms)
                await past.run(self.key, partial(self._restore, past, remembered, at_ms))
            while index < len(self.runs):
                index = await one.run(self.key, partial(self._some, index, one, found))
        except PharosError as exc:
            for run in self.runs[index:]:
                self._fail(run, exc, found)
        await self._record(found)
        await self._settle(found)
        self.last_ms, self.took_s = clock.now_ms(), clock.monotonic_s() - began_s
        self._metrics.note(self, found.samples)

    def _some(self, first: int, one: QueryRound, found: _Iteration) -> int:
        """Evaluate rules from one on, on a thread; return which is the next."""
        clock = self._around.clock
        began_s = clock.monotonic_s()
        for index in range(first, len(self.runs)):
            run = self.runs[index]
            before_s = clock.monotonic_s()
            try:
                self._evaluate(index, one, found)
            except PharosError as exc:
                self._fail(run, exc, found)
            now_s = clock.monotonic_s()
            run.last_ms, run.took_s = clock.now_ms(), now_s - before_s
            RULE_EVALUATION_SECONDS.observe(run.took_s)
            if now_s - began_s > _TURN_S:
                return index + 1
        return len(self.runs)

    def _evaluate(self, index: int, one: QueryRound, found: _Iteration) -> None:
        run, before = self.runs[index], self.runs[index].state
        answer = one.answer(index)
        series = elements(answer)
        rule = run.effective(found.at_ms)
        expand: Expand = _no_template
        if isinstance(rule, AlertingRule):
            expand = self._around.expanding(one, rule)
        outcome = next_state(rule, before, series, found.at_ms, expand, limit=self.group.limit)
        run.state = outcome.state
        run.note_data(bool(series or answer.samples_read or not run.reads))
        if outcome.samples or outcome.gone:
            one.record((s.labels, s.value) for s in outcome.samples if s.histogram is None)
            one.record((labels, _STALE) for labels in outcome.gone)
        found.outcomes.append((run, before, outcome))
        found.samples += len(outcome.samples)

    def _fail(self, run: RunningRule, error: PharosError, found: _Iteration) -> None:
        """Note that a rule could not be evaluated: its alerts stay as they are, and go on being told of."""
        self._metrics.failed.inc()
        if str(error) != run.error:
            _LOG.warning("rule %s of %s not evaluated: %s", run.rule.name, self.key, error)
        run.note_failure(str(error))
        if error.kind is Kind.LIMITED and run.is_alerting and error.message.startswith("exceeded limit"):
            changes = run.clear(found.at_ms)
            self.ledger.note(run.key, changes, self._facts(run, error=str(error)))

    # -- what it came to --

    async def _record(self, found: _Iteration) -> None:
        """Keep what the rules recorded, in one piece; what is not kept is a failed evaluation of its rule."""
        samples: dict[Labels, Element] = {}
        gone: set[Labels] = set(self._leftover)
        for run, _, outcome in found.outcomes:
            gone.update(outcome.gone)
            for sample in outcome.samples:
                if samples.setdefault(sample.labels, sample) is not sample:
                    run.note_failure("another rule of the group recorded a sample of the same series")
                    self._metrics.failed.inc()
        gone.difference_update(samples)
        if not samples and not gone:
            return
        try:
            await self._around.recorder.record(
                self.scope, Recorded(found.sample_ms, [*samples.values()], sorted(gone))
            )
        except PharosError as exc:
            _LOG.warning("what rules of %s recorded is not kept: %s", self.key, exc)
            for run, before, outcome in found.outcomes:
                if outcome.samples or outcome.gone:
                    run.note_failure(f"not recorded: {exc}")
                    run.state = RuleState(run.state.alerts, before.written)
                    self._metrics.failed.inc()
        else:
            self._leftover.clear()

    async def _settle(self, found: _Iteration) -> None:
        """Write down what became of alerts, and tell of those that are due."""
        for run, before, outcome in found.outcomes:
            if outcome.transitions:
                self.ledger.note(run.key, outcome.transitions, self._facts(run))
            gone = before.alerts.keys() - outcome.state.alerts.keys()
            self.ledger.forget(run.key, gone)
            run.forget_old()
        for run in self.runs:
            self._look_at_unknown(run, found.at_ms)
        try:
            await self.write_down()
        except PharosError as exc:
            # Whoever has the group tells of it.
            self.stand_by()
            _LOG.warning("what rules of %s came to is not written down: %s", self.key, exc)
            return
        if await self._around.leases.confirm(self.place):
            await self._tell(found.at_ms)

    async def write_down(self) -> bool:
        """Write down what is not yet; return whether that was done.

        Raises PharosError(CANCELLED) when another process has the group.
        """
        return await self.ledger.write(self._around.state, self._require)

    def _require(self, unit: Unit) -> None:
        self._around.leases.require(unit, self.place)

    async def _tell(self, at_ms: int) -> bool:
        """Tell of the alerts that are due; return whether none of them waits for the next time."""
        due = owed(
            self._telling,
            [
                *((run.rule.expr, run.state.alerts, run.sent) for run in self.runs if run.state.alerts),
                *((run.rule.expr, run.told.alerts, run.told_sent) for run in self.runs if run.told.alerts),
            ],
            at_ms,
            self._again,
        )
        try:
            if due.alerts:
                await self._around.sink.take(self.scope, due.alerts)
        except PharosError as exc:
            _LOG.warning("%d alerts of %s are not told of yet: %s", len(due.alerts), self.key, exc)
            return False
        due.note(at_ms)
        self._again.clear()
        return True

    def _look_at_unknown(self, run: RunningRule, at_ms: int) -> None:
        """Note that a rule's answer is not known any more, or again, and what becomes of the alert of it."""
        options = self._around.options
        is_unknown = run.unknown is not Unknown.NOT
        was_unknown = bool(run.unknown_noted)
        if is_unknown and run.unknown_noted != run.unknown:
            labels = tuple(sorted(unknown_labels(self.group, run).items()))
            facts = self._facts(run, error=run.error, reason=str(run.unknown))
            for one in (labels, *run.state.alerts):
                self.ledger.note_unknown(one, at_ms, facts)
        run.unknown_noted = run.unknown
        if options.unknown is None or not (is_unknown or was_unknown or run.told.alerts):
            return
        before = run.told
        outcome = next_unknown(self.group, run, options.unknown, options.unknown_after_ms, at_ms)
        run.told = outcome.state
        self.ledger.note(TOLD + run.key, outcome.transitions, self._facts(run))
        self.ledger.forget(TOLD + run.key, before.alerts.keys() - run.told.alerts.keys())

    def _facts(self, run: RunningRule, **more: str) -> dict[str, str]:
        facts = {"rule": run.rule.name, "rule_group": self.group.name, "rule_file": self.group.file}
        return {**facts, **{name: value for name, value in more.items() if value}}

    # -- before, after and besides --

    async def _remember(self) -> Remembered | None:
        """Return what is known from before, the first time that it can be read."""
        if self._remembers:
            return None
        tenant = self.scope.tenant
        try:
            rows = await self._around.state.read(
                lambda unit: rule_alerts.of_group(unit, tenant, self.ledger.group)
            )
        except PharosError as exc:
            _LOG.warning("what alerts of %s were is not known yet: %s", self.key, exc)
            return None
        self._remembers = True
        return Remembered(by_rule(rows), looked_ms=self._looked_ms)

    def _restore(self, one: QueryRound, remembered: Remembered, at_ms: int) -> None:
        remembered.seen = for_state(one, self.runs)
        for run in self.runs:
            over = restore(run, remembered, self._gap, at_ms)
            told = (self._telling.told(alert, run.rule.expr, at_ms) for alert in over)
            self._again += [alert for alert in told if alert is not None]
        keys = {run.key for run in self.runs} | {TOLD + run.key for run in self.runs}
        for rule, rows in remembered.rows.items():
            if rule not in keys:
                self.ledger.forget_keys(key for key, _ in rows)

    def adopt(self, before: Sequence[RunningRule], *, remembers: bool) -> None:
        """Go on where rules of the same name and labels ended.

        With `remembers` they are all that there was, and nothing is looked up in people's state.
        """
        known = {run.key: run for run in before}
        for run in self.runs:
            if run.key in known:
                run.adopt(known[run.key])
        self._remembers = remembers

    def stand_by(self) -> None:
        """Know nothing: another process evaluates it, or did."""
        self.runs = [RunningRule(run.rule, run.key, run.reads) for run in self.runs]
        self.ledger.clear()
        self._leftover.clear()
        self._again.clear()
        self._remembers, self._looked_ms = False, 0

    def take_over(self, looked_ms: int) -> None:
        """Go on from what is kept where another process ended, which looked until then; 0 for nobody."""
        self.stand_by()
        self._looked_ms = looked_ms

    def mirror(self, rows: Sequence[tuple[Key, Row]]) -> None:
        """Show alerts as they are kept, of a group that another process evaluates."""
        kept = by_rule(rows)
        for run in self.runs:
            alerts = (alert_of(row) for _, row in kept.get(run.key, ()))
            run.state = RuleState({alert.labels: alert for alert in alerts})
            told = (alert_of(row) for _, row in kept.get(TOLD + run.key, ()))
            run.told = RuleState({alert.labels: alert for alert in told})

    def leave(self, series: set[Labels]) -> None:
        """Have series marked as ended at the next iteration: nobody writes them any more."""
        self._leftover |= series

    async def end_series(self, series: set[Labels]) -> None:
        """Mark series as ended now."""
        if not series:
            return
        now = Recorded(self._around.clock.now_ms() - self.query_offset_ms, [], sorted(series))
        try:
            await self._around.recorder.record(self.scope, now)
        except PharosError as exc:
            _LOG.warning("series of %s are not marked as ended: %s", self.key, exc)

    async def retire(self, runs: Sequence[RunningRule], at_ms: int) -> None:
        """Take the alerts of rules that are gone for over, and tell so."""
        for run in runs:
            changes = run.clear(at_ms)
            self.ledger.note(run.key, changes, self._facts(run, reason="the rule is gone"))
            for change in changes:
                run.sent.pop(change.alert.labels, None)
        self.runs = list(runs)
        try:
            await self.write_down()
            if await self._tell(at_ms):
                for run in runs:
                    self.ledger.forget(run.key, run.state.alerts)
                await self.write_down()
        except PharosError as exc:
            _LOG.warning("rules of %s are not ended here: %s", self.key, exc)

    def shift(self, by_ms: int) -> None:
        """Move all times along, when the clock was set: nobody looked meanwhile."""
        for run in self.runs:
            run.shift(by_ms)
            run.hold(self._around.clock.now_ms(), self._gap.holds_ms)

    def close(self) -> None:
        """Take its metrics away."""
        self._metrics.close()


def _no_template(text: str, _: Element) -> str:
    return text


class _GroupMetrics:
    """What is told of a group at `/metrics`."""

    def __init__(self, tenant: str, key: str) -> None:
        self._names = (tenant, key)
        self.failed = RULE_EVALUATION_FAILED.labels(*self._names)
        self._evaluations = RULE_EVALUATIONS.labels(*self._names)
        self._last = RULE_GROUP_LAST_EVALUATION.labels(*self._names)
        self._took = RULE_GROUP_LAST_DURATION.labels(*self._names)
        self._samples = RULE_GROUP_SAMPLES.labels(*self._names)
        self._unknown = {
            reason: RULES_UNKNOWN.labels(*self._names, str(reason))
            for reason in (Unknown.FAILED, Unknown.NO_DATA)
        }

    def note(self, group: RunningGroup, samples: int) -> None:
        self._evaluations.inc(len(group.runs))
        self._last.set(group.last_ms / 1000)
        self._took.set(group.took_s)
        self._samples.set(samples)
        RULE_GROUP_SECONDS.observe(group.took_s)
        for reason, metric in self._unknown.items():
            metric.set(sum(run.unknown is reason for run in group.runs))

    def close(self) -> None:
        for metric in (
            RULE_EVALUATION_FAILED,
            RULE_EVALUATIONS,
            RULE_GROUP_LAST_EVALUATION,
            RULE_GROUP_LAST_DURATION,
            RULE_GROUP_SAMPLES,
        ):
            metric.remove(*self._names)
        for reason in self._unknown:
            RULES_UNKNOWN.remove(*self._names, str(reason))
