"""What there is: series, labels, metadata, exemplars, and what takes how many series."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine import Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers, texts
from pharos.engine.keys import BUCKET_MS, DAY_MS, metric_hash
from pharos.engine.sql import (
    Condition,
    Statement,
    across_label_of,
    across_matches,
    among,
    between,
    both,
    days,
    differs,
    either,
    equal,
    label_of,
    matches,
    select,
    within,
)
from pharos.engine.sql import times as between_times
from pharos.labels import METRIC_NAME, ORIGINAL_TENANT_LABEL, TENANT_LABEL, Labels, Matcher
from pharos.limits import least_of
from pharos.promql.plan import plan
from pharos.query.arrived import arrived
from pharos.query.limits import Scheduler, Times
from pharos.query.metrics.across import chosen, labels_of_tenant
from pharos.query.metrics.label_counts import LabelCounts, most
from pharos.query.metrics.query import SUBQUERY_STEP_MS, Query
from pharos.query.metrics.samples import SampleRange
from pharos.query.metrics.series import SeriesCache, Use, label_sets, named_metric

T = TypeVar("T")

_ANSWER_SHARE: Final = 16
"""An answer longer than this part of what may be remembered is read each time."""
_TEXT_CHARACTERS: Final = 60
"""What a text takes besides its own."""


class Window(Struct, frozen=True):
    """Which of a scope's series a question is about."""

    scope: Scope
    start_ms: int
    end_ms: int
    selectors: tuple[tuple[Matcher, ...], ...] = ()
    """Any of them may match; none at all means every series."""
    limit: int = 0

    def select(self, columns: str, *where: Condition, tail: str) -> Statement:
        """Return the statement that reads the window's series, one row more than the limit at most."""
        seen = days(self.start_ms // DAY_MS, self.end_ms // DAY_MS)
        match = across_matches if self.scope.is_several else matches
        some = [either(both(*map(match, one)) for one in self.selectors)] if self.selectors else []
        # One more, to know that there are more.
        limit = self.limit + 1 if self.limit else 0
        return select(self.scope, columns, "series", seen, *some, *where, tail=tail, limit=limit)


class MetricMetadata(Struct, frozen=True):
    """What senders say of a metric."""

    metric: str
    type: str
    unit: str
    help: str


class Exemplar(Struct, frozen=True):
    """One exemplar."""

    labels: Labels
    value: float
    ts_ms: int


class MetricFound(Struct, frozen=True):
    """A metric of which series meet a condition."""

    metric: str
    matcher: Matcher
    """The first of the conditions that any of its series meets."""
    series: int


class MetricUsed(Struct, frozen=True):
    """How much a metric takes."""

    metric: str
    samples: int
    series: int


class Cardinality(Struct, frozen=True):
    """What takes how many series today."""

    series: int
    samples: int
    label_pairs: int
    by_metric: list[tuple[str, int]]
    values_by_label: list[tuple[str, int]]
    bytes_by_label: list[tuple[str, int]]
    by_pair: list[tuple[str, int]]
    oldest_ms: int
    newest_ms: int


class _Answers:
    """Names and values that were asked for, until a series of the tenant or metric is new; thread-safe.

    Whoever opens a dashboard asks for the values of its variables: what the last one was answered.
    """

    def __init__(self, changes: Changes, kept_characters: int) -> None:
        self._changes = changes
        self._kept_characters = kept_characters
        self._lock = threading.Lock()
        self._kept: OrderedDict[Statement, tuple[int, list[str]]] = OrderedDict()
        self._characters = 0

    def find(self, window: Window, statement: Statement, read: Callable[[], list[str]]) -> list[str]:
        """Return what a statement about a window of one tenant was answered, or what `read` returns."""
        named = [named_metric(one) for one in window.selectors]
        metric = metric_hash(named[0]) if len(named) == 1 and named[0] is not None else None
        stamp = self._changes.stamp(window.scope.tenant, metric)
        with self._lock:
            kept = self._kept.get(statement)
            if kept is not None and kept[0] == stamp:
                self._kept.move_to_end(statement)
                return kept[1]
        found = read()
        if _characters(found) <= self._kept_characters // _ANSWER_SHARE:
            with self._lock:
                _, before = self._kept.pop(statement, (0, None))
                self._kept[statement] = stamp, found
                self._characters += _characters(found) - (0 if before is None else _characters(before))
                while self._characters > self._kept_characters:
                    _, (_, dropped) = self._kept.popitem(last=False)
                    self._characters -= _characters(dropped)
        return found


def _characters(found: list[str]) -> int:
    return sum(map(len, found)) + _TEXT_CHARACTERS * (len(found) + 1)


class Catalog:
    """Answers what there is; every question has a turn, as queries have.

    `finish` turns what was found into what the caller wants, on the same thread: it may be much.
    `max_series_of` returns how many series a question of a tenant may list, 0 for any number.
    `kept_characters` bounds all names and values that are remembered, with what Python takes besides.
    """

    def __init__(
        self,
        changes: Changes,
        clock: Clock,
        scheduler: Scheduler,
        series: SeriesCache,
        max_series_of: Callable[[str], int] = lambda _: 0,
        kept_characters: int = 8_000_000,
    ) -> None:
        self._max_series_of = max_series_of
        self._changes = changes
        self._clock = clock
        self._scheduler = scheduler
        self._series = series
        self._answers = _Answers(changes, kept_characters)

    async def _turn(self, scope: Scope, asked: str, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, once it is the tenant's turn."""
        return await self._scheduler.run(scope, asked, self._scheduler.deadline(), work)

    async def _asked(self, window: Window, asked: str, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, once it is the tenant's turn and what was accepted is stored."""
        await arrived(self._changes, window.scope, [(window.start_ms, window.end_ms)])
        return await self._turn(window.scope, asked, work)

    async def series(self, window: Window, finish: Callable[[Sequence[Labels]], T]) -> T:
        """Find the label sets of the series of the window, in order, one more than the limit at most.

        Raises PharosError(LIMITED) for more than a tenant may select.
        """
        deadline = self._scheduler.deadline()
        most = least_of(*map(self._max_series_of, window.scope.tenants))

        def work(session: Session) -> T:
            limits = Limits(time_s=deadline.left_s(), result_rows=most)
            if window.scope.is_several:
                return finish(self._series_across(session, window, limits))
            selectors = window.selectors or ((),)
            found = self._series.select_any(
                session, window.scope, selectors, window.start_ms, window.end_ms, limits, Use.LISTING
            )
            return finish((found[: window.limit + 1] if window.limit else found).ordered())

        return await self._asked(window, "series", work)

    def _series_across(self, session: Session, window: Window, limits: Limits) -> list[Labels]:
        """Return the label sets of several tenants' series, in order."""
        found: set[Labels] = set()
        for selector in window.selectors or ((),):
            for one, own in chosen(window.scope, selector):
                of_tenant = self._series.select(session, one, own, window.start_ms, window.end_ms, limits)
                found.update(labels_of_tenant(labels, one.tenant) for labels in of_tenant.labels)
        ordered = sorted(found)
        return ordered[: window.limit + 1] if window.limit else ordered

    async def label_names(self, window: Window, finish: Callable[[list[str]], T]) -> T:
        """Find the names of all labels of the window's series, in order."""
        statement = window.select("DISTINCT arrayJoin(mapKeys(labels)) AS value", tail="ORDER BY value")
        if not window.scope.is_several:
            return await self._column(statement, window, finish)

        def with_tenants(found: list[str]) -> T:
            if not found:
                return finish(found)
            added = ORIGINAL_TENANT_LABEL if TENANT_LABEL in found else TENANT_LABEL
            return finish(sorted({*found, added}))

        return await self._column(statement, window, with_tenants)

    async def label_values(self, name: str, window: Window, finish: Callable[[list[str]], T]) -> T:
        """Find the values of one label over the window's series, in order."""
        column = across_label_of(name) if window.scope.is_several else label_of(name)
        columns = f"DISTINCT {column} AS value"
        statement = window.select(columns, differs("value", ""), tail="ORDER BY value")
        return await self._column(statement, window, finish)

    async def _column(self, statement: Statement, window: Window, finish: Callable[[list[str]], T]) -> T:
        def work(session: Session) -> T:
            def read() -> list[str]:
                table = session.query(statement, purpose="labels")
                return texts(table["value"]) if table.num_rows else []

            if window.scope.is_several:
                return finish(read())
            return finish(list(self._answers.find(window, statement, read)))

        return await self._asked(window, "labels", work)

    async def metadata(
        self,
        scope: Scope,
        finish: Callable[[list[MetricMetadata]], T],
        metric: str = "",
        limit: int = 0,
    ) -> T:
        """Find what is known of the tenant's metrics (or of one), newest first within a metric."""
        only = [equal("metric", metric)] if metric else []
        named = select(scope, "DISTINCT metric", "metadata", *only, tail="ORDER BY metric", limit=limit)
        statement = select(
            scope,
            "metric, type, unit, help",
            "metadata",
            *only,
            within("metric", named),
            tail="GROUP BY metric, type, unit, help ORDER BY metric, max(seen_ms) DESC",
        )

        def work(session: Session) -> T:
            table = session.query(statement, purpose="metadata")
            if not table.num_rows:
                return finish([])
            columns = (texts(table[name]) for name in ("metric", "type", "unit", "help"))
            return finish([MetricMetadata(*row) for row in zip(*columns, strict=True)])

        return await self._turn(scope, "metadata", work)

    async def exemplars(
        self,
        scope: Scope,
        query: Query,
        times: Times,
        finish: Callable[[list[tuple[Labels, list[Exemplar]]]], T],
    ) -> T:
        """Find the exemplars of every series that the query's selectors match."""
        planned = plan(query.expr, times.start_ms, times.end_ms, 1, SUBQUERY_STEP_MS)
        selectors = {fetch.matchers for fetch in planned.fetches}

        def work(session: Session) -> T:
            found: dict[Labels, list[Exemplar]] = {}
            for matchers in selectors:
                found.update(self._exemplars_of(session, scope, matchers, times))
            return finish(sorted(found.items()))

        return await self._turn(scope, "exemplars", work)

    def _exemplars_of(
        self, session: Session, scope: Scope, matchers: Sequence[Matcher], times: Times
    ) -> dict[Labels, list[Exemplar]]:
        if scope.is_several:
            return {
                labels_of_tenant(labels, one.tenant): exemplars
                for one, own in chosen(scope, matchers)
                for labels, exemplars in self._exemplars_of(session, one, own, times).items()
            }
        selection = self._series.select(session, scope, matchers, times.start_ms, times.end_ms)
        if not len(selection):
            return {}
        asked = SampleRange(selection, times.start_ms, times.end_ms, whole=False)
        statement = select(
            scope,
            "id, toUnixTimestamp64Milli(ts) AS ms, v, labels",
            "exemplars",
            *asked.key_conditions(),
            between_times(times.start_ms, times.end_ms),
            tail="ORDER BY id, ts",
        )
        table = session.query(statement, purpose="exemplars", limits=Limits(result_rows=100_000))
        if not table.num_rows:
            return {}
        found: dict[Labels, list[Exemplar]] = {}
        places = np.searchsorted(selection.id, numbers(table["id"])).tolist()
        columns = (table["ms"].to_pylist(), table["v"].to_pylist(), label_sets(table["labels"]))
        for place, ms, value, labels in zip(places, *columns, strict=True):
            found.setdefault(selection.labels[place], []).append(Exemplar(labels, value, ms))
        return found

    async def metrics_meeting(
        self, window: Window, matchers: Sequence[Matcher], limit: int
    ) -> list[MetricFound]:
        """Return the metrics of which series on the window's days meet any of the matchers, by name.

        The window's selectors are not asked for; it is of one tenant. Raises as `Session.query`.
        """
        met = [matches(one) for one in matchers]
        first = ", ".join(f"{condition.text}, {place}" for place, condition in enumerate(met))
        statement = select(
            window.scope.alone(),
            f"metric, min(multiIf({first}, {len(met)})) AS place, uniq(id) AS series",
            "series",
            days(window.start_ms // DAY_MS, window.end_ms // DAY_MS),
            either(met),
            tail="GROUP BY metric ORDER BY metric",
            limit=limit,
        )

        def work(session: Session) -> list[MetricFound]:
            rows = session.query(statement, purpose="metrics_meeting").to_pylist()
            return [MetricFound(row["metric"], matchers[row["place"]], row["series"]) for row in rows]

        return await self._asked(window, "metrics_meeting", work)

    async def exemplars_naming(
        self, window: Window, names: Sequence[str], values: Sequence[str]
    ) -> list[tuple[Labels, Exemplar]]:
        """Return the exemplars of a time that have one of some values under one of some names, by time.

        Each with the labels of its series. The window is of one tenant, and has a limit.
        """
        scope = window.scope.alone()
        named = either(equal(label_of(name), value) for name in names for value in values)
        statement = select(
            scope,
            "m, id, toUnixTimestamp64Milli(ts) AS ms, v, labels",
            "exemplars",
            between("b", window.start_ms // BUCKET_MS, window.end_ms // BUCKET_MS),
            between_times(window.start_ms, window.end_ms),
            named,
            tail="ORDER BY ts, id",
            limit=window.limit,
        )

        def work(session: Session) -> list[tuple[Labels, Exemplar]]:
            found = session.query(statement, purpose="exemplars")
            if not found.num_rows:
                return []
            some = among("m", np.unique(numbers(found["m"]))), among("id", np.unique(numbers(found["id"])))
            asked = select(scope, "id, any(labels) AS labels", "series", *some, tail="GROUP BY id")
            series = session.query(asked, purpose="exemplars")
            by_id = dict(zip(series["id"].to_pylist(), label_sets(series["labels"]), strict=True))
            columns = (found[name].to_pylist() for name in ("id", "v", "ms"))
            rows = zip(*columns, label_sets(found["labels"]), strict=True)
            return [
                (by_id[one], Exemplar(labels, value, ms)) for one, value, ms, labels in rows if one in by_id
            ]

        return await self._asked(window, "exemplars_naming", work)

    async def metrics_used(self, scope: Scope, start_ms: int, end_ms: int, limit: int) -> list[MetricUsed]:
        """Return the metrics of a tenant with most samples in the two-hour buckets of a range of times."""
        buckets = between("b", start_ms // BUCKET_MS, end_ms // BUCKET_MS)
        counted = select(
            scope.alone(),
            "m, count() AS samples, uniq(id) AS series",
            "samples",
            buckets,
            tail="GROUP BY m ORDER BY samples DESC, m",
            limit=limit,
        )

        def work(session: Session) -> list[MetricUsed]:
            found = session.query(counted, purpose="usage")
            if not found.num_rows:
                return []
            some = among("m", numbers(found["m"]))
            named = session.query(
                select(scope, "m, any(metric) AS metric", "series", some, tail="GROUP BY m"), purpose="usage"
            )
            names = dict(zip(named["m"].to_pylist(), named["metric"].to_pylist(), strict=True))
            rows = zip(*(found[name].to_pylist() for name in ("m", "samples", "series")), strict=True)
            return [MetricUsed(names.get(m, ""), samples, series) for m, samples, series in rows]

        return await self._turn(scope, "metrics_used", work)

    async def cardinality(self, scope: Scope, limit: int) -> Cardinality:
        """Return what takes the most series of the tenant today; the first `limit` of each list.

        Raises PharosError(INVALID) for several tenants.
        """
        scope.alone()
        now_ms = self._clock.now_ms()
        deadline = self._scheduler.deadline()
        newest = select(
            scope,
            "count() AS n, min(toUnixTimestamp64Milli(ts)) AS low, max(toUnixTimestamp64Milli(ts)) AS high",
            "samples",
            equal("b", now_ms // BUCKET_MS),
        )

        def work(session: Session) -> Cardinality:
            limits = Limits(time_s=deadline.left_s())
            living = self._series.select_any(session, scope, ((),), now_ms, now_ms, limits)
            recent = session.query(newest, purpose="cardinality", limits=limits)
            counts = living.derived("counts", LabelCounts)
            return Cardinality(
                series=len(living),
                samples=recent["n"][0].as_py(),
                label_pairs=counts.pairs,
                by_metric=counts.most_frequent(METRIC_NAME, limit),
                values_by_label=most(counts.values, limit),
                bytes_by_label=most(counts.bytes, limit),
                by_pair=counts.most_frequent_pairs(limit),
                oldest_ms=recent["low"][0].as_py(),
                newest_ms=recent["high"][0].as_py(),
            )

        return await self._turn(scope, "cardinality", work)
