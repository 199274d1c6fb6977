"""Questions about traces, each with its turn: by id, by conditions, by TraceQL; what services do and call."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.events.asking import Asking
from pharos.query.events.comparison import AttributeDifference, compare_sets
from pharos.query.events.operations import Operation
from pharos.query.events.rows import Origin, Span
from pharos.query.events.span_counts import Calls, SpanCounts, SpanLatency, SpanRate, TagValue
from pharos.query.events.span_series import VALUES, SpanSeries, Wants, Windows, measure_spans
from pharos.query.events.span_steps import SpanStep, span_steps
from pharos.query.events.spans import SpanStore
from pharos.query.events.spansets import Evaluation, Found
from pharos.query.events.trace_summaries import Cursor, Summary, page_of, summaries
from pharos.query.events.trace_tree import TraceTree, tree_of
from pharos.search.traceql.ast import Expression, Pipeline, SpanMetric
from pharos.search.traceql.lower import conditions_of
from pharos.search.tree import And, Field, Not, Op, Or, Origins, Place, Tree
from pharos.search.window import Window

T = TypeVar("T")

_BATCH: Final = 100
"""So many traces are read at once."""
_MOST_READ: Final = 5_000
"""So many traces are read for one TraceQL query; beyond, the search says that it is not complete."""


class Match(Struct, frozen=True):
    """A trace that a TraceQL query found."""

    tree: TraceTree
    found: tuple[Found, ...]


class Matches(Struct, frozen=True):
    """Traces that a TraceQL query found, the newest first."""

    matches: tuple[Match, ...]
    read: int
    """How many traces were looked at."""
    is_complete: bool
    """False where older traces were not looked at although there was room."""


class Traces:
    """Answers questions about traces."""

    def __init__(self, store: SpanStore, counts: SpanCounts, asking: Asking) -> None:
        self._store = store
        self._counts = counts
        self._asking = asking

    def telling(self, warnings: list[str]) -> Traces:
        """Return the same for one answer, as `Asking.telling`."""
        return Traces(self._store, self._counts, self._asking.telling(warnings))

    async def ask(
        self, scope: Scope, asked: Hashable, work: Callable[[Session], T], window: Window | None = None
    ) -> T:
        """Return what `work` returns, on a thread and in turn, as `Asking.ask`."""
        return await self._asking.ask(scope, window, (asked,), work)

    async def trace(self, scope: Scope, trace_id: str) -> tuple[Span, ...]:
        """Return the spans of a trace by its 32 digits, by start; none if it is not there."""
        return await self.ask(scope, "trace", lambda session: self._store.trace(session, scope, trace_id))

    async def traces(self, scope: Scope, trace_ids: Sequence[str]) -> dict[str, tuple[Span, ...]]:
        """Return the spans of several traces by id; what is not there is left out."""
        return await self.ask(scope, "traces", lambda session: self._store.traces(session, scope, trace_ids))

    async def found(self, scope: Scope, window: Window, tree: Tree, limit: int) -> list[str]:
        """Return the ids of the traces of which a span meets the tree, the newest first."""

        def work(session: Session) -> list[str]:
            found = self._store.search(session, scope, window, tree, limit=limit)
            return [one.trace_id for one in found]

        return await self.ask(scope, ("found", tree), work, window)

    async def search(self, scope: Scope, window: Window, tree: Tree, limit: int) -> list[tuple[Span, ...]]:
        """Return whole traces of which a span meets the tree, the newest first."""

        def work(session: Session) -> list[tuple[Span, ...]]:
            found = self._store.search(session, scope, window, tree, limit=limit)
            ids = [one.trace_id for one in found]
            spans = self._store.traces(session, scope, ids)
            return [spans[one] for one in ids if one in spans]

        return await self.ask(scope, ("search", tree), work, window)

    async def listed(
        self, scope: Scope, window: Window, tree: Tree, limit: int, after: Cursor | None = None
    ) -> tuple[list[Summary], Cursor | None]:
        """Return a page of the traces of which a span meets the tree, the newest first, and where it ends."""

        def work(session: Session) -> tuple[list[Summary], Cursor | None]:
            page = page_of(self._store, session, scope, window, tree, limit=limit, after=after)
            ids = [one.trace_id for one in page.found]
            known = summaries(session, scope, ids)
            return [known[one] for one in ids if one in known], page.next

        return await self.ask(scope, ("listed", tree), work, window)

    async def summaries(self, scope: Scope, trace_ids: Sequence[str]) -> dict[str, Summary]:
        """Return what stands in a list of traces, by id; a trace that is not there is left out."""
        return await self.ask(scope, "summaries", lambda session: summaries(session, scope, trace_ids))

    async def services(self, scope: Scope, window: Window) -> list[str]:
        """Return the services that have spans on the days of a window."""
        return await self.ask(
            scope, "services", lambda session: self._store.services(session, scope, window), window
        )

    async def traceql(self, scope: Scope, window: Window, query: Pipeline, limit: int) -> Matches:
        """Return the newest traces that a TraceQL query finds, `limit` at most."""
        return await self.ask(
            scope, query, lambda session: self.find_traceql(session, scope, window, query, limit), window
        )

    def find_traceql(
        self, session: Session, scope: Scope, window: Window, query: Pipeline, limit: int
    ) -> Matches:
        """Return the same at once, on a thread that has a session."""
        condition = max(conditions_of(query), key=_sharpness)
        matches: list[Match] = []
        seen: set[str] = set()
        asked = max(limit, _BATCH)
        while True:
            found = self._store.search(session, scope, window, condition, limit=asked)
            fresh = [one.trace_id for one in found if one.trace_id not in seen]
            for start in range(0, len(fresh), _BATCH):
                ids = fresh[start : start + _BATCH]
                seen.update(ids)
                spans = self._store.traces(session, scope, ids)
                matches += _matches(query, (spans[one] for one in ids if one in spans))
                if len(matches) >= limit:
                    return Matches(tuple(matches[:limit]), len(seen), is_complete=True)
            if len(found) < asked:
                return Matches(tuple(matches), len(seen), is_complete=True)
            if len(seen) >= _MOST_READ:
                return Matches(tuple(matches), len(seen), is_complete=False)
            asked = min(asked * 4, _MOST_READ)

    async def origins(self, scope: Scope, window: Window) -> list[Origin]:
        """Return where spans of the window's days come from."""

        def work(session: Session) -> list[Origin]:
            return list(self._store.everything(session, scope, window).known.origins.values())

        return await self.ask(scope, "origins", work, window)

    async def operations(self, scope: Scope, window: Window, service: str | None = None) -> list[Operation]:
        """Return what services did on the days of a window."""
        return await self.ask(
            scope,
            "operations",
            lambda session: self._store.operations(session, scope, window, service),
            window,
        )

    async def attributes(self, scope: Scope, window: Window) -> list[str]:
        """Return the names of attributes of spans on the window's days."""
        return await self.ask(
            scope,
            "attributes",
            lambda session: list(self._store.everything(session, scope, window).fields),
            window,
        )

    async def values(
        self, scope: Scope, window: Window, tree: Tree, name: str, place: Place, limit: int
    ) -> list[TagValue]:
        """Return the most frequent values of a field, among the spans that meet the tree."""
        return await self.ask(
            scope,
            ("values", name, tree),
            lambda session: self._counts.values(session, scope, window, tree, name, place, limit=limit),
            window,
        )

    async def calls(self, scope: Scope, window: Window) -> Calls:
        """Return which service called which in a window."""
        return await self.ask(
            scope, "calls", lambda session: self._counts.calls(session, scope, window), window
        )

    async def rates(
        self, scope: Scope, window: Window, tree: Tree, step_ns: int, by: Sequence[str]
    ) -> list[SpanRate]:
        """Return rate, errors and durations of the spans that meet the tree, by step and by fields."""
        return await self.ask(
            scope,
            ("rates", tree, tuple(by)),
            lambda session: self._counts.rates(session, scope, window, tree, step_ns=step_ns, by=by),
            window,
        )

    async def latencies(self, scope: Scope, window: Window, limit: int) -> list[SpanLatency]:
        """Return how long what services did took, the most frequent names first."""
        return await self.ask(
            scope, "latencies", lambda session: self._counts.latencies(session, scope, window, limit), window
        )

    def measure(
        self,
        session: Session,
        scope: Scope,
        asked: SpanMetric,
        windows: Windows,
        wants: Wants = VALUES,
    ) -> SpanSeries:
        """Return what spans come to at each window, at once, on a thread that has a session."""
        return measure_spans(self._store, session, scope, asked, windows, wants=wants)

    async def measured(self, scope: Scope, asked: SpanMetric, windows: Windows, wants: Wants) -> SpanSeries:
        """Return what spans come to at each window."""
        return await self.ask(
            scope,
            ("measured", asked),
            lambda session: self.measure(session, scope, asked, windows, wants),
            windows.whole,
        )

    async def steps(
        self, scope: Scope, where: Expression | None, window: Window, step_ns: int
    ) -> list[SpanStep]:
        """Return the spans of which a condition holds, step by step."""
        return await self.ask(
            scope,
            ("steps", where),
            lambda session: span_steps(self._store, session, scope, where, window, step_ns),
            window,
        )

    async def differences(
        self, scope: Scope, window: Window, tree: Tree, selection: Tree
    ) -> list[AttributeDifference]:
        """Return which attributes differ most between the selected of the spans of a tree, and its rest."""

        def work(session: Session) -> list[AttributeDifference]:
            selected = self._counts.attributes(session, scope, window, And((tree, selection)))
            rest = self._counts.attributes(session, scope, window, _without(tree, selection))
            return compare_sets(selected.values, selected.spans, rest.values, rest.spans)

        return await self.ask(scope, ("differences", tree, selection), work, window)


def _without(tree: Tree, selection: Tree) -> Tree:
    return And((tree, Not(selection)))


def _matches(query: Pipeline, traces: Iterable[Sequence[Span]]) -> list[Match]:
    found = []
    for spans in traces:
        tree = tree_of(spans)
        selected = Evaluation(tree).run(query)
        if selected:
            found.append(Match(tree, tuple(selected)))
    return found


_WEIGHTS: Final = {Op.EQUAL: 3, Op.REGEX: 1}


def _sharpness(tree: Tree) -> int:
    """Return roughly how few spans a condition lets through."""
    match tree:
        case And(parts):
            return sum(map(_sharpness, parts))
        case Or(parts):
            return min(map(_sharpness, parts))
        case Field():
            weight = _WEIGHTS.get(tree.op, 1)
            return weight - 2 if tree.name in {"kind", "parent_id"} else weight
        case Origins():
            return 2
        case _:
            return 0
