"""Spans: traces by id, searches that find traces, services and operations.

All of it blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.keys import EVENT_BUCKET_NS
from pharos.engine.sql import Condition
from pharos.query.events.counting import buckets_of
from pharos.query.events.logs import Counted, Key, parts_of
from pharos.query.events.lower import span_lowering
from pharos.query.events.operations import Operation, OperationCache
from pharos.query.events.origins import Everything, OriginCache, attributes_of, unknown_origin
from pharos.query.events.rows import Span, SpanEvent, SpanLink
from pharos.search.tree import Tree
from pharos.search.window import Window

SPANS_MOST: Final = 200_000
"""So many spans of one trace are read at most."""
_MOST_BUCKETS: Final = 1_000
"""Of traces that were in more of them all buckets between are looked at."""
_NO_SPAN: Final = "0" * 16
_COLUMNS: Final = (
    "lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, lower(hex(parent_id)) AS parent, origin,"
    " service, name, toUnixTimestamp64Nano(ts) AS ns, duration, kind, status, status_message, trace_state,"
    " flags, dropped_attributes, dropped_events, dropped_links, attributes, kinds,"
    " event_ts, event_name, event_dropped, event_attributes, event_kinds,"
    " arrayMap(x -> lower(hex(x)), link_trace_id) AS link_trace, arrayMap(x -> lower(hex(x)), link_span_id)"
    " AS link_span, link_state, link_flags, link_dropped, link_attributes, link_kinds"
)


class Found(Struct, frozen=True):
    """A trace that a search found."""

    trace_id: str
    newest_ns: int
    """When the newest of its spans that were found began."""
    spans: int
    """How many were found."""


class Located(Struct, frozen=True):
    """Where the spans of some traces are."""

    window: Window
    rows_in: tuple[Condition, ...]
    """What they meet, the tenant apart."""


def locate(
    session: Session, scope: Scope, trace_ids: Sequence[str], window: Window | None = None
) -> Located | None:
    """Return where the spans of these traces are, in a window if one is given; None where there are none."""
    ids = [bytes.fromhex(one) for one in dict.fromkeys(trace_ids)]
    if not ids:
        return None
    asked = sql.among_bytes("trace_id", ids)
    times = sql.select(
        scope,
        "DISTINCT toUnixTimestamp64Nano(first) AS start, toUnixTimestamp64Nano(last) AS end",
        "traces",
        asked,
    )
    found = session.query(times, purpose="trace_times")
    starts, ends = numbers(found["start"]), numbers(found["end"])
    if not len(starts):
        return None
    whole = Window(int(starts.min()), int(ends.max()) + 1)
    if window is not None:
        whole = Window(max(whole.start_ns, window.start_ns), min(whole.end_ns, window.end_ns))
    rows_in = (_buckets(starts, ends), sql.times_ns(whole.start_ns, whole.end_ns), asked)
    return Located(whole, rows_in)


def _buckets(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Condition:
    """Return that rows are of the buckets of some times: a trace may go on after hours without a span."""
    first, last = starts // EVENT_BUCKET_NS, ends // EVENT_BUCKET_NS
    if int((last - first).max()) <= _MOST_BUCKETS:
        spells = np.unique((first, last + 1), axis=1).T
        apart = np.unique(np.concatenate([np.arange(begin, end) for begin, end in spells]))
        if len(apart) <= _MOST_BUCKETS:
            return sql.among("b", apart)
    return sql.between("b", int(first.min()), int(last.max()))


class SpanStore:
    """Answers questions about spans."""

    def __init__(self, changes: Changes) -> None:
        self._origins = OriginCache(changes, "spans", "span_origins", "span_fields")
        self._operations = OperationCache(changes)

    def everything(self, session: Session, scope: Scope, window: Window) -> Everything:
        """Return the origins and the names of attributes that a tenant has on the days of a window."""
        return self._origins.of(session, scope, window)

    def trace(self, session: Session, scope: Scope, trace_id: str) -> tuple[Span, ...]:
        """Return the spans of a trace by its 32 hexadecimal digits, by start; none if there is none."""
        return self.traces(session, scope, [trace_id]).get(trace_id.lower(), ())

    def traces(
        self, session: Session, scope: Scope, trace_ids: Sequence[str], window: Window | None = None
    ) -> dict[str, tuple[Span, ...]]:
        """Return the spans of several traces, by id in small letters; a trace that is not there is left out.

        With a window only spans in it are returned. Raises as `Session.query`.
        """
        located = locate(session, scope, trace_ids, window)
        if located is None:
            return {}
        everything = self.everything(session, scope, located.window)
        statement = sql.select(
            scope,
            _COLUMNS,
            "spans",
            *located.rows_in,
            tail="ORDER BY ts, span_id",
            limit=SPANS_MOST,
        )
        by_trace: dict[str, list[Span]] = {}
        for span in _spans(session.query(statement, purpose="spans").to_pydict(), everything):
            by_trace.setdefault(span.trace_id, []).append(span)
        return {trace_id: tuple(spans) for trace_id, spans in by_trace.items()}

    def search(
        self, session: Session, scope: Scope, window: Window, tree: Tree, *, limit: int
    ) -> list[Found]:
        """Return the traces of which a span in the window meets a tree, the newest first, at most `limit`.

        Parts of the window are read one after the other, the newest first, until there are enough. Raises
        PharosError(INVALID) for the tree, and as `Session.query`.
        """
        condition = span_lowering(self.everything(session, scope, window).known).condition(tree)
        found: dict[str, Found] = {}
        for part in parts_of(window, newest_first=True):
            statement = sql.select(
                scope,
                "lower(hex(trace_id)) AS trace, toUnixTimestamp64Nano(max(ts)) AS newest,"
                " toInt64(count()) AS n",
                "spans",
                buckets_of(part),
                sql.times_ns(part.start_ns, part.end_ns),
                condition,
                tail="GROUP BY trace_id ORDER BY newest DESC, trace_id",
                limit=limit,
            )
            rows = session.query(statement, purpose="trace_search").to_pydict()
            for trace, newest, count in zip(rows["trace"], rows["newest"], rows["n"], strict=True):
                before = found.get(trace)
                spans = count + (before.spans if before else 0)
                found[trace] = Found(trace, max(newest, before.newest_ns if before else newest), spans)
            if len(found) >= limit:
                break
        return sorted(found.values(), key=lambda one: (-one.newest_ns, one.trace_id))[:limit]

    def spans(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        *,
        limit: int,
        newest_first: bool = True,
    ) -> tuple[Span, ...]:
        """Return spans of a window that meet a tree, at most `limit`."""
        everything = self.everything(session, scope, window)
        condition = span_lowering(everything.known).condition(tree)
        found: list[Span] = []
        for part in parts_of(window, newest_first=newest_first):
            statement = sql.select(
                scope,
                _COLUMNS,
                "spans",
                buckets_of(part),
                sql.times_ns(part.start_ns, part.end_ns),
                condition,
                tail=f"ORDER BY ts {'DESC' if newest_first else 'ASC'}",
                limit=limit - len(found),
            )
            found += _spans(session.query(statement, purpose="spans").to_pydict(), everything)
            if len(found) >= limit:
                break
        return tuple(found)

    def operations(
        self, session: Session, scope: Scope, window: Window, service: str | None = None
    ) -> list[Operation]:
        """Return what services did on the days of a window, of one service or of all."""
        found = self._operations.of(session, scope, window)
        return sorted(one for one in found if service in {None, one.service})

    def services(self, session: Session, scope: Scope, window: Window) -> list[str]:
        """Return the services that have spans on the days of a window."""
        known = self.everything(session, scope, window).known.origins.values()
        return sorted({origin.service for origin in known})

    def counts(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        *,
        step_ns: int = 0,
        keys: Sequence[Key] = (),
        limit: int = 0,
    ) -> list[Counted]:
        """Return how many spans meet a tree, by step and keys; the sum of durations stands for bytes."""
        condition = span_lowering(self.everything(session, scope, window).known).condition(tree)
        start = int(window.start_ns)
        by = [f"intDiv(toUnixTimestamp64Nano(ts) - {start}, {int(step_ns)}) AS step"] if step_ns else []
        by += [f"{key.column} AS k{number}" for number, key in enumerate(keys)]
        names = [one.rsplit(" AS ")[-1] for one in by]
        group = f"GROUP BY {', '.join(names)}" if names else ""
        statement = sql.select(
            scope,
            ", ".join([*by, "toInt64(count()) AS n", "toInt64(sum(duration)) AS duration_ns"]),
            "spans",
            buckets_of(window),
            sql.times_ns(window.start_ns, window.end_ns),
            condition,
            tail=group if step_ns else f"{group} ORDER BY n DESC",
            limit=limit,
        )
        rows = session.query(statement, purpose="span_counts").to_pydict()
        return [
            Counted(
                rows["step"][i] if step_ns else 0,
                0,
                tuple(str(rows[f"k{number}"][i]) for number in range(len(keys))),
                rows["n"][i],
                rows["duration_ns"][i],
            )
            for i in range(len(rows["n"]))
        ]


def _id(text: str) -> str:
    return "" if text == _NO_SPAN else text


def _events(rows: dict[str, list[Any]], i: int) -> Iterable[SpanEvent]:
    columns = ("event_ts", "event_name", "event_attributes", "event_kinds", "event_dropped")
    for ts_ns, name, pairs, kinds, dropped in zip(*(rows[name][i] for name in columns), strict=True):
        yield SpanEvent(ts_ns, name, attributes_of(pairs, kinds), dropped)


def _links(rows: dict[str, list[Any]], i: int) -> Iterable[SpanLink]:
    columns = (
        "link_trace",
        "link_span",
        "link_state",
        "link_flags",
        "link_attributes",
        "link_kinds",
        "link_dropped",
    )
    for trace, span, state, flags, pairs, kinds, dropped in zip(
        *(rows[name][i] for name in columns), strict=True
    ):
        yield SpanLink(trace, span, state, flags, attributes_of(pairs, kinds), dropped)


def _spans(rows: dict[str, list[Any]], everything: Everything) -> list[Span]:
    known = everything.known.origins
    found = []
    for i, trace in enumerate(rows["trace"]):
        origin, start_ns = rows["origin"][i], rows["ns"][i]
        found.append(
            Span(
                trace,
                rows["span"][i],
                _id(rows["parent"][i]),
                known.get(origin) or unknown_origin(origin, rows["service"][i]),
                rows["name"][i],
                rows["kind"][i],
                start_ns,
                start_ns + rows["duration"][i],
                rows["status"][i],
                rows["status_message"][i],
                rows["trace_state"][i],
                rows["flags"][i],
                attributes_of(rows["attributes"][i], rows["kinds"][i]),
                tuple(_events(rows, i)),
                tuple(_links(rows, i)),
                rows["dropped_attributes"][i],
                rows["dropped_events"][i],
                rows["dropped_links"][i],
            )
        )
    return found
