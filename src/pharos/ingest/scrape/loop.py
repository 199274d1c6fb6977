"""The loop of one target: fetch at each interval, digest, report, hand on.

A scrape makes one remote-write body: the page's samples, stale markers for what is gone, and the samples
about the scrape itself. If that body cannot be stored, the marks of staleness are undone, so that the next
scrape repeats what was lost; the samples themselves are not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.remote_write.submission import made
from pharos.ingest.scrape.digest import Digest, Format, PageDigest, PageError
from pharos.ingest.scrape.exposition.scan import Page
from pharos.ingest.scrape.job import JobConfig
from pharos.ingest.scrape.target import Health, Sink, TargetSpec, TargetStatus
from pharos.telemetry import SCRAPE_SECONDS, SCRAPES

_LOG = logging.getLogger(__name__)

INLINE_BYTES: Final = 1 << 20
"""A page up to this size is digested on the event loop; a larger one on a thread, so that others are not
held up.
"""
TOLERANCE_MS: Final = 10
"""A scrape that starts this late at most is stamped with the time it was due (at most 1 % of the
interval).
"""
_OK, _FAILED, _NOT_STORED = (SCRAPES.labels(result) for result in ("ok", "failed", "not_stored"))
_FIRST_ROWS: Final = 8192


class Fetched(Struct, frozen=True):
    """A page as it came."""

    body: bytes
    form: Format


Fetch = Callable[[], Awaitable[Fetched]]


class Workspace(Struct):
    """Working columns that all loops share, because only one of them digests inline at a time."""

    page: Page = field(default_factory=lambda: Page.of_size(_FIRST_ROWS))

    def page_for(self, body: bytes) -> Page:
        """Return columns with room for every line of `body`."""
        rows = body.count(b"\n") + 1
        if rows > self.page.room:
            self.page = Page.of_size(rows + rows // 4)
        return self.page


class Surroundings(Struct, frozen=True):
    """What every loop needs of the scraper."""

    sink: Sink
    clock: Clock
    scope: Scope
    source: str
    workspace: Workspace
    offset_seed: int


def offset_ms(spec: TargetSpec, now_ms: int, seed: int) -> int:
    """Return how long to wait for the target's first scrape: its place in the interval is fixed by its
    hash.
    """
    identity = repr((spec.labels, spec.url)).encode()
    place = int.from_bytes(hashlib.blake2b(identity, digest_size=8).digest()) ^ seed
    interval = spec.interval_ms
    wait = interval - now_ms % interval + place % interval
    return wait - interval if wait > interval else wait


def _newlines(body: bytes) -> int:
    """Return how many lines of `body` end; counted by pieces, between which other threads may run."""
    return sum(body.count(b"\n", start, start + INLINE_BYTES) for start in range(0, len(body), INLINE_BYTES))


class TargetLoop:
    """Scrapes one target until stopped. Everything runs on the event loop's thread, long digests excepted."""

    def __init__(
        self, spec: TargetSpec, job: JobConfig, fetch: Fetch, intake: PageDigest, around: Surroundings
    ) -> None:
        self.spec = spec
        self.intake = intake
        self.forced_error = ""
        self._job = job
        self._fetch = fetch
        self._around = around
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._due_s = 0.0
        self._due_ms = 0
        self._last_error = ""
        self._last_ms = 0
        self._last_duration_s = 0.0
        self._health = Health.UNKNOWN

    def status(self) -> TargetStatus:
        """Return how the target fares, for /api/v1/targets."""
        return TargetStatus(
            scrape_pool=self.spec.job,
            discovered_labels=self.spec.discovered,
            labels=self.spec.labels,
            scrape_url=self.spec.url,
            global_url=self.spec.url,
            last_error=self._last_error,
            last_scrape_ms=self._last_ms,
            last_scrape_duration_s=self._last_duration_s,
            health=self._health,
            interval_ms=self.spec.interval_ms,
            timeout_ms=self.spec.timeout_ms,
        )

    def start(self, *, at_once: bool = False) -> None:
        """Schedule the first scrape: at the target's own place in the interval, or `at_once`."""
        loop = asyncio.get_running_loop()
        now_ms = self._around.clock.now_ms()
        wait_ms = 0 if at_once else offset_ms(self.spec, now_ms, self._around.offset_seed)
        self._due_s, self._due_ms = loop.time() + wait_ms / 1000, now_ms + wait_ms
        self._handle = loop.call_at(self._due_s, self._tick)

    async def stop(self, *, cancel: bool) -> None:
        """Stop scraping; a scrape under way is cancelled, or else waited for. Writes no stale markers."""
        if self._handle is not None:
            self._handle.cancel()
        if self._task is not None:
            if cancel:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        interval_ms = self.spec.interval_ms
        late_s = loop.time() - self._due_s
        now_ms = self._around.clock.now_ms()
        if abs(now_ms - self._due_ms - late_s * 1000) > TOLERANCE_MS:
            # The wall clock was set: stamps follow it, the pace stays that of the monotonic clock.
            self._due_ms = now_ms - round(late_s * 1000)
        late_ms = now_ms - self._due_ms
        aligned = 0 <= late_ms <= min(TOLERANCE_MS, interval_ms // 100)
        if self._task is None or self._task.done():
            stamp = self._due_ms if aligned else now_ms
            self._task = loop.create_task(self._guarded(stamp), name=f"scrape {self.spec.url}")
        # Ticks that were missed are not made up for.
        steps = max(0, int(late_s * 1000) // interval_ms) + 1
        self._due_s += steps * interval_ms / 1000
        self._due_ms += steps * interval_ms
        self._handle = loop.call_at(self._due_s, self._tick)

    async def _guarded(self, time_ms: int) -> None:
        try:
            await self.scrape(time_ms)
        except PharosError as exc:
            _LOG.warning("scrape not stored", extra={"target": self.spec.url, "reason": str(exc)})

    async def scrape(self, time_ms: int) -> None:
        """Scrape once and hand the body on under the time `time_ms`.

        Raises PharosError if the body could not be stored; a failed fetch or page does not raise.
        """
        started_s = self._around.clock.monotonic_s()
        cache = self.intake.cache
        digest, error, size = Digest(), "", 0
        marks = cache.snapshot()
        try:
            fetched = await self._page()
            size = len(fetched.body)
            if fetched.body:
                digest = await self._digest(fetched, time_ms)
            else:
                digest.body = self.intake.stale(time_ms)
        except PharosError as exc:
            error = str(exc)
            size = -1 if exc.kind is Kind.TOO_LARGE and not size else size
            digest = Digest(self.intake.stale(time_ms))
            if isinstance(exc, PageError):
                digest.scraped, digest.kept = exc.scraped, exc.kept
        duration_s = self._around.clock.monotonic_s() - started_s
        report = self.intake.report(self._report(digest, error, duration_s, size), time_ms)
        self._last_error, self._last_ms, self._last_duration_s = error, time_ms, duration_s
        self._health = Health.DOWN if error else Health.UP
        (_FAILED if error else _OK).inc()
        SCRAPE_SECONDS.observe(duration_s)
        try:
            await self._store(digest, report, marks, size)
        finally:
            cache.next_turn(good=not error and digest.scraped > 0)

    async def _page(self) -> Fetched:
        if self.forced_error:
            raise PharosError(Kind.LIMITED, self.forced_error)
        return await self._fetch()

    async def _digest(self, fetched: Fetched, time_ms: int) -> Digest:
        if len(fetched.body) <= INLINE_BYTES:
            page = self._around.workspace.page_for(fetched.body)
            return self.intake.digest(fetched.body, fetched.form, time_ms, page)
        work = asyncio.ensure_future(asyncio.to_thread(self._digest_large, fetched, time_ms))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, and nobody else may touch the cache before it is done.
            await asyncio.gather(work, return_exceptions=True)
            raise

    def _digest_large(self, fetched: Fetched, time_ms: int) -> Digest:
        """Digest a page on a thread, in columns of its own."""
        page = Page.of_size(_newlines(fetched.body) + 1)
        return self.intake.digest(fetched.body, fetched.form, time_ms, page)

    def _report(self, digest: Digest, error: str, duration_s: float, size: int) -> tuple[float, ...]:
        return (
            0.0 if error else 1.0,
            duration_s,
            float(digest.scraped),
            float(digest.kept),
            float(digest.added),
            self.spec.timeout_ms / 1000,
            float(self._job.limits.sample_limit),
            float(size),
        )

    async def _store(self, digest: Digest, report: bytes, marks: object, page_bytes: int) -> None:
        parts = (digest.body, report)
        # Python lets other threads run while it joins what is large.
        large = len(digest.body) > INLINE_BYTES
        body = await asyncio.to_thread(b"".join, parts) if large else b"".join(parts)
        try:
            receipt = await self._hand_on(body, page_bytes)
        except PharosError as exc:
            self.intake.cache.restore(marks)
            self.intake.not_stored()
            self._last_error = f"not stored: {exc}"
            _NOT_STORED.inc()
            raise
        if receipt.beyond_series:
            # The next scrape tells it anew, or not any more.
            self._last_error = f"not all stored: {receipt.refusal()}"
        self.intake.stored(digest)

    async def write_stale(self, time_ms: int) -> None:
        """Mark all that the target ever showed as gone at `time_ms`; raises PharosError if that is not
        stored.
        """
        body = self.intake.stale(time_ms) + self.intake.stale_report(time_ms)
        if body:
            await self._hand_on(body, 0)

    async def _hand_on(self, body: bytes, page_bytes: int) -> Accepted:
        around = self._around
        # A page that was too large was not received, and its size is negative.
        size = max(0, page_bytes)
        # What Pharos measures of itself says how a tenant fares that is beyond its rate.
        limited = around.source != "self"
        return await around.sink.accept(
            made(around.scope, body, source=around.source, sent_bytes=size, is_limited=limited)
        )
