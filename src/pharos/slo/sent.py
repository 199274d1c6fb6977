"""Events that somebody counts and sends, where an indicator's own source cannot be asked here."""

from __future__ import annotations

from typing import Final

from pharos.gotext.quoting import quote
from pharos.slo.objective import Events

EVENTS: Final = "slo_events_total"
"""Counted by whoever knows them."""


def sent_events(slo: str, service: str) -> Events:
    """Return the indicator of an objective whose events are sent."""
    chosen = f"slo={quote(slo)},service={quote(service)}"
    bad = f'sum(rate({EVENTS}{{{chosen},outcome="bad"}}[{{{{.window}}}}]))'
    return Events(bad, f"sum(rate({EVENTS}{{{chosen}}}[{{{{.window}}}}]))")


def sent_hint(slo: str) -> str:
    """Return what has to be sent for an objective, as the end of a sentence."""
    chosen = f'{{slo="{slo}",outcome="good" or "bad"}}'
    return f"its events are taken from {EVENTS}{chosen}, counters to be sent"
