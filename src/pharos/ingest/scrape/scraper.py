"""The scraper: all jobs and their targets, kept in step with the configuration and the discovered groups."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct, field

from pharos.access import DEFAULT, Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.cache import ScrapeCache, warm_up
from pharos.ingest.scrape.digest import Format, JobMemory, Metadata, PageDigest
from pharos.ingest.scrape.discovery import AskedWatch, FileWatch, addresses
from pharos.ingest.scrape.fetch import PageFetch
from pharos.ingest.scrape.job import DnsDiscovery, HttpDiscovery, JobConfig, ScrapeConfig, TargetGroup
from pharos.ingest.scrape.kubernetes import Clusters, ClusterWatch
from pharos.ingest.scrape.loop import Fetch, Fetched, Surroundings, TargetLoop, Workspace
from pharos.ingest.scrape.target import DroppedTarget, Sink, TargetSpec, TargetStatus, target_of
from pharos.labels import Labels, labels_of
from pharos.outbound import Outbound
from pharos.outbound.resolver import Resolver
from pharos.telemetry import SCRAPE_DISCOVERY_FAILED, SCRAPE_TARGETS

_LOG = logging.getLogger(__name__)

POLL_S: Final = 5.0
"""How often discovery files are looked at."""
_ASKED_LEAST_S: Final = 0.1
"""An address that tells of targets is asked no oftener, whatever its refresh_interval."""
_USER_AGENT: Final = "Pharos"
_GROUPS_AT_ONCE: Final = 256
"""So many groups are relabelled before others have their turn: some milliseconds."""


class _Made(Struct):
    """What became of a group's addresses."""

    group: TargetGroup
    targets: list[TargetSpec | DroppedTarget]
    """Without those that make no target."""


class _Pool(Struct):
    """One job's targets."""

    job: JobConfig
    watch: FileWatch
    asked: AskedWatch
    clusters: ClusterWatch
    memory: JobMemory = field(default_factory=JobMemory)
    loops: dict[TargetSpec, TargetLoop] = field(default_factory=dict)
    dropped: list[DroppedTarget] = field(default_factory=list)
    made: dict[int, _Made] = field(default_factory=dict)
    """What groups became, by their identity: those that stay are not relabelled anew."""
    asking: tuple[asyncio.Task[None], ...] = ()
    """Ask the addresses and clusters that tell of targets, where there are some."""

    @property
    def groups(self) -> tuple[TargetGroup, ...]:
        """All that its targets are made of by now."""
        return (
            *self.job.static_groups,
            *self.watch.groups,
            *self.asked.groups,
            *self.clusters.groups,
        )

    @property
    def errors(self) -> tuple[str, ...]:
        """Why some of its targets may not be known just now."""
        return (*self.watch.errors, *self.asked.errors, *self.clusters.errors)


class _Leaving(Struct):
    """A target that is gone, until its stale markers are written or a successor takes its cache."""

    loop: TargetLoop
    task: asyncio.Task[None]


