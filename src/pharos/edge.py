"""The part of a server that faces its clients: every endpoint, put together into one application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from pydantic import SecretStr

from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig
from pharos.alerting.trial import Trials
from pharos.api.admin import AdminApi
from pharos.api.alerting.acknowledgements import CallbackSecrets
from pharos.api.alerting.alerts import AlertsApi
from pharos.api.alerting.heartbeats import HeartbeatsApi
from pharos.api.alerting.measured import MeasuredApi
from pharos.api.alerting.receivers import ReceiversApi
from pharos.api.alerting.replay import Present, ReplayApi
from pharos.api.alerting.routes import People, people_operations
from pharos.api.alertmanager.routes import AlertmanagerApi
from pharos.api.alertmanager.silences import SilencesApi
from pharos.api.app import App, Edge, create_app
from pharos.api.dashboards.grafana import GrafanaApi
from pharos.api.dashboards.native import DashboardsApi
from pharos.api.dashboards.queries import DashboardQueries
from pharos.api.dashboards.shares import SharesApi
from pharos.api.exports.routes import ExportsApi
from pharos.api.grpc.doors import GrpcDoors
from pharos.api.health.checks import HealthApi
from pharos.api.health.components import ComponentsApi
from pharos.api.health.public import PublicPages, StatusNames
from pharos.api.health.status_pages import StatusPagesApi
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.credentials import identify
from pharos.api.http.guard import Fence, Names
from pharos.api.http.proxies import Proxies
from pharos.api.http.routes import Operation
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.loki.routes import LokiApi
from pharos.api.native.alerting_config import AlertingConfigApi
from pharos.api.native.anomalies import AnomaliesApi
from pharos.api.native.answers import Native
from pharos.api.native.audit import AuditApi
from pharos.api.native.correlations import CorrelationsApi
from pharos.api.native.demo import DemoApi
from pharos.api.native.flow_control import FlowControlApi
from pharos.api.native.logs import LogsApi
from pharos.api.native.people import PeopleApi
from pharos.api.native.proposals import ProposalsApi
from pharos.api.native.related import RelatedApi
from pharos.api.native.reports import ReportsApi
from pharos.api.native.rules import RuleGroupsApi
from pharos.api.native.session import CookieOptions, SessionApi
from pharos.api.native.slos import SlosApi
from pharos.api.native.sso import SsoApi
from pharos.api.native.tenants import TenantsApi
from pharos.api.native.tokens import TokensApi
from pharos.api.native.versions import version_operations
from pharos.api.native.windows import WindowsApi
from pharos.api.pictures.routes import PicturesApi
from pharos.api.prometheus.catalog import CatalogApi
from pharos.api.prometheus.federate import FederateEndpoint
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.remote_read.endpoint import ReadEndpoint
from pharos.api.prometheus.rules import RulesApi
from pharos.api.prometheus.status import StatusApi
from pharos.api.prometheus.targets import TargetsApi
from pharos.api.prometheus.tsdb_admin import TsdbAdminApi
from pharos.api.receivers.doors import line_operations
from pharos.api.receivers.lines import LineDoor
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.api.receivers.otlp_events import OtlpEventsEndpoint
from pharos.api.receivers.runs import RunDoor
from pharos.api.receivers.spans import SamplingEndpoint, SpanDoor
from pharos.api.runs.alerts import RunAlertsApi
from pharos.api.runs.reading import RunsApi
from pharos.api.runs.writing import RunEventsApi
from pharos.api.traces.routes import trace_operations
from pharos.backup import take_snapshot, wait_until_stored
from pharos.checking import Checking
from pharos.clock import Clock
from pharos.config import Settings, external_url, split_address
from pharos.dashboards.answer.doors import Doors
from pharos.demo.running import Demo
from pharos.entrance import Entrance
from pharos.feed import Feed
from pharos.flows.control import Controls
from pharos.gotext.durations import format_duration
from pharos.governance import Governance
from pharos.http_options import SecretText
from pharos.ingest.otlp.translate import Translator
from pharos.ingest.scrape.scraper import Scraper
from pharos.judging import Judging
from pharos.keeping import Keeping
from pharos.paging import Paging
from pharos.queries import Queries
from pharos.query.metrics.erase import Eraser
from pharos.related.find import Finder
from pharos.related.subject import Sources
from pharos.releasing import Releasing
from pharos.reload import Reloads
from pharos.reports.sending import ReportParts, Reports
from pharos.rules.replay import ReplayOptions
from pharos.ruling import Ruling, past_events
from pharos.runs.runs import Runs
from pharos.secret import Secret
from pharos.showing import Showing
from pharos.state import State
from pharos.state.exports import Signer, open_signer
from pharos.store import Store
from pharos.tenants.tenancy import Tenancy
from pharos.turns import TurnPool

_SNAPSHOT_WAIT_S: Final = 60.0
_FEATURES: Final = (
    "promql-experimental-functions",
    "promql-duration-expr",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
)
"""What upstream keeps behind flags and is always on here."""


class Parts(Struct, frozen=True):
    """What the endpoints stand on."""

    settings: Settings
    clock: Clock
    chance: Random
    store: Store
    queries: Queries
    tenancy: Tenancy
    scraper: Scraper
    ruling: Ruling
    judging: Judging
    releasing: Releasing
    paging: Paging
    state: State
    entrance: Entrance
    reloads: Reloads
    keeping: Keeping
    feed: Feed
    showing: Showing
    runs: Runs
    demo: Demo
    controls: Controls
    checking: Checking
    kernels: Callable[[], dict[str, int]]


class Face(Struct, frozen=True):
    """What clients meet: the application, and what is reached over gRPC too."""

    app: App
    grpc: GrpcDoors


@contextmanager
def open_edge(parts: Parts) -> Iterator[Face]:
    """Build the application over the parts; on exit end what it does by itself."""
    settings, clock, store, queries = parts.settings, parts.clock, parts.store, parts.queries
    wait_until_all_stored = partial(wait_until_stored, store.loader, store.intake, clock, _SNAPSHOT_WAIT_S)

    def snapshot() -> str:
        wait_until_all_stored()
        said = settings.model_dump_json(indent=2)
        return take_snapshot(store.engine, parts.state, settings.data, said, clock)

    eraser = Eraser(store.engine, store.changes, wait_until_all_stored, store.intake.forget_seen)
    prometheus = _prometheus_api(parts, TsdbAdminApi(eraser, settings.admin_api))
    bodies = Bodies(_body_limits(settings), store.intake.begin)
    loki = LokiApi(queries.log_queries, clock, bodies)
    logs = LogsApi(queries.log_search, clock)
    runs = RunsApi(parts.runs, clock)
    with ExitStack() as stack:
        run_door = _run_door(stack, parts, bodies)
        doors = _grpc_doors(stack, parts, bodies, run_door)
        app = create_app(
            Edge(
                intake=store.intake,
                otlp=doors.metrics,
                otlp_events=doors.events,
                prometheus=prometheus,
                federate=FederateEndpoint(queries.metrics, clock),
                read=ReadEndpoint(queries.metrics, bodies),
                admin=AdminApi(snapshot, allowed=settings.admin_api),
                tenants=TenantsApi(parts.tenancy, queries.catalog, bodies, clock, store.intake.active_series),
                bodies=bodies,
                fence=_fence(settings),
                max_body_bytes=settings.ingest.max_body,
                is_ready=lambda: store.loader.is_recovered and parts.runs.recorder.is_ready,
                kernels=parts.kernels,
                reload=parts.reloads.reload,
                identify=doors.identify,
                admit=parts.tenancy.directory.admit_read,
                proxies=Proxies(settings.trusted_networks),
                status_names=StatusNames(settings.health.domains, parts.checking.roster.slug_of),
                accounts=[
                    *_peoples_operations(parts, bodies),
                    *_span_operations(parts, doors),
                    *line_operations(_line_door(stack, parts, bodies)),
                    *loki.operations(),
                    *logs.operations(),
                    *_beside_queries(parts, prometheus, bodies),
                    *parts.feed.operations(bodies),
                    *_run_operations(parts, bodies, runs, run_door),
                    *_dashboard_operations(parts, bodies),
                ],
            ),
            [*loki.sockets(), *parts.feed.sockets()],
        )

        def end() -> None:
            logs.end()
            runs.end()
            parts.feed.hub.end()

        yield Face(replace(app, end=end), doors)


def _prometheus_api(parts: Parts, admin: TsdbAdminApi) -> PrometheusApi:
    queries = parts.queries
    return PrometheusApi(
        metrics=queries.metrics,
        catalog=queries.catalog,
        clock=parts.clock,
        series=CatalogApi(queries.catalog),
        targets=TargetsApi(parts.scraper),
        status=_status_api(parts),
        rules=RulesApi(parts.ruling.engine, parts.ruling.outside),
        admin=admin,
    )


def _beside_queries(parts: Parts, prometheus: PrometheusApi, bodies: Bodies) -> list[Operation]:
    """Return what is answered with files and pictures of what is found, what else happened, and the demo."""
    queries, clock = parts.queries, parts.clock
    return [
        *ExportsApi(prometheus, queries.log_search, queries.traces, clock).operations(),
        *PicturesApi(queries.metrics, parts.state, clock).operations(),
        *_related_api(parts).operations(),
        *CorrelationsApi(queries.metrics).operations(),
        *DemoApi(Native(bodies, "demo"), parts.demo).operations(),
    ]


def _peoples_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what people say and what is owed to them: accounts, governance, alerts, who is on call."""
    settings = parts.settings
    return [
        *account_operations(parts.entrance, parts.state, settings.url, bodies),
        *_alertmanager_operations(parts, bodies),
        *_routing_operations(parts, bodies),
        *_alerting_operations(parts, bodies),
        *governance_operations(parts.state, open_signer(settings.data), parts.clock, bodies),
        *people_operations(_people(parts, bodies)),
    ]


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


