"""Traces in a list: what each is called, how long it took, who had a part in it. Attributes are not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.errors import Kind, PharosError
from pharos.query.events.ids import parse_trace_id
from pharos.query.events.spans import Found, SpanStore, locate
from pharos.search.tree import And, Field, Op, Or, Place, Tree
from pharos.search.window import Window

_HAS_PARENT: Final = sql.negated(sql.same_bytes("parent_id", bytes(8))).text
_SERVICES: Final = "sumMap([toString(service)], [toInt64(1)])"
_MOST_ROUNDS: Final = 20
_MOST_READ: Final = 1_500
_MOST_NS: Final = 2**63 - 1
_COLUMNS: Final = (
    "lower(hex(trace_id)) AS trace, toUnixTimestamp64Nano(min(ts)) AS start,"
    " toInt64(max(toUnixTimestamp64Nano(ts) + greatest(duration, 0))) AS end, toInt64(count()) AS n,"
    f" toInt64(countIf(status = 2)) AS errors, toInt64(min({_HAS_PARENT})) AS rootless,"
    f" argMin(toString(service), tuple({_HAS_PARENT}, ts, span_id)) AS root_service,"
    f" argMin(toString(name), tuple({_HAS_PARENT}, ts, span_id)) AS root_name,"
    f" tupleElement({_SERVICES}, 1) AS services, tupleElement({_SERVICES}, 2) AS counts"
)


class Summary(Struct, frozen=True):
    """A trace in a list."""

    trace_id: str
    start_ns: int
    duration_ns: int
    """From the begin of its first span to the end of its last."""
    spans: int
    errors: int
    has_root: bool
    """Whether the span that began it is there; where it is not, its first span stands for it."""
    service: str
    name: str
    services: tuple[tuple[str, int], ...]
    """With how many spans, the most first."""


class Cursor(Struct, frozen=True):
    """The last trace of a page; the next page goes on after it."""

    newest_ns: int
    trace_id: str

    def text(self) -> str:
        """Return it as it is handed out."""
        return f"{self.newest_ns}-{self.trace_id}"


class Page(Struct, frozen=True):
    """Traces, the newest first."""

    found: tuple[Found, ...]
    next: Cursor | None
    """None where there are no more."""


def parse_cursor(text: str) -> Cursor | None:
    """Return the cursor that a page gave; None for none. Raises PharosError(INVALID) for any other text."""
    if not text:
        return None
    newest, dash, trace_id = text.partition("-")
    if not dash or not newest.isascii() or not newest.isdigit() or int(newest) >= _MOST_NS:
        raise PharosError(Kind.INVALID, f"cursor {text[:60]!r} is none that a search gave")
    return Cursor(int(newest), parse_trace_id(trace_id))


def page_of(
    store: SpanStore,
    session: Session,
    scope: Scope,
    window: Window,
    tree: Tree,
    *,
    limit: int,
    after: Cursor | None = None,
) -> Page:
    """Return the traces of which a span in the window meets a tree, by the newest such span.

    The page begins after a cursor; each trace is on one page alone. Raises as `SpanStore.search`.
    """
    end = window.end_ns
    found: list[Found] = []
    size = limit + 1  # One more than asked for tells whether there are more.
    for _ in range(_MOST_ROUNDS):
        part = window if after is None else Window(window.start_ns, min(end, after.newest_ns + 1))
        if part.start_ns >= part.end_ns:
            return Page(tuple(found), None)
        asked = store.search(session, scope, part, tree, limit=size)
        fresh = asked if after is None else _later(store, session, scope, window, tree, asked, after)
        found += fresh[: limit - len(found)]
        if len(found) == limit:
            last = found[-1]
            more = len(asked) == size or last.trace_id != fresh[-1].trace_id
            return Page(tuple(found), Cursor(last.newest_ns, last.trace_id) if more else None)
        if len(asked) < size:
            return Page(tuple(found), None)
        after = Cursor(asked[-1].newest_ns, asked[-1].trace_id)
        # More begin at one and the same nanosecond than were read: the next time they fit.
        size = min(size * 2, _MOST_READ)
    return Page(tuple(found), after)


def _later(
    store: SpanStore,
    session: Session,
    scope: Scope,
    window: Window,
    tree: Tree,
    asked: Sequence[Found],
    after: Cursor,
) -> list[Found]:
    """Return the traces that follow a cursor; those that have newer spans too were on a page before."""
    if not asked:
        return []
    seen: set[str] = set()
    newer = Window(after.newest_ns + 1, window.end_ns)
    if newer.start_ns < newer.end_ns:
        ids = Or(tuple(Field("trace_id", Op.EQUAL, one.trace_id, Place.OWN) for one in asked))
        both = And((tree, ids))
        seen = {one.trace_id for one in store.search(session, scope, newer, both, limit=len(asked))}
    place = (-after.newest_ns, after.trace_id)
    return [one for one in asked if one.trace_id not in seen and (-one.newest_ns, one.trace_id) > place]


def summaries(session: Session, scope: Scope, trace_ids: Sequence[str]) -> dict[str, Summary]:
    """Return what stands in a list of traces, by id; a trace that is not there is left out.

    Raises as `Session.query`.
    """
    located = locate(session, scope, trace_ids)
    if located is None:
        return {}
    statement = sql.select(scope, _COLUMNS, "spans", *located.rows_in, tail="GROUP BY trace_id")
    return {
        row["trace"]: Summary(
            row["trace"],
            row["start"],
            row["end"] - row["start"],
            row["n"],
            row["errors"],
            not row["rootless"],
            row["root_service"],
            row["root_name"],
            tuple(
                sorted(zip(row["services"], row["counts"], strict=True), key=lambda one: (-one[1], one[0]))
            ),
        )
        for row in session.query(statement, purpose="trace_summaries").to_pylist()
    }
