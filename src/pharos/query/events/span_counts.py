"""Spans counted: rate, errors and durations, who calls whom, values of fields.

All of it blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.engine.sql import Condition, Statement
from pharos.errors import Kind, PharosError
from pharos.query.events.counting import buckets_of
from pharos.query.events.lower import KINDS, STATUSES, span_lowering
from pharos.query.events.rows import Origin, ValueKind
from pharos.query.events.span_pairs import CALLEE, JOINED, SERVER, SPAN_HASH, caller_of, is_called
from pharos.query.events.spans import SpanStore
from pharos.search.tree import Place, Tree
from pharos.search.window import Window

QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)
LATENCY_QUANTILES: Final = (0.5, 0.9, 0.95, 0.99, 0.999)
_ERROR: Final = "status = 2"
_DURATIONS: Final = f"arrayMap(x -> toInt64(x), quantiles{QUANTILES}(duration)) AS q"
_NO_SPAN: Final = bytes(8)
_MOST_ROWS: Final = 100_000
_MOST_COMPARED: Final = 200_000
"""So many spans of each side are looked at when two sets are compared, the newest."""
_MOST_PAIRS: Final = 20_000
MOST_JOINED: Final = 1_000_000
"""So many spans are looked at to tell who calls whom; of more, whole traces are left out."""
OWN_FIELDS: Final = ("service", "name", "kind", "status", "status_message")
"""Fields that spans can be counted by, beside attributes."""
_OF_RESOURCE: Final = "resource."
_WORDS: Final[Mapping[str, Sequence[str]]] = {"kind": KINDS, "status": STATUSES}


class SpanRate(Struct, frozen=True):
    """Spans of one step and one set of values."""

    step: int
    """From the window's start, 0 for the first."""
    values: tuple[str, ...]
    """Of the fields that were asked for; empty for spans without one."""
    spans: int
    errors: int
    total_ns: int
    quantiles_ns: tuple[int, ...]
    """Of durations, at `QUANTILES`."""
    slowest_trace: str
    """The trace of the longest of them: an example."""


class SpanLatency(Struct, frozen=True):
    """How long spans of one name took."""

    service: str
    name: str
    spans: int
    total_ns: int
    least_ns: int
    most_ns: int
    quantiles_ns: tuple[int, ...]
    """At `LATENCY_QUANTILES`."""


class Edge(Struct, frozen=True):
    """One service calling another, or itself."""

    caller: str
    callee: str
    calls: int
    errors: int
    total_ns: int
    quantiles_ns: tuple[int, ...]


class Calls(Struct, frozen=True):
    """Who called whom."""

    edges: Sequence[Edge]
    one_in: int
    """1 if every trace was looked at; else one in so many was, and counts are estimates."""


class TagValue(Struct, frozen=True):
    """A value, and how many spans have it."""

    value: str
    kind: ValueKind
    spans: int


class AttributeCounts(Struct, frozen=True):
    """How many of some spans have each value of each attribute."""

    spans: int
    values: Mapping[str, Mapping[str, int]]