def _people(parts: Parts, bodies: Bodies) -> People:
    """Return what is needed of those who are on call, acknowledge and respond."""
    settings = parts.settings
    oncall = settings.oncall
    secrets = CallbackSecrets(
        _secret(oncall.slack_signing_secret, oncall.slack_signing_secret_file),
        _secret(oncall.pagerduty_signing_secret, oncall.pagerduty_signing_secret_file),
    )
    say = parts.paging.offices.say
    may = settings.actions
    return People(
        parts.state, parts.clock, parts.chance, bodies, settings.url, secrets, say, may.commands, may.clusters
    )


def _secret(inline: SecretStr | None, path: Path | None) -> SecretText:
    return SecretText(Secret("" if inline is None else inline.get_secret_value()), str(path or ""))


def _routing_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    native, paging, released = Native(bodies, "alerting"), parts.paging, parts.releasing
    return [
        *RuleGroupsApi(Native(bodies, "rules"), parts.state, parts.ruling.engine).operations(),
        *_judged_operations(parts, bodies),
        *_health_operations(parts, bodies),
        *version_operations(bodies, parts.state, parts.clock, released.readings, released.rollouts),
        *AlertingConfigApi(native, bodies, parts.state, paging.dispatcher, paging.refresh).operations(),
        *WindowsApi(native, parts.state, parts.clock, paging.dispatcher, paging.refresh).operations(),
    ]


