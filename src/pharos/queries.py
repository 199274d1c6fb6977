"""The part of a server that answers questions: opened over a store, closed before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from msgspec import Struct

from pharos.clock import Clock
from pharos.config import Settings
from pharos.engine import Engine
from pharos.engine.changes import Changes
from pharos.policy import TenantPolicy
from pharos.query.events.asking import Asking
from pharos.query.events.log_queries import LogQueries
from pharos.query.events.log_search import LogSearch
from pharos.query.events.log_streams import open_log_queries
from pharos.query.events.logs import LogStore
from pharos.query.events.span_counts import SpanCounts
from pharos.query.events.spans import SpanStore
from pharos.query.events.traces import Traces
from pharos.query.limits import Scheduler, SchedulerOptions
from pharos.query.metrics.catalog import Catalog
from pharos.query.metrics.evaluation import Metrics, MetricsOptions
from pharos.query.metrics.series import SeriesCache


class Queries(Struct, frozen=True):
    """Who answers what; all share the turns and threads of the scheduler."""

    scheduler: Scheduler
    metrics: Metrics
    catalog: Catalog
    logs: LogStore
    log_search: LogSearch
    log_queries: LogQueries
    spans: SpanStore
    traces: Traces


@contextmanager
def open_queries(
    engine: Engine,
    changes: Changes,
    clock: Clock,
    chance: Random,
    settings: Settings,
    policy: TenantPolicy | None = None,
) -> Iterator[Queries]:
    """Open what answers questions about the store; on exit cancel what runs."""
    scheduler = Scheduler(engine, clock, _scheduler_options(settings), policy)
    series = SeriesCache(changes, settings.promql.label_cache, chance.getrandbits(64))
    try:
        metrics = Metrics(changes, clock, scheduler, series, _metrics_options(settings), policy)
        catalog = Catalog(changes, clock, scheduler, series, metrics.max_series_of)
        asking = Asking(changes, scheduler)
        spans = SpanStore(changes)
        traces = Traces(spans, SpanCounts(spans), asking)
        logs = LogStore(changes)
        log_search = LogSearch(logs, asking)
        log_queries = open_log_queries(asking, logs)
        yield Queries(scheduler, metrics, catalog, logs, log_search, log_queries, spans, traces)
    finally:
        scheduler.close()


def _scheduler_options(settings: Settings) -> SchedulerOptions:
    threads = settings.engine.query_threads
    return SchedulerOptions(
        timeout_ms=settings.promql.timeout,
        max_samples=settings.promql.max_samples,
        max_concurrent=threads,
        max_concurrent_per_tenant=settings.promql.max_per_tenant or threads,
    )


def _metrics_options(settings: Settings) -> MetricsOptions:
    promql = settings.promql
    return MetricsOptions(
        lookback_ms=promql.lookback,
        max_samples=promql.max_samples,
        max_series=promql.max_series,
        max_bytes=promql.max_memory,
        max_steps=promql.max_steps,
        experimental=promql.experimental,
        cache_bytes=promql.cache,
        slow_ms=promql.slow_query,
    )
