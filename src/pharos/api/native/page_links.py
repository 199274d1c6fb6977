"""Addresses of our own pages, with the time and the tenant that they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import Struct

from pharos.access import DEFAULT
from pharos.gotext.timestamps import format_time_ms
from pharos.search.window import Window

_S: Final = 10**9
_MS: Final = 10**6
_LEAD_NS: Final = 60 * _S
_PLAIN: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})


class Pages(Struct, frozen=True):
    """The pages as they are looked at for one tenant and one time."""

    tenant: str
    window: Window

    def logs(self, query: str) -> str:
        """Return where the lines are that a search finds."""
        return self._page("/logs", {"q": query})

    def line(self, origin: int, ts_ns: int, query: str) -> str:
        """Return where one line is opened, among those before it that a search finds."""
        shown = Pages(self.tenant, Window(max(ts_ns - _LEAD_NS, 0), ts_ns + 1))
        return shown._page("/logs", {"q": query, "line": f"{origin}.{ts_ns}"})

    def traces(self, service: str) -> str:
        """Return where traces of a service are searched; of all without one."""
        return self._page("/traces", {"service": service})

    def trace(self, trace_id: str) -> str:
        """Return where one trace is."""
        return self._page(f"/traces/{trace_id}", {})

    def explore(self, expression: str) -> str:
        """Return where an expression is drawn."""
        return self._page("/explore", {"q0": expression})

    def alert(self, fingerprint: str) -> str:
        """Return where one alert is."""
        return self._page("/alert", {"id": fingerprint})

    def alerts(self) -> str:
        """Return where all alerts are."""
        return self._page("/alerts", {})

    def health(self) -> str:
        """Return where all checks of health are."""
        return self._page("/health", {})

    def check(self, name: str) -> str:
        """Return where one check of health is."""
        return self._page("/health", {"check": name})

    def audit(self) -> str:
        """Return where changes are."""
        return self._page("/audit", {})

    def _page(self, path: str, own: Mapping[str, str]) -> str:
        # The pages write whole seconds; the last one is shown whole.
        end_ms = -(-self.window.end_ns // _S) * 1000
        context = {
            "from": _second(self.window.start_ns // _MS),
            "to": _second(end_ms),
            "tenant": "" if self.tenant == DEFAULT.tenant else self.tenant,
        }
        search = {name: value for name, value in {**own, **context}.items() if value}
        return f"{path}?{urlencode(search, quote_via=quote, errors='replace')}"


def _second(time_ms: int) -> str:
    return f"{format_time_ms(time_ms)[:19]}Z"


def field_is(name: str, value: str) -> str:
    """Return the condition of a search that a field has a value; empty without one."""
    return f'{name}:"{value.translate(_PLAIN)}"' if value else ""
