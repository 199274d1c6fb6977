"""What the answers about schedules look like."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pharos.alerting.oncall.shifts import Overlap, Shift
from pharos.api.alerting.answers import iso_or_none
from pharos.api.native.answers import Body, Shape
from pharos.gotext.timestamps import format_time_ms
from pharos.state import oncall
from pharos.state.documents import Version


class ScheduleBody(Body):
    """What a schedule is, and why it is so."""

    schedule: dict[str, Any] = Field(max_length=20)
    version: int | None = None
    """The version that it takes the place of, 0 for none; whichever there is without it."""
    reason: str = Field(default="", max_length=2000)


class OverrideBody(Body):
    """Who is on call from one time to another."""

    people: list[str] = Field(min_length=1, max_length=20)
    start: str
    end: str
    reason: str = Field(default="", max_length=2000)


class SwapBody(Body):
    """Whose shifts of a time are given away, and to whom."""

    giver: str = Field(min_length=1, max_length=100)
    taker: str = Field(default="", max_length=100)
    start: str
    end: str
    reason: str = Field(default="", max_length=2000)


class TakeBody(Body):
    """Who takes the shifts."""

    taker: str = Field(default="", max_length=100)


class FeedBody(Body):
    """Whose shifts a calendar shows; everybody's without a person."""

    person: str = Field(default="", max_length=100)


class VersionShape(Shape):
    """A definition as it is from one time on."""

    name: str
    version: int
    document: dict[str, Any] | None
    by: str
    reason: str
    at: str


class ShiftShape(Shape):
    """People who are on call from one time to another."""

    start: str
    end: str
    people: list[str]
    source: str
    instead_of: list[str]


class SpanShape(Shape):
    """A time."""

    start: str
    end: str


class OverlapShape(Shape):
    """Two say something else for the same time."""

    start: str
    end: str
    loses: str
    losing_people: list[str]
    wins: str
    winning_people: list[str]


class OverrideShape(Shape):
    """An override."""

    id: str
    start: str
    end: str
    people: list[str]
    reason: str
    by: str


class SwapShape(Shape):
    """A swap."""

    id: str
    start: str
    end: str
    giver: str
    taker: str
    reason: str
    taken: str | None


class LayerShape(Shape):
    """A layer's own shifts."""

    name: str
    shifts: list[ShiftShape]


class ShiftsShape(Shape):
    """Who is on call when."""

    schedule: str
    time_zone: str
    start: str
    end: str
    final: list[ShiftShape]
    layers: list[LayerShape]
    gaps: list[SpanShape]
    overlaps: list[OverlapShape]
    overrides: list[OverrideShape]
    swaps: list[SwapShape]


class OnCallShape(Shape):
    """Who is on call by a schedule."""

    schedule: str
    people: list[str]
    source: str
    until: str | None
    next: list[str]
    """Who is on call after."""


class EverybodyShape(Shape):
    """Who is on call."""

    at: str
    on_call: list[OnCallShape]
    twice: list[OverlapShape]
    """Who is on call in two schedules at once within the next four weeks."""


class FeedShape(Shape):
    """A calendar at a secret address, which is told once."""

    id: str
    person: str
    address: str
    created: str


def shown_version(found: Version) -> dict[str, Any]:
    """Return a definition as an answer shows it."""
    return {
        "name": found.name,
        "version": found.version,
        "document": None if found.document is None else dict(found.document),
        "by": found.who_name or found.who,
        "reason": found.reason,
        "at": format_time_ms(found.at_ms),
    }


def shown_span(start_ms: int, end_ms: int) -> dict[str, Any]:
    """Return a time as an answer shows it."""
    return {"start": format_time_ms(start_ms), "end": format_time_ms(end_ms)}


def shown_shift(found: Shift) -> dict[str, Any]:
    """Return a shift as an answer shows it."""
    return {
        **shown_span(found.start_ms, found.end_ms),
        "people": list(found.people),
        "source": found.source,
        "instead_of": list(found.instead_of),
    }


def shown_overlap(found: Overlap) -> dict[str, Any]:
    """Return an overlap as an answer shows it."""
    return {
        **shown_span(found.start_ms, found.end_ms),
        "loses": found.loses,
        "losing_people": list(found.losing_people),
        "wins": found.wins,
        "winning_people": list(found.winning_people),
    }


def shown_override(found: oncall.Override) -> dict[str, Any]:
    """Return an override as an answer shows it."""
    return {
        "id": found.id,
        **shown_span(found.start_ms, found.end_ms),
        "people": list(found.people),
        "reason": found.reason,
        "by": found.who,
    }


def shown_swap(found: oncall.Swap) -> dict[str, Any]:
    """Return a swap as an answer shows it."""
    return {
        "id": found.id,
        **shown_span(found.start_ms, found.end_ms),
        "giver": found.giver,
        "taker": found.taker,
        "reason": found.reason,
        "taken": iso_or_none(found.taken_ms),
    }


def shown_feed(found: oncall.Feed, address: str) -> dict[str, Any]:
    """Return a calendar, with its address where that is told as an answer shows it."""
    return {
        "id": found.id,
        "person": found.person,
        "address": address,
        "created": format_time_ms(found.created_ms),
    }