class Scraper:
    """Scrapes what it is told to. Make, start and use it inside one running event loop.

    `sink` takes the bodies of `scope`; `random_source` makes the hash secret and the schedule's seed, and
    shortens retry waits; `resolver` finds names, where it is not the system's. Nothing is scraped before
    `start`.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        random_source: random.Random,
        *,
        scope: Scope = DEFAULT,
        resolver: Resolver | None = None,
    ) -> None:
        self._resolver = resolver or Resolver(random_source)
        self._seed = random_source.getrandbits(64)
        self._around = Surroundings(sink, clock, scope, "scrape", Workspace(), random_source.getrandbits(48))
        self._local_around = Surroundings(
            sink, clock, scope, "self", self._around.workspace, self._around.offset_seed
        )
        self._clock = clock
        self._random = random_source
        self._outbound: Outbound | None = None
        self._clusters: Clusters | None = None
        self._pools: dict[str, _Pool] = {}
        self._local: dict[TargetSpec, TargetLoop] = {}
        self._leaving: dict[tuple[str, Labels], _Leaving] = {}
        self._poll: asyncio.Task[None] | None = None
        self._config = ScrapeConfig()
        self._changing = asyncio.Lock()

    @property
    def config(self) -> ScrapeConfig:
        """The configuration in force."""
        return self._config

    async def start(self) -> None:
        """Begin to scrape what is registered and configured; compiles the kernels first if no cache holds
        them.
        """
        await asyncio.to_thread(warm_up)
        self._outbound = Outbound(allow_private=True, user_agent=_USER_AGENT, random_source=self._random)
        self._clusters = Clusters(self._outbound)
        for loop in self._local.values():
            loop.start(at_once=True)
        self._poll = asyncio.create_task(self._poll_files(), name="scrape discovery")
        await self.apply(self._config)

    async def stop(self) -> None:
        """Stop at once. No stale markers are written: whoever starts next goes on where this one ended."""
        tasks = [one.task for one in self._leaving.values()]
        tasks += [task for pool in self._pools.values() for task in pool.asking]
        tasks += [self._poll] if self._poll is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(loop.stop(cancel=True) for loop in self.loops()))
        if self._clusters is not None:
            await self._clusters.close()
            self._clusters = None
        if self._outbound is not None:
            await self._outbound.close()
            self._outbound = None

    def register_local(
        self,
        job: str,
        instance: str,
        interval_ms: int,
        produce: Callable[[], bytes],
        *,
        form: Format = Format.TEXT,
    ) -> None:
        """Scrape `produce`, called on a thread, as a target of its own: relabelling apart, all is as by
        HTTP. The first scrape comes at once; an OSError or PharosError of `produce` is a failed scrape.
        """
        labels = labels_of({"job": job, "instance": instance})
        spec = TargetSpec(job, labels, f"internal:{job}", interval_ms, min(interval_ms, 10_000), labels)

        async def fetch() -> Fetched:
            try:
                return Fetched(await asyncio.to_thread(produce), form)
            except OSError as exc:
                raise PharosError(Kind.UNAVAILABLE, f"{job} cannot be read: {exc}") from exc

        intake = PageDigest(JobConfig(job), labels, self._seed, JobMemory(), None)
        loop = TargetLoop(spec, JobConfig(job), fetch, intake, self._local_around)
        self._local[spec] = loop
        if self._outbound is not None:
            loop.start(at_once=True)

    async def apply(self, config: ScrapeConfig) -> None:
        """Take over a configuration: jobs that did not change keep their loops, targets that stay keep their
        memory.

        Before `start` it is only remembered.
        """
        async with self._changing:
            self._config = config
            if self._outbound is None:
                return
            self._outbound.forget_tls()
            wanted = {job.job_name: job for job in config.jobs}
            for name in [name for name in self._pools if name not in wanted]:
                gone = self._pools.pop(name)
                await _unasked(gone)
                await self._retire(gone, set())
                SCRAPE_TARGETS.remove(name)
            for name, job in wanted.items():
                await self._apply_job(name, job)

    async def _apply_job(self, name: str, job: JobConfig) -> None:
        pool = self._pools.get(name)
        if pool is not None and pool.job == job:
            return
        if self._outbound is None or self._clusters is None:
            raise PharosError(Kind.BUG, "jobs need a started scraper")
        fresh = _Pool(
            job,
            FileWatch(job.file_discoveries),
            AskedWatch(_asked(job), self._outbound, self._resolver),
            ClusterWatch(job.clusters, self._clusters),
        )
        await _refreshed(fresh.watch)
        if pool is not None:
            await _unasked(pool)
            if _asked(pool.job) == _asked(job):
                # What they told holds until they are asked again.
                fresh.asked = pool.asked
            if pool.job.clusters == job.clusters:
                fresh.clusters = pool.clusters
            # The rules changed, so every loop is made anew; their memories are adopted by label set.
            await self._retire(pool, set())
        self._pools[name] = fresh
        await self._sync(fresh)
        # Nobody waits for an address or a cluster that does not answer.
        asking = [self._ask(fresh)] if _asked(job) else []
        asking += [fresh.clusters.follow(partial(self._take_over, fresh))] if job.clusters else []
        fresh.asking = tuple(asyncio.create_task(one, name=f"scrape discovery of {name}") for one in asking)

    async def _sync(self, pool: _Pool) -> None:
        """Bring a pool's loops in line with its groups."""
        job = pool.job
        specs: dict[TargetSpec, None] = {}
        dropped: list[DroppedTarget] = []
        made: dict[int, _Made] = {}
        for number, group in enumerate(pool.groups):
            if number % _GROUPS_AT_ONCE == _GROUPS_AT_ONCE - 1:
                await asyncio.sleep(0)
            one = pool.made.get(id(group))
            made[id(group)] = one = one if one is not None and one.group is group else _made(job, group)
            for target in one.targets:
                if isinstance(target, TargetSpec):
                    specs[target] = None
                elif not job.limits.keep_dropped_targets or len(dropped) < job.limits.keep_dropped_targets:
                    dropped.append(target)
        pool.made = made
        pool.dropped = dropped
        await self._retire(pool, set(specs))
        limit = job.limits.target_limit
        error = (
            f"target_limit exceeded (number of targets: {len(specs)}, limit: {limit})"
            if limit and len(specs) > limit
            else ""
        )
        for spec in specs:
            loop = pool.loops.get(spec)
            if loop is None:
                loop = pool.loops[spec] = await self._make_loop(pool, spec)
                loop.start()
            # What was discovered of it may be another by now, and is shown.
            loop.spec = spec
            loop.forced_error = error
        SCRAPE_TARGETS.labels(job.job_name).set(len(pool.loops))

    async def _make_loop(self, pool: _Pool, spec: TargetSpec) -> TargetLoop:
        if self._outbound is None:
            raise PharosError(Kind.BUG, "targets need a started scraper")
        cache: ScrapeCache | None = None
        leaving = self._leaving.pop((spec.job, spec.labels), None)
        if leaving is not None:
            leaving.task.cancel()
            await asyncio.gather(leaving.task, return_exceptions=True)
            cache = leaving.loop.intake.cache
            cache.forget_all()
        fetch: Fetch = PageFetch(self._outbound, pool.job, spec)
        intake = PageDigest(pool.job, spec.labels, self._seed, pool.memory, cache)
        return TargetLoop(spec, pool.job, fetch, intake, self._around)

    async def _retire(self, pool: _Pool, keep: set[TargetSpec]) -> None:
        """Stop the loops that are not kept; each writes its stale markers later, unless a successor comes."""
        gone = [spec for spec in pool.loops if spec not in keep]
        await asyncio.gather(*(pool.loops[spec].stop(cancel=False) for spec in gone))
        for spec in gone:
            loop = pool.loops.pop(spec)
            task = asyncio.create_task(self._leave(loop), name=f"leave {spec.url}")
            self._leaving[spec.job, spec.labels] = _Leaving(loop, task)

    async def _leave(self, loop: TargetLoop) -> None:
        """Write a gone target's stale markers at the time of its next scrape, just over two intervals
        later.
        """
        interval_ms = loop.spec.interval_ms
        status = loop.status()
        if status.last_scrape_ms:
            time_ms = max(status.last_scrape_ms + interval_ms, self._clock.now_ms())
            await asyncio.sleep(interval_ms * 2.1 / 1000)
            try:
                await loop.write_stale(time_ms)
            except PharosError as exc:
                _LOG.warning("stale markers of %s not stored: %s", loop.spec.url, exc)
        key = (loop.spec.job, loop.spec.labels)
        if (leaving := self._leaving.get(key)) is not None and leaving.loop is loop:
            del self._leaving[key]

    async def _poll_files(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self.refresh_discovery()

    async def refresh_discovery(self) -> None:
        """Look at the discovery files now and take over what changed."""
        for pool in list(self._pools.values()):
            if pool.job.file_discoveries and await _refreshed(pool.watch):
                await self._take_over(pool)

    async def _ask(self, pool: _Pool) -> None:
        """Ask the addresses of a job whenever they are due, and take over what changed."""
        while True:
            if await pool.asked.refresh(self._clock.monotonic_s()):
                await self._take_over(pool)
            await asyncio.sleep(max(pool.asked.due_s - self._clock.monotonic_s(), _ASKED_LEAST_S))

    async def _take_over(self, pool: _Pool) -> None:
        """Bring a pool in line with what was discovered, unless another one has its place by now."""
        async with self._changing:
            if self._pools.get(pool.job.job_name) is pool:
                await self._sync(pool)

    def loops(self) -> list[TargetLoop]:
        """Return the loop of every active target, those of local sources last."""
        found = [loop for pool in self._pools.values() for loop in pool.loops.values()]
        return [*found, *self._local.values()]

    def targets(self) -> list[TargetStatus]:
        """Return every target, active ones first within their job; dropped ones are marked so."""
        found: list[TargetStatus] = []
        for pool in self._pools.values():
            found += [loop.status() for loop in pool.loops.values()]
            found += [TargetStatus(one.job, one.discovered, dropped=True) for one in pool.dropped]
        return found + [loop.status() for loop in self._local.values()]

    def discovery_errors(self) -> list[tuple[str, str]]:
        """Return (job, why some of its targets may not be known just now)."""
        return [(name, error) for name, pool in self._pools.items() for error in dict.fromkeys(pool.errors)]

    def target_metadata(self) -> list[tuple[Labels, tuple[Metadata, ...]]]:
        """Return (target's labels, what its page says of its families) of every active target."""
        return [(loop.spec.labels, loop.intake.metadata) for loop in self.loops()]


def _asked(job: JobConfig) -> tuple[HttpDiscovery | DnsDiscovery, ...]:
    """Return what is asked for a job's targets again and again."""
    return (*job.http_discoveries, *job.dns_discoveries)


def _made(job: JobConfig, group: TargetGroup) -> _Made:
    """Return what becomes of a group's addresses in a job."""
    found = _Made(group, [])
    for labels in addresses((group,)):
        try:
            found.targets.append(target_of(job, labels))
        except PharosError as exc:
            SCRAPE_DISCOVERY_FAILED.inc()
            _LOG.warning("target not used: %s", exc)
    return found


async def _unasked(pool: _Pool) -> None:
    """Ask no more address and no cluster of a job."""
    for task in pool.asking:
        task.cancel()
    await asyncio.gather(*pool.asking, return_exceptions=True)


async def _refreshed(watch: FileWatch) -> bool:
    """Look at a job's files on a thread; return whether its groups changed."""
    return await asyncio.to_thread(watch.refresh)
