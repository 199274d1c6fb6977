"""Questions in LogQL, each on a thread when it is its turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.limits import Scheduler
from pharos.search.logql.source import Source

T = TypeVar("T")
Check = Callable[[], None]
"""Raises to give up."""

SERVICE_LABEL: Final = "service_name"
"""The label that every stream has."""
LEVEL_LABEL: Final = "detected_level"


class LogQueries:
    """Where LogQL is asked."""

    def __init__(self, scheduler: Scheduler, source_of: Callable[[Session, Scope], Source]) -> None:
        self._scheduler = scheduler
        self._source_of = source_of

    async def ask(
        self, scope: Scope, asked: Hashable, work: Callable[[Source, Check], T], timeout_ms: int | None = None
    ) -> T:
        """Return what `work` makes of a source; it is given what to call now and then, and raises to give up.

        `asked` says what it is. Raises PharosError: what `work` raises, and as `Scheduler.run`.
        """
        deadline = self._scheduler.deadline(timeout_ms)

        def answer(session: Session) -> T:
            return work(self._source_of(session, scope), deadline.check)

        return await self._scheduler.run(scope, ("logql", asked), deadline, answer)
