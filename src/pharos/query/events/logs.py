"""Log records: pages of lines newest or oldest first, counts by step and field, fields and their values.

All of it blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
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
from pharos.query.events.counting import buckets_of, counting_parts
from pharos.query.events.lower import LEVELS, is_narrow, log_lowering, names_id
from pharos.query.events.origins import Everything, OriginCache, attributes_of, unknown_origin
from pharos.query.events.rows import LogLine, Origin, ValueKind
from pharos.search.tree import Tree
from pharos.search.window import Window

_PARTS: Final = (1, 4)
"""So many buckets of a window are read first, and then: in two minutes there are enough lines of what is
frequent, in ten of what is not. After them sixteen times as many again and again."""
_GROWTH: Final = 16
_SHORT_NS: Final = (_PARTS[1] + 1) * EVENT_BUCKET_NS
"""A part that is not longer is read at once."""
_TEXT_COLUMNS: Final = "toUnixTimestamp64Nano(ts) AS ns, origin, service, level, body"
_NOT_OBSERVED: Final = -(1 << 63)
_COLUMNS: Final = (
    "toUnixTimestamp64Nano(ts) AS ns, origin, service, lag_ns, severity, severity_text, level, body,"
    " body_kind, event_name, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, flags, dropped,"
    " attributes, kinds"
)
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16


class Cursor(Struct, frozen=True):
    """Behind which line the next page begins: its time, and how many of that time were given."""

    ts_ns: int
    given: int


class Page(Struct, frozen=True):
    """Lines in the order in which they were asked for."""

    lines: tuple[LogLine, ...]
    next: Cursor | None
    """None where there are no more."""


class Key(Struct, frozen=True):
    """What lines are counted by: a column of their own, an attribute, or what their origin says."""

    name: str
    column: str
    """The engine's words for it."""
    words: Sequence[str] = ()
    """What its numbers stand for; none where it is text."""

    def text(self, found: Any) -> str:
        """Return a value of the column as text."""
        return self.words[found] if self.words else str(found)


class Counted(Struct, frozen=True):
    """Lines of one step and one set of keys."""

    step: int
    """From the window's start, 0 for the first; 0 where no steps were asked for."""
    origin: int
    """0 where origins were not told apart."""
    keys: tuple[str, ...]
    lines: int
    bytes: int = 0
    """Of their texts, where it was asked for."""


class LogStore:
    """Answers questions about log records."""

    def __init__(self, changes: Changes) -> None:
        self._origins = OriginCache(changes, "logs", "log_origins", "log_fields")

    def everything(self, session: Session, scope: Scope, window: Window) -> Everything:
        """Return the origins and the names of attributes that a tenant has on the days of a window."""
        return self._origins.of(session, scope, window)

    def origins(self, session: Session, scope: Scope, window: Window) -> dict[int, Origin]:
        """Return by hash the origins that have lines in a window; exact, not by days."""
        statement = sql.select(
            scope,
            "DISTINCT origin",
            "logs",
            buckets_of(window),
            sql.times_ns(window.start_ns, window.end_ns),
        )
        ids = numbers(session.query(statement, purpose="origins")["origin"]).tolist()
        known = self.everything(session, scope, window).known.origins
        return {one: known.get(one) or unknown_origin(one, "unknown_service") for one in ids}

    def condition(self, session: Session, scope: Scope, window: Window, tree: Tree) -> Condition:
        """Return what a tree asks for over a window, time and tenant apart. Raises PharosError(INVALID)."""
        return log_lowering(self.everything(session, scope, window).known).condition(tree)

    def lines(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        *,
        limit: int,
        newest_first: bool = True,
        after: Cursor | None = None,
        texts_only: bool = False,
    ) -> Page:
        """Return a page of the lines of a window that meet a tree.

        Parts of the window are read one after the other, from the end that is asked for, until there are
        enough; of a tree that names an id all is one part, since few lines have it. Of another long part the
        times of the lines are found first, so that nothing else is read of those that are too far from its
        end. With `texts_only` lines have their time, origin, level and body alone.
        Raises PharosError: INVALID for the tree, and as `Session.query`.
        """
        everything = self.everything(session, scope, window)
        condition = log_lowering(everything.known).condition(tree)
        found: list[LogLine] = []
        is_rare = names_id(tree)
        for part in parts_of(window, newest_first=newest_first, after=after, is_one=is_rare):
            skip = after.given if after is not None and part.start_ns <= after.ts_ns < part.end_ns else 0
            if skip and after is not None:
                part = (
                    Window(part.start_ns, after.ts_ns + 1)
                    if newest_first
                    else Window(after.ts_ns, part.end_ns)
                )
            order = "DESC" if newest_first else "ASC"
            wanted = limit - len(found) + 1
            rows_in = [buckets_of(part), sql.times_ns(part.start_ns, part.end_ns), condition]
            if part.end_ns - part.start_ns > _SHORT_NS and not is_rare:
                tail = f"ORDER BY ts {order} LIMIT {wanted + skip}"
                near = sql.select(scope, "toUnixTimestamp64Nano(ts) AS ns", "logs", *rows_in, tail=tail)
                times_ns = numbers(session.query(near, purpose="log_times")["ns"])
                if not len(times_ns):
                    continue
                rows_in = [*_at(times_ns), condition]
            tail = f"ORDER BY ts {order}, origin, xxHash64(body) LIMIT {wanted} OFFSET {skip}"
            columns = _TEXT_COLUMNS if texts_only else _COLUMNS
            statement = sql.select(scope, columns, "logs", *rows_in, tail=tail)
            rows = session.query(statement, purpose="log_lines").to_pydict()
            if not everything.known.origins.keys() >= set(rows["origin"]):
                everything = self._origins.anew(session, scope, window)
            found += _texts(rows, everything) if texts_only else _lines(rows, everything)
            if len(found) > limit:
                break
        page = found[:limit]
        return Page(tuple(page), _cursor(page, after) if len(found) > limit else None)

    def counts(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        *,
        step_ns: int = 0,
        keys: Sequence[Key] = (),
        by_origin: bool = False,
        with_bytes: bool = False,
        limit: int = 0,
    ) -> list[Counted]:
        """Return how many lines meet a tree, by step, origin and keys, and how long they are.

        The most first where no steps are asked for, and then at most `limit`.
        """
        condition = self.condition(session, scope, window, tree)
        by = {"origin": "origin"} if by_origin else {}
        by |= {f"k{number}": key.column for number, key in enumerate(keys)}
        rows = {**by, "size": "body.size"} if with_bytes else by
        parts = [
            sql.select(scope, _named({"step": part.step, **rows}), "logs", *part.rows_in, condition)
            for part in counting_parts(window, step_ns, is_narrow=is_narrow(tree))
        ]
        names = [*(["step"] if step_ns else []), *by]
        group = f"GROUP BY {', '.join(names)}" if names else ""
        size = ["toInt64(sum(size)) AS bytes"] if with_bytes else []
        statement = sql.select_from(
            sql.united(*parts),
            ", ".join([*names, "toInt64(count()) AS lines", *size]),
            tail=group if step_ns else f"{group} ORDER BY lines DESC",
            limit=limit,
        )
        found = session.query(statement, purpose="log_counts").to_pydict()
        return [
            Counted(
                found["step"][i] if step_ns else 0,
                found["origin"][i] if by_origin else 0,
                tuple(key.text(found[f"k{number}"][i]) for number, key in enumerate(keys)),
                lines,
                found["bytes"][i] if with_bytes else 0,
            )
            for i, lines in enumerate(found["lines"])
        ]


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{column} AS {name}" for name, column in columns.items())


