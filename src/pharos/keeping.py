"""The part of a server that decides what is kept: rules of sampling, and the traces that go by them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from pharos.clock import Clock
from pharos.config import Settings, limit_table, sampling_of
from pharos.durable import replace_durably
from pharos.errors import PharosError
from pharos.ingest.jaeger.sampling import Strategies, read_strategies
from pharos.ingest.retention import drop_old
from pharos.ingest.tail_sampling import Received, drop_unsampled
from pharos.limits import LimitTable
from pharos.multitenancy import Doors, kept_by, tell_erased
from pharos.policy import TenantPolicy
from pharos.reload import TakeOver
from pharos.sampling import Sampling, SamplingRules
from pharos.store import Store
from pharos.works import at_work, hear

_LOG = logging.getLogger(__name__)

CURSOR_FILE: Final = "sampled-until"
"""Of the data folder: until when traces are decided about."""
_LOOK_S: Final = 5.0
_DROP_S: Final = 900.0
_START_S: Final = 30.0
"""After a start what measures spans goes on first with what came before the stop."""


class Keeping(Struct):
    """What is kept, and what clients are told to keep."""

    settings: Settings
    policy: TenantPolicy
    limits: LimitTable
    strategies: Strategies
    """Of head sampling."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something else is kept than before."""

    async def reloadable(self) -> TakeOver:
        """Read the settings again; what they say of sampling, limits and retention is taken over."""
        settings = await asyncio.to_thread(self.settings.reread)
        strategies = await asyncio.to_thread(read_strategies, settings.sampling.strategies)

        async def take_over() -> None:
            self.policy.sampling.now = sampling_of(settings.sampling)
            self.limits.settle(limit_table(settings))
            self.policy.retention.now = kept_by(settings)
            self.changed.set()
            self.strategies = strategies

        return take_over


class Cursor:
    """Until when traces are decided about, in seconds since 1970, kept on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.until_s: int | None = None
        with contextlib.suppress(OSError, ValueError):
            self.until_s = int(path.read_text())

    def keep(self, until_s: int) -> None:
        """Move on, durably. Raises OSError."""
        replace_durably(self._path, f"{until_s}\n".encode())
        self.until_s = until_s

    def forget(self) -> None:
        """Begin with what comes from now on, when there is something to decide again. Raises OSError."""
        if self.until_s is not None:
            self._path.unlink(missing_ok=True)
            self.until_s = None


class TailSampling:
    """Decides about traces of which no span came for a while; blocking.

    `drop` deletes what rules do not keep of what came in a time and returns how many spans that were;
    `oldest_ms` returns when the oldest of what is accepted and not stored came, 0 where all is stored.
    """

    def __init__(
        self,
        rules: SamplingRules,
        drop: Callable[[Sampling, Received], int],
        oldest_ms: Callable[[], int],
        clock: Clock,
        folder: Path,
    ) -> None:
        self._rules = rules
        self._drop = drop
        self._oldest_ms = oldest_ms
        self._clock = clock
        self._cursor = Cursor(folder / CURSOR_FILE)

    def begin(self) -> None:
        """Begin with what comes from now on, unless it was begun before. Raises OSError."""
        now_s = self._clock.now_ms() // 1000
        if self._rules.now.traces and (self._cursor.until_s is None or self._cursor.until_s > now_s):
            self._cursor.keep(now_s)

    def look(self) -> int:
        """Decide if it is time; return how many spans were deleted. Raises PharosError, OSError.

        What came while there was no rule is kept.
        """
        rules = self._rules.now
        if not rules.traces:
            self._cursor.forget()
            return 0
        self.begin()
        now_ms, wait_ms = self._clock.now_ms(), rules.decide_after_ms
        # What is not stored yet is not seen: its time does not come before it is.
        until_s = (min(now_ms, self._oldest_ms() or now_ms) - wait_ms) // 1000
        first_s = self._cursor.until_s
        if first_s is None or until_s - first_s < wait_ms // 1000:
            return 0
        dropped = self._drop(rules, Received(first_s, until_s))
        self._cursor.keep(until_s)
        return dropped


@asynccontextmanager
async def open_keeping(
    store: Store, doors: Doors, clock: Clock, settings: Settings
) -> AsyncIterator[Keeping]:
    """Drop traces that are not to be kept until the exit, once what a former process left is stored.

    Raises PharosError that names the file of strategies when that is not good.
    """
    policy, strategies = doors.policy, read_strategies(settings.sampling.strategies)
    keeping = Keeping(settings, policy, doors.directory.limits, strategies)

    def drop(rules: Sampling, received: Received) -> int:
        label_of = policy.usage.label
        return store.engine.control(lambda session: drop_unsampled(session, rules, received, label_of))

    def oldest_ms() -> int:
        return store.intake.oldest_recv_ns() // 1_000_000

    sampling = TailSampling(policy.sampling, drop, oldest_ms, clock, settings.data)

    def drop_all() -> None:
        now_ms, tell = clock.now_ms(), partial(tell_erased, policy)
        store.engine.control(lambda session: drop_old(session, policy.retention.now, now_ms, tell))

    async with at_work(_sample(sampling, store), _drop_old(drop_all, keeping.changed, store)):
        yield keeping


async def _drop_old(drop: Callable[[], None], changed: asyncio.Event, store: Store) -> None:
    """Drop what is not kept any longer now and then, and as soon as less is kept."""
    await asyncio.shield(asyncio.wrap_future(store.loader.recovered))
    await hear(changed, _START_S)
    while True:
        changed.clear()
        try:
            await asyncio.to_thread(drop)
        except PharosError as exc:
            _LOG.warning("what is not kept any longer stays until the next try: %s", exc)
        await hear(changed, _DROP_S)


async def _sample(sampling: TailSampling, store: Store) -> None:
    with contextlib.suppress(OSError):  # it is tried again below, and told of
        await asyncio.to_thread(sampling.begin)
    await asyncio.shield(asyncio.wrap_future(store.loader.recovered))
    await asyncio.sleep(_START_S)
    while True:
        try:
            dropped = await asyncio.to_thread(sampling.look)
        except (PharosError, OSError) as exc:
            _LOG.warning("traces that are not to be kept stay until the next try: %s", exc)
        else:
            if dropped:
                _LOG.info("%d spans of traces that sampling does not keep were deleted", dropped)
        await asyncio.sleep(_LOOK_S)
