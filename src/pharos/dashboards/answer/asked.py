"""What a reader asks of a dashboard, and what stands for built-in names then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.dashboards.model import COLUMNS, Model, Panel
from pharos.dashboards.references import References
from pharos.dashboards.times import Span, Steps, parse_time, written_ms, zone_of
from pharos.errors import Kind, PharosError

EVERYTHING: Final = frozenset({"variables", "layout", "annotations", "panels"})
_DEFAULT_WIDTH_PX: Final = 1400
_MOST_WIDTH_PX: Final = 20_000
_LEAST_POINTS: Final = 50
_MOST_POINTS: Final = 11_000
_YEAR_MS: Final = 366 * 86_400_000


class Asked(Struct, frozen=True):
    """What a reader asks."""

    model: Model
    span: Span
    now_ms: int
    zone: tzinfo
    from_text: str
    to_text: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    custom: frozenset[str] = frozenset()
    """Variables whose values may be none of their options."""
    include: frozenset[str] = EVERYTHING
    panels: frozenset[str] | None = None
    """By key; None for those that are seen."""
    collapsed: Mapping[str, bool] = field(default_factory=dict)
    tab: str = ""
    width_px: int = _DEFAULT_WIDTH_PX
    asks_options: bool = True
    is_fresh: bool = True

    def points_of(self, panel: Panel) -> int:
        """Return how many points of a series a panel draws."""
        if panel.max_points:
            return min(panel.max_points, _MOST_POINTS)
        width = self.width_px * panel.grid.w // COLUMNS
        return min(max(width, _LEAST_POINTS), _MOST_POINTS)


def asked_of(model: Model, now_ms: int, said: Mapping[str, Any]) -> Asked:
    """Return what a request asks, whose fields are those of the contract. Raises PharosError(INVALID)."""
    first = said.get("from") if said.get("from") is not None else model.time_from
    last = said.get("to") if said.get("to") is not None else model.time_to
    zone = zone_of(str(said.get("timezone") or ""))
    span = Span(
        parse_time(first, now_ms, zone, is_end=False, name="from"),
        parse_time(last, now_ms, zone, is_end=True, name="to"),
    )
    if span.end_ms <= span.start_ms:
        raise PharosError(Kind.INVALID, "the range ends before it begins", hint="from must be before to")
    include = said.get("include")
    unknown = sorted(set(include or ()) - EVERYTHING)
    if unknown:
        raise PharosError(
            Kind.INVALID, f"include: {unknown[0][:40]!r} is not known", hint=", ".join(sorted(EVERYTHING))
        )
    panels = said.get("panels")
    return Asked(
        model=model,
        span=span,
        now_ms=now_ms,
        zone=zone,
        from_text=str(first),
        to_text=str(last),
        variables=said.get("variables") or {},
        custom=frozenset(said.get("custom") or ()),
        include=EVERYTHING if include is None else frozenset(include),
        panels=None if panels is None else frozenset(panels),
        collapsed=said.get("collapsed") or {},
        tab=str(said.get("tab") or ""),
        width_px=min(max(int(said.get("width_px") or _DEFAULT_WIDTH_PX), 100), _MOST_WIDTH_PX),
        asks_options=said.get("refresh_variables") is not False,
    )


def built_in(asked: Asked, scope: Scope, query: str) -> dict[str, str]:
    """Return what built-in names stand for, but for those that a target's step makes.

    `query` is how all variables stand in an address.
    """
    span = asked.span
    seconds = round(span.length_ms / 1000)
    known = {
        "__range": f"{seconds}s",
        "__range_s": str(seconds),
        "__range_ms": str(span.length_ms),
        "__dashboard": asked.model.title,
        "__dashboard.uid": asked.model.uid,
        "__user": scope.who.name,
        "__user.id": scope.who.id,
        "__user.login": scope.who.name,
        "__user.email": scope.who.name,
        "__org": scope.tenant,
        "__org.id": scope.tenant,
        "__org.name": scope.tenant,
        "__timezone": str(asked.zone),
        "__interval": "",
        "__interval_ms": "",
        "__rate_interval": "",
        "__rate_interval_ms": "",
        "__name": "",
        "__searchFilter": "*",
        "__all_variables": query,
        "__url_time_range": f"from={asked.from_text}&to={asked.to_text}",
        "timeFilter": f"time >= {span.start_ms}ms and time <= {span.end_ms}ms",
    }
    for name, at_ms in (("__from", span.start_ms), ("__to", span.end_ms)):
        known[name] = str(at_ms)
    return known


def stepped(names: References, steps: Steps, span: Span) -> References:
    """Return the names as a target has them, which is asked in some steps."""
    seconds = round(span.length_ms / 1000)
    return References(
        names.known,
        {
            **names.fixed,
            "__interval": written_ms(steps.step_ms),
            "__interval_ms": str(steps.step_ms),
            "__rate_interval": written_ms(steps.rate_ms),
            "__rate_interval_ms": str(steps.rate_ms),
            "__auto": written_ms(steps.step_ms),
            "__range": f"{seconds}s",
            "__range_s": str(seconds),
            "__range_ms": str(span.length_ms),
            "__from": str(span.start_ms),
            "__to": str(span.end_ms),
        },
        names.zone,
    )


_LAST: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "y": "year"}


def span_of(panel: Panel, asked: Asked, names: References) -> tuple[Span, str | None]:
    """Return the range that a panel shows, which may be one of its own, and how it is told of.

    Raises PharosError(INVALID) for a range that is none.
    """
    own, shift = names.filled(panel.time_from).strip(), names.filled(panel.time_shift).strip()
    span, told = asked.span, []
    if own:
        start = own if own.startswith("now") else f"now-{own}"
        end = f"now/{own.rpartition('/')[2]}" if "/" in own else "now"
        span = Span(
            parse_time(start, asked.now_ms, asked.zone, is_end=False, name="timeFrom"),
            parse_time(end, asked.now_ms, asked.zone, is_end=True, name="timeFrom"),
        )
        told.append(_told_last(own))
    if shift:
        back = shift.removeprefix("-")

        def moved(at_ms: int) -> int:
            return parse_time(f"now-{back}", at_ms, asked.zone, is_end=False, name="timeShift")

        span = Span(moved(span.start_ms), moved(span.end_ms))
        told.append(f"timeshift -{back}")
    if span.length_ms <= 0 or span.length_ms > 100 * _YEAR_MS:
        raise PharosError(Kind.INVALID, f"the panel's own range {own or shift!r} is none")
    return span, (", ".join(told) if told and not panel.hides_override else None)


def _told_last(own: str) -> str:
    count, unit = own[:-1], own[-1:]
    if count.isdigit() and unit in _LAST:
        return f"Last {count} {_LAST[unit]}{'' if count == '1' else 's'}"
    return own
