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
from pharos.engine.sql import Statement, integers, series_condition, string
from pharos.query.limits import Wanted
from pharos.query.metrics.series import LAST_DAY

T = TypeVar("T")

_TABLES: Final = ("samples", "histograms", "starts", "exemplars")
_IDS_PER_STATEMENT: Final = 20_000


class ControlledStore(Protocol):
    """What the eraser needs of the engine."""

    def control(self, work: Callable[[Controlled], T]) -> T:
        """Run `work` on the connection that may change the store, and wait."""
        ...


class Eraser:
    """Deletes a tenant's samples.

    `settle` is called first and waits until what was accepted before is stored; `forget_series` afterwards,
    so that a series that comes again is registered again.
    """

    def __init__(
        self,
        store: ControlledStore,
        changes: Changes,
        settle: Callable[[], None],
        forget_series: Callable[[], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._settle = settle
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
        self._settle()
        try:
            for one in filter(lambda one: one.matchers, wanted):
                self._store.control(partial(_erase, scope=scope, wanted=one))
        finally:
            self._changes.note_rewritten(scope.tenant)
            self._forget_series()
            self._changes.note_rewritten(scope.tenant)


def _erase(session: Controlled, scope: Scope, wanted: Wanted) -> None:
    first_day, last_day = wanted.start_ms // DAY_MS, wanted.end_ms // DAY_MS
    days = "1"
    if first_day >= 0 and last_day <= LAST_DAY:
        days = f"day BETWEEN toDate32({first_day}) AND toDate32({last_day})"
    table = session.query(
        Statement(
            f"SELECT DISTINCT m, id FROM series WHERE {series_condition(scope.tenant, wanted.matchers, days)}"
            " ORDER BY id"
        ),
        purpose="delete",
    )
    if not table.num_rows:
        return
    ids, metrics = numbers(table["id"]).copy(), numbers(table["m"]).copy()
    for at in range(0, len(ids), _IDS_PER_STATEMENT):
        chosen = slice(at, at + _IDS_PER_STATEMENT)
        rows = (
            f"tenant = {string(scope.tenant)}"
            f" AND b BETWEEN {wanted.start_ms // BUCKET_MS} AND {wanted.end_ms // BUCKET_MS}"
            f" AND m IN {integers(np.unique(metrics[chosen]))} AND id IN {integers(ids[chosen])}"
            f" AND ts BETWEEN fromUnixTimestamp64Milli({wanted.start_ms})"
            f" AND fromUnixTimestamp64Milli({wanted.end_ms})"
        )
        for name in _TABLES:
            session.execute(f"DELETE FROM {name} WHERE {rows} SETTINGS lightweight_deletes_sync=2")
        _unregister(session, scope, f"id IN {integers(ids[chosen])}", wanted)


def _unregister(session: Controlled, scope: Scope, chosen: str, wanted: Wanted) -> None:
    """Delete the entries of series for the days that the range covers as a whole."""
    first = -(-wanted.start_ms // DAY_MS)
    last = (wanted.end_ms + 1) // DAY_MS - 1
    if last < first:
        return
    days = f"day BETWEEN toDate32({max(first, 0)}) AND toDate32({min(max(last, 0), LAST_DAY)})"
    session.execute(
        f"DELETE FROM series WHERE tenant = {string(scope.tenant)} AND {days} AND {chosen}"
        " SETTINGS lightweight_deletes_sync=2"
    )


def _apply_masks(session: Controlled) -> None:
    for name in (*_TABLES, "series"):
        session.execute(f"ALTER TABLE {name} APPLY DELETED MASK SETTINGS mutations_sync=1")
