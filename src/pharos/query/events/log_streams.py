"""Log records as Loki has lines: streams with labels, structured metadata beside each line.

Attributes of the resource are the stream's labels, and `service_name` always is; attributes of the record and
what it has of its own are structured metadata. Names have `_` for what labels may not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.events.asking import Asking
from pharos.query.events.log_queries import LEVEL_LABEL, SERVICE_LABEL, LogQueries
from pharos.query.events.logs import LEVEL_KEY, OWN_KEYS, Key, LogStore, attribute_key
from pharos.query.events.lower import LEVELS, sanitised
from pharos.query.events.rows import LogLine, Origin
from pharos.search.logql.source import Count, Entry, Stream, Where
from pharos.search.tree import Place, Tree
from pharos.search.window import Window

_OWN_TEXTS: Final = frozenset(OWN_KEYS)
_NOT_LOOKED_FOR: Final = frozenset(
    {"severity_number", "observed_timestamp", "dropped_attributes_count", "scope_name", "scope_version"}
)
_OWN_NAMES: Final = _NOT_LOOKED_FOR | _OWN_TEXTS
_NOTHING: Final[dict[str, str]] = {}
_WORDS: Final = frozenset(filter(None, LEVELS))
_KEPT: Final = 100_000
_GROWTH: Final = 4
_LARGEST_PAGE: Final = 20_000

_label_name = lru_cache(maxsize=20_000)(sanitised)


def stream_labels(origin: Origin) -> dict[str, str]:
    """Return the labels of the stream of an origin, in the order of their names."""
    found = {_label_name(key): value for key, value, _ in origin.resource if value}
    found[SERVICE_LABEL] = origin.service
    return dict(sorted(found.items()))


def metadata_of(line: LogLine) -> dict[str, str]:
    """Return the structured metadata of a line."""
    found: dict[str, str] = {}
    origin = line.origin
    if origin.scope_name:
        found["scope_name"] = origin.scope_name
    if origin.scope_version:
        found["scope_version"] = origin.scope_version
    for key, value, _ in origin.scope:
        found[_label_name(key)] = value
    if line.severity:
        found["severity_number"] = str(line.severity)
    if line.observed_ns:
        found["observed_timestamp"] = str(line.observed_ns)
    if line.dropped:
        found["dropped_attributes_count"] = str(line.dropped)
    own = (
        ("severity_text", line.severity_text),
        ("event_name", line.event_name),
        ("trace_id", line.trace_id),
        ("span_id", line.span_id),
        (LEVEL_LABEL, line.level),
    )
    found.update((name, text) for name, text in own if text)
    found.update((_label_name(key), value) for key, value, _ in line.attributes)
    return found


class StreamSource:
    """What LogQL asks of a store, of one scope in one session."""

    def __init__(
        self, store: LogStore, session: Session, scope: Scope, streams: dict[int, tuple[Origin, Stream]]
    ) -> None:
        self._store = store
        self._session = session
        self._scope = scope
        self._streams = streams
        self._names: dict[str, Sequence[str]] = {}
        self._scope_names: set[str] = set()

    def _stream(self, origin: Origin) -> Stream:
        # Of an origin may be known more than when its stream was made: of one whose row was not read yet.
        kept = self._streams.get(origin.id)
        if kept is None or kept[0] is not origin:
            if len(self._streams) >= _KEPT:
                self._streams.clear()
            kept = self._streams[origin.id] = origin, Stream(origin.id, stream_labels(origin))
        return kept[1]

    def streams(self, window: Window, *, exact: bool = False) -> Sequence[Stream]:
        """Return the streams that have lines in a window, or on one of its days."""
        days = window
        known = self._store.everything(self._session, self._scope, days).known
        self._names = {name: tuple(names) for name, names in known.names.items()}
        self._scope_names = {
            _label_name(key) for origin in known.origins.values() for key, _, _ in origin.scope
        }
        origins = self._store.origins(self._session, self._scope, days) if exact else known.origins
        return [self._stream(origin) for origin in origins.values()]

    def entries(
        self,
        window: Window,
        tree: Tree,
        *,
        newest_first: bool,
        page: int,
        labels: frozenset[str] | None = None,
    ) -> Iterator[Sequence[Entry]]:
        """Yield the lines that meet a tree, in order of time."""
        cursor = None
        texts_only = labels is not None and not any(map(self._is_metadata, labels))
        while True:
            found = self._store.lines(
                self._session,
                self._scope,
                window,
                tree,
                limit=page,
                newest_first=newest_first,
                after=cursor,
                texts_only=texts_only,
            )
            if texts_only:
                yield [
                    Entry(
                        line.ts_ns,
                        line.body,
                        self._stream(line.origin),
                        {LEVEL_LABEL: line.level} if line.level else _NOTHING,
                    )
                    for line in found.lines
                ]
            else:
                yield [self._entry(line) for line in found.lines]
            if found.next is None:
                return
            # Each page is looked for anew: who goes on reading is given more at once.
            cursor, page = found.next, max(page, min(_GROWTH * page, _LARGEST_PAGE))

    def _is_metadata(self, name: str) -> bool:
        """Return whether lines may have structured metadata of this name, the level apart."""
        return name in self._names or name in self._scope_names or name in _OWN_NAMES

    def _entry(self, line: LogLine) -> Entry:
        return Entry(line.ts_ns, line.body, self._stream(line.origin), metadata_of(line))

    def counts(
        self,
        window: Window,
        tree: Tree,
        bucket_ns: int,
        metadata: tuple[str, ...],
        *,
        with_bytes: bool = False,
    ) -> Iterator[Count]:
        """Yield the counts of the lines that meet a tree."""
        known = {stream.id: stream for stream in self.streams(window)}
        keys: list[Key] = []
        places: list[range] = []
        for name in metadata:
            mine = self._keys(name)
            places.append(range(len(keys), len(keys) + len(mine)))
            keys += mine
        for one in self._store.counts(
            self._session,
            self._scope,
            window,
            tree,
            step_ns=bucket_ns,
            keys=keys,
            by_origin=True,
            with_bytes=with_bytes,
        ):
            values = tuple(next((one.keys[at] for at in place if one.keys[at]), "") for place in places)
            stream = known.get(one.origin)
            if stream is not None:
                yield Count(stream, values, one.step, one.lines, one.bytes)

    def _keys(self, name: str) -> list[Key]:
        """Return what a label's value may be in, the first that has one counts."""
        names = self._names.get(name, ())
        # The one that is written just so counts first.
        keys = [attribute_key(one) for one in sorted(names, key=lambda one: one != name)]
        if name == LEVEL_LABEL:
            keys.append(LEVEL_KEY)
        if name in _OWN_TEXTS:
            keys.append(OWN_KEYS[name])
        return keys

    def metadata_fields(self, name: str) -> Sequence[Where] | None:
        """Return where a line's structured metadata of this name is kept."""
        if name in _NOT_LOOKED_FOR:
            return None
        if name == LEVEL_LABEL and name not in self._names:
            return [Where("level", Place.OWN, _WORDS)]
        own = [Where(name, Place.OWN)] if name in _OWN_TEXTS else []
        return [Where(name, Place.RECORD), *own]


def open_log_queries(asking: Asking, store: LogStore) -> LogQueries:
    """Return what answers LogQL from a store."""
    streams: dict[int, tuple[Origin, Stream]] = {}
    return LogQueries(asking, lambda session, scope: StreamSource(store, session, scope, streams))
