"""Many instant queries at one time, for rules: one turn and one thread for all, and nothing is done twice.

The queries of a group are planned together, so that what several of them ask for is read and computed once.
What was recorded within a round is not in the store yet; it is laid over what the store has, so that the next
query of the round finds it at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar

from msgspec import Struct, field

from pharos.access import Scope
from pharos.engine import Session
from pharos.errors import PharosError
from pharos.labels import METRIC_NAME, Labels, MatchOp
from pharos.limits import least_of
from pharos.policy import TenantPolicy
from pharos.promql.answer import evaluate
from pharos.promql.evaluate import EvalOptions, Shared
from pharos.promql.grids.grid import Answer
from pharos.promql.language.ast import Call, Expr, VectorSelector
from pharos.promql.plan import Planned, PlansTogether, nodes, plan
from pharos.promql.source import SampleSource
from pharos.query.admission import SampleShare
from pharos.query.limits import Deadline, Scheduler
from pharos.query.metrics.overlay import Overlay
from pharos.query.metrics.query import SUBQUERY_STEP_MS, Query, parse_query
from pharos.query.metrics.samples import MetricSource
from pharos.telemetry import QUERY_FAILED

T = TypeVar("T")


_LINE: Final = "rules"
_AHEAD_SAMPLES: Final = 200_000
"""So many samples at most are read ahead of a round's queries."""
_AHEAD_BYTES: Final = 16 * 8
"""Of what a query may take in memory an eighth at most: a sample takes 16 bytes."""


class CheckedSource(SampleSource, Protocol):
    """A source that says when the query is to end."""

    @property
    def series_selected(self) -> int:
        """How many series were selected from it."""
        ...

    def check(self) -> None:
        """Raise PharosError when the query is to end."""
        ...


class RoundParts(Struct, frozen=True):
    """What a round borrows of whoever answers queries."""

    scheduler: Scheduler
    policy: TenantPolicy
    source: Callable[[Session, Scope, Deadline, SampleShare], CheckedSource]
    options: Callable[[Scope, Callable[[], None]], EvalOptions]


class _Reading(Struct, frozen=True):
    """Which metrics a query may read."""

    names: frozenset[str]
    any_name: bool

    def may_read(self, recorded: Iterable[str]) -> bool:
        return self.any_name or not self.names.isdisjoint(recorded)


class PreparedQueries:
    """Queries that are asked again and again at the same times."""

    def __init__(self, queries: Sequence[Query], lookback_ms: int) -> None:
        self.queries = tuple(queries)
        self.lookback_ms = lookback_ms
        self.plans = PlansTogether(
            [(query.expr, query.text) for query in queries], SUBQUERY_STEP_MS, lookback_ms
        )
        self._reading = [_reading(query.expr) for query in queries]

    def may_read(self, index: int, recorded: Iterable[str]) -> bool:
        """Return whether a query may read one of these metrics."""
        return self._reading[index].may_read(recorded)


class _Turn(Struct):
    """What a round has while it is computed."""

    session: Session
    share: SampleShare
    queries: int = 0
    samples: int = 0
    untouched: tuple[CheckedSource, EvalOptions] | None = None
    """A source that a query did not need, so that it serves the next."""


class _Together(Struct):
    """The plans at the round's time, and what is known of their parts."""

    planned: tuple[Planned, ...]
    shared: Shared = field(default_factory=Shared)


