"""What Jaeger's query API answers of, in whichever form: JSON of version 1 and 3, or over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.api.jaeger.adjust import ShownSpan, adjusted, stored
from pharos.api.jaeger.filters import Search
from pharos.api.jaeger.model import KIND_WORDS
from pharos.api.jaeger.services import EMPTY_SPAN, service_of
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.ids import short_trace_id
from pharos.query.events.rows import Span
from pharos.query.events.span_counts import Edge
from pharos.query.events.traces import Traces
from pharos.search.window import Window

_SERVICES_NS: Final = 7 * 86_400 * 10**9
"""Services and operations are those of the last week."""
_AT_ONCE: Final = 50
"""So many traces are in memory at once while an answer is handed on part by part."""


def not_found(trace_id: str) -> PharosError:
    """Return the error for a trace that is not there."""
    return PharosError(Kind.MISSING, f"trace {short_trace_id(trace_id)} was not found")


class JaegerTraces(Struct, frozen=True):
    """Reads traces, services and operations as Jaeger understands them."""

    traces: Traces
    clock: Clock

    def _recent(self) -> Window:
        now = self.clock.now_ns()
        # Clocks of senders run ahead.
        return Window(max(now - _SERVICES_NS, 0), now + 86_400 * 10**9)

    async def trace(self, scope: Scope, trace_id: str, *, is_raw: bool) -> list[ShownSpan]:
        """Return the spans of a trace as they are shown, or with `is_raw` as they are stored.

        Raises PharosError(MISSING).
        """
        spans = await self.traces.trace(scope, trace_id)
        if not spans:
            raise not_found(trace_id)
        return _shown(spans, is_raw=is_raw)

    async def by_ids(
        self, scope: Scope, trace_ids: Sequence[str], *, is_raw: bool
    ) -> dict[str, list[ShownSpan]]:
        """Return the traces that are there, by id."""
        found = await self.traces.traces(scope, trace_ids)
        return {one: _shown(found[one], is_raw=is_raw) for one in trace_ids if one in found}

    async def search(self, scope: Scope, search: Search, *, is_raw: bool) -> list[list[ShownSpan]]:
        """Return the newest traces of which a span meets all conditions."""
        origins = await self.traces.origins(scope, search.window)
        found = await self.traces.search(scope, search.window, search.tree(origins), search.limit)
        return [_shown(spans, is_raw=is_raw) for spans in found]

    async def stream(self, scope: Scope, search: Search, *, is_raw: bool) -> AsyncIterator[list[ShownSpan]]:
        """Yield the same, each trace once whoever reads it is ready for it."""
        origins = await self.traces.origins(scope, search.window)
        ids = await self.traces.found(scope, search.window, search.tree(origins), search.limit)
        for start in range(0, len(ids), _AT_ONCE):
            part = await self.by_ids(scope, ids[start : start + _AT_ONCE], is_raw=is_raw)
            for trace in part.values():
                yield trace

    async def services(self, scope: Scope) -> list[str]:
        """Return the services that sent spans in the last week."""
        return sorted({service_of(one) for one in await self.traces.origins(scope, self._recent())})

    async def operations(self, scope: Scope, service: str, kind: str = "") -> list[tuple[str, str]]:
        """Return (name, kind) of what a service did in the last week: of one kind, or of all."""
        found = await self.traces.operations(scope, self._recent(), service)
        # As Jaeger: a kind that nobody gave counts as internal.
        pairs = sorted({(one.name or EMPTY_SPAN, _kind(one.kind)) for one in found})
        return [pair for pair in pairs if not kind or pair[1] == kind]

    async def dependencies(self, scope: Scope, start_ns: int, end_ns: int) -> list[Edge]:
        """Return which service called which other one, both ends of the time included."""
        calls = await self.traces.calls(scope, Window(max(start_ns, 0), max(end_ns, 0) + 1))
        return [one for one in calls.edges if one.caller != one.callee]


def _shown(spans: Sequence[Span], *, is_raw: bool) -> list[ShownSpan]:
    return stored(spans) if is_raw else adjusted(spans)


def _kind(kind: int) -> str:
    return KIND_WORDS[kind] if 0 < kind < len(KIND_WORDS) else KIND_WORDS[1]
