"""An application with nothing behind its edge, for tests of the edge alone."""

from __future__ import annotations

import inspect
from typing import TypeVar

from pharos.access import OPEN
from pharos.api.admin import AdminApi
from pharos.api.app import Edge
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.guard import Fence, Names
from pharos.api.http.routes import Operation
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.api.native.answers import Native
from pharos.api.native.audit import AuditApi
from pharos.api.native.people import PeopleApi
from pharos.api.native.proposals import ProposalsApi
from pharos.api.native.session import SessionApi
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

T = TypeVar("T")


def _hollow(kind: type[T], **given: object) -> T:
    """Return an object of which only these parts are there."""
    return kind(**{**dict.fromkeys(inspect.signature(kind).parameters), **given})


def hollow_edge() -> Edge:
    """Return what the application is made of, with nothing behind it: whoever reaches an endpoint fails."""
    bodies = Bodies(BodyLimits(1 << 20, reserve_bytes=1 << 18, idle_s=1, total_s=4))
    prometheus = _hollow(
        PrometheusApi,
        series=_hollow(CatalogApi),
        targets=_hollow(TargetsApi),
        status=_hollow(StatusApi),
        rules=RulesApi(),
        admin=_hollow(TsdbAdminApi, enabled=True),
    )
    return _hollow(
        Edge,
        otlp=_hollow(OtlpEndpoint, bodies=bodies, max_body_bytes=1 << 20),
        prometheus=prometheus,
        federate=_hollow(FederateEndpoint),
        read=_hollow(ReadEndpoint, bodies=bodies),
        admin=_hollow(AdminApi),
        tenants=_hollow(TenantsApi, bodies=bodies),
        bodies=bodies,
        fence=Fence(Names(), Unread(UnreadLimits())),
        max_body_bytes=1 << 20,
        identify=lambda _: OPEN,
        accounts=_accounts(bodies),
    )


def _accounts(bodies: Bodies) -> list[Operation]:
    native = Native(bodies, "accounts")
    return [
        *_hollow(SessionApi, native=native).operations(),
        *_hollow(PeopleApi, native=native).operations(),
        *_hollow(TokensApi, native=native).operations(),
        *_hollow(SsoApi, providers={}).operations(),
        *_hollow(AuditApi, native=native).operations(),
        *_hollow(ProposalsApi, native=native).operations(),
    ]
