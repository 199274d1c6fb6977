"""What tenants say of their alerting over the API, in memory: own configurations, maintenance windows,
dependencies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, Inhibition
from pharos.alerting.dependencies import as_inhibitions, read_dependency
from pharos.alerting.held import Held, Why
from pharos.alerting.maintenance import Windows, read_window
from pharos.alerting.own_config import read_own
from pharos.errors import PharosError
from pharos.state import Unit
from pharos.state.documents import Defined, Version, list_documents

_LOG = logging.getLogger(__name__)

KINDS: Final = (Defined.ALERTING, Defined.MAINTENANCE, Defined.DEPENDENCY)


class TenantsOwn(Struct, frozen=True):
    """Of all tenants, at one time."""

    configs: Mapping[str, AlertingConfig] = field(default_factory=dict)
    windows: Mapping[str, Windows] = field(default_factory=dict)
    dependencies: Mapping[str, tuple[Inhibition, ...]] = field(default_factory=dict)

    def config(self, tenant: str, servers: AlertingConfig) -> AlertingConfig:
        """Return what a tenant goes by: its own configuration or the server's, with its dependencies."""
        found = self.configs.get(tenant, servers)
        depends = self.dependencies.get(tenant)
        return replace(found, dependencies=depends) if depends else found


def list_own(unit: Unit) -> tuple[Version, ...]:
    """Return all that tenants define of it."""
    return tuple(one for kind in KINDS for one in list_documents(unit, kind))


def read_tenants_own(versions: Iterable[Version], now_ms: int) -> TenantsOwn:
    """Return what the documents say; one that is not good any more is left out, and the log says so.

    It may take long, and is to be called on a thread of its own.
    """
    found: dict[Defined, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
    readers: dict[Defined, Callable[[Mapping[str, Any], str], Any]] = {
        Defined.ALERTING: lambda document, _: read_own(document).config,
        Defined.MAINTENANCE: read_window,
        Defined.DEPENDENCY: read_dependency,
    }
    for one in versions:
        try:
            read = readers[one.kind](one.document or {}, one.name)
        except PharosError as exc:
            _LOG.error("tenant %s: the %s %r is not followed: %s", one.tenant_id, one.kind, one.name, exc)
            continue
        found[one.kind].setdefault(one.tenant_id, {})[one.name] = read
    windows = {tenant: Windows(some) for tenant, some in found[Defined.MAINTENANCE].items()}
    for some in windows.values():
        some.look(now_ms)
    return TenantsOwn(
        {tenant: next(iter(some.values())) for tenant, some in found[Defined.ALERTING].items()},
        windows,
        {tenant: as_inhibitions(some) for tenant, some in found[Defined.DEPENDENCY].items()},
    )


class Maintenance(Struct, frozen=True):
    """Holds back pages while it is the time of a tenant's window."""

    own: Callable[[], TenantsOwn]

    def held(self, tenant: str, alert: Alert, receiver: str, now_ms: int) -> Held | None:
        """Return the window that holds an alert back; None for none."""
        del receiver
        windows = self.own().windows.get(tenant)
        over = None if windows is None else windows.over(dict(alert.labels), now_ms)
        return None if over is None else Held(Why.MAINTENANCE, over.name, over.reason, over.until_ms)
