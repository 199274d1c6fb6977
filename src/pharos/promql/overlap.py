"""Pieces of one evaluation on several threads: while one piece is read, the one before is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from typing import TypeVar

R = TypeVar("R")


def overlapped(jobs: Iterable[Callable[[], R]], workers: Executor | None, *, ahead: int = 2) -> Iterator[R]:
    """Yield what each job returns, in order; what a job raises is raised when it is its turn.

    Jobs are drawn on the calling thread. They run on `workers`, or on the calling thread if those are busy.
    `ahead` of them may wait for a worker: few, as they lie in memory.
    """
    if workers is None:
        for job in jobs:
            yield job()
        return
    waiting: deque[tuple[Callable[[], R], Future[R]]] = deque()
    try:
        for job in jobs:
            waiting.append((job, workers.submit(job)))
            if len(waiting) > ahead:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        # Nothing of this evaluation goes on when it has ended.
        wait([future for _, future in waiting if not future.cancel()])


def _result(job: Callable[[], R], future: Future[R]) -> R:
    return job() if future.cancel() else future.result()
