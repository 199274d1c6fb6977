"""An application with nothing behind its edge, for tests of the edge alone."""

from __future__ import annotations

import inspect
from random import Random
from typing import TypeVar

from pharos.access import OPEN, Scope
from pharos.api.admin import AdminApi
from pharos.api.alerting.alerts import AlertsApi
from pharos.api.alerting.heartbeats import HeartbeatsApi
from pharos.api.alerting.measured import MeasuredApi
from pharos.api.alerting.receivers import ReceiversApi
from pharos.api.alerting.replay import ReplayApi
from pharos.api.alerting.routes import People, people_operations
from pharos.api.alertmanager.routes import AlertmanagerApi
from pharos.api.alertmanager.silences import SilencesApi
from pharos.api.app import Edge
from pharos.api.dashboards.grafana import GrafanaApi
from pharos.api.dashboards.native import DashboardsApi
from pharos.api.dashboards.queries import DashboardQueries
from pharos.api.dashboards.shares import SharesApi
from pharos.api.exports.routes import ExportsApi
from pharos.api.health.checks import HealthApi
from pharos.api.health.components import ComponentsApi
from pharos.api.health.public import PublicPages, StatusNames
from pharos.api.health.status_pages import StatusPagesApi
from pharos.api.http.bodies import Begin, Bodies, BodyLimits
from pharos.api.http.guard import Fence, Names
from pharos.api.http.routes import Operation, SocketOperation
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.api.live.conditions import ConditionsApi
from pharos.api.live.dashboard import DashboardApi
from pharos.api.live.events import LiveEvents
from pharos.api.live.monitoring import MonitoringApi
from pharos.api.live.plain import Plain
from pharos.api.live.signals import SignalsApi
from pharos.api.live.socket import SOCKET_PATH, WATCH, LiveSocket
from pharos.api.loki.routes import LokiApi
from pharos.api.native.alerting_config import AlertingConfigApi
from pharos.api.native.anomalies import AnomaliesApi
from pharos.api.native.answers import Native
from pharos.api.native.audit import AuditApi
from pharos.api.native.comparisons import ComparisonsApi
from pharos.api.native.correlations import CorrelationsApi
from pharos.api.native.demo import DemoApi
from pharos.api.native.flow_control import FlowControlApi
from pharos.api.native.logs import LogsApi
from pharos.api.native.people import PeopleApi
from pharos.api.native.proposals import ProposalsApi
from pharos.api.native.related import RelatedApi
from pharos.api.native.reports import ReportsApi
from pharos.api.native.rollouts import RolloutsApi
from pharos.api.native.rules import RuleGroupsApi
from pharos.api.native.session import SessionApi
from pharos.api.native.slos import SlosApi
from pharos.api.native.sso import SsoApi
from pharos.api.native.tenants import TenantsApi
from pharos.api.native.tokens import TokensApi
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
from pharos.clock import SystemClock
from pharos.query.events.traces import Traces

T = TypeVar("T")


def _hollow(kind: type[T], **given: object) -> T:
    """Return an object of which only these parts are there."""
    return kind(**{**dict.fromkeys(inspect.signature(kind).parameters), **given})


async def _everybody(_scope: Scope) -> None:
    return


def hollow_edge(begin: Begin = _everybody) -> Edge:
    """Return what the application is made of, with nothing behind it: whoever reaches an endpoint fails."""
    bodies = Bodies(BodyLimits(1 << 20, reserve_bytes=1 << 18, idle_s=1, total_s=4), begin)
    prometheus = _hollow(
        PrometheusApi,
        series=_hollow(CatalogApi),
        targets=_hollow(TargetsApi),
        status=_hollow(StatusApi),
        rules=_hollow(RulesApi),
        admin=_hollow(TsdbAdminApi, enabled=True),
    )
    return _hollow(
        Edge,
        otlp=_hollow(OtlpEndpoint, bodies=bodies, max_body_bytes=1 << 20),
        otlp_events=_hollow(OtlpEventsEndpoint, bodies=bodies, max_body_bytes=1 << 20),
        prometheus=prometheus,
        federate=_hollow(FederateEndpoint),
        read=_hollow(ReadEndpoint, bodies=bodies),
        admin=_hollow(AdminApi),
        tenants=_hollow(TenantsApi, bodies=bodies),
        bodies=bodies,
        fence=Fence(Names(), Unread(UnreadLimits())),
        max_body_bytes=1 << 20,
        identify=lambda _: OPEN,
        admit=lambda _: None,
        accounts=_accounts(bodies),
        status_names=StatusNames({}, str),
    )


