"""The part of a server that scrapes: what prometheus.yml names, this process and its host."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Final

from msgspec import Struct

from pharos.clock import Clock
from pharos.config import Settings
from pharos.ingest.accept import Intake
from pharos.ingest.host.exposition import HostMetrics
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import FileWatch
from pharos.ingest.scrape.job import JobConfig, ScrapeConfig, TargetGroup
from pharos.ingest.scrape.scraper import Scraper
from pharos.reload import Reloadable, TakeOver
from pharos.telemetry import exposition
from pharos.works import at_work

_LOG = logging.getLogger(__name__)

HOST_JOB: Final = "pharos-host"
"""The job of this host's own metrics: `node` is what people call the job of their node_exporters."""


class Scraping(Struct, frozen=True):
    """The running scraper, and what reads its configuration again."""

    scraper: Scraper
    reloadable: Reloadable


@asynccontextmanager
async def open_scraping(
    intake: Intake, clock: Clock, chance: Random, settings: Settings
) -> AsyncIterator[Scraping]:
    """Begin to scrape what the settings' prometheus.yml names, and end it on exit.

    Raises PharosError that names file and line when that is not good.
    """
    scraper = Scraper(intake, clock, chance)
    _watch_ourselves(scraper, clock, settings.self_scrape_interval)
    await scraper.apply(_scrape_config(settings))

    async def read() -> TakeOver:
        return partial(scraper.apply, await asyncio.to_thread(_scrape_config, settings))

    try:
        # The kernels of scraping are read from disk first, for which nobody else needs to wait.
        async with at_work(scraper.start()):
            yield Scraping(scraper, read)
    finally:
        await scraper.stop()


def _watch_ourselves(scraper: Scraper, clock: Clock, interval_ms: int) -> None:
    """Scrape this process and its host from the start, so that there is something to see at once."""
    name = socket.gethostname()
    scraper.register_local("pharos", name, interval_ms, exposition)
    scraper.register_local(HOST_JOB, name, interval_ms, HostMetrics(clock).exposition)


def _scrape_config(settings: Settings) -> ScrapeConfig:
    """Return what is to be scraped; raises PharosError that names file and line."""
    if settings.prometheus is None:
        return ScrapeConfig()
    config = load_scrape_config(settings.prometheus, environment=settings.environment)
    for notice in config.notices:
        _LOG.warning("%s", notice)
    return config


def watched(settings: Settings) -> str:
    """Return what is scraped, in words."""
    if settings.prometheus is None:
        return "watching this host"
    jobs = load_scrape_config(settings.prometheus, environment=settings.environment).jobs
    targets = sum(len(group.targets) for job in jobs for group in (*job.static_groups, *_found(job)))
    counted = f"{_count(len(jobs), 'job')}, {_count(targets, 'target')}"
    if any(job.http_discoveries or job.dns_discoveries or job.clusters for job in jobs):
        counted += " and those that are discovered"
    return f"watching this host; {counted} from {settings.prometheus}"


def _found(job: JobConfig) -> tuple[TargetGroup, ...]:
    watch = FileWatch(job.file_discoveries)
    watch.refresh()
    return watch.groups


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
