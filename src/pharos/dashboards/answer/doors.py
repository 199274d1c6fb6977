"""What answers the questions of dashboards."""

from __future__ import annotations

from msgspec import Struct

from pharos.access import Scope, denied
from pharos.clock import Clock
from pharos.query.events.log_queries import LogQueries
from pharos.query.events.traces import Traces
from pharos.query.metrics.catalog import Catalog
from pharos.query.metrics.evaluation import Metrics
from pharos.state import State


class Doors(Struct, frozen=True):
    """Where metrics, logs, traces and what happened are asked for."""

    metrics: Metrics
    catalog: Catalog
    logs: LogQueries
    traces: Traces
    state: State
    clock: Clock


def require_permission(scope: Scope, permission: str) -> None:
    """Raise PharosError(DENIED) where who asks lacks a permission."""
    if permission not in scope.permissions:
        raise denied(scope.who, scope.tenant, permission)
