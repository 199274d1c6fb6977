"""Everything is built here, in one straight function, and closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import generate_latest

from pharos.access import DEFAULT
from pharos.api.admin import AdminApi
from pharos.api.app import App, Edge, create_app
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.guard import Fence, Names
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.api.prometheus.catalog import CatalogApi
from pharos.api.prometheus.encode import encode_answer
from pharos.api.prometheus.federate import FederateEndpoint
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.remote_read.endpoint import ReadEndpoint
from pharos.api.prometheus.rules import RulesApi
from pharos.api.prometheus.status import Reloaded, StatusApi
from pharos.api.prometheus.targets import TargetsApi
from pharos.api.prometheus.tsdb_admin import TsdbAdminApi
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.backup import take_snapshot, wait_until_stored
from pharos.clock import Clock, SystemClock
from pharos.config import Settings, is_loopback, split_address
from pharos.engine import Engine
from pharos.errors import PharosError
from pharos.folder import hold_folder, new_admin_key
from pharos.gotext.durations import format_duration
from pharos.ingest.accept import Intake
from pharos.ingest.host.exposition import HostMetrics
from pharos.ingest.loader import Loader
from pharos.ingest.otlp.translate import Translator
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.job import ScrapeConfig
from pharos.ingest.scrape.scraper import Scraper
from pharos.queries import open_queries
from pharos.query.limits import Times
from pharos.query.metrics.catalog import Catalog
from pharos.query.metrics.erase import Eraser
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.store import Store, open_store
from pharos.telemetry import REGISTRY

_LOG = logging.getLogger(__name__)


_SNAPSHOT_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pharos:
    """A running server."""

    app: App
    loader: Loader
    intake: Intake
    engine: Engine
    reload: Callable[[], Awaitable[None]]
    """Read prometheus.yml again. Raises PharosError and changes nothing when it is not good."""


_FEATURES: Final = (
    "promql-experimental-functions",
    "promql-duration-expr",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
)
"""What upstream keeps behind flags and is always on here."""

_FIRST_QUERIES: Final = (
    "up",
    "up[1m]",
    "sum by (job) (rate(pharos_ingest_samples_total[1m]))",
    "max without (device) (node_memory_MemAvailable_bytes / on (instance) node_memory_MemTotal_bytes)",
    "max_over_time(node_load1[1m])",
    "topk(1, increase(node_network_receive_bytes_total[1m]) > 0)",
    "histogram_quantile(0.9, sum by (le) (rate(pharos_query_duration_seconds_bucket[1m])))",
)


@asynccontextmanager
async def open_pharos(settings: Settings) -> AsyncIterator[Pharos]:
    """Build a server over the settings' folder, and close it again in reverse.

    Raises PharosError when the folder cannot be used.
    """
    clock = SystemClock()
    folder = settings.data
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_folder(folder))
        store = stack.enter_context(open_store(settings, clock))
        engine, changes, intake, loader = store.engine, store.changes, store.intake, store.loader

        queries = stack.enter_context(open_queries(engine, changes, clock, settings))
        metrics = queries.metrics
        scraper = Scraper(intake, clock, random.SystemRandom())
        _watch_ourselves(scraper, clock, settings.self_scrape_interval)
        await scraper.apply(_scrape_config(settings))
        await scraper.start()
        stack.push_async_callback(scraper.stop)

        reloaded = Reloaded(clock.now_ms())

        async def reload() -> None:
            await _reload(settings, scraper, clock, reloaded)

        settle_all = partial(wait_until_stored, loader, intake, clock, _SNAPSHOT_WAIT_S)

        def snapshot() -> str:
            settle_all()
            return take_snapshot(engine, folder, settings.model_dump_json(indent=2), clock)

        prometheus = PrometheusApi(
            metrics=metrics,
            catalog=queries.catalog,
            clock=clock,
            series=CatalogApi(queries.catalog),
            targets=TargetsApi(scraper),
            status=_status_api(settings, store, queries.catalog, clock, reloaded),
            rules=RulesApi(),
            admin=TsdbAdminApi(Eraser(engine, changes, settle_all, intake.forget_seen), settings.admin_api),
        )
        bodies = Bodies(_body_limits(settings))
        app = create_app(
            Edge(
                intake=intake,
                otlp=_otlp_endpoint(stack, store, bodies, settings),
                prometheus=prometheus,
                federate=FederateEndpoint(metrics, clock),
                read=ReadEndpoint(metrics, bodies),
                admin=AdminApi(new_admin_key(folder), snapshot, allowed=settings.admin_api),
                bodies=bodies,
                fence=_fence(settings),
                max_body_bytes=settings.ingest.max_body,
                is_ready=lambda: loader.is_recovered,
                reload=reload,
            )
        )
        loading = asyncio.create_task(_settle(metrics, clock, loader), name="settle")
        stack.callback(loading.cancel)
        yield Pharos(app, loader, intake, engine, reload)


async def _settle(metrics: Metrics, clock: Clock, loader: Loader) -> None:
    """End the start: once what is needed from now on is loaded, it is left out of garbage collection.

    Going through all half a million objects that stay would hold everything up for a tenth of a second.
    """
    await _load_kernels(metrics, clock, loader)
    gc.freeze()


async def _load_kernels(metrics: Metrics, clock: Clock, loader: Loader) -> None:
    """Ask what dashboards ask first, so that nobody waits for compiled code to be read from disk."""
    # Not beside the recovery, which everybody waits for.
    await asyncio.shield(asyncio.wrap_future(loader.recovered))
    now_ms = clock.now_ms()
    for query in map(parse_query, _FIRST_QUERIES):
        for times in (Times(now_ms - 60_000, now_ms, 15_000), Times(now_ms, now_ms)):
            with suppress(PharosError):
                await metrics.evaluate(DEFAULT, query, times, lambda answer: list(encode_answer(answer)))


def _body_limits(settings: Settings) -> BodyLimits:
    ingest = settings.ingest
    held_bytes = max(ingest.max_receiving, ingest.max_body)
    total_s = ingest.receive_timeout / 1000
    return BodyLimits(held_bytes, reserve_bytes=held_bytes // 4, idle_s=total_s / 4, total_s=total_s)


def _fence(settings: Settings) -> Fence:
    host, _ = split_address(settings.listen)
    told = frozenset(name.lower() for name in settings.hosts)
    names = Names(told, host.lower(), listens_beyond=not is_loopback(host) and not told)
    held_bytes = settings.promql.max_sending
    return Fence(names, Unread(UnreadLimits(held_bytes, reserve_bytes=held_bytes // 4)))


def _otlp_endpoint(stack: AsyncExitStack, store: Store, bodies: Bodies, settings: Settings) -> OtlpEndpoint:
    translator = Translator(seed=secrets.randbits(64), lookback_ms=settings.promql.lookback)
    endpoint = OtlpEndpoint(
        store.intake, translator, store.sample_bounds_ms, bodies, settings.ingest.max_body
    )
    stack.callback(endpoint.close)
    return endpoint


def _status_api(
    settings: Settings, store: Store, catalog: Catalog, clock: Clock, reloaded: Reloaded
) -> StatusApi:
    return StatusApi(
        catalog=catalog,
        clock=clock,
        started_ms=clock.now_ms(),
        settings_text=lambda: settings.model_dump_json(indent=2),
        flags=partial(_flags, settings),
        reloaded=reloaded,
        is_recovered=lambda: store.loader.is_recovered,
        engine_version=store.engine.status().version,
        retention_ms=settings.retention.metrics,
        damaged=len(store.wal.recovery.damaged),
    )


async def _reload(settings: Settings, scraper: Scraper, clock: Clock, reloaded: Reloaded) -> None:
    """Take over what prometheus.yml says now. Raises PharosError that names file and line."""
    try:
        config = await asyncio.to_thread(_scrape_config, settings)
        await scraper.apply(config)
    except PharosError:
        reloaded.good = False
        raise
    reloaded.good, reloaded.at_ms = True, clock.now_ms()


def _flags(settings: Settings) -> dict[str, str]:
    """Return the settings that upstream has as flags, by upstream's names."""
    promql = settings.promql
    return {
        "config.file": str(settings.prometheus or ""),
        "enable-feature": ",".join(
            [*_FEATURES, *(["promql-delayed-name-removal"] if promql.experimental else [])]
        ),
        "query.lookback-delta": format_duration(promql.lookback),
        "query.max-concurrency": str(settings.engine.query_threads),
        "query.max-samples": str(promql.max_samples),
        "query.timeout": format_duration(promql.timeout),
        "storage.tsdb.path": str(settings.data),
        "storage.tsdb.retention.time": format_duration(settings.retention.metrics),
        "web.enable-admin-api": str(settings.admin_api).lower(),
        "web.enable-lifecycle": "true",
        "web.enable-remote-write-receiver": "true",
        "web.listen-address": settings.listen,
    }


def _watch_ourselves(scraper: Scraper, clock: Clock, interval_ms: int) -> None:
    """Scrape this process and its host from the start, so that there is something to see at once."""
    name = socket.gethostname()
    scraper.register_local("pharos", name, interval_ms, lambda: generate_latest(REGISTRY))
    scraper.register_local("node", name, interval_ms, HostMetrics(clock).exposition)


def _scrape_config(settings: Settings) -> ScrapeConfig:
    """Return what is to be scraped; raises PharosError that names file and line."""
    if settings.prometheus is None:
        return ScrapeConfig()
    config = load_scrape_config(settings.prometheus, environment=settings.environment)
    for notice in config.notices:
        _LOG.warning("%s", notice)
    return config