def hollow_sockets(edge: Edge) -> list[SocketOperation]:
    """Return where the application takes WebSockets, with nothing behind them."""
    live = SocketOperation(SOCKET_PATH, _hollow(LiveSocket).serve, WATCH)
    return [*_hollow(LokiApi, bodies=edge.bodies).sockets(), live]


def _accounts(bodies: Bodies) -> list[Operation]:
    native = Native(bodies, "accounts")
    return [
        *_hollow(SessionApi, native=native).operations(),
        *_hollow(PeopleApi, native=native).operations(),
        *_hollow(TokensApi, native=native).operations(),
        *_hollow(SsoApi, providers={}).operations(),
        *_hollow(AlertmanagerApi, bodies=bodies).operations(),
        *_hollow(ReplayApi, native=native).operations(),
        *_hollow(MeasuredApi).operations(),
        *_hollow(AlertsApi, native=native).operations(),
        *_hollow(SilencesApi, native=native).operations(),
        *_hollow(AlertingConfigApi, native=native, bodies=bodies).operations(),
        *_hollow(WindowsApi, native=native).operations(),
        *_hollow(ReceiversApi, native=native).operations(),
        *_hollow(HeartbeatsApi, native=native).operations(),
        *_hollow(AuditApi, native=native).operations(),
        *_hollow(ProposalsApi, native=native).operations(),
        *people_operations(_hollow(People, bodies=bodies)),
        *line_operations(_hollow(LineDoor, bodies=bodies, max_body_bytes=1 << 20)),
        *_hollow(RuleGroupsApi, native=native).operations(),
        *_hollow(SlosApi, native=native).operations(),
        *_hollow(AnomaliesApi, native=native).operations(),
        *_hollow(ComparisonsApi, native=native).operations(),
        *_hollow(RolloutsApi, native=native).operations(),
        *_hollow(LokiApi, bodies=bodies).operations(),
        *_hollow(LogsApi).operations(),
        *_hollow(ExportsApi).operations(),
        *_hollow(PicturesApi).operations(),
        *_hollow(DemoApi, native=native).operations(),
        *_hollow(ReportsApi, native=native).operations(),
        *_hollow(RelatedApi).operations(),
        *_hollow(CorrelationsApi).operations(),
        *_live(bodies),
        *_hollow(SpanDoor, bodies=bodies, most_bytes=1 << 20).operations(),
        *_hollow(SamplingEndpoint).operations(),
        *_hollow(DashboardsApi, native=native).operations(),
        *_hollow(DashboardQueries, native=native, bodies=bodies).operations(),
        *_hollow(SharesApi, native=native).operations(),
        *_hollow(GrafanaApi, bodies=bodies).operations(),
        *_hollow(RunsApi).operations(),
        *_hollow(RunAlertsApi, native=native).operations(),
        *_hollow(RunEventsApi, bodies=bodies, clock=SystemClock(), chance=Random(1)).operations(),
        *_hollow(RunDoor, bodies=bodies, clock=SystemClock()).operations(),
        *_hollow(FlowControlApi, native=native).operations(),
        *trace_operations(_hollow(Traces), SystemClock()),
        *_health(native),
    ]


def _health(native: Native) -> list[Operation]:
    return [
        *_hollow(HealthApi, native=native).operations(),
        *_hollow(ComponentsApi, native=native).operations(),
        *_hollow(StatusPagesApi, native=native).operations(),
        *_hollow(PublicPages).operations(),
    ]


def _live(bodies: Bodies) -> list[Operation]:
    plain = Plain(bodies, "live")
    return [
        _hollow(LiveEvents).operation(),
        *_hollow(DashboardApi, plain=plain).operations(),
        *_hollow(ConditionsApi, plain=plain).operations(),
        *_hollow(MonitoringApi, plain=Plain(bodies, "monitoring"), signals=_hollow(SignalsApi)).operations(),
    ]
