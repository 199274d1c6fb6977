"""Rules over what happened, lines and spans: expressions in languages of theirs, answered as PromQL is.

What rules record are metrics: a group's own recordings are nothing that a later rule could count. And that
nothing is found is an answer: nothing happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.limits import Times
from pharos.rules.compared import Compared, Measured
from pharos.rules.doors import QueryRound
from pharos.search.window import Window, united

T = TypeVar("T")
Q = TypeVar("Q")
"""A parsed expression."""
C = TypeVar("C")
"""What an expression is evaluated with, within a turn."""

AskText: TypeAlias = Callable[[str, int], Answer]
"""Returns the answer of any expression at one time. Raises PharosError."""


class EventLanguage(Protocol[Q, C]):
    """A language, and who answers it."""

    def parse(self, text: str) -> Q:
        """Return an expression that gives numbers. Raises PharosError(INVALID)."""
        ...

    def compared(self, query: Q) -> Compared[Q]:
        """Return what an expression measures, and the limit that it compares that with."""
        ...

    def time_of(self, query: Q, times: Times, interval_ms: int) -> Window:
        """Return of which time an answer at these times is made; see `answer`."""
        ...

    async def ask(self, scope: Scope, name: str, window: Window, work: Callable[[C], T]) -> T:
        """Return what `work` returns, on a thread and in turn, once what was accepted of a time is stored.

        Raises what it raises, and PharosError.
        """
        ...

    def answer(self, given: C, scope: Scope, query: Q, times: Times, interval_ms: int) -> Answer:
        """Return the answer at these times, of a group that is evaluated so often. Raises PharosError."""
        ...


def times_of(times: Times) -> NDArray[np.int64]:
    """Return all times, in milliseconds."""
    step_ms = max(times.step_ms, 1)
    return np.arange(times.start_ms, times.end_ms + 1, step_ms, dtype=np.int64)


def vector(times: Times, found: Sequence[tuple[Labels, NDArray[np.float64], NDArray[np.bool_]]]) -> Answer:
    """Return series as an answer, each with its values at these times and where it has one."""
    at_ms = times_of(times)
    shape = (len(found), len(at_ms))
    return Answer(
        AnswerType.MATRIX if times.step_ms else AnswerType.VECTOR,
        at_ms,
        tuple(labels for labels, _, _ in found),
        np.array([values for _, values, _ in found], np.float64).reshape(shape),
        np.array([present for _, _, present in found], np.bool_).reshape(shape),
    )


@dataclass(slots=True)
class _Round(Generic[Q, C]):
    """The expressions of a group at one time; see `QueryRound`."""

    language: EventLanguage[Q, C]
    queries: Sequence[Q]
    scope: Scope
    at_ms: int
    interval_ms: int
    given: list[C] = field(default_factory=list, init=False)
    """Of the turn that it is."""

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns, on a thread and in turn."""

        def within(given: C) -> T:
            self.given.append(given)
            try:
                return work()
            finally:
                self.given.pop()

        times = Times(self.at_ms, self.at_ms)
        window = united(self.language.time_of(one, times, self.interval_ms) for one in self.queries)
        return await self.language.ask(self.scope, name, window, within)

    def answer(self, index: int) -> Answer:
        """Return the answer of one of the expressions. Raises PharosError."""
        return self._answer(self.queries[index])

    def ask_text(self, text: str) -> Answer:
        """Return the answer of any expression in the language. Raises PharosError."""
        return self._answer(self.language.parse(text))

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        """Do nothing: what is recorded are no events."""

    def _answer(self, query: Q) -> Answer:
        (given,) = self.given
        times = Times(self.at_ms, self.at_ms)
        return self.language.answer(given, self.scope, query, times, self.interval_ms)


class EventExpressions(Struct, Generic[Q, C], frozen=True):
    """Expressions that are asked again and again at the same times."""

    language: EventLanguage[Q, C]
    queries: Sequence[Q]
    interval_ms: int

    def reads(self, index: int) -> bool:
        """Return False: where nothing is found, nothing happened, and that is known."""
        del index
        return False

    def round(self, scope: Scope, at_ms: int) -> QueryRound:
        """Return a round of the expressions at one time."""
        return _Round(self.language, self.queries, scope, at_ms, self.interval_ms)


class EventHistory(Struct, Generic[Q, C], frozen=True):
    """What is stored of one tenant, for rules that are replayed."""

    language: EventLanguage[Q, C]
    scope: Scope

    async def answer(
        self, what: str, text: str, times: Times, interval_ms: int, work: Callable[[Answer, AskText], T]
    ) -> T:
        """Return what `work` makes of the answer, on a thread and in turn; it may ask more.

        Raises what it raises, and PharosError.
        """
        query = self.language.parse(text)

        def within(given: C) -> T:
            def ask(more: str, at_ms: int) -> Answer:
                parsed, once = self.language.parse(more), Times(at_ms, at_ms)
                return self.language.answer(given, self.scope, parsed, once, interval_ms)

            return work(self.language.answer(given, self.scope, query, times, interval_ms), ask)

        window = self.language.time_of(query, times, interval_ms)
        return await self.language.ask(self.scope, f"replay of {what}", window, within)

    async def measured(self, what: str, text: str, times: Times, interval_ms: int) -> Measured:
        """Return what an expression measures, also where that is within its limit.

        Raises PharosError: INVALID, UNSUPPORTED, and as queries do.
        """
        found = self.language.compared(self.language.parse(text))

        def within(given: C) -> Answer:
            return self.language.answer(given, self.scope, found.measure, times, interval_ms)

        window = self.language.time_of(found.measure, times, interval_ms)
        answer = await self.language.ask(self.scope, f"measure of {what}", window, within)
        return Measured(answer, found.limit)