def _alertmanager_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what is answered of alerts, silences, and what rules would have told."""
    dispatcher = parts.paging.dispatcher
    api = AlertmanagerApi(
        dispatcher=dispatcher,
        state=parts.state,
        clock=parts.clock,
        chance=parts.chance,
        bodies=bodies,
        max_body_bytes=parts.settings.ingest.max_body,
        started_ms=parts.clock.now_ms(),
        admit_write=parts.tenancy.directory.admit_write,
    )
    native = Native(bodies, "alerting")
    return [
        *api.operations(),
        *AlertsApi(native, dispatcher, parts.ruling.engine, parts.state).operations(),
        *SilencesApi(native, dispatcher, parts.state, parts.clock, parts.chance).operations(),
        *_replay_api(parts, native).operations(),
        *MeasuredApi(past_events(parts.queries), parts.clock).operations(),
    ]


def _replay_api(parts: Parts, native: Native) -> ReplayApi:
    engine, configs = parts.ruling.engine, parts.paging.configs

    def present(tenant: str) -> Present:
        around = engine.around
        options = ReplayOptions(
            start_ms=0,
            end_ms=0,
            interval_ms=around.options.interval_ms,
            query_offset_ms=around.options.query_offset_ms,
            external_labels=around.external_labels,
            external_url=around.options.url,
            lookback_ms=around.options.lookback_ms,
        )
        return Present([one.group for one in engine.groups(tenant)], configs.of(tenant), options)

    metrics, events = parts.queries.metrics, past_events(parts.queries)
    return ReplayApi(native, metrics, parts.state, parts.clock, present, events)


def _alerting_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what is answered about receivers, and what was owed to them."""
    paging, state = parts.paging, parts.state
    chance = parts.chance
    return alerting_operations(
        bodies,
        state,
        paging.configs.of,
        Trials(paging.offices, parts.clock),
        lambda: f"{chance.getrandbits(128):032x}",
    )


