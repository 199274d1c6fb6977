"""The part of a server that faces its clients: every endpoint, put together into one application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from pharos.api.admin import AdminApi
from pharos.api.app import App, Edge, create_app
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.credentials import identify
from pharos.api.http.guard import Fence, Names
from pharos.api.http.routes import Operation
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.api.native.answers import Native
from pharos.api.native.audit import AuditApi
from pharos.api.native.people import PeopleApi
from pharos.api.native.proposals import ProposalsApi
from pharos.api.native.session import CookieOptions, SessionApi
from pharos.api.native.sso import SsoApi
from pharos.api.native.tenants import TenantsApi
from pharos.api.native.tokens import TokensApi
from pharos.api.prometheus.catalog import CatalogApi
from pharos.api.prometheus.federate import FederateEndpoint
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.remote_read.endpoint import ReadEndpoint
from pharos.api.prometheus.rules import RulesApi
from pharos.api.prometheus.status import StatusApi
from pharos.api.prometheus.targets import TargetsApi
from pharos.api.prometheus.tsdb_admin import TsdbAdminApi
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.backup import take_snapshot, wait_until_stored
from pharos.clock import Clock
from pharos.config import Settings, is_loopback, split_address
from pharos.entrance import Entrance
from pharos.gotext.durations import format_duration
from pharos.governance import Governance
from pharos.ingest.otlp.translate import Translator
from pharos.ingest.scrape.scraper import Scraper
from pharos.queries import Queries
from pharos.query.metrics.erase import Eraser
from pharos.reload import Reloads
from pharos.state import State
from pharos.state.exports import Signer, open_signer
from pharos.store import Store
from pharos.tenants.tenancy import Tenancy

_SNAPSHOT_WAIT_S: Final = 60.0
_FEATURES: Final = (
    "promql-experimental-functions",
    "promql-duration-expr",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
)
"""What upstream keeps behind flags and is always on here."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints stand on."""

    settings: Settings
    clock: Clock
    chance: Random
    store: Store
    queries: Queries
    tenancy: Tenancy
    scraper: Scraper
    state: State
    entrance: Entrance
    reloads: Reloads
    kernels: Callable[[], dict[str, int]]


@contextmanager
def open_edge(parts: Parts) -> Iterator[App]:
    """Build the application over the parts; on exit end what it does by itself."""
    settings, clock, store, queries = parts.settings, parts.clock, parts.store, parts.queries
    wait_until_all_stored = partial(wait_until_stored, store.loader, store.intake, clock, _SNAPSHOT_WAIT_S)

    def snapshot() -> str:
        wait_until_all_stored()
        return take_snapshot(
            store.engine, parts.state, settings.data, settings.model_dump_json(indent=2), clock
        )

    eraser = Eraser(store.engine, store.changes, wait_until_all_stored, store.intake.forget_seen)
    prometheus = PrometheusApi(
        metrics=queries.metrics,
        catalog=queries.catalog,
        clock=clock,
        series=CatalogApi(queries.catalog),
        targets=TargetsApi(parts.scraper),
        status=_status_api(parts),
        rules=RulesApi(),
        admin=TsdbAdminApi(eraser, settings.admin_api),
    )
    bodies = Bodies(_body_limits(settings))
    with ExitStack() as stack:
        yield create_app(
            Edge(
                intake=store.intake,
                otlp=_otlp_endpoint(stack, parts, bodies),
                prometheus=prometheus,
                federate=FederateEndpoint(queries.metrics, clock),
                read=ReadEndpoint(queries.metrics, bodies),
                admin=AdminApi(snapshot, allowed=settings.admin_api),
                tenants=TenantsApi(parts.tenancy, queries.catalog, bodies, clock, store.intake.active_series),
                bodies=bodies,
                fence=_fence(settings),
                max_body_bytes=settings.ingest.max_body,
                is_ready=lambda: store.loader.is_recovered,
                kernels=parts.kernels,
                reload=parts.reloads.reload,
                identify=partial(identify, parts.entrance.authenticator),
                accounts=[
                    *account_operations(parts.entrance, parts.state, settings.url, bodies),
                    *governance_operations(parts.state, open_signer(settings.data), clock, bodies),
                ],
            )
        )


def account_operations(entrance: Entrance, state: State, url: str, bodies: Bodies) -> list[Operation]:
    """Return what is answered about accounts; `url` is how people reach us, where the settings say so."""
    native = Native(bodies, "accounts")
    providers = {one.options.id: one for one in entrance.providers}
    sso = SsoApi(providers, state, entrance.sign_in, entrance.times.longest_ms, url)
    cookies = CookieOptions(entrance.times, is_secure=url.startswith("https://"))
    return [
        *SessionApi(native, entrance.sign_in, entrance.authenticator, cookies, sso.shapes()).operations(),
        *PeopleApi(native, entrance.accounts, entrance.directory).operations(),
        *TokensApi(native, entrance.accounts).operations(),
        *(sso.operations() if providers else ()),
    ]


def governance_operations(state: State, signer: Signer, clock: Clock, bodies: Bodies) -> list[Operation]:
    """Return what is answered about protected policies, and about who changed what."""
    native = Native(bodies, "governance")
    return [
        *AuditApi(native, state, signer, clock).operations(),
        *ProposalsApi(native, state, Governance(state)).operations(),
    ]


def _otlp_endpoint(stack: ExitStack, parts: Parts, bodies: Bodies) -> OtlpEndpoint:
    translator = Translator(seed=parts.chance.getrandbits(64), lookback_ms=parts.settings.promql.lookback)
    store, most_bytes = parts.store, parts.settings.ingest.max_body
    endpoint = OtlpEndpoint(store.intake, translator, store.sample_bounds_ms, bodies, most_bytes)
    stack.callback(endpoint.close)
    return endpoint


def _status_api(parts: Parts) -> StatusApi:
    settings, store = parts.settings, parts.store
    return StatusApi(
        catalog=parts.queries.catalog,
        clock=parts.clock,
        started_ms=parts.clock.now_ms(),
        settings_text=lambda: settings.model_dump_json(indent=2),
        flags=partial(_flags, settings),
        reloaded=parts.reloads.state,
        is_recovered=lambda: store.loader.is_recovered,
        engine_version=store.engine.status().version,
        retention_ms=settings.retention.metrics,
        damaged=len(store.wal.recovery.damaged),
    )


def _body_limits(settings: Settings) -> BodyLimits:
    ingest = settings.ingest
    held_bytes = max(ingest.max_receiving, ingest.max_body)
    total_s = ingest.receive_timeout / 1000
    return BodyLimits(held_bytes, reserve_bytes=held_bytes // 4, idle_s=total_s / 4, total_s=total_s)


def _fence(settings: Settings) -> Fence:
    host, _ = split_address(settings.listen)
    told = frozenset(name.lower() for name in (*settings.hosts, *filter(None, [_host(settings.url)])))
    names = Names(told, host.lower(), listens_beyond=not is_loopback(host) and not told)
    held_bytes = settings.promql.max_sending
    return Fence(names, Unread(UnreadLimits(held_bytes, reserve_bytes=held_bytes // 4)))


def _host(url: str) -> str:
    return url.partition("://")[2]


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
