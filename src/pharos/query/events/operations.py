"""What services do: names of spans with their kinds, by days; kept, and added to by what came since.

The first time all spans of the days are read, which takes a while where there are millions; from then on only
those that came since. What is gone (by retention, or by sampling) is forgotten within an hour.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.engine.changes import Changes
from pharos.query.events.counting import buckets_of
from pharos.search.window import Window

_KEPT: Final = 64
_MOST: Final = 100_000
_DAY_NS: Final = 86_400 * 10**9
_LATE_S: Final = 300
"""So long after another that came later a span may be stored."""
_GOOD_S: Final = 3_600
_LAST_S: Final = (1 << 32) - 1


class Operation(Struct, frozen=True, order=True):
    """What a service does: a name of spans and their kind."""

    service: str
    name: str
    kind: int
    """OpenTelemetry's SpanKind."""


class _Read(Struct, frozen=True):
    stamp: tuple[int, ...]
    since_s: int
    """When the newest span had come as all were read."""
    until_s: int
    """When the newest came that was read."""
    found: frozenset[Operation]


class OperationCache:
    """What tenants' services do, by days; thread-safe."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._lock = threading.Lock()
        self._reads: OrderedDict[tuple[tuple[str, ...], int, int], _Read] = OrderedDict()

    def of(self, session: Session, scope: Scope, window: Window) -> frozenset[Operation]:
        """Return what the scope's services did on the days of a window. Raises as `Session.query`."""
        first, last = window.days
        key = (tuple(scope.tenants), first, last)
        # Taken before the store is read.
        stamp = tuple(self._changes.rewritten(tenant) for tenant in scope.tenants)
        with self._lock:
            known = self._reads.get(key)
        if known is not None and (known.stamp != stamp or known.until_s - known.since_s > _GOOD_S):
            known = None
        from_s = known.until_s - _LATE_S if known else 0
        days = Window(first * _DAY_NS, (last + 1) * _DAY_NS)
        statement = sql.select(
            scope,
            "service, name, kind, toInt64(max(toUnixTimestamp(received))) AS came",
            "spans",
            sql.times_ns(days.start_ns, days.end_ns),
            key=(buckets_of(days), sql.between("toUnixTimestamp(received)", from_s, _LAST_S)),
            tail="GROUP BY service, name, kind",
            limit=_MOST,
        )
        rows = session.query(statement, purpose="operations").to_pydict()
        found = frozenset(map(Operation, rows["service"], rows["name"], rows["kind"]))
        until_s = max(rows["came"], default=0)
        if known is not None:
            found = known.found if found <= known.found else known.found | found
            until_s = max(until_s, known.until_s)
        if until_s:
            read = _Read(stamp, known.since_s if known else until_s, until_s, found)
            with self._lock:
                self._reads[key] = read
                self._reads.move_to_end(key)
                while len(self._reads) > _KEPT:
                    self._reads.popitem(last=False)
        return found