def alerting_operations(
    bodies: Bodies,
    state: State,
    config_of: Callable[[str], AlertingConfig],
    trials: Trials,
    new_id: Callable[[], str],
) -> list[Operation]:
    """Return what is answered about receivers, what is owed to them, and others' signs of life."""
    native = Native(bodies, "alerting")
    return [
        *ReceiversApi(native, state, config_of, trials, new_id).operations(),
        *HeartbeatsApi(native, state).operations(),
    ]


def _span_operations(parts: Parts, doors: GrpcDoors) -> list[Operation]:
    """Return what is answered where spans are taken in other forms than OTLP, and where they are read."""
    return [
        *doors.spans.operations(),
        *SamplingEndpoint(doors.strategies).operations(),
        *trace_operations(parts.queries.traces, parts.clock),
    ]


def _run_operations(parts: Parts, bodies: Bodies, runs: RunsApi, run_door: RunDoor) -> list[Operation]:
    """Return where runs are shown and told of, and where something is asked of them."""
    return [
        *runs.operations(),
        *RunEventsApi(parts.runs, bodies, parts.clock, parts.chance).operations(),
        *RunAlertsApi(Native(bodies, "flows"), parts.state, parts.settings.run_alerts).operations(),
        *run_door.operations(),
        *FlowControlApi(
            Native(bodies, "flows"), parts.controls, parts.state, parts.runs.summary
        ).operations(),
    ]


def _run_door(stack: ExitStack, parts: Parts, bodies: Bodies) -> RunDoor:
    pool = TurnPool(1, "runs")
    stack.callback(pool.close)
    return RunDoor(parts.runs, bodies, parts.clock, pool)


def _grpc_doors(stack: ExitStack, parts: Parts, bodies: Bodies, run_door: RunDoor) -> GrpcDoors:
    store, clock, most_bytes = parts.store, parts.clock, parts.settings.ingest.max_body
    translator = Translator(
        seed=parts.chance.getrandbits(64),
        lookback_ms=parts.settings.promql.lookback,
        promotion=lambda: parts.scraper.config.otlp,
    )
    metrics = OtlpEndpoint(store.intake, translator, store.sample_bounds_ms, bodies, most_bytes)
    stack.callback(metrics.close)
    events = OtlpEventsEndpoint(store.intake, bodies, most_bytes, run_door.take_spans)
    stack.callback(events.close)
    pool = TurnPool(1, "spans")
    stack.callback(pool.close)
    return GrpcDoors(
        metrics=metrics,
        events=events,
        spans=SpanDoor(store.intake, bodies, clock, pool, most_bytes, run_door.take_spans),
        strategies=lambda: parts.keeping.strategies,
        traces=JaegerTraces(parts.queries.traces, clock),
        bodies=bodies,
        identify=partial(identify, parts.entrance.authenticator),
    )


