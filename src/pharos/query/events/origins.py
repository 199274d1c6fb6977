"""Origins and names of attributes of a tenant, read once and kept until there are more of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.engine.changes import Changes
from pharos.query.events.lower import Known, sanitised
from pharos.query.events.rows import Attributes, Origin, ValueKind
from pharos.search.window import Window

_KEPT: Final = 64
_TOO_MANY: Final = 200_000


_LETTERS: Final = {kind.value: kind for kind in ValueKind}


def attributes_of(pairs: list[tuple[str, str]], kinds: str) -> Attributes:
    """Return attributes as rows have them, of a map and the letters of its values."""
    if not kinds:
        return tuple((key, value, ValueKind.TEXT) for key, value in pairs)
    return tuple(
        (key, value, _LETTERS.get(kind, ValueKind.TEXT))
        for (key, value), kind in zip(pairs, kinds, strict=False)
    )


class Everything(Struct, frozen=True):
    """What a tenant has in some days: origins by hash, and names of attributes."""

    known: Known
    fields: tuple[str, ...]
    """Names of attributes of records, as they were sent."""


def unknown_origin(origin: int, service: str) -> Origin:
    """Return what is known of an origin whose row is gone."""
    return Origin(origin, service, (("service.name", service, ValueKind.TEXT),))


class OriginCache:
    """What tenants have of one signal, by days; thread-safe."""

    def __init__(self, changes: Changes, signal: str, origin_table: str, field_table: str) -> None:
        self._changes = changes
        self._signal = signal
        self._tables = origin_table, field_table
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[tuple[str, ...], int, int], tuple[tuple[int, ...], Everything]] = (
            OrderedDict()
        )

    def of(self, session: Session, scope: Scope, window: Window) -> Everything:
        """Return what the scope's tenants had on the days of a window. Raises as `Session.query`."""
        key = (tuple(scope.tenants), *window.days)
        # Taken before the store is read.
        stamp = tuple(self._changes.origins_stamp(tenant, self._signal) for tenant in scope.tenants)
        with self._lock:
            found = self._found.get(key)
            if found is not None and found[0] == stamp:
                self._found.move_to_end(key)
                return found[1]
        read = self.anew(session, scope, window)
        with self._lock:
            self._found[key] = stamp, read
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return read

    def anew(self, session: Session, scope: Scope, window: Window) -> Everything:
        """Return the same as the store has it now: rows may be read before anybody is told of them."""
        origins, fields = self._tables
        day = sql.days(*window.days)
        columns = (
            "origin, any(service) AS service, any(resource) AS resource,"
            " any(resource_kinds) AS resource_kinds, any(scope_name) AS scope_name,"
            " any(scope_version) AS scope_version, any(scope) AS scope, any(scope_kinds) AS scope_kinds"
        )
        statement = sql.select(scope, columns, origins, day, tail="GROUP BY origin", limit=_TOO_MANY)
        rows: list[dict[str, Any]] = session.query(statement, purpose="origins").to_pylist()
        found = {
            row["origin"]: Origin(
                row["origin"],
                row["service"],
                attributes_of(row["resource"], row["resource_kinds"]),
                row["scope_name"],
                row["scope_version"],
                attributes_of(row["scope"], row["scope_kinds"]),
            )
            for row in rows
        }
        asked = sql.select(scope, "DISTINCT name", fields, day, tail="ORDER BY name", limit=_TOO_MANY)
        names = session.query(asked, purpose="fields")["name"].to_pylist()
        by_form: dict[str, list[str]] = {}
        for name in names:
            by_form.setdefault(sanitised(name), []).append(name)
        return Everything(Known(found, by_form), tuple(names))
