"""Questions in LogQL, each on a thread when it is its turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.events.asking import Asking
from pharos.search.logql.source import Source

T = TypeVar("T")
Check = Callable[[], None]
"""Raises to give up."""

SERVICE_LABEL: Final = "service_name"
"""The label that every stream has."""
LEVEL_LABEL: Final = "detected_level"


class LogQueries:
    """Where LogQL is asked."""

    def __init__(self, asking: Asking, source_of: Callable[[Session, Scope], Source]) -> None:
        self._asking = asking
        self._source_of = source_of

    async def ask(
        self, scope: Scope, asked: Hashable, work: Callable[[Source, Check], T], timeout_ms: int | None = None
    ) -> T:
        """Return what `work` makes of a source; it is given what to call now and then, and raises to give up.

        `asked` says what it is. Raises PharosError: what `work` raises, and as `Asking.ask`.
        """
        deadline = self._asking.deadline(timeout_ms)

        def answer(session: Session) -> T:
            return work(self._source_of(session, scope), deadline.check)

        return await self._asking.ask(scope, None, ("logql", asked), answer, deadline)
