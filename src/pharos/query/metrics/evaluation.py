"""Questions about samples: PromQL, and samples as they are stored.

Each runs as one piece of work on a thread of the scheduler, so that neither evaluation nor encoding holds up
the event loop; `finish` turns the answer into what the caller wants while still there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope, upkeep
from pharos.clock import Clock
from pharos.compiled.kernel import Kernel
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.limits import TenantLimits, least, least_of
from pharos.policy import TenantPolicy
from pharos.promql.answer import evaluate
from pharos.promql.evaluate import EvalOptions
from pharos.promql.explain import explain_tree
from pharos.promql.grids.grid import Answer
from pharos.promql.plan import Planned, plan
from pharos.promql.source import SampleSource, SeriesBlock, empty_block
from pharos.query.admission import SampleShare
from pharos.query.arrived import ARRIVAL_WAIT_S, LACKING, arrived
from pharos.query.limits import Deadline, Measured, Scheduler, Times, Wanted
from pharos.query.metrics.across import AcrossSource
from pharos.query.metrics.buckets import BucketCache
from pharos.query.metrics.query import SUBQUERY_STEP_MS, Query
from pharos.query.metrics.results import ResultCache
from pharos.query.metrics.rounds import PreparedQueries, Round, RoundParts
from pharos.query.metrics.samples import Caches, MetricSource, SampleBounds
from pharos.query.metrics.series import SeriesCache
from pharos.query.metrics.step_samples import samples_per_step
from pharos.telemetry import QUERY_FAILED, QUERY_REUSED, QUERY_SECONDS, QUERY_SLOW

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


class MetricsOptions(Struct, frozen=True):
    """Bounds of one query, and features; times in milliseconds."""

    lookback_ms: int = 300_000
    max_samples: int = 50_000_000
    max_series: int = 0
    max_bytes: int = 0
    """What a query's samples and results may take in memory; 0 is no bound, as with series."""
    max_steps: int = 11_000
    experimental: bool = False
    cache_bytes: int = 256 << 20
    """Memory for decoded buckets; an eighth of it more for answers."""
    slow_ms: int = 10_000
    """Slower queries are logged with their plan; 0 logs none."""
    kept_answer_samples: int = 50_000
    """Answers made of fewer samples are made sooner than kept."""
    arrival_wait_s: float = ARRIVAL_WAIT_S


class _Question(Struct, frozen=True):
    """One query as it was asked."""

    scope: Scope
    query: Query
    times: Times
    lookback_ms: int
    deadline: Deadline
    measured: Measured | None
    reuse: bool
    """Whether an earlier or a neighbour's answer may serve."""
    compiled_before: int
    """How much had been compiled when it was asked."""

    def plan(self, start_ms: int | None = None) -> Planned:
        """Return its plan, from a later step on if `start_ms` is given."""
        return plan(
            self.query.expr,
            self.times.start_ms if start_ms is None else start_ms,
            self.times.end_ms,
            self.times.step_ms,
            SUBQUERY_STEP_MS,
            lookback_ms=self.lookback_ms,
            text=self.query.text,
        )


