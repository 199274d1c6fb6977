"""Spans by when they came in, whenever they were: what is counted so counts late spans too, each once.

All of it blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.engine.sql import Condition, Statement
from pharos.errors import Kind, PharosError
from pharos.query.events.counting import buckets_of
from pharos.query.events.span_conditions import DURATION
from pharos.query.events.span_pairs import CALLEE, JOINED, SERVER, SPAN_HASH, caller_of, is_called
from pharos.search.window import Window

_S_NS: Final = 10**9
_EARLY_NS: Final = 3_600 * _S_NS
"""So far ahead the clock of a sender may be."""
_CALL_NS: Final = 900 * _S_NS
"""So long before the first second caller and callee may have begun."""
_MOST_GROUPS: Final = 200_000


class Arrivals(Struct, frozen=True):
    """Which spans: those that came from one second up to another, which is not in it."""

    from_s: int
    until_s: int
    late_ns: int
    """How long before the first second a span may have begun."""

    @property
    def window(self) -> Window:
        """When they began."""
        return Window(self.from_s * _S_NS - self.late_ns, self.until_s * _S_NS + _EARLY_NS)


class Arrived(Struct, frozen=True):
    """How many came in of about one duration, with the newest of them as an example."""

    bucket: int
    """Which of the bounds is the first that is not below their durations, from 0; their number for none."""
    count: int
    total_ns: int
    trace_id: str
    span_id: str
    at_ns: int
    duration_ns: int


class ArrivedSpans(Struct, frozen=True):
    """Spans of a service, a name, a kind and a status."""

    service: str
    name: str
    kind: int
    status: int
    found: Arrived


class ArrivedCalls(Struct, frozen=True):
    """Calls of one service by another; the durations are the callee's."""

    caller: str
    callee: str
    errors: int
    found: Arrived


def arrived_spans(
    session: Session, scope: Scope, arrivals: Arrivals, bounds_ns: Sequence[int]
) -> list[ArrivedSpans]:
    """Return the spans that came in, by service, name, kind, status and bucket of duration.

    Raises PharosError: LIMITED for too many different ones, and as `Session.query`.
    """
    window = arrivals.window
    columns = (
        f"service, name, kind, status, {_bucket(DURATION, bounds_ns)} AS bucket,"
        f" toInt64(count()) AS n, toInt64(sum({DURATION})) AS total,"
        " lower(hex(argMax(trace_id, ts))) AS trace, lower(hex(argMax(span_id, ts))) AS span,"
        f" toUnixTimestamp64Nano(max(ts)) AS at, toInt64(argMax({DURATION}, ts)) AS lasted"
    )
    statement = sql.select(
        scope,
        columns,
        "spans",
        sql.times_ns(window.start_ns, window.end_ns),
        key=(
            buckets_of(window),
            sql.between("toUnixTimestamp(received)", arrivals.from_s, arrivals.until_s - 1),
        ),
        tail="GROUP BY service, name, kind, status, bucket ORDER BY service, name, kind, status, bucket",
        limit=_MOST_GROUPS + 1,
    )
    rows = session.query(statement, purpose="span_arrivals").to_pylist()
    if len(rows) > _MOST_GROUPS:
        raise PharosError(
            Kind.LIMITED,
            f"spans of more than {_MOST_GROUPS:,} services, names, kinds and durations came in at once",
            hint="names of spans that hold identifiers are the usual reason",
        )
    return [
        ArrivedSpans(row["service"], row["name"], row["kind"], row["status"], _tally(row, row["lasted"]))
        for row in rows
    ]


def arrived_calls(
    session: Session, scope: Scope, arrivals: Arrivals, bounds_ns: Sequence[int]
) -> list[ArrivedCalls]:
    """Return which service called which, of the calls whose second half came in: caller or callee.

    Both must have begun within a quarter of an hour before. Raises as `arrived_spans`.
    """
    window = Window(arrivals.from_s * _S_NS - _CALL_NS, arrivals.window.end_ns)
    came = sql.between("toUnixTimestamp(received)", arrivals.from_s, arrivals.until_s - 1)
    of_traces = sql.within("trace_id", sql.select(scope, "trace_id", "spans", key=(buckets_of(window), came)))

    def half(columns: str, *where: Condition) -> Statement:
        return sql.select(
            scope,
            f"trace_id AS t, {columns}",
            "spans",
            sql.times_ns(window.start_ns, window.end_ns),
            *where,
            key=(buckets_of(window), of_traces),
        )

    servers = sql.select(
        scope,
        SPAN_HASH,
        "spans",
        sql.times_ns(window.start_ns, window.end_ns),
        sql.equal("kind", SERVER),
        key=(buckets_of(window), of_traces),
    )
    callers = half(
        f"span_id AS s, {caller_of(servers)} AS own, service AS caller, toUnixTimestamp(received) AS caller_s"
    )
    callees = half(
        f"{CALLEE}, service AS callee, toUnixTimestamp(received) AS callee_s, status, ts, span_id,"
        f" {DURATION} AS lasted",
        is_called(),
    )
    columns = (
        f"caller, callee, {_bucket('lasted', bounds_ns)} AS bucket,"
        " toInt64(count()) AS n, toInt64(countIf(status = 2)) AS errors, toInt64(sum(lasted)) AS total,"
        " lower(hex(argMax(t, ts))) AS trace, lower(hex(argMax(span_id, ts))) AS span,"
        " toUnixTimestamp64Nano(max(ts)) AS at, toInt64(argMax(lasted, ts)) AS longest"
    )
    last = sql.between("greatest(caller_s, callee_s)", arrivals.from_s, arrivals.until_s - 1)
    statement = sql.select_joined(
        callees,
        callers,
        columns,
        on=JOINED,
        tail=f"WHERE {last.text} AND caller != callee GROUP BY caller, callee, bucket"
        f" ORDER BY caller, callee, bucket LIMIT {_MOST_GROUPS}",
    )
    return [
        ArrivedCalls(row["caller"], row["callee"], row["errors"], _tally(row, row["longest"]))
        for row in session.query(statement, purpose="call_arrivals").to_pylist()
    ]


def _bucket(duration: str, bounds_ns: Sequence[int]) -> str:
    place = f"arrayFirstIndex(x -> {duration} <= x, [{', '.join(str(int(one)) for one in bounds_ns)}])"
    return f"toInt64(if({place} = 0, {len(bounds_ns)}, {place} - 1))"


def _tally(row: dict[str, Any], longest: int) -> Arrived:
    return Arrived(row["bucket"], row["n"], row["total"], row["trace"], row["span"], row["at"], longest)
