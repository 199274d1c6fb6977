"""The door: units of work on threads of its own, a database that may be away, and who is told of changes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random, SystemRandom
from select import POLLIN, poll
from socket import socketpair
from typing import Any, Final, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.state.audit import audit_head
from pharos.state.database import Address, Database, fault, open_database
from pharos.state.faults import is_away, may_run_again
from pharos.state.tables import Family, revisions
from pharos.state.unit import Author, Found, Unit, Writing
from pharos.telemetry import STATE_BYTES, STATE_FAILED, STATE_REPEATED, STATE_SECONDS, STATE_WAITING

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
Watcher = Callable[[frozenset[Family]], None]

_READ: Final = "read"
_WRITE: Final = "write"
_READERS: Final = 2
_FAILURES: Final = frozenset({Kind.UNAVAILABLE, Kind.UNSUPPORTED, Kind.BUG})
"""What is the database's fault, and not that of who asked."""
_WAITING_MAX: Final = 512
"""More units of work than that do not wait for a database: whoever asked would not, either."""
_TRIES: Final = 8
_PAUSE_S: Final = 0.005
_POLL_S: Final = 0.5
"""So often a shared database is asked what others changed, should it not have said so by itself."""
_BACK_OFF_S: Final = (0.25, 0.5, 1.0, 2.0)
_CHANNEL: Final = "pharos_state"


class StateStatus(Struct, frozen=True):
    """How it stands with the database."""

    where: str
    """Its file or address, without any password."""
    fault: str
    """Why it cannot be used now; empty when it can."""


