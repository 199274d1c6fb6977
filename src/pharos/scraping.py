"""The part of a server that scrapes: what prometheus.yml names, this process and its host."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from prometheus_client import generate_latest

from pharos.clock import Clock
from pharos.config import Settings
from pharos.ingest.accept import Intake
from pharos.ingest.host.exposition import HostMetrics
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.job import ScrapeConfig
from pharos.ingest.scrape.scraper import Scraper
from pharos.reload import Reloadable, TakeOver
from pharos.telemetry import REGISTRY

_LOG = logging.getLogger(__name__)

HOST_JOB: Final = "pharos-host"
"""The job of this host's own metrics: `node` is what people call the job of their node_exporters."""


@dataclass(frozen=True, slots=True)
class Scraping:
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
    await scraper.start()

    async def read() -> TakeOver:
        return partial(scraper.apply, await asyncio.to_thread(_scrape_config, settings))

    try:
        yield Scraping(scraper, read)
    finally:
        await scraper.stop()


def _watch_ourselves(scraper: Scraper, clock: Clock, interval_ms: int) -> None:
    """Scrape this process and its host from the start, so that there is something to see at once."""
    name = socket.gethostname()
    scraper.register_local("pharos", name, interval_ms, lambda: generate_latest(REGISTRY))
    scraper.register_local(HOST_JOB, name, interval_ms, HostMetrics(clock).exposition)


def _scrape_config(settings: Settings) -> ScrapeConfig:
    """Return what is to be scraped; raises PharosError that names file and line."""
    if settings.prometheus is None:
        return ScrapeConfig()
    config = load_scrape_config(settings.prometheus, environment=settings.environment)
    for notice in config.notices:
        _LOG.warning("%s", notice)
    return config