class Round:
    """All queries at one time. `run` takes turns; `answer`, `ask` and `record` are for the work in a turn."""

    def __init__(self, parts: RoundParts, scope: Scope, prepared: PreparedQueries, at_ms: int) -> None:
        self._parts = parts
        self._scope = scope
        self._prepared = prepared
        self._overlay = Overlay(at_ms)
        self._together: _Together | None = None
        self._turn: _Turn | None = None
        self.at_ms = at_ms
        """When the queries are evaluated."""

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns, on a thread of the scheduler; `name` says whose work it is.

        Raises what `work` raises, and PharosError: TIMEOUT without a turn in time, DENIED where the tenant's
        telemetry may not be read.
        """
        scheduler = self._parts.scheduler

        def turn(session: Session) -> T:
            with contextlib.closing(scheduler.samples.share()) as share:
                self._turn = taken = _Turn(session, share)
                deadline = scheduler.deadline()
                try:
                    return work()
                finally:
                    self._turn = None
                    took_ms = round((deadline.time_s - deadline.left_s()) * 1000)
                    self._parts.policy.usage.add(
                        self._scope, queries=taken.queries, samples_read=taken.samples, query_ms=took_ms
                    )

        return await scheduler.run(self._scope, (_LINE, name), scheduler.deadline(), turn, line=_LINE)

    def answer(self, index: int) -> Answer:
        """Return the answer of a query, by its place among the prepared ones. Raises PharosError."""
        if self._overlay.names and self._prepared.may_read(index, self._overlay.names):
            return self.ask(self._prepared.queries[index])
        if self._together is None:
            self._together = _Together(self._prepared.plans.at(self.at_ms))
            self._read_ahead(self._together)
        together = self._together
        return self._evaluate(together.planned[index], together.shared)

    def ask(self, query: Query) -> Answer:
        """Return the answer of any query, at the round's time. Raises PharosError."""
        planned = plan(
            query.expr,
            self.at_ms,
            self.at_ms,
            0,
            SUBQUERY_STEP_MS,
            lookback_ms=self._prepared.lookback_ms,
            text=query.text,
        )
        return self._evaluate(planned, None)

    def ask_text(self, text: str) -> Answer:
        """Return the answer of a query in words. Raises PharosError."""
        return self.ask(parse_query(text))

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        """Let what follows in this round find samples of the round's time."""
        self._overlay.add(samples)

    def _read_ahead(self, together: _Together) -> None:
        """Read at once what the queries ask for, as far as it is in memory; the rest they read themselves."""
        fetches = together.planned[0].fetches
        if len(fetches) < 2:
            return
        source, options = self._asked()
        if not isinstance(source, MetricSource):
            return
        most = least_of(_AHEAD_SAMPLES, options.max_bytes // _AHEAD_BYTES)
        asked = [(fetch.matchers, fetch.start_ms, fetch.end_ms) for fetch in fetches]
        try:
            blocks = source.kept(asked, most)
        except PharosError:  # the query that it is of will meet it, and no other
            return
        for fetch, block in zip(fetches, blocks, strict=True):
            if block is not None:
                together.shared.keep(fetch, block)

    def _asked(self) -> tuple[CheckedSource, EvalOptions]:
        """Return a source that nothing was read from, and the options of a query of it."""
        turn, parts = self._turn, self._parts
        if turn is None:
            raise asyncio.InvalidStateError("a round is asked within its turn")
        if turn.untouched is None or turn.untouched[0].series_selected:
            source = parts.source(turn.session, self._scope, parts.scheduler.deadline(), turn.share)
            turn.untouched = source, parts.options(self._scope, source.check)
        return turn.untouched

    def _evaluate(self, planned: Planned, shared: Shared | None) -> Answer:
        source, options = self._asked()
        turn = self._turn
        assert turn is not None  # noqa: S101 - as there is a source
        seen = source if shared is not None else self._overlay.over(source)
        try:
            answer = evaluate(planned, seen, options, shared)
            source.check()
        except PharosError as exc:
            QUERY_FAILED.labels(exc.kind).inc()
            raise
        finally:
            if source.series_selected:
                turn.share.empty()
        turn.queries += 1
        turn.samples += answer.samples_read
        return answer


def reads_samples(expr: Expr) -> bool:
    """Return whether an expression has a selector: others have an answer without any samples."""
    return any(isinstance(node, VectorSelector) for node in nodes(expr))


def _reading(expr: Expr) -> _Reading:
    names: set[str] = set()
    any_name = False
    for node in nodes(expr):
        if isinstance(node, Call) and node.func == "info":
            any_name = True
        if not isinstance(node, VectorSelector):
            continue
        equal = [one.value for one in node.matchers if one.name == METRIC_NAME and one.op is MatchOp.EQUAL]
        names.update(equal)
        any_name |= not equal
    return _Reading(frozenset(names), any_name)