class Metrics:
    """Answers questions about one store's samples."""

    def __init__(
        self,
        changes: Changes,
        clock: Clock,
        scheduler: Scheduler,
        series: SeriesCache,
        options: MetricsOptions,
        policy: TenantPolicy | None = None,
    ) -> None:
        policy = policy or TenantPolicy()
        self._policy = policy
        self._limits_of = policy.limits_of
        self._usage = policy.usage
        self._bounded = lru_cache(maxsize=256)(partial(_bounded, options))
        self._changes = changes
        self._clock = clock
        self._scheduler = scheduler
        self.options = options
        self._retention = policy.retention
        buckets = BucketCache(changes, clock, options.cache_bytes, policy.retention, scheduler.workers)
        self._caches = Caches(changes, series, buckets)
        self._results = ResultCache(changes, clock, options.cache_bytes // 8, options.kept_answer_samples)

    async def evaluate(
        self,
        scope: Scope,
        query: Query,
        times: Times,
        finish: Callable[[Answer], T],
        *,
        lookback_ms: int | None = None,
        timeout_ms: int | None = None,
        measured: Measured | None = None,
        reuse: bool = True,
    ) -> T:
        """Return what `finish` makes of a query's answer; `measured`, if given, is complete before.

        Without `reuse`, or when its steps are measured, everything is evaluated for this query alone.

        Raises PharosError: INVALID for a fault that only the times show, UNSUPPORTED, LIMITED, TIMEOUT.
        """
        deadline = self._scheduler.deadline(timeout_ms)
        lookback_ms = lookback_ms or self.options.lookback_ms
        reuse = reuse and not (measured is not None and measured.by_step)
        compiled = Kernel.compiled_total
        question = _Question(scope, query, times, lookback_ms, deadline, measured, reuse, compiled)
        self._check_range(scope, times)
        if any(map(self._changes.arrivals.has, scope.tenants)):
            fetches = question.plan().fetches
            spans = [(fetch.start_ms, fetch.end_ms) for fetch in fetches]
            if not await arrived(self._changes, scope, spans, self.options.arrival_wait_s):
                finish = _told(finish, LACKING)
        try:
            return await self._shared(question, finish)
        except PharosError as exc:
            QUERY_FAILED.labels(exc.kind).inc()
            if exc.kind is Kind.LIMITED:
                self._usage.add(scope, refused=1)
            raise
        finally:
            took_s = self._clock.monotonic_s() - deadline.began_s
            QUERY_SECONDS.labels("range" if times.step_ms else "instant").observe(took_s)

    async def _shared(self, question: _Question, finish: Callable[[Answer], T]) -> T:
        """Answer the question, together with others that ask the same at the same time."""
        scope, text, deadline = question.scope, question.query.text, question.deadline

        async def lead(publish: Callable[[Answer], None]) -> T:
            def work(session: Session) -> T:
                deadline.check()
                answer = self._answer(session, question)
                publish(answer)
                return finish(answer)

            return await self._scheduler.run(scope, text, deadline, work)

        async def follow(answer: Answer) -> T:
            QUERY_REUSED.labels("shared").inc()
            if question.measured is not None:
                question.measured.queue_s = self._clock.monotonic_s() - deadline.began_s
            return await self._scheduler.finish(scope, deadline, lambda: finish(answer))

        if not question.reuse:
            return await lead(lambda _: None)
        # With the version: an answer is shared only with those who could not have seen more than it.
        version = self._changes.version
        key = ("promql", scope, text, question.times, question.lookback_ms, version)
        return await self._scheduler.flights.fly(key, deadline.left_s, lead, follow)

    def _answer(self, session: Session, question: _Question) -> Answer:
        """Return the answer, on a thread of the scheduler."""
        entered = self._clock.monotonic_s()
        planned = question.plan()
        prepared = self._clock.monotonic_s()
        measured, deadline = question.measured, question.deadline
        with contextlib.closing(self._scheduler.samples.share()) as share:
            source = self._source(session, question.scope, deadline, share)
            try:
                answer = self._evaluated(question, planned, source)
                source.check()
            finally:
                self._tell_if_slow(question, planned, source)
                took_s = self._clock.monotonic_s() - entered
                self._usage.add(
                    question.scope, queries=1, samples_read=source.samples_read, query_ms=round(took_s * 1000)
                )
        if measured is not None:
            measured.queue_s = entered - deadline.began_s
            measured.prepare_s = prepared - entered
            measured.eval_s = self._clock.monotonic_s() - prepared
            if measured.by_step:
                again = self._source(session, question.scope, deadline)
                measured.samples_per_step = samples_per_step(planned, again)
        return answer

    def _evaluated(
        self, question: _Question, planned: Planned, source: MetricSource | AcrossSource
    ) -> Answer:
        """Return the answer of a plan, continued from a kept one where that is exact."""
        limits = self._limits(question.scope)
        options = self._eval_options(question.scope, source.check)

        def from_start(start_ms: int) -> Answer:
            if start_ms == planned.start_ms:
                return evaluate(planned, source, options)
            QUERY_REUSED.labels("continued").inc()
            return evaluate(question.plan(start_ms), source, options)

        if not question.reuse or question.scope.is_several:
            return from_start(planned.start_ms)
        age_ms = least_of(self._retention.now.metrics, limits.oldest_ms)
        oldest_ms = self._clock.now_ms() - age_ms if age_ms else None
        return self._results.answer(
            question.scope.tenant, question.query.expr, planned, from_start, oldest_ms=oldest_ms
        )

    def _eval_options(self, scope: Scope, check: Callable[[], None]) -> EvalOptions:
        return EvalOptions(
            delayed_name_removal=self.options.experimental,
            max_samples=self._limits(scope).max_query_samples,
            max_bytes=self.options.max_bytes,
            check=check,
            workers=self._scheduler.workers,
        )

    def prepare(self, queries: Sequence[Query]) -> PreparedQueries:
        """Return queries that will be asked in rounds."""
        return PreparedQueries(queries, self.options.lookback_ms)

    def round(self, scope: Scope, prepared: PreparedQueries, at_ms: int) -> Round:
        """Return a round of prepared queries at one time, of one tenant."""
        parts = RoundParts(self._scheduler, self._policy, self._source, self._eval_options)
        return Round(parts, scope.alone(), prepared, at_ms)

    async def over(self, scope: Scope, what: str, work: Callable[[SampleSource, EvalOptions], T]) -> T:
        """Return what `work` makes of one tenant's samples, on a thread of the scheduler, in one turn.

        `what` says whose work it is. Raises what `work` raises, and PharosError: TIMEOUT without a turn in
        time, DENIED where the tenant's telemetry may not be read.
        """
        scope, deadline = scope.alone(), self._scheduler.deadline()

        def turn(session: Session) -> T:
            began_s = self._clock.monotonic_s()
            with contextlib.closing(self._scheduler.samples.share()) as share:
                source = self._source(session, scope, deadline, share)
                try:
                    return work(source, self._eval_options(scope, source.check))
                finally:
                    took_ms = round((self._clock.monotonic_s() - began_s) * 1000)
                    self._usage.add(scope, queries=1, samples_read=source.samples_read, query_ms=took_ms)

        return await self._scheduler.run(scope, what, deadline, turn)

    def _tell_if_slow(
        self, question: _Question, planned: Planned, source: MetricSource | AcrossSource
    ) -> None:
        took_s = self._clock.monotonic_s() - question.deadline.began_s
        if not self.options.slow_ms or took_s * 1000 < self.options.slow_ms:
            return
        QUERY_SLOW.inc()
        if Kernel.compiled_total != question.compiled_before:
            # It waited for the compiler, which nobody needs to be warned of.
            return
        _LOG.warning(
            "slow query: tenant=%s took_s=%.3f samples=%d series=%d query=%r",
            question.scope.tenant,
            took_s,
            source.samples_read,
            source.series_selected,
            question.query.text,
        )
        _LOG.debug("the plan of that query:\n%s", explain_tree(planned))

    def _source(
        self, session: Session, scope: Scope, deadline: Deadline, share: SampleShare | None = None
    ) -> MetricSource | AcrossSource:
        limits = self._limits(scope)
        bounds = SampleBounds(limits.max_query_samples, deadline.left_s(), limits.max_query_series)

        def source(one: Scope) -> MetricSource:
            age_ms = self._limits_of(one.tenant).oldest_ms
            seen = replace(bounds, oldest_ms=self._clock.now_ms() - age_ms) if age_ms else bounds
            return MetricSource(session, one, self._caches, seen, share=share, check=deadline.check)

        if not scope.is_several:
            return source(scope)
        sources = [*map(source, scope.each())]
        return AcrossSource(scope, sources, bounds)

    def _limits(self, scope: Scope) -> TenantLimits:
        """Return what a query of the scope may take: the least of what bounds every query and its tenants."""
        if scope.is_several:
            return self._bounded(least(map(self._limits_of, scope.tenants)))
        return self._bounded(self._limits_of(scope.tenant))

    def max_series_of(self, tenant: str) -> int:
        """Return how many series one question of a tenant may select; 0 is any number."""
        return self._bounded(self._limits_of(tenant)).max_query_series

    def _check_range(self, scope: Scope, times: Times) -> None:
        most_ms = self._limits(scope).max_query_range_ms
        if most_ms and times.end_ms - times.start_ms > most_ms:
            raise PharosError(
                Kind.LIMITED,
                f"the query's range is longer than {format_duration(most_ms)}, the limit of tenant"
                f" {scope.tenant}",
                hint="ask for less time, or have max_query_range raised",
            )

    def age(self) -> None:
        """Let go of what nobody asked for of late and what grows; to be called every few minutes."""
        self._caches.series.age()
        if self._caches.buckets is not None:
            self._caches.buckets.age()

    def forget(self, tenant: str) -> None:
        """Keep nothing more of a tenant."""
        self._results.forget(tenant)
        self._caches.series.forget(upkeep(tenant))
        if self._caches.buckets is not None:
            self._caches.buckets.forget(tenant)

    async def read(
        self, scope: Scope, wanted: Sequence[Wanted], finish: Callable[[list[SeriesBlock]], T]
    ) -> T:
        """Return what `finish` makes of the samples as they are stored, one block for each of `wanted`.

        Raises PharosError: LIMITED, TIMEOUT.
        """
        deadline = self._scheduler.deadline()
        await arrived(self._changes, scope, [(one.start_ms, one.end_ms) for one in wanted])

        def work(session: Session) -> T:
            began_s = self._clock.monotonic_s()
            with contextlib.closing(self._scheduler.samples.share()) as share:
                source = self._source(session, scope, deadline, share)
                blocks: list[SeriesBlock] = []
                for one in wanted:
                    source.check()
                    nothing = not one.matchers
                    blocks.append(
                        empty_block() if nothing else source.select(one.matchers, one.start_ms, one.end_ms)
                    )
                took_s = self._clock.monotonic_s() - began_s
                self._usage.add(
                    scope, queries=1, samples_read=source.samples_read, query_ms=round(took_s * 1000)
                )
                return finish(blocks)

        return await self._scheduler.run(scope, "read", deadline, work)


def _told(finish: Callable[[Answer], T], warning: str) -> Callable[[Answer], T]:
    """Return what finishes an answer with one warning more."""
    return lambda answer: finish(replace(answer, warnings=(*answer.warnings, warning)))


def _bounded(options: MetricsOptions, own: TenantLimits) -> TenantLimits:
    """Return a tenant's limits with what bounds every query."""
    return replace(
        own,
        max_query_samples=least_of(options.max_samples, own.max_query_samples),
        max_query_series=least_of(options.max_series, own.max_query_series),
    )