class State:
    """People's state; `open_state` makes one."""

    def __init__(self, database: Database, clock: Clock, chance: Random) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._threads = {
            _READ: ThreadPoolExecutor(_READERS, thread_name_prefix="state-read"),
            _WRITE: ThreadPoolExecutor(1, thread_name_prefix="state-write"),
        }
        self._waiting = threading.BoundedSemaphore(_WAITING_MAX)
        self._reach = _Reach(database, clock)
        self._told = _Told()
        self._closing = threading.Event()
        self._watching: threading.Thread | None = None
        self._wake, self._wakes = socketpair()

    # -- units of work --

    async def read(self, fn: Callable[[Unit], T]) -> T:
        """Return what `fn` makes of a unit that reads. What it raises is raised.

        Raises PharosError(UNAVAILABLE) when the database cannot be used now.
        """
        return await asyncio.wrap_future(self._submit(_READ, lambda: self._read(fn)))

    async def write(self, fn: Callable[[Writing], T], author: Author) -> T:
        """Return what `fn` makes of a unit that writes, once it is committed; if it raises, nothing was done.

        `fn` may be run again where the database asks for it, and so must not change anything besides. Raises
        PharosError(UNAVAILABLE) when the database cannot be used now.
        """
        return await asyncio.wrap_future(self._submit(_WRITE, lambda: self._write(fn, author)))

    def read_blocking(self, fn: Callable[[Unit], T]) -> T:
        """Return what `read` returns, to a thread that may wait."""
        return self._submit(_READ, lambda: self._read(fn)).result()

    def write_blocking(self, fn: Callable[[Writing], T], author: Author) -> T:
        """Return what `write` returns, to a thread that may wait."""
        return self._submit(_WRITE, lambda: self._write(fn, author)).result()

    async def measure(self) -> None:
        """Have the server's own metrics say how large the database is. Raises PharosError(UNAVAILABLE)."""
        STATE_BYTES.set(await self.read(Unit.database_bytes))

    def _submit(self, kind: str, do: Callable[[], T]) -> Future[T]:
        if not self._waiting.acquire(blocking=False):
            raise PharosError(
                Kind.UNAVAILABLE, f"{self._database.where} does not keep up with its work", retry_after_s=1.0
            )
        try:
            future = self._threads[kind].submit(self._measured, kind, do)
        except RuntimeError as exc:
            self._waiting.release()
            raise PharosError(Kind.CANCELLED, "the server is closing") from exc
        STATE_WAITING.inc()
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[Any]) -> None:
        STATE_WAITING.dec()
        self._waiting.release()

    def _measured(self, kind: str, do: Callable[[], T]) -> T:
        began_s = self._clock.monotonic_s()
        try:
            return do()
        except PharosError as exc:
            if exc.kind in _FAILURES:
                STATE_FAILED.labels(kind).inc()
            raise
        finally:
            STATE_SECONDS.labels(kind).observe(self._clock.monotonic_s() - began_s)

    def _read(self, fn: Callable[[Unit], T]) -> T:
        self._reach.require()
        try:
            with self._database.reading() as connection:
                return fn(Unit(connection, self._clock.now_ms(), self._chance))
        except SQLAlchemyError as exc:
            raise self._reach.note(exc) from exc

    def _write(self, fn: Callable[[Writing], T], author: Author) -> T:
        self._reach.require()
        for attempt in range(_TRIES):
            try:
                found, counted = self._write_once(fn, author)
            except SQLAlchemyError as exc:
                if not may_run_again(exc) or attempt == _TRIES - 1:
                    raise self._reach.note(exc) from exc
                STATE_REPEATED.inc()
                self._closing.wait(self._chance.uniform(0, _PAUSE_S * 2**attempt))
            else:
                # Before whoever asked is answered: what it asks next is answered by what is so now.
                self._told.tell(counted)
                return found
        raise AssertionError("the last try returns or raises")

    def _write_once(self, fn: Callable[[Writing], T], author: Author) -> tuple[T, dict[Family, int]]:
        with self._database.writing() as connection:
            head = connection.execute(
                select(audit_head.c.number, audit_head.c.hash).where(audit_head.c.id == 1).with_for_update()
            ).one()
            unit = Writing(connection, self._clock.now_ms(), self._chance, author, (head[0], head[1]))
            found = fn(unit)
            counted = _count(unit, connection)
        return found, counted

    # -- changes --

    @property
    def is_shared(self) -> bool:
        """Whether other processes may change it too."""
        return self._database.is_shared

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Have `watcher` called with what changed, by this process or another one; return what ends it.

        It is called on a thread of the state's, for a change of this process before whoever made it is
        answered, for others' within a second; after the database was away, with all that changed meanwhile.
        It must return soon, and what it raises is logged.
        """
        return self._told.add(watcher)

    async def catch_up(self) -> None:
        """Have watchers called with what other processes changed before this call, if they were not yet.

        Raises PharosError(UNAVAILABLE) when the database cannot be used now.
        """
        counted = await self.read(lambda unit: _by_family(unit.rows(select(revisions))))
        # On a thread of its own: a watcher may read, and would wait for the thread that it is called on.
        await asyncio.to_thread(self._told.tell, counted)

    def status(self) -> StateStatus:
        """Return whether the database can be used, as far as is known."""
        return StateStatus(self._database.where, self._reach.fault)

    # -- opening and closing --

    def open(self) -> None:
        """Migrate, and watch what others change; of a PostgreSQL that is away, try again until it is there.

        Raises PharosError when a file cannot be used, or a newer version wrote the tables.
        """
        try:
            self._reach.require()
        except PharosError as exc:
            if not self._database.is_shared or exc.kind is not Kind.UNAVAILABLE:
                raise
            _LOG.error("starting without people's state: %s", exc)
        else:
            self._told.note(_counted(self._database))
        if self._database.is_shared:
            self._watching = threading.Thread(target=self._watch_others, name="state-watch", daemon=True)
            self._watching.start()

    def close(self) -> None:
        """Do what waits, take nothing more."""
        self._closing.set()
        self._wake.close()
        if self._watching is not None:
            self._watching.join()
        self._wakes.close()
        for kind in (_WRITE, _READ):
            self._threads[kind].shutdown(wait=True)
        self._database.close()

    def _watch_others(self) -> None:
        while not self._closing.is_set():
            try:
                self._reach.require()
                with self._database.engine.connect() as connection:
                    self._listen(connection.execution_options(isolation_level="AUTOCOMMIT"))
            except SQLAlchemyError as exc:
                self._reach.note(exc)
            except PharosError as exc:
                # It was logged when it began.
                _LOG.debug("%s", exc)
            self._closing.wait(_POLL_S)

    def _listen(self, connection: Connection) -> None:
        """Tell what others change until the connection is lost, or all is closing."""
        connection.execute(text(f"LISTEN {_CHANNEL}"))
        driver: Any = connection.connection.driver_connection
        # select(2) knows no descriptor from 1024 on, and a server of many clients has them.
        ready = poll()
        ready.register(driver, POLLIN)
        ready.register(self._wakes, POLLIN)
        while not self._closing.is_set():
            self._told.tell(_by_family(connection.execute(select(revisions)).all()))
            # Until somebody tells, it is time to look by ourselves, or all is closing.
            ready.poll(_POLL_S * 1000)
            try:
                for _ in driver.notifies(timeout=0):
                    pass
            except connection.dialect.loaded_dbapi.OperationalError:
                # What is asked next finds out what happened.
                connection.invalidate()


_FAMILIES: Final = frozenset(Family)


def _count(unit: Writing, connection: Connection) -> dict[Family, int]:
    """Count each family that a unit changed, and have a shared database tell others on commit."""
    if not unit.families:
        return {}
    unit.put(
        revisions,
        [{"family": family, "revision": 1} for family in sorted(unit.families)],
        lambda _: {"revision": revisions.c.revision + 1},
    )
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": _CHANNEL})
    changed = revisions.c.family.in_(sorted(unit.families))
    return _by_family(connection.execute(select(revisions).where(changed)).all())


def _counted(database: Database) -> dict[Family, int]:
    with database.reading() as connection:
        return _by_family(connection.execute(select(revisions)).all())


def _by_family(rows: Iterable[Found]) -> dict[Family, int]:
    """Return revisions by family; those that only a newer version knows are left out."""
    return {Family(name): revision for name, revision in rows if name in _FAMILIES}


class _Told:
    """Who watches, and up to which revision of each family they were told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[int, Watcher] = {}
        self._next = 0
        self._revisions: dict[Family, int] = {}

    def add(self, watcher: Watcher) -> Callable[[], None]:
        with self._lock:
            key = self._next
            self._next += 1
            self._watchers[key] = watcher

        def end() -> None:
            with self._lock:
                self._watchers.pop(key, None)

        return end

    def note(self, counted: Mapping[Family, int]) -> None:
        """Take revisions for known: they are from before anybody watched."""
        with self._lock:
            self._revisions.update(counted)

    def tell(self, counted: Mapping[Family, int]) -> None:
        """Call the watchers with the families whose revision is not the one that they were last told of."""
        with self._lock:
            # A database that was restored counts from an earlier revision on.
            changed = frozenset(f for f, revision in counted.items() if self._revisions.get(f) != revision)
            self._revisions.update(counted)
            watchers = tuple(self._watchers.values()) if changed else ()
        for watcher in watchers:
            try:
                watcher(changed)
            except Exception:  # noqa: BLE001 - the change is committed, and the others are to hear of it
                _LOG.exception("a watcher of people's state failed")