class SpanCounts:
    """Counts spans."""

    def __init__(self, store: SpanStore, *, most_joined: int = MOST_JOINED) -> None:
        self._store = store
        self._most_joined = most_joined

    def _select(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        columns: str,
        *,
        tail: str = "",
        limit: int = _MOST_ROWS,
    ) -> Statement:
        known = self._store.everything(session, scope, window).known
        return _in_window(
            scope, window, columns, span_lowering(known).condition(tree), tail=tail, limit=limit
        )

    def rates(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        *,
        step_ns: int,
        by: Sequence[str],
    ) -> list[SpanRate]:
        """Return spans by step and fields: own ones, `resource.` or attributes by their name.

        A step of 0 is the whole window. Raises PharosError(INVALID) for the tree, and as `Session.query`.
        """
        names = [f"k{number}" for number in range(len(by))]
        origins = self._store.everything(session, scope, window).known.origins
        columns = [f"{_grouped(name, origins)} AS {alias}" for name, alias in zip(by, names, strict=True)]
        if step_ns:
            start = int(window.start_ns)
            columns.insert(0, f"intDiv(toUnixTimestamp64Nano(ts) - {start}, {int(step_ns)}) AS step")
            names.insert(0, "step")
        columns += [
            "toInt64(count()) AS n",
            f"toInt64(countIf({_ERROR})) AS errors",
            "toInt64(sum(duration)) AS total",
            _DURATIONS,
            "lower(hex(argMax(trace_id, duration))) AS slowest",
        ]
        tail = f"GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else ""
        statement = self._select(session, scope, window, tree, ", ".join(columns), tail=tail)
        rows = session.query(statement, purpose="span_rates").to_pylist()
        return [
            SpanRate(
                row["step"] if step_ns else 0,
                tuple(_worded(name, row[f"k{number}"]) for number, name in enumerate(by)),
                row["n"],
                row["errors"],
                row["total"],
                tuple(row["q"]),
                row["slowest"],
            )
            for row in rows
            if row["n"]
        ]

    def latencies(self, session: Session, scope: Scope, window: Window, limit: int) -> list[SpanLatency]:
        """Return how long what services did took, the most frequent names first."""
        columns = (
            "service, name, toInt64(count()) AS n, toInt64(sum(duration)) AS total,"
            " toInt64(min(duration)) AS least, toInt64(max(duration)) AS most,"
            f" arrayMap(x -> toInt64(x), quantiles{LATENCY_QUANTILES}(duration)) AS q"
        )
        tail = "GROUP BY service, name ORDER BY n DESC, service, name"
        statement = _in_window(scope, window, columns, tail=tail, limit=limit)
        return [
            SpanLatency(
                row["service"],
                row["name"],
                row["n"],
                row["total"],
                row["least"],
                row["most"],
                tuple(row["q"]),
            )
            for row in session.query(statement, purpose="span_latencies").to_pylist()
        ]

    def calls(self, session: Session, scope: Scope, window: Window) -> Calls:
        """Return which service called which, by the spans of the window whose parents are in it too.

        A window of very many spans is told by a share of its traces, chosen by their ids. Each is looked at
        whole, so that ratios and durations are those of all; counts are scaled up.
        """
        counted = session.query(_in_window(scope, window, "toInt64(count()) AS n"), purpose="span_edges")
        one_in = max(1, -(-counted.to_pylist()[0]["n"] // self._most_joined))
        share = [sql.one_in("trace_id", one_in)] if one_in > 1 else []
        servers = _in_window(scope, window, SPAN_HASH, sql.equal("kind", SERVER), *share)
        callers = _in_window(
            scope,
            window,
            f"trace_id AS t, span_id AS s, {caller_of(servers)} AS own, service AS caller",
            *share,
        )
        columns = f"trace_id AS t, {CALLEE}, service AS callee, status, duration"
        callees = _in_window(scope, window, columns, is_called(), *share)
        columns = (
            "caller, callee, toInt64(count()) AS n,"
            f" toInt64(countIf({_ERROR})) AS errors, toInt64(sum(duration)) AS total, {_DURATIONS}"
        )
        statement = sql.select_joined(
            callees, callers, columns, on=JOINED, tail="GROUP BY caller, callee ORDER BY caller, callee"
        )
        edges = [
            Edge(
                row["caller"],
                row["callee"],
                row["n"] * one_in,
                row["errors"] * one_in,
                row["total"] * one_in,
                tuple(row["q"]),
            )
            for row in session.query(statement, purpose="span_edges").to_pylist()
        ]
        return Calls(edges, one_in)

    def values(
        self,
        session: Session,
        scope: Scope,
        window: Window,
        tree: Tree,
        name: str,
        place: Place,
        *,
        limit: int,
    ) -> list[TagValue]:
        """Return the most frequent values of a field among the spans that meet the tree."""
        if place in {Place.RESOURCE, Place.SCOPE}:
            return self._origin_values(session, scope, window, tree, name, place)[:limit]
        is_attribute = place in {Place.ANY, Place.RECORD}
        kind = f"any({sql.kind_of(name)}) AS kind, " if is_attribute else ""
        statement = self._select(
            session,
            scope,
            window,
            tree,
            f"{_value_column(name, place)} AS v, {kind}toInt64(count()) AS n",
            tail="GROUP BY v HAVING toString(v) != '' ORDER BY n DESC, v",
            limit=limit,
        )
        rows = session.query(statement, purpose="span_values").to_pylist()
        own = name if place is Place.OWN else ""
        return [TagValue(_worded(own, row["v"]), ValueKind(row.get("kind") or "s"), row["n"]) for row in rows]

    def _by_origin(
        self, session: Session, scope: Scope, window: Window, tree: Tree
    ) -> list[tuple[Origin, int]]:
        known = self._store.everything(session, scope, window).known.origins
        statement = self._select(
            session, scope, window, tree, "origin, toInt64(count()) AS n", tail="GROUP BY origin"
        )
        rows = session.query(statement, purpose="span_origins").to_pylist()
        return [(known[row["origin"]], row["n"]) for row in rows if row["origin"] in known]

    def _origin_values(
        self, session: Session, scope: Scope, window: Window, tree: Tree, name: str, place: Place
    ) -> list[TagValue]:
        counts: Counter[tuple[str, ValueKind]] = Counter()
        for origin, spans in self._by_origin(session, scope, window, tree):
            pairs = origin.resource if place is Place.RESOURCE else origin.scope
            counts.update({(value, kind): spans for key, value, kind in pairs if key == name})
        return [TagValue(value, kind, spans) for (value, kind), spans in counts.most_common()]

    def attributes(self, session: Session, scope: Scope, window: Window, tree: Tree) -> AttributeCounts:
        """Return how many spans that meet the tree have each value of each attribute, own fields among them.

        Of more spans than `_MOST_COMPARED` the newest are counted.
        """
        newest = self._select(
            session,
            scope,
            window,
            tree,
            "origin, service, name, kind, status, attributes",
            tail="ORDER BY ts DESC",
            limit=_MOST_COMPARED,
        )
        pairs = sql.select_from(
            newest, "arrayJoin(arrayZip(mapKeys(attributes), mapValues(attributes))) AS pair"
        )
        statement = sql.select_from(
            pairs,
            "pair.1 AS k, pair.2 AS v, toInt64(count()) AS n",
            tail="GROUP BY k, v ORDER BY n DESC",
            limit=_MOST_PAIRS,
        )
        values: dict[str, dict[str, int]] = {}
        for row in session.query(statement, purpose="span_attributes").to_pylist():
            values.setdefault(row["k"], {})[row["v"]] = row["n"]
        own = sql.select_from(
            newest,
            "origin, service, name, kind, status, toInt64(count()) AS n",
            tail="GROUP BY origin, service, name, kind, status",
            limit=_MOST_PAIRS,
        )
        known = self._store.everything(session, scope, window).known.origins
        total = 0
        for row in session.query(own, purpose="span_attributes").to_pylist():
            total += row["n"]
            origin = known.get(row["origin"])
            said = [(name, _worded(name, row[name])) for name in ("service", "name", "kind", "status")]
            if origin is not None:
                said += [(f"resource.{key}", value) for key, value, _ in origin.resource]
            for key, value in said:
                counts = values.setdefault(key, {})
                counts[value] = counts.get(value, 0) + row["n"]
        return AttributeCounts(total, values)


def _in_window(
    scope: Scope, window: Window, columns: str, *where: Condition, tail: str = "", limit: int = 0
) -> Statement:
    return sql.select(
        scope,
        columns,
        "spans",
        buckets_of(window),
        sql.times_ns(window.start_ns, window.end_ns),
        *where,
        tail=tail,
        limit=limit,
    )


def _grouped(name: str, origins: Mapping[int, Origin]) -> str:
    if name in OWN_FIELDS:
        return name
    if not name.startswith(_OF_RESOURCE):
        return sql.attribute_of(name)
    wanted = name.removeprefix(_OF_RESOURCE)
    values = {
        number: value
        for number, origin in origins.items()
        for key, value, _ in origin.resource
        if key == wanted
    }
    return sql.translated("origin", values)


def _value_column(name: str, place: Place) -> str:
    """Return the column of a field's values. Raises PharosError(INVALID) for one that has none."""
    match place:
        case Place.OWN:
            if name not in OWN_FIELDS:
                raise PharosError(Kind.INVALID, f"values of {name} are not listed")
            return name
        case Place.EVENT:
            if name == "name":
                return "arrayJoin(event_name)"
            return f"arrayJoin(arrayMap(x -> {sql.attribute_of(name, 'x')}, event_attributes))"
        case Place.LINK:
            return f"arrayJoin(arrayMap(x -> {sql.attribute_of(name, 'x')}, link_attributes))"
        case _:
            return sql.attribute_of(name)


def _worded(name: str, value: object) -> str:
    words = _WORDS.get(name)
    if words is not None and isinstance(value, int):
        return words[value] if value < len(words) else str(value)
    return str(value)