def attribute_key(name: str) -> Key:
    """Return the key of an attribute of records; empty for those that do not have it."""
    return Key(name, sql.attribute_of(name))


LEVEL_KEY: Final = Key("level", "level", LEVELS)
OWN_KEYS: Final = {
    **{name: Key(name, name) for name in ("severity_text", "event_name")},
    **{name: Key(name, f"if({name} = '', '', lower(hex({name})))") for name in ("trace_id", "span_id")},
}
"""Texts that every record has of its own, empty where nobody said."""
SERVICE_KEY: Final = Key("service", "service")


def _at(times_ns: NDArray[np.int64]) -> list[Condition]:
    """Return that rows are of the buckets of some times, and not beyond the farthest."""
    buckets = np.unique(times_ns // EVENT_BUCKET_NS)
    return [sql.among("b", buckets), sql.times_ns(int(times_ns.min()), int(times_ns.max()) + 1)]


def parts_of(
    window: Window, *, newest_first: bool, after: Cursor | None = None, is_one: bool = False
) -> Iterator[Window]:
    """Yield parts of a window from one end to the other, each larger than the one before, or all as one."""
    start, end = window.start_ns, window.end_ns
    if after is not None:
        start, end = (start, min(end, after.ts_ns + 1)) if newest_first else (max(start, after.ts_ns), end)
    sizes = itertools.chain(_PARTS, (_PARTS[-1] * _GROWTH**times for times in itertools.count(1)))
    while start < end:
        size = end - start if is_one else next(sizes) * EVENT_BUCKET_NS
        if newest_first:
            edge = max(start, (end - size) // EVENT_BUCKET_NS * EVENT_BUCKET_NS)
            yield Window(edge, end)
            end = edge
        else:
            edge = min(end, -(-(start + size) // EVENT_BUCKET_NS) * EVENT_BUCKET_NS)
            yield Window(start, edge)
            start = edge


def _cursor(page: Sequence[LogLine], after: Cursor | None) -> Cursor:
    last = page[-1].ts_ns
    given = sum(1 for line in page if line.ts_ns == last)
    if after is not None and after.ts_ns == last:
        given += after.given
    return Cursor(last, given)


_KINDS: Final = {kind.value.encode(): kind for kind in ValueKind}


def _lines(rows: dict[str, list[Any]], everything: Everything) -> list[LogLine]:
    known = everything.known.origins
    found = []
    for i, ns in enumerate(rows["ns"]):
        origin, lag = rows["origin"][i], rows["lag_ns"][i]
        trace, span = rows["trace"][i], rows["span"][i]
        found.append(
            LogLine(
                ns,
                known.get(origin) or unknown_origin(origin, rows["service"][i]),
                rows["body"][i],
                _KINDS.get(rows["body_kind"][i], ValueKind.TEXT),
                0 if lag == _NOT_OBSERVED else ns + lag,
                rows["severity"][i],
                rows["severity_text"][i],
                LEVELS[rows["level"][i]],
                rows["event_name"][i],
                "" if trace == _NO_TRACE else trace,
                "" if span == _NO_SPAN else span,
                rows["flags"][i],
                rows["dropped"][i],
                attributes_of(rows["attributes"][i], rows["kinds"][i]),
            )
        )
    return found


def _texts(rows: dict[str, list[Any]], everything: Everything) -> list[LogLine]:
    """Return lines of which nothing but time, origin, level and body was read."""
    known = everything.known.origins
    columns = zip(rows["ns"], rows["origin"], rows["service"], rows["level"], rows["body"], strict=True)
    text = ValueKind.TEXT
    return [
        LogLine(
            ns,
            known.get(origin) or unknown_origin(origin, service),
            body,
            text,
            *(0, 0, "", LEVELS[level], "", "", "", 0, 0, ()),
        )
        for ns, origin, service, level, body in columns
    ]
