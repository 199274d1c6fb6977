"""Deletion of samples: rows are masked at once, their room comes back when parts are rewritten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import numpy as np

from pharos.access import Scope
from pharos.engine import Controlled
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.keys import BUCKET_MS, DAY_MS
from pharos.engine.sql import Condition, alter, among, between, days, delete, fixed, matches, select, times
from pharos.query.limits import Wanted

T = TypeVar("T")

_TABLES: Final = ("samples", "histograms", "starts", "exemplars")
_IDS_PER_STATEMENT: Final = 20_000
_MASKED: Final = fixed(
    "SELECT DISTINCT table FROM system.parts"
    " WHERE active AND has_lightweight_delete AND database = currentDatabase()"
)


class ControlledStore(Protocol):
    """What the eraser needs of the engine."""

    def control(self, work: Callable[[Controlled], T]) -> T:
        """Run `work` on the connection that may change the store, and wait."""
        ...


class Eraser:
    """Deletes a tenant's samples.

    `wait_until_stored` is called first, for what was accepted before; `forget_series` afterwards, so that a
    series that comes again is registered again.
    """

    def __init__(
        self,
        store: ControlledStore,
        changes: Changes,
        wait_until_stored: Callable[[], None],
        forget_series: Callable[[], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._wait_until_stored = wait_until_stored
        self._forget_series = forget_series

    async def delete(self, scope: Scope, wanted: Sequence[Wanted]) -> None:
        """Delete the samples of each selector in its range of times, and series that have none left.

        Raises PharosError(UNAVAILABLE) when the store cannot do it now.
        """
        await asyncio.to_thread(self._delete, scope, wanted)

    async def clean(self) -> None:
        """Rewrite the parts that hold deleted rows. Raises PharosError(UNAVAILABLE)."""
        await asyncio.to_thread(self._store.control, _apply_masks)

    def _delete(self, scope: Scope, wanted: Sequence[Wanted]) -> None:
        self._wait_until_stored()
        try:
            for one in filter(lambda one: one.matchers, wanted):
                self._store.control(partial(_erase, scope=scope, wanted=one))
        finally:
            self._changes.note_rewritten(scope.tenant)
            self._forget_series()
            self._changes.note_rewritten(scope.tenant)


def _erase(session: Controlled, scope: Scope, wanted: Wanted) -> None:
    seen = days(wanted.start_ms // DAY_MS, wanted.end_ms // DAY_MS)
    chosen = select(
        scope, "DISTINCT m, id", "series", *map(matches, wanted.matchers), seen, tail="ORDER BY id"
    )
    table = session.query(chosen, purpose="delete")
    if not table.num_rows:
        return
    ids, metrics = numbers(table["id"]).copy(), numbers(table["m"]).copy()
    for at in range(0, len(ids), _IDS_PER_STATEMENT):
        some = slice(at, at + _IDS_PER_STATEMENT)
        rows = (
            between("b", wanted.start_ms // BUCKET_MS, wanted.end_ms // BUCKET_MS),
            among("m", np.unique(metrics[some])),
            among("id", ids[some]),
            times(wanted.start_ms, wanted.end_ms),
        )
        for name in _TABLES:
            _delete_rows(session, scope, name, *rows)
        _unregister(session, scope, among("id", ids[some]), wanted)


def _unregister(session: Controlled, scope: Scope, chosen: Condition, wanted: Wanted) -> None:
    """Delete the entries of series for the days that the range covers as a whole."""
    first = -(-wanted.start_ms // DAY_MS)
    last = (wanted.end_ms + 1) // DAY_MS - 1
    if last >= first:
        _delete_rows(session, scope, "series", days(max(first, 0), last), chosen)


def _delete_rows(session: Controlled, scope: Scope, table: str, *where: Condition) -> None:
    """Mask rows, where there are some: every part of a table that a deletion is about is linked anew."""
    if session.query(select(scope, "1", table, *where, limit=1), purpose="delete").num_rows:
        session.execute(delete(scope, table, *where).text)


def _apply_masks(session: Controlled) -> None:
    for row in session.query(_MASKED, purpose="delete").to_pylist():
        session.execute(alter(row["table"], "APPLY DELETED MASK SETTINGS mutations_sync=1").text)
