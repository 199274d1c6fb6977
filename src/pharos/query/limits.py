"""What a query is about in time, when it must be done, and what all queries of a server share.

The threads of the `Scheduler` evaluate and encode, so that neither holds up the event loop, and ask the store
themselves: a question takes one hop to a thread and one back. Who computes has a turn, always, so nobody's
flood is in front of another tenant's question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine import Engine, Session
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher
from pharos.policy import TenantPolicy
from pharos.query.admission import Admission, Flights, SamplePool, Slowness
from pharos.query.pacing import Pacing

T = TypeVar("T")


class Times(Struct, frozen=True):
    """When a query is evaluated; an instant query has a step of 0."""

    start_ms: int
    end_ms: int
    step_ms: int = 0


class Wanted(Struct, frozen=True):
    """Which samples a raw read is about: those of one selector in a range of times, both ends included.

    No matchers at all select nothing, as upstream has it: nobody deletes everything by leaving something out.
    """

    matchers: tuple[Matcher, ...]
    start_ms: int
    end_ms: int


class Measured(Struct):
    """What a query took, filled in on the way; seconds."""

    by_step: bool = False
    """Samples are wanted for each step: all is read once more, and no answer that is there serves."""
    queue_s: float = 0.0
    prepare_s: float = 0.0
    eval_s: float = 0.0
    samples_per_step: NDArray[np.int64] | None = None


class Deadline(Struct, frozen=True):
    """When a query must be done."""

    clock: Clock
    began_s: float
    time_s: float

    def left_s(self) -> float:
        """Return how many seconds are left; below 0 when the time is up."""
        return self.time_s - (self.clock.monotonic_s() - self.began_s)

    def check(self) -> None:
        """Raise PharosError(TIMEOUT) when the time is up."""
        if self.left_s() <= 0:
            raise PharosError(
                Kind.TIMEOUT,
                "query timed out in expression evaluation",
                hint=f"the limit is {self.time_s:g}s",
            )


class SchedulerOptions(Struct, frozen=True):
    """Bounds of all queries together."""

    timeout_ms: int = 120_000
    """The longest that one may take."""
    max_samples: int = 50_000_000
    """Samples that all hold in memory at once."""
    max_concurrent: int = 4
    """How many are computed at once; the others wait."""
    max_concurrent_per_tenant: int = 4
    """At most; the tenant's limits may say less."""
    workers: int = 1
    """Threads that compute blocks of large selections while a query's own reads the next."""


class Scheduler:
    """Turns, threads and memory of all questions to one store; metrics borrow it. For one event loop."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        options: SchedulerOptions,
        policy: TenantPolicy | None = None,
    ) -> None:
        policy = policy or TenantPolicy()
        self._admit = policy.admit_read
        most = options.max_concurrent_per_tenant

        def slots_of(tenant: str) -> int:
            return min(most, policy.limits_of(tenant).max_queries or most)

        self._engine = engine
        self._clock = clock
        self._timeout_ms = options.timeout_ms
        pacing = Pacing(clock, lambda tenant: policy.limits_of(tenant).max_queries > 0)
        self._admission = Admission(options.max_concurrent, slots_of, pacing)
        self._slowness = Slowness()
        # Twice as many as have a turn: what was given up runs until it looks whether anybody waits.
        self._threads = ThreadPoolExecutor(max(1, 2 * options.max_concurrent), thread_name_prefix="compute")
        self._running: set[Session] = set()
        self.samples = SamplePool(options.max_samples)
        self.flights: Flights[Any] = Flights()
        """Evaluations that equal questions share; a key begins with what kind of question it is."""
        self.workers: Executor = ThreadPoolExecutor(max(1, options.workers), thread_name_prefix="evaluate")

    def deadline(self, timeout_ms: int | None = None) -> Deadline:
        """Return when a question that comes now must be done: never later than the longest allowed."""
        longest_ms = self._timeout_ms if timeout_ms is None else min(timeout_ms, self._timeout_ms)
        return Deadline(self._clock, self._clock.monotonic_s(), longest_ms / 1000)

    async def run(
        self,
        scope: Scope,
        asked: Hashable,
        deadline: Deadline,
        work: Callable[[Session], T],
        *,
        line: str = "",
    ) -> T:
        """Return what `work` returns, on a thread, once it is the tenant's turn.

        `asked` says what it is, so that what was slow before leaves turns to others. Who reads several
        tenants takes a turn of the first of them. Those of one `line` wait for one another. If the task is
        cancelled, the session is.

        Raises what `work` and `admit` raise, and PharosError(TIMEOUT) without a turn in time.
        """
        self._admit(scope)
        question = (scope, asked)
        slow = self._slowness.is_slow(question)
        async with self._admission.slot(scope.tenants[0], deadline.left_s(), slow=slow, line=line):
            began_s = self._clock.monotonic_s()
            session = self._engine.session()
            self._running.add(session)
            try:
                return await asyncio.wrap_future(self._threads.submit(work, session))
            except asyncio.CancelledError:
                session.cancel()
                raise
            finally:
                self._running.discard(session)
                self._slowness.note(question, self._clock.monotonic_s() - began_s)

    async def finish(self, scope: Scope, deadline: Deadline, work: Callable[[], T]) -> T:
        """Return what `work` returns, in the same way; it asks the store nothing."""
        self._admit(scope)
        async with self._admission.slot(scope.tenants[0], deadline.left_s()):
            return await asyncio.wrap_future(self._threads.submit(work))

    def close(self) -> None:
        """Cancel what runs, and wait for it."""
        for session in self._running:
            session.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.workers.shutdown(wait=True, cancel_futures=True)
