"""Threads that give turns: work waits by whose it is, and nobody's flood is in front of another's."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Work(Generic[T]):
    """One piece of work that waits."""

    __slots__ = ("_do", "future")

    def __init__(self, do: Callable[[], T]) -> None:
        self._do = do
        self.future: Future[T] = Future()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            done = self._do()
        except BaseException as exc:  # noqa: BLE001 - it is whose work it is that hears of it
            self.future.set_exception(exc)
        else:
            self.future.set_result(done)


class TurnPool:
    """A few threads; of those who have work waiting, each has a turn after the other."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._lines: OrderedDict[Hashable, deque[_Work[Any]]] = OrderedDict()

    def submit(self, whose: Hashable, do: Callable[[], T]) -> Future[T]:
        """Return the future of what `do` returns, once it is the turn of those whose it is."""
        work = _Work(do)
        with self._lock:
            line = self._lines.get(whose)
            if line is None:
                line = self._lines[whose] = deque()
            line.append(work)
        self._threads.submit(self._next)
        return work.future

    def _next(self) -> None:
        """Do what is next: as often called as there is work."""
        with self._lock:
            whose, line = next(iter(self._lines.items()))
            work = line.popleft()
            if line:
                self._lines.move_to_end(whose)
            else:
                del self._lines[whose]
        work.run()

    def close(self) -> None:
        """Do what waits, take nothing more."""
        self._threads.shutdown(wait=True)
