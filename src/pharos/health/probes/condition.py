"""Asks what is stored: metrics by PromQL, log lines by LogQL."""

from __future__ import annotations

from pharos.access import Scope
from pharos.gotext.numbers import format_g
from pharos.health.check import LogqlCheck, PromqlCheck
from pharos.health.looking import Found, Means

_SHOWN = 3


async def look(check: PromqlCheck | LogqlCheck, means: Means, scope: Scope) -> Found:
    """Ask once. Raises PharosError as queries do."""
    found = await means.ask(check.type, scope, check.query)
    facts = {"query_series": float(len(found))}
    if check.up_when == "found":
        return Found(() if found else ["nothing was found"], facts)
    if not found:
        return Found((), facts)
    named = [
        f"{{{', '.join(f'{name}={value}' for name, value in labels)}}} is {format_g(value)}"
        for labels, value in found[:_SHOWN]
    ]
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Found([f"{'; '.join(named)}{more}"], facts)
