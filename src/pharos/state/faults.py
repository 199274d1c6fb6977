"""What the databases' drivers raise, as errors of Pharos."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pharos.errors import Kind, PharosError

_AGAIN: Final = frozenset({"40001", "40P01"})
"""PostgreSQL's states of transactions that may be run again: serialization_failure, deadlock_detected."""
_TIMES_OUT: Final = frozenset({"57014", "55P03", "25P03"})
"""query_canceled, lock_not_available, idle_in_transaction_session_timeout."""
_AWAY: Final = ("08", "57P", "53")
"""Classes of states of a server that is going, gone, full or has no connection left."""


def _state(error: SQLAlchemyError) -> str:
    """Return PostgreSQL's five letters; none where the driver has not heard any."""
    original = error.orig if isinstance(error, DBAPIError) else None
    return getattr(original, "sqlstate", None) or ""


def may_run_again(error: SQLAlchemyError) -> bool:
    """Return whether the transaction left no trace, and only met another one."""
    return _state(error) in _AGAIN


def is_away(error: SQLAlchemyError) -> bool:
    """Return whether it is the database that cannot be reached, rather than one statement that failed."""
    if isinstance(error, PoolTimeoutError):
        return False
    state = _state(error)
    if state:
        return state.startswith(_AWAY) and state not in _TIMES_OUT
    return isinstance(error, OperationalError | InterfaceError) or getattr(
        error, "connection_invalidated", False
    )


def fault_of(error: SQLAlchemyError, where: str) -> PharosError:
    """Return the error of Pharos; `where` names the database, without any password."""
    original = error.orig if isinstance(error, StatementError) else None
    if isinstance(original, PharosError):
        # A value that no column takes: what was asked is wrong, and no statement.
        return original
    if isinstance(error, IntegrityError):
        return PharosError(Kind.BUG, f"{where} refuses what contradicts the rest: {_first_line(error)}")
    if is_away(error) or isinstance(error, PoolTimeoutError):
        return PharosError(
            Kind.UNAVAILABLE, f"{where} cannot be used now: {_first_line(error)}", retry_after_s=1.0
        )
    if _state(error) in _TIMES_OUT | _AGAIN:
        return PharosError(
            Kind.UNAVAILABLE, f"{where} did not answer in time: {_first_line(error)}", retry_after_s=1.0
        )
    if isinstance(error, DBAPIError) and type(error.orig).__name__ == "DatabaseError":
        # What SQLite says of a file that is damaged, or was never its own.
        hint = "restore a backup, or look for what else writes to it"
        return PharosError(Kind.UNAVAILABLE, f"{where} cannot be read: {_first_line(error)}", hint=hint)
    return PharosError(Kind.BUG, f"{where} does not take a statement: {_first_line(error)}")


def _first_line(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    text = str(original).strip()
    return text.splitlines()[0] if text else type(original).__name__