def _line_door(stack: ExitStack, parts: Parts, bodies: Bodies) -> LineDoor:
    pool = TurnPool(1, "lines")
    stack.callback(pool.close)
    return LineDoor(parts.store.intake, bodies, parts.settings.ingest.max_body, pool)


def _dashboard_doors(parts: Parts) -> Doors:
    queries = parts.queries
    return Doors(
        metrics=queries.metrics,
        catalog=queries.catalog,
        logs=queries.log_queries,
        traces=queries.traces,
        state=parts.state,
        clock=parts.clock,
    )


def reports_of(parts: Parts) -> Reports:
    """Return what makes reports of dashboards."""
    return Reports(
        ReportParts(
            state=parts.state,
            dashboards=parts.showing.dashboards,
            doors=_dashboard_doors(parts),
            clock=parts.clock,
            config_of=parts.paging.configs.of,
            grant_of_author=parts.entrance.directory.grant_of_author,
            admit=parts.tenancy.directory.admit_read,
            url=parts.settings.url,
        )
    )


def _dashboard_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what is answered about dashboards, to the page and to Grafana's tools."""
    dashboards, doors = parts.showing.dashboards, _dashboard_doors(parts)
    native = Native(bodies, "dashboards")
    asked = DashboardQueries(native, bodies, dashboards, doors)
    shares = SharesApi(
        native=native,
        queries=asked,
        dashboards=dashboards,
        state=parts.state,
        clock=parts.clock,
        chance=parts.chance,
        allows_public=parts.settings.dashboards.public_links,
        grant_of_author=parts.entrance.directory.grant_of_author,
        admit=parts.tenancy.directory.admit_read,
    )
    return [
        *DashboardsApi(native, dashboards).operations(),
        *asked.operations(),
        *shares.operations(),
        *GrafanaApi(dashboards, bodies).operations(),
        *ReportsApi(Native(bodies, "reports"), reports_of(parts), parts.state, parts.clock).operations(),
    ]


def _related_api(parts: Parts) -> RelatedApi:
    queries, dispatcher = parts.queries, parts.paging.dispatcher

    def living(tenant: str) -> list[Alert]:
        moment = dispatcher.moment()
        return [known.alert for known in dispatcher.desk(tenant).alerts.living(moment.now_s)]

    sources = Sources(
        queries.log_search,
        queries.traces,
        queries.metrics,
        queries.catalog,
        parts.state,
        living,
        parts.checking.roster.looked_at,
    )
    return RelatedApi(Finder(sources), parts.clock)


def _health_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what is answered about checks of health, and the components that they are of."""
    native, roster = Native(bodies, "health"), parts.checking.roster
    url = external_url(parts.settings)
    domains = parts.settings.health.domains
    return [
        *HealthApi(native, roster, parts.checking.looks, parts.clock, parts.chance, url).operations(),
        *ComponentsApi(native, roster, parts.clock).operations(),
        *StatusPagesApi(native, roster, parts.clock, parts.chance, domains).operations(),
        *PublicPages(roster, parts.clock, url).operations(),
    ]


def _judged_operations(parts: Parts, bodies: Bodies) -> list[Operation]:
    """Return what is answered about objectives and anomalies."""
    ruling, judging, metrics = parts.ruling, parts.judging, parts.queries.metrics
    native = Native(bodies, "slos")
    slos = SlosApi(native, ruling.objectives, metrics, ruling.engine, parts.state, parts.clock)
    native = Native(bodies, "anomalies")
    found = AnomaliesApi(native, parts.state, metrics, parts.clock, judging.watching, judging.mark)
    return [*slos.operations(), *found.operations()]


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
        retention_ms=lambda: parts.keeping.policy.retention.now.metrics,
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
    beyond = not settings.is_for_loopback and not told
    names = Names(told, host.lower(), beyond, frozenset(settings.health.domains))
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
