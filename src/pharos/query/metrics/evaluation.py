"""Questions about metrics: PromQL, series, labels, metadata, exemplars, cardinality.

Each runs as one piece of work on an engine thread, so that neither evaluation nor encoding holds up the
event loop; `finish` turns the answer into what the caller wants while still there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine import Engine, Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.keys import BUCKET_MS, DAY_MS
from pharos.engine.sql import Statement, string
from pharos.errors import PharosError
from pharos.labels import METRIC_NAME, Labels, Matcher
from pharos.promql.evaluate import EvalOptions, evaluate
from pharos.promql.explain import explain_tree
from pharos.promql.grids.grid import Answer
from pharos.promql.language.ast import Expr
from pharos.promql.language.parse import parse, parse_selector
from pharos.promql.plan import Planned, plan
from pharos.promql.source import SeriesBlock, empty_block
from pharos.query.admission import Admission, Flights, SamplePool, SampleShare, Slowness
from pharos.query.limits import Deadline, Measured, Times, Wanted
from pharos.query.metrics.buckets import BucketCache
from pharos.query.metrics.catalog import Cardinality, Exemplar, MetricMetadata, Window
from pharos.query.metrics.results import ResultCache
from pharos.query.metrics.samples import MetricSource, key_condition, time_condition
from pharos.query.metrics.series import SeriesCache, label_sets
from pharos.query.metrics.step_samples import samples_per_step
from pharos.telemetry import QUERY_FAILED, QUERY_REUSED, QUERY_SECONDS, QUERY_SLOW

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

SUBQUERY_STEP_MS: Final = 60_000
_ARRIVAL_WAIT_S: Final = 5.0
"""The longest that a query waits for accepted samples of the past to be stored."""


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Bounds and features of queries; times in milliseconds."""

    lookback_ms: int = 300_000
    timeout_ms: int = 120_000
    max_samples: int = 50_000_000
    max_series: int = 0
    max_bytes: int = 0
    """What a query's samples and results may take in memory; 0 is no bound, as with series."""
    max_steps: int = 11_000
    experimental: bool = False
    cache_bytes: int = 256 << 20
    """Memory for decoded buckets; an eighth of it more for answers."""
    retention_ms: int = 0
    """How long the store keeps samples; 0 is for ever."""
    max_concurrent: int = 4
    """Queries evaluated at once; the others wait."""
    max_concurrent_per_tenant: int = 4
    workers: int = 1
    """Threads that compute blocks of large selections while a query's own reads the next."""
    slow_ms: int = 10_000
    """Slower queries are logged with their plan; 0 logs none."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One query as it was asked."""

    scope: Scope
    text: str
    expr: Expr
    times: Times
    lookback_ms: int
    deadline: Deadline
    measured: Measured | None
    reuse: bool
    """Whether an earlier or a neighbour's answer may serve."""

    def plan(self, start_ms: int | None = None) -> Planned:
        """Return its plan, from a later step on if `start_ms` is given."""
        return plan(
            self.expr,
            self.times.start_ms if start_ms is None else start_ms,
            self.times.end_ms,
            self.times.step_ms,
            SUBQUERY_STEP_MS,
            lookback_ms=self.lookback_ms,
            text=self.text,
        )


