"""Questions in LogQL, each on a thread when it is its turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from pharos.access import Scope
from pharos.engine import Session
from pharos.query.events.asking import Asking
from pharos.query.limits import Deadline
from pharos.search.logql.source import Source
from pharos.search.window import Window

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

    def telling(self, warnings: list[str]) -> LogQueries:
        """Return the same for one answer, as `Asking.telling`."""
        return LogQueries(self._asking.telling(warnings), self._source_of)

    async def ask(
        self,
        scope: Scope,
        asked: Hashable,
        work: Callable[[Source, Check], T],
        timeout_ms: int | None = None,
        window: Window | None = None,
    ) -> T:
        """Return what `work` makes of a source; it is given what to call now and then, and raises to give up.

        `asked` says what it is, `window` of which time, if it is of one. Raises PharosError: what `work`
        raises, and as `Asking.ask`.
        """
        deadline = self._asking.deadline(timeout_ms)
        answer = self._answer(scope, work, deadline)
        return await self._asking.ask(scope, window, ("logql", asked), answer, deadline)

    async def ask_now(self, scope: Scope, asked: Hashable, work: Callable[[Source, Check], T]) -> T:
        """Return the same of what is stored now."""
        deadline = self._asking.deadline()
        answer = self._answer(scope, work, deadline)
        return await self._asking.ask_now(scope, ("logql", asked), answer, deadline)

    def _answer(
        self, scope: Scope, work: Callable[[Source, Check], T], deadline: Deadline
    ) -> Callable[[Session], T]:
        return lambda session: work(self._source_of(session, scope), deadline.check)
