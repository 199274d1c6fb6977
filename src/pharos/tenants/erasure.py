"""Deleting all that a tenant holds, and looking whether anything is left.

Every step may be repeated, so that a deletion that a stop of the server interrupts begins anew and ends.
Tables are found by what they are, not by a list: whichever has a column `tenant` holds something of tenants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from pharos.access import Scope, upkeep
from pharos.engine import Controlled
from pharos.engine.changes import Changes
from pharos.engine.sql import alter, delete, fixed, select
from pharos.errors import Kind, PharosError
from pharos.wal import Wal

T = TypeVar("T")

_TABLES = fixed(
    "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'tenant' ORDER BY table"
)


class ControlledStore(Protocol):
    """What is needed of the engine."""

    def control(self, work: Callable[[Controlled], T]) -> T:
        """Run `work` on the connection that may change the store, and wait."""
        ...


class Intake(Protocol):
    """What is needed of the way in."""

    def holds(self, tenant: str) -> int:
        """Return how many bytes of a tenant are accepted and not stored."""
        ...

    def forget_tenant(self, tenant: str) -> None:
        """Take everything of a tenant for new."""
        ...


class Erased(Struct, frozen=True):
    """What was found of a tenant, and what is left: the proof that the audit log keeps."""

    rows: dict[str, int]
    """By table, when the deletion began or went on."""
    rows_left: dict[str, int]
    set_aside: int
    """Frames of the log that could not be stored and were kept."""
    unstored_bytes_left: int
    """Of what was accepted, in the log and not in the store."""
    damaged_bytes: int
    """Kept of damaged log, of which nobody can say whose it was."""

    def shown(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "rows": self.rows,
            "rows_left": self.rows_left,
            "set_aside": self.set_aside,
            "unstored_bytes_left": self.unstored_bytes_left,
            "damaged_bytes": self.damaged_bytes,
        }


class Eraser:
    """Deletes tenants, one at a time; blocking.

    `wait_until_stored` is called first, for what was accepted before the tenant was closed; each of `forgets`
    lets go of what is kept of a tenant in memory.
    """

    def __init__(
        self,
        store: ControlledStore,
        wal: Wal,
        intake: Intake,
        changes: Changes,
        wait_until_stored: Callable[[], None],
        forgets: Sequence[Callable[[str], None]],
    ) -> None:
        self._store = store
        self._wal = wal
        self._intake = intake
        self._changes = changes
        self._wait_until_stored = wait_until_stored
        self._forgets = forgets

    def erase(self, tenant: str) -> Erased:
        """Delete all that a tenant holds, who is let in no more, and return what was found.

        Raises PharosError(UNAVAILABLE) when it cannot be done now or something is left; to be repeated then.
        """
        scope = upkeep(tenant)
        # Also for what a former process left in the log.
        self._wait_until_stored()
        set_aside = self._wal.drop_set_aside(tenant)
        try:
            rows, left = self._store.control(lambda session: _erase(session, scope))
        finally:
            self._changes.note_rewritten(tenant)
            self._intake.forget_tenant(tenant)
            for forget in self._forgets:
                forget(tenant)
        found = Erased(rows, left, set_aside, self._intake.holds(tenant), self._wal.damaged_bytes())
        if any(left.values()) or found.unstored_bytes_left:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"something of the tenant {tenant} is left: {found.shown()}",
                hint="it is tried again",
                retry_after_s=1.0,
            )
        return found


def _erase(session: Controlled, scope: Scope) -> tuple[dict[str, int], dict[str, int]]:
    """Delete a tenant's rows of every table; return how many there were by table, and how many are left."""
    tables = session.query(_TABLES, purpose="delete")["table"].to_pylist()
    rows = {table: _count(session, scope, table) for table in tables}
    for table in (table for table, count in rows.items() if count):
        session.execute(delete(scope, table).text)
        # Masked rows are still on disk: parts that have some are written anew, without them.
        session.execute(alter(table, "APPLY DELETED MASK SETTINGS mutations_sync=1").text)
    return rows, {table: _count(session, scope, table) for table in tables}


def _count(session: Controlled, scope: Scope, table: str) -> int:
    counted = session.query(select(scope, "count() AS n", table), purpose="delete")
    return int(counted["n"][0].as_py())