class Metrics:
    """Answers questions about one store's metrics."""

    def __init__(self, engine: Engine, changes: Changes, clock: Clock, options: MetricsOptions) -> None:
        self._engine = engine
        self._changes = changes
        self._clock = clock
        self.options = options
        self._cache = SeriesCache(changes)
        # Beside the threads of the queries themselves, which compute too.
        self._workers = ThreadPoolExecutor(max(1, options.workers), thread_name_prefix="evaluate")
        self._buckets = BucketCache(changes, clock, options.cache_bytes, options.retention_ms, self._workers)
        self._results = ResultCache(changes, options.cache_bytes // 8)
        self._admission = Admission(options.max_concurrent, options.max_concurrent_per_tenant)
        self._slowness = Slowness()
        self._samples = SamplePool(options.max_samples)
        self._flights: Flights[Answer] = Flights()

    def parse(self, text: str) -> Expr:
        """Return the checked expression of `text`. Raises PharosError(INVALID) with upstream's message."""
        return parse(text)

    def matchers(self, text: str) -> tuple[Matcher, ...]:
        """Return the matchers of a series selector. Raises PharosError(INVALID)."""
        return parse_selector(text)

    async def evaluate(
        self,
        scope: Scope,
        text: str,
        times: Times,
        finish: Callable[[Answer], T],
        *,
        lookback_ms: int | None = None,
        timeout_ms: int | None = None,
        measured: Measured | None = None,
        reuse: bool = True,
    ) -> T:
        """Return what `finish` makes of a query's answer; `measured`, if given, is complete before.

        Without `reuse`, or when it is measured, everything is evaluated for this query alone.

        Raises PharosError: INVALID with a position for a fault in the text, UNSUPPORTED, LIMITED, TIMEOUT.
        """
        began = self._clock.monotonic_s()
        longest_ms = self.options.timeout_ms
        time_s = min(longest_ms if timeout_ms is None else timeout_ms, longest_ms) / 1000
        deadline = Deadline(self._clock, began, time_s)
        lookback_ms = lookback_ms or self.options.lookback_ms
        reuse = reuse and measured is None
        question = _Question(scope, text, self.parse(text), times, lookback_ms, deadline, measured, reuse)
        if self._changes.arrivals.has(scope.tenant):
            fetches = question.plan().fetches
            await self._arrived(scope, [(fetch.start_ms, fetch.end_ms) for fetch in fetches])
        try:
            return await self._shared(question, finish)
        except PharosError as exc:
            QUERY_FAILED.labels(exc.kind).inc()
            raise
        finally:
            took_s = self._clock.monotonic_s() - began
            QUERY_SECONDS.labels("range" if times.step_ms else "instant").observe(took_s)

    async def _shared(self, question: _Question, finish: Callable[[Answer], T]) -> T:
        """Answer the question, together with others that ask the same at the same time."""
        deadline = question.deadline

        async def lead(publish: Callable[[Answer], None]) -> T:
            def work(session: Session) -> T:
                deadline.check()
                answer = self._answer(session, question)
                publish(answer)
                return finish(answer)

            asked = (question.scope, question.text)
            slow = self._slowness.is_slow(asked)
            async with self._admission.slot(question.scope.tenant, deadline.left_s(), slow=slow):
                began_s = self._clock.monotonic_s()
                try:
                    return await self._engine.run(work)
                finally:
                    self._slowness.note(asked, self._clock.monotonic_s() - began_s)

        async def follow(answer: Answer) -> T:
            QUERY_REUSED.labels("shared").inc()
            return await self._engine.run(lambda _: finish(answer))

        if not question.reuse:
            return await lead(lambda _: None)
        # With the version: an answer is shared only with those who could not have seen more than it.
        version = self._changes.version
        key = (question.scope, question.text, question.times, question.lookback_ms, version)
        return await self._flights.fly(key, deadline.left_s, lead, follow)

    def _answer(self, session: Session, question: _Question) -> Answer:
        """Return the answer, on a thread of the engine."""
        entered = self._clock.monotonic_s()
        planned = question.plan()
        prepared = self._clock.monotonic_s()
        measured, deadline = question.measured, question.deadline
        with contextlib.closing(self._samples.share()) as share:
            source = self._source(session, question.scope, deadline, share)
            try:
                answer = self._evaluated(question, planned, source)
                source.check()
            finally:
                self._tell_if_slow(question, planned, source)
        if measured is not None:
            measured.queue_s = entered - deadline.began_s
            measured.prepare_s = prepared - entered
            measured.eval_s = self._clock.monotonic_s() - prepared
            again = self._source(session, question.scope, deadline)
            measured.samples_per_step = samples_per_step(planned, again)
        return answer

    def _evaluated(self, question: _Question, planned: Planned, source: MetricSource) -> Answer:
        """Return the answer of a plan, continued from a kept one where that is exact."""
        options = EvalOptions(
            delayed_name_removal=self.options.experimental,
            max_samples=self.options.max_samples,
            max_bytes=self.options.max_bytes,
            check=source.check,
            workers=self._workers,
        )

        def from_start(start_ms: int) -> Answer:
            if start_ms == planned.start_ms:
                return evaluate(planned, source, options)
            QUERY_REUSED.labels("continued").inc()
            return evaluate(question.plan(start_ms), source, options)

        if not question.reuse:
            return from_start(planned.start_ms)
        retention_ms = self.options.retention_ms
        oldest_ms = self._clock.now_ms() - retention_ms if retention_ms else None
        return self._results.answer(
            question.scope.tenant, question.expr, planned, from_start, oldest_ms=oldest_ms
        )

    def _tell_if_slow(self, question: _Question, planned: Planned, source: MetricSource) -> None:
        took_s = self._clock.monotonic_s() - question.deadline.began_s
        if not self.options.slow_ms or took_s * 1000 < self.options.slow_ms:
            return
        QUERY_SLOW.inc()
        _LOG.warning(
            "slow query: tenant=%s took_s=%.3f samples=%d series=%d query=%r plan:\n%s",
            question.scope.tenant,
            took_s,
            source.samples_read,
            source.series_selected,
            question.text,
            explain_tree(planned),
        )

    async def _arrived(self, scope: Scope, spans: Sequence[tuple[int, int]]) -> None:
        """Wait for what was accepted of the past in these times, so that who loads history finds it."""
        if spans:
            least, most = min(first for first, _ in spans), max(last for _, last in spans)
            await self._changes.arrivals.until_stored(scope.tenant, least, most, _ARRIVAL_WAIT_S)

    def _source(
        self, session: Session, scope: Scope, deadline: Deadline, share: SampleShare | None = None
    ) -> MetricSource:
        return MetricSource(
            session,
            scope.tenant,
            self._cache,
            self._changes,
            max_samples=self.options.max_samples,
            max_series=self.options.max_series,
            time_s=deadline.left_s(),
            buckets=self._buckets,
            share=share,
            check=deadline.check,
        )

    async def read(
        self, scope: Scope, wanted: Sequence[Wanted], finish: Callable[[list[SeriesBlock]], T]
    ) -> T:
        """Return what `finish` makes of the samples as they are stored, one block for each of `wanted`.

        Raises PharosError: LIMITED, TIMEOUT.
        """
        deadline = Deadline(self._clock, self._clock.monotonic_s(), self.options.timeout_ms / 1000)
        await self._arrived(scope, [(one.start_ms, one.end_ms) for one in wanted])

        def work(session: Session) -> T:
            with contextlib.closing(self._samples.share()) as share:
                source = self._source(session, scope, deadline, share)
                blocks: list[SeriesBlock] = []
                for one in wanted:
                    source.check()
                    nothing = not one.matchers
                    blocks.append(
                        empty_block() if nothing else source.select(one.matchers, one.start_ms, one.end_ms)
                    )
                return finish(blocks)

        async with self._admission.slot(scope.tenant, deadline.left_s()):
            return await self._engine.run(work)

    async def series(self, window: Window) -> list[Labels]:
        """Return the label sets of the series of the window, in order, one more than the limit at most."""
        statement = Statement(
            f"SELECT any(labels) AS l FROM series WHERE {window.condition()}"
            f" GROUP BY metric, id ORDER BY metric, id{window.limit_clause()}"
        )

        await self._arrived(window.scope, [(window.start_ms, window.end_ms)])

        def work(session: Session) -> list[Labels]:
            table = session.query(statement, purpose="series")
            return sorted(label_sets(table["l"])) if table.num_rows else []

        return await self._engine.run(work)

    async def label_names(self, window: Window) -> list[str]:
        """Return the names of all labels of the window's series, in order."""
        return await self._column(
            f"SELECT DISTINCT arrayJoin(mapKeys(labels)) AS value FROM series WHERE {window.condition()}",
            window,
        )

    async def label_values(self, name: str, window: Window) -> list[str]:
        """Return the values of one label over the window's series, in order."""
        column = "metric" if name == METRIC_NAME else f"labels[{string(name)}]"
        return await self._column(
            f"SELECT DISTINCT {column} AS value FROM series WHERE ({window.condition()}) AND value != ''",
            window,
        )

    async def _column(self, text: str, window: Window) -> list[str]:
        statement = Statement(f"{text} ORDER BY value{window.limit_clause()}")
        await self._arrived(window.scope, [(window.start_ms, window.end_ms)])

        def work(session: Session) -> list[str]:
            table = session.query(statement, purpose="labels")
            values: list[str] = table["value"].to_pylist() if table.num_rows else []
            return values

        return await self._engine.run(work)

    async def metadata(self, scope: Scope, metric: str = "", limit: int = 0) -> list[MetricMetadata]:
        """Return what is known of the tenant's metrics (or of one), newest first within a metric."""
        fence = f"tenant = {string(scope.tenant)}"
        only = f" AND metric = {string(metric)}" if metric else ""
        top = f" LIMIT {limit}" if limit else ""
        statement = Statement(
            "SELECT metric, type, unit, help FROM metadata"
            f" WHERE {fence}{only}"
            f" AND metric IN (SELECT DISTINCT metric FROM metadata WHERE {fence}{only}"
            f" ORDER BY metric{top})"
            " GROUP BY metric, type, unit, help ORDER BY metric, max(seen_ms) DESC"
        )

        def work(session: Session) -> list[MetricMetadata]:
            table = session.query(statement, purpose="metadata")
            return [MetricMetadata(**row) for row in table.to_pylist()]

        return await self._engine.run(work)

    async def exemplars(self, scope: Scope, text: str, times: Times) -> list[tuple[Labels, list[Exemplar]]]:
        """Return the exemplars of every series that the query's selectors match.

        Raises PharosError(INVALID) for a fault in the text.
        """
        planned = plan(self.parse(text), times.start_ms, times.end_ms, 1, SUBQUERY_STEP_MS)
        selectors = {fetch.matchers for fetch in planned.fetches}

        def work(session: Session) -> list[tuple[Labels, list[Exemplar]]]:
            found: dict[Labels, list[Exemplar]] = {}
            for matchers in selectors:
                found.update(self._exemplars_of(session, scope, matchers, times))
            return sorted(found.items())

        return await self._engine.run(work)

    def _exemplars_of(
        self, session: Session, scope: Scope, matchers: Sequence[Matcher], times: Times
    ) -> dict[Labels, list[Exemplar]]:
        selection = self._cache.select(session, scope.tenant, matchers, times.start_ms, times.end_ms)
        if not len(selection):
            return {}
        condition = key_condition(scope.tenant, selection, times.start_ms, times.end_ms, whole=False)
        table = session.query(
            Statement(
                "SELECT id, toUnixTimestamp64Milli(ts) AS ms, v, labels FROM exemplars WHERE"
                f" {condition} AND {time_condition(times.start_ms, times.end_ms)} ORDER BY id, ts"
            ),
            purpose="exemplars",
            limits=Limits(result_rows=100_000),
        )
        if not table.num_rows:
            return {}
        found: dict[Labels, list[Exemplar]] = {}
        places = np.searchsorted(selection.id, numbers(table["id"])).tolist()
        columns = (table["ms"].to_pylist(), table["v"].to_pylist(), label_sets(table["labels"]))
        for place, ms, value, labels in zip(places, *columns, strict=True):
            found.setdefault(selection.labels[place], []).append(Exemplar(labels, value, ms))
        return found

    async def cardinality(self, scope: Scope, limit: int) -> Cardinality:
        """Return what takes the most series of the tenant today; the first `limit` of each list."""
        today = self._clock.now_ms() // DAY_MS
        fence = f"tenant = {string(scope.tenant)} AND day = toDate32({today})"
        living = (
            f"(SELECT id, any(metric) AS metric, any(labels) AS labels FROM series WHERE {fence} GROUP BY id)"
        )
        pairs = f"(SELECT arrayJoin(CAST(labels, 'Array(Tuple(String, String))')) AS p FROM {living})"
        bucket = self._clock.now_ms() // BUCKET_MS

        def top(session: Session, text: str) -> list[tuple[str, int]]:
            table = session.query(
                Statement(f"{text} ORDER BY n DESC, name LIMIT {limit}"), purpose="cardinality"
            )
            return (
                list(zip(table["name"].to_pylist(), table["n"].to_pylist(), strict=True))
                if len(table)
                else []
            )

        def work(session: Session) -> Cardinality:
            head = session.query(
                Statement(
                    f"SELECT (SELECT count() FROM {living}) AS series,"
                    f" (SELECT uniqExact(p) FROM {pairs}) AS pairs"
                ),
                purpose="cardinality",
            )
            recent = session.query(
                Statement(
                    "SELECT count() AS n, min(toUnixTimestamp64Milli(ts)) AS low,"
                    " max(toUnixTimestamp64Milli(ts)) AS high"
                    f" FROM samples WHERE tenant = {string(scope.tenant)} AND b = {bucket}"
                ),
                purpose="cardinality",
            )
            return Cardinality(
                series=head["series"][0].as_py(),
                samples=recent["n"][0].as_py(),
                label_pairs=head["pairs"][0].as_py(),
                by_metric=top(session, f"SELECT metric AS name, count() AS n FROM {living} GROUP BY name"),
                values_by_label=top(
                    session, f"SELECT p.1 AS name, uniqExact(p.2) AS n FROM {pairs} GROUP BY name"
                ),
                bytes_by_label=top(
                    session, f"SELECT p.1 AS name, sum(length(p.2)) AS n FROM {pairs} GROUP BY name"
                ),
                by_pair=top(
                    session, f"SELECT concat(p.1, '=', p.2) AS name, count() AS n FROM {pairs} GROUP BY name"
                ),
                oldest_ms=recent["low"][0].as_py(),
                newest_ms=recent["high"][0].as_py(),
            )

        return await self._engine.run(work)
