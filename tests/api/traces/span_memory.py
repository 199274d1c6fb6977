"""Traces in memory behind the APIs: what `query.events.traces.Traces` answers from the store."""

from __future__ import annotations

from collections.abc import Sequence

from tests.span_trees import meets

from pharos.access import Scope
from pharos.query.events.operations import Operation
from pharos.query.events.rows import Origin, Span
from pharos.query.events.span_counts import Calls, Edge, SpanRate
from pharos.query.events.spansets import Evaluation
from pharos.query.events.trace_tree import tree_of
from pharos.query.events.traces import Match, Matches
from pharos.search.traceql.ast import Pipeline
from pharos.search.tree import Tree
from pharos.search.window import Window


class MemoryTraces:
    """Answers from a list of spans."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._by_trace: dict[str, list[Span]] = {}
        for span in spans:
            self._by_trace.setdefault(span.trace_id, []).append(span)
        self.asked: list[tuple[Window, int]] = []
        self.lacking: tuple[str, ...] = ()
        """What its answers lack."""

    def telling(self, warnings: list[str]) -> MemoryTraces:
        """Return the same, once what its answers lack is told."""
        warnings += [one for one in self.lacking if one not in warnings]
        return self

    def _newest_first(self) -> list[list[Span]]:
        return sorted(self._by_trace.values(), key=lambda spans: -max(one.start_ns for one in spans))

    async def trace(self, scope: Scope, trace_id: str) -> tuple[Span, ...]:
        """Return a trace."""
        return tuple(self._by_trace.get(trace_id, ()))

    async def traces(self, scope: Scope, trace_ids: Sequence[str]) -> dict[str, tuple[Span, ...]]:
        """Return those that are there."""
        return {one: tuple(self._by_trace[one]) for one in trace_ids if one in self._by_trace}

    async def search(self, scope: Scope, window: Window, tree: Tree, limit: int) -> list[tuple[Span, ...]]:
        """Return the traces of which a span meets the tree."""
        self.asked.append((window, limit))
        found = [
            tuple(spans)
            for spans in self._newest_first()
            if any(window.start_ns <= one.start_ns < window.end_ns and meets(tree, one) for one in spans)
        ]
        return found[:limit]

    async def found(self, scope: Scope, window: Window, tree: Tree, limit: int) -> list[str]:
        """Return their ids."""
        return [spans[0].trace_id for spans in await self.search(scope, window, tree, limit)]

    async def traceql(self, scope: Scope, window: Window, query: Pipeline, limit: int) -> Matches:
        """Return the traces that a query finds."""
        self.asked.append((window, limit))
        found = []
        for spans in self._newest_first():
            tree = tree_of(spans)
            if selected := Evaluation(tree).run(query):
                found.append(Match(tree, tuple(selected)))
        return Matches(tuple(found[:limit]), len(self._by_trace), is_complete=True)

    async def origins(self, scope: Scope, window: Window) -> list[Origin]:
        """Return all origins."""
        return list(dict.fromkeys(span.origin for spans in self._by_trace.values() for span in spans))

    async def operations(self, scope: Scope, window: Window, service: str | None = None) -> list[Operation]:
        """Return all operations."""
        spans = [span for spans in self._by_trace.values() for span in spans]
        return [
            Operation(one.origin.service, one.name, one.kind)
            for one in spans
            if service is None or one.origin.service == service
        ]

    async def calls(self, scope: Scope, window: Window) -> Calls:
        """Return a call of another service and one of its own."""
        edges = [Edge("front", "cart", 3, 1, 30, (1, 2, 3, 4)), Edge("front", "front", 2, 0, 2, (1, 1, 1, 1))]
        return Calls(edges, 1)

    async def rates(
        self,
        scope: Scope,
        window: Window,
        tree: Tree,
        step_ns: int,
        by: Sequence[str],
    ) -> list[SpanRate]:
        """Return a rate for each span that meets the tree."""
        return [
            SpanRate(1, (one.origin.service, one.name)[: len(by)], 4, 1, 8, (1_000_000, 2, 3, 4_000_000), "a")
            for spans in self._by_trace.values()
            for one in spans
            if meets(tree, one)
        ]
