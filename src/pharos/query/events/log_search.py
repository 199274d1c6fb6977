"""Questions about log lines, each with its turn: pages, counts, fields, surroundings, templates, news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

from msgspec import Struct, field

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.events.asking import Asking
from pharos.query.events.logs import LEVEL_KEY, SERVICE_KEY, Cursor, Key, LogStore, Page, attribute_key
from pharos.query.events.lower import values_of
from pharos.query.events.origins import Everything
from pharos.query.events.rows import LogLine, Origin
from pharos.search.patterns import Pattern, Patterns
from pharos.search.tree import OWN_LOG_FIELDS, And, Field, Op, Or, Origins, Place, Tree
from pharos.search.window import Window

T = TypeVar("T")

_MS: Final = 1_000_000
_AROUND_NS: Final = 86_400 * 10**9
"""So far before and behind a line its surroundings are looked for."""
_MOST_COUNTED: Final = 20_000
"""So many values of a field are told apart before the most frequent are chosen."""
_MOST_SERIES: Final = 12
PATTERN_LINES: Final = 20_000
"""Of more lines than this the newest are put together to templates."""
_PATTERN_PAGE: Final = 5_000
_LATE_NS: Final = 10 * 10**9
"""Lines whose time is so long ago when they come are news yet."""
_AHEAD_NS: Final = 3_600 * 10**9
_MOST_LOOKED: Final = 2_000
_OWN_KEYS: Final = {"level": LEVEL_KEY, "service": SERVICE_KEY}
_HEX_KEYS: Final = {"trace_id": "0" * 32, "span_id": "0" * 16}


class Series(Struct, frozen=True):
    """How many lines of each step have one value of a field."""

    value: str
    """Empty for lines without the field."""
    counts: dict[int, int]


class Histogram(Struct, frozen=True):
    """Lines by step and by the values of a field."""

    step_ns: int
    steps: int
    series: tuple[Series, ...]
    """The most frequent values first."""
    others: dict[int, int]
    """Lines of each step whose value is none of the series."""


class Value(Struct, frozen=True):
    """A value of a field, and how many lines have it."""

    value: str
    lines: int


class FieldName(Struct, frozen=True):
    """A field that lines may have."""

    name: str
    place: Place


class Surroundings(Struct, frozen=True):
    """Lines of one origin around a time, the oldest first."""

    lines: tuple[LogLine, ...]
    is_start: bool
    """There are no older ones within a day."""
    is_end: bool


class Templates(Struct, frozen=True):
    """Templates of the newest lines of a window."""

    found: tuple[Pattern, ...]
    lines: int
    """How many were looked at."""
    is_complete: bool
    """False where there are older lines, too."""


class News(Struct, frozen=True):
    """Lines that came since the last look, the newest first."""

    lines: tuple[LogLine, ...]
    left_out: int
    """So many more came and are not told."""


class Follow(Struct):
    """A search that is followed, and which of its lines were given."""

    tree: Tree
    start_ns: int
    limit: int
    looked_ns: int = 0
    given: dict[Hashable, int] = field(default_factory=dict)


class LogSearch:
    """Answers questions about log lines. All raise PharosError: INVALID for the tree, as `Scheduler.run`."""

    def __init__(self, store: LogStore, asking: Asking) -> None:
        self._store = store
        self._asking = asking

    def telling(self, warnings: list[str]) -> LogSearch:
        """Return the same for one answer, as `Asking.telling`."""
        return LogSearch(self._store, self._asking.telling(warnings))

    async def page(
        self,
        scope: Scope,
        window: Window,
        tree: Tree,
        limit: int,
        *,
        newest_first: bool = True,
        after: Cursor | None = None,
    ) -> Page:
        """Return a page of the lines that meet a tree."""
        return await self._asking.ask(
            scope,
            window,
            ("log_lines", tree, newest_first),
            lambda session: self._store.lines(
                session, scope, window, tree, limit=limit, newest_first=newest_first, after=after
            ),
        )

    async def nearest(
        self, scope: Scope, window: Window, at_ns: int, tree: Tree, limit: int
    ) -> tuple[list[LogLine], bool]:
        """Return (the lines that meet a tree and are nearest to a time in a window, whether more do)."""

        def work(session: Session) -> tuple[list[LogLine], bool]:
            before = self._store.lines(
                session, scope, Window(window.start_ns, at_ns), tree, limit=limit, newest_first=True
            )
            after = self._store.lines(
                session, scope, Window(at_ns, window.end_ns), tree, limit=limit, newest_first=False
            )
            found = sorted((*before.lines, *after.lines), key=lambda line: abs(line.ts_ns - at_ns))
            has_more = len(found) > limit or before.next is not None or after.next is not None
            return found[:limit], has_more

        return await self._asking.ask(scope, window, ("log_nearest", tree), work)

    async def origins(self, scope: Scope, window: Window) -> list[Origin]:
        """Return what lines of a window come from."""
        return await self._asking.ask(
            scope,
            window,
            "log_origins",
            lambda session: list(self._store.origins(session, scope, window).values()),
        )

    async def histogram(
        self, scope: Scope, window: Window, tree: Tree, step_ns: int, by: str = ""
    ) -> Histogram:
        """Return how many lines each step has, by the most frequent values of a field if one is named."""

        def work(session: Session) -> Histogram:
            steps = -(-(window.end_ns - window.start_ns) // step_ns)
            if by in _OWN_KEYS:
                # Few values: all are counted at once, and together they are all lines.
                found = self._steps(session, scope, window, tree, step_ns, by)
                others: Counter[int] = Counter()
                for counts in found.values():
                    others.update(counts)
            else:
                found, others = (
                    {},
                    Counter(self._steps(session, scope, window, tree, step_ns, "").get("", {})),
                )
                values = self._values(session, scope, window, tree, by, _MOST_SERIES) if by else []
                named = [Field(by, Op.EQUAL, one.value) for one in values if one.value]
                if named:
                    narrowed = And((tree, Or(tuple(named))))
                    found = self._steps(session, scope, window, narrowed, step_ns, by)
            ranked = sorted(found.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))[:_MOST_SERIES]
            for _, counts in ranked:
                others.subtract(counts)
            rest = {step: count for step, count in others.items() if count > 0}
            return Histogram(step_ns, steps, tuple(Series(value, counts) for value, counts in ranked), rest)

        return await self._asking.ask(scope, window, ("log_histogram", tree, by), work)

    def _steps(
        self, session: Session, scope: Scope, window: Window, tree: Tree, step_ns: int, by: str
    ) -> dict[str, dict[int, int]]:
        everything = self._store.everything(session, scope, window)
        keys, by_origin = _keys(everything, by)
        found: dict[str, dict[int, int]] = {}
        for one in self._store.counts(
            session, scope, window, tree, step_ns=step_ns, keys=keys, by_origin=by_origin
        ):
            counts = found.setdefault(_value(everything, by, one.keys, one.origin), {})
            counts[one.step] = counts.get(one.step, 0) + one.lines
        return found

    async def fields(self, scope: Scope, window: Window) -> list[FieldName]:
        """Return the fields that lines have on the days of a window."""

        def work(session: Session) -> list[FieldName]:
            everything = self._store.everything(session, scope, window)
            origins = everything.known.origins.values()
            resource = {key for origin in origins for key, _, _ in origin.resource}
            of_scope = {key for origin in origins for key, _, _ in origin.scope}
            own = [name for name in OWN_LOG_FIELDS if name != "body"]
            return [
                *(FieldName(name, Place.OWN) for name in own),
                *(FieldName(name, Place.RECORD) for name in everything.fields),
                *(FieldName(name, Place.RESOURCE) for name in sorted(resource)),
                *(FieldName(name, Place.SCOPE) for name in sorted(of_scope)),
            ]

        return await self._asking.ask(scope, window, "log_fields", work)

    async def values(self, scope: Scope, window: Window, tree: Tree, name: str, limit: int) -> list[Value]:
        """Return the most frequent values of a field among the lines that meet a tree."""
        return await self._asking.ask(
            scope,
            window,
            ("log_values", tree, name),
            lambda session: self._values(session, scope, window, tree, name, limit),
        )

    def _values(
        self, session: Session, scope: Scope, window: Window, tree: Tree, name: str, limit: int
    ) -> list[Value]:
        everything = self._store.everything(session, scope, window)
        keys, by_origin = _keys(everything, name)
        most = _MOST_COUNTED if by_origin or len(keys) > 1 else limit + 1
        found: Counter[str] = Counter()
        for one in self._store.counts(
            session, scope, window, tree, keys=keys, by_origin=by_origin, limit=most
        ):
            found[_value(everything, name, one.keys, one.origin)] += one.lines
        del found[""]
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
        return [Value(value, lines) for value, lines in ranked]

    async def surroundings(
        self, scope: Scope, origin: int, ts_ns: int, *, before: int, after: int
    ) -> Surroundings:
        """Return the lines of an origin before a time, and those of that time and behind it."""
        tree = Origins((origin,))
        older = Window(max(ts_ns - _AROUND_NS, 0), ts_ns)
        newer = Window(ts_ns, ts_ns + _AROUND_NS)

        def work(session: Session) -> Surroundings:
            back = self._store.lines(session, scope, older, tree, limit=before)
            ahead = self._store.lines(session, scope, newer, tree, limit=after, newest_first=False)
            lines = (*reversed(back.lines), *ahead.lines)
            return Surroundings(lines, is_start=back.next is None, is_end=ahead.next is None)

        around = Window(older.start_ns, newer.end_ns)
        return await self._asking.ask(scope, around, "log_context", work)

    async def templates(self, scope: Scope, window: Window, tree: Tree, step_ns: int) -> Templates:
        """Return the templates of the newest lines that meet a tree, the most frequent first."""
        deadline = self._asking.deadline()

        def work(session: Session) -> Templates:
            patterns = Patterns(window.start_ns, step_ns)
            seen, cursor = 0, None
            while True:
                deadline.check()
                page = self._store.lines(session, scope, window, tree, limit=_PATTERN_PAGE, after=cursor)
                for line in page.lines:
                    patterns.add(line.body, line.ts_ns, line.level)
                seen, cursor = seen + len(page.lines), page.next
                if cursor is None or seen >= PATTERN_LINES:
                    return Templates(tuple(patterns.found()), seen, is_complete=cursor is None)

        return await self._asking.ask(scope, window, ("log_templates", tree), work, deadline)

    async def news(self, scope: Scope, follow: Follow, now_ns: int) -> News:
        """Return the lines that came since `follow` was last asked about, which it then knows."""
        window = Window(max(follow.start_ns, follow.looked_ns - _LATE_NS), now_ns + _AHEAD_NS)

        def work(session: Session) -> News:
            page = self._store.lines(session, scope, window, follow.tree, limit=_MOST_LOOKED)
            older = 0
            if page.next is not None:
                before = Window(window.start_ns, page.lines[-1].ts_ns)
                if before.end_ns > before.start_ns:
                    counted = self._store.counts(session, scope, before, follow.tree)
                    older = sum(one.lines for one in counted)
                older -= sum(1 for ts_ns in follow.given.values() if ts_ns < before.end_ns)
                # What lies before has now been told of as left out.
                follow.start_ns = max(follow.start_ns, before.end_ns)
            fresh = _not_given(page.lines, follow)
            follow.looked_ns = now_ns
            oldest = now_ns - 2 * _LATE_NS
            follow.given = {key: ts_ns for key, ts_ns in follow.given.items() if ts_ns >= oldest}
            told = fresh[: follow.limit]
            return News(tuple(told), len(fresh) - len(told) + max(older, 0))

        return await self._asking.ask_now(scope, ("log_news", follow.tree), work)


def _not_given(lines: Sequence[LogLine], follow: Follow) -> list[LogLine]:
    """Return the lines that were not given before, equal ones as often as they are there."""
    found = []
    alike: Counter[Hashable] = Counter()
    for line in lines:
        key = line.ts_ns, line.origin.id, line.body
        alike[key] += 1
        if (key, alike[key]) not in follow.given:
            follow.given[key, alike[key]] = line.ts_ns
            found.append(line)
    return found


def _keys(everything: Everything, name: str) -> tuple[list[Key], bool]:
    """Return (what lines are counted by for a field, whether by their origin too)."""
    if not name:
        return [], False
    if name in _OWN_KEYS:
        return [_OWN_KEYS[name]], False
    if name in _HEX_KEYS:
        return [Key(name, f"replaceAll(lower(hex({name})), '{_HEX_KEYS[name]}', '')")], False
    if name in OWN_LOG_FIELDS:
        return [Key(name, f"toString({name})")], False
    known = everything.known
    spelled = [one for one in known.names.get(name, ()) if one != name]
    keys = [attribute_key(one) for one in (name, *spelled) if one in everything.fields]
    return keys, any(_of_origin(origin, name) for origin in known.origins.values())


def _of_origin(origin: Origin, name: str) -> str:
    return next(filter(None, (*values_of(origin.resource, name), *values_of(origin.scope, name))), "")


def _value(everything: Everything, name: str, keys: Sequence[str], origin: int) -> str:
    """Return the value that counted lines have: the record's own, else its origin's."""
    own = next(filter(None, keys), "")
    if own or not origin:
        return own
    known = everything.known.origins.get(origin)
    return "" if known is None else _of_origin(known, name)
