"""Where our own pages show what a message tells of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode

from pharos.access import DEFAULT

_MOST: Final = 1500
"""A longer address is cut off by some mail program or chat."""


def alerts_page(url: str, tenant: str, labels: Sequence[Sequence[str]]) -> str:
    """Return the address of the page of a group's alerts, which its labels name."""
    return _page(f"{url}/alerts", tenant, "where", labels)


def silence_page(url: str, tenant: str, labels: Sequence[Sequence[str]]) -> str:
    """Return the address at which a group is silenced; empty for one that no labels name."""
    return _page(f"{url}/silences", tenant, "new", labels) if labels else ""


def _page(address: str, tenant: str, name: str, labels: Sequence[Sequence[str]]) -> str:
    search: dict[str, str] = {}
    if tenant != DEFAULT.tenant:
        search["tenant"] = tenant
    if labels:
        search[name] = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    if not search:
        return address
    whole = f"{address}?{urlencode(search, quote_via=quote, errors='replace')}"
    return whole if len(whole) <= _MOST else address


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