class _Reach:
    """Whether the database can be used: migrated when first reached, left alone a while when it is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._is_migrated = False
        self._failures = 0
        self._again_s = 0.0
        self._kind = Kind.UNAVAILABLE
        self.fault = ""

    def require(self) -> None:
        """Return when the database may be asked. Raises PharosError when not."""
        if self._is_migrated and not self._failures:
            return
        # One tries; the others wait for the first answer that there is, and for none after that.
        if not self._lock.acquire(blocking=not self._failures):
            raise self._away(0.0)
        try:
            wait_s = self._again_s - self._clock.monotonic_s()
            if self._failures and wait_s > 0:
                raise self._away(wait_s)
            if self._failures or not self._is_migrated:
                self._try()
        finally:
            self._lock.release()

    def _away(self, wait_s: float) -> PharosError:
        return PharosError(self._kind, self.fault, retry_after_s=max(1.0, wait_s))

    def _try(self) -> None:
        try:
            self._database.migrate(self._clock.now_ms())
        except SQLAlchemyError as exc:
            found = fault(self._database, exc)
            self._fail(found)
            raise found from exc
        except PharosError as exc:
            self._fail(exc)
            raise
        if self._failures:
            _LOG.warning("%s can be used again", self._database.where)
        self._is_migrated, self._failures, self.fault = True, 0, ""

    def _fail(self, error: PharosError) -> None:
        if not self._failures:
            _LOG.error("%s", error)
        pause_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._failures += 1
        self._again_s = self._clock.monotonic_s() + pause_s
        self.fault, self._kind = str(error), error.kind

    def note(self, error: SQLAlchemyError) -> PharosError:
        """Return an error of the driver as one of Pharos, and remember whether the database is away."""
        found = fault(self._database, error)
        if self._database.is_shared and is_away(error):
            with self._lock:
                self._fail(found)
        return found


@contextmanager
def open_state(address: Address, clock: Clock, chance: Random | None = None) -> Iterator[State]:
    """Open people's state; on exit do what waits, and close.

    `chance` makes identifiers; it is the system's unless a test gives another. A PostgreSQL that is away does
    not keep anything from starting: units of work raise PharosError(UNAVAILABLE) until it is there.

    Raises PharosError: INVALID when the address is none, UNAVAILABLE when the file cannot be used,
    UNSUPPORTED when a newer version wrote the tables.
    """
    state = State(open_database(address), clock, chance or SystemRandom())
    try:
        state.open()
        yield state
    finally:
        state.close()
