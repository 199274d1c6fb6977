"""Log lines and traces as they come: each is told once, to who was there and to who comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.live.filters import Filters
from pharos.live.protocol import members_of
from pharos.query.events.log_search import LogSearch
from pharos.query.events.rows import LogLine
from pharos.query.events.trace_summaries import Summary
from pharos.query.events.traces import Traces
from pharos.search.tree import Tree
from pharos.search.window import Window

_MS: Final = 1_000_000
_LATE_NS: Final = 10 * 10**9
"""What is so old when it comes is told yet."""
_AHEAD_NS: Final = 10**9
"""What is farther ahead of the clock is told when its time has come."""
_MOST_READ: Final = 1_000
_MOST_TOLD: Final = 500
_MOST_BACK_NS: Final = 3_600 * 10**9
"""Who comes back later than that has missed what was before."""


class Row(Struct, frozen=True):
    """Something that came."""

    ts_ns: int
    key: Hashable
    """Equal ones may come several times."""
    shown: Mapping[str, Any]
    labels: Mapping[str, str]


Look = Callable[[Window, int], Awaitable[list[Row]]]
"""Returns the newest rows of a window, at most so many, the newest first. Raises PharosError."""


class News(Struct, frozen=True):
    """Rows that an update holds, the oldest first."""

    name: str
    rows: Sequence[Row]
    left_out: int
    sequence: int

    @property
    def size_bytes(self) -> int:
        """Roughly, of its text."""
        return sum(200 + len(str(row.shown)) for row in self.rows[:10]) * (len(self.rows) // 10 + 1)

    def members(self, filters: Filters) -> bytes:
        """Return those that the filters let through."""
        shown = [row.shown for row in self.rows if filters.take_labels(row.labels)]
        return members_of({self.name: shown, "leftOut": self.left_out})


class NewsSource(Struct):
    """Follows a search."""

    name: str
    look: Look
    clock: Clock
    _began_ns: int = 0
    _looked_ns: int = 0
    _looks: int = 0
    _given: dict[Hashable, int] = field(default_factory=dict)
    _firsts: dict[int, News] = field(default_factory=dict)
    """What newcomers were sent since the last look, by what they had seen: many come back at once."""

    def __post_init__(self) -> None:
        self._began_ns = self.clock.now_ns()

    async def next(self) -> News | None:
        """Return what came since the last look; the first look only notes what was there before."""
        now_ns, before_ns = self.clock.now_ns(), self._looked_ns or self._began_ns
        rows = await self.look(Window(max(before_ns - _LATE_NS, 0), now_ns + _AHEAD_NS), _MOST_READ)
        fresh = self._not_given(rows)
        if not self._looks:
            # It may have waited for its turn: what came meanwhile is news.
            fresh = [row for row in fresh if row.ts_ns > self._began_ns]
        self._looked_ns = now_ns
        self._looks += 1
        self._firsts.clear()
        oldest = now_ns - 2 * _LATE_NS
        self._given = {key: ts_ns for key, ts_ns in self._given.items() if ts_ns >= oldest}
        return self._news(fresh) if fresh else None

    async def first(self, resume_from: int) -> News:
        """Return what came behind a number and was told to others; of what is older than an hour nothing."""
        if not self._looks:
            await self.next()
        if resume_from not in self._firsts:
            self._firsts[resume_from] = await self._missed(resume_from)
        return self._firsts[resume_from]

    async def _missed(self, resume_from: int) -> News:
        is_first = self._looks == 1
        horizon = self._looked_ns - _LATE_NS
        start_ns = (resume_from + 1) * _MS if resume_from else self._began_ns + 1
        window = Window(max(start_ns, self._looked_ns - _MOST_BACK_NS), self._looked_ns + _AHEAD_NS)
        if not (resume_from or is_first) or window.start_ns >= window.end_ns:
            return self._news([])
        rows = await self.look(window, _MOST_READ)
        told = []
        for key, row in _numbered(rows):
            # What is stored since the last look is told to everybody with the next one.
            if row.ts_ns < horizon or key in self._given:
                told.append(row)
        return self._news(told)

    def _news(self, rows: Sequence[Row]) -> News:
        told = rows[-_MOST_TOLD:]
        newest_ns = told[-1].ts_ns if told else self._looked_ns - _LATE_NS
        return News(self.name, told, len(rows) - len(told), -(-newest_ns // _MS))

    def _not_given(self, rows: Sequence[Row]) -> list[Row]:
        found = []
        for key, row in _numbered(rows):
            if key not in self._given:
                self._given[key] = row.ts_ns
                found.append(row)
        return found


def _numbered(rows: Sequence[Row]) -> list[tuple[Hashable, Row]]:
    """Return rows, the oldest first, equal ones told apart by a number."""
    alike: Counter[Hashable] = Counter()
    found: list[tuple[Hashable, Row]] = []
    for row in sorted(rows, key=lambda one: one.ts_ns):
        alike[row.key] += 1
        found.append(((row.key, alike[row.key]), row))
    return found


def log_source(logs: LogSearch, scope: Scope, tree: Tree, clock: Clock) -> NewsSource:
    """Return what follows a search of logs."""

    async def look(window: Window, limit: int) -> list[Row]:
        page = await logs.page(scope, window, tree, limit)
        return [_line_row(line) for line in page.lines]

    return NewsSource("lines", look, clock)


def trace_source(traces: Traces, scope: Scope, tree: Tree, clock: Clock) -> NewsSource:
    """Return what follows a search of traces: each is told when it is seen first, however it grows."""

    async def look(window: Window, limit: int) -> list[Row]:
        found, _ = await traces.listed(scope, window, tree, min(limit, _MOST_TOLD))
        return [_trace_row(one) for one in found]

    return NewsSource("traces", look, clock)


def _line_row(line: LogLine) -> Row:
    attributes = {key: value for key, value, _ in line.attributes}
    labels = {"service": line.origin.service, "level": line.level, **attributes}
    shown = {
        "timestamp": line.ts_ns // _MS,
        "timestampNs": str(line.ts_ns),
        "origin": str(line.origin.id),
        "level": line.level,
        "service": line.origin.service,
        "message": line.body,
        "traceId": line.trace_id,
        "spanId": line.span_id,
        "attributes": attributes,
    }
    return Row(line.ts_ns, (line.ts_ns, line.origin.id, line.body), shown, labels)


def _trace_row(one: Summary) -> Row:
    return Row(one.start_ns, one.trace_id, shown_trace(one), {"service": one.service})


def shown_trace(one: Summary) -> dict[str, Any]:
    """Return a trace as lists have it; times in milliseconds."""
    return {
        "traceId": one.trace_id,
        "name": one.name,
        "service": one.service,
        "startTime": one.start_ns // _MS,
        "duration": one.duration_ns / _MS,
        "spanCount": one.spans,
        "errorCount": one.errors,
        "status": "error" if one.errors else "ok",
        "services": [name for name, _ in one.services],
    }
