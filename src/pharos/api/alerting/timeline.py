"""What happened to alerts, and why somebody was told or was not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.matchers import parse_matcher
from pharos.alerting.why import Line, Story, labels_of, stories, tell
from pharos.api.alerting.answers import (
    ACKNOWLEDGE,
    VIEW,
    author_of,
    query_duration_ms,
    query_ms,
    tenant_of,
    with_query,
)
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.state import State, Unit, timeline
from pharos.state.timeline import Entry, Step

_DAY_MS: Final = 86_400_000
_AROUND_MS: Final = 300_000
_STEPS_MOST: Final = 10_000
_STORIES_MOST: Final = 100
_DAYS_MOST: Final = 400
_BEGINNINGS: Final = frozenset({Step.PENDING, Step.FIRING})


class NoteBody(Body):
    """What somebody writes down about an alert."""

    text: str = Field(min_length=1, max_length=2000)


class LineShape(Shape):
    """One step."""

    at: str
    step: str
    text: str
    detail: dict[str, Any]
    group_key: str


class TimelineShape(Shape):
    """What happened to an alert."""

    fingerprint: str
    labels: dict[str, str]
    lines: list[LineShape]


class StoryShape(Shape):
    """What happened to an alert, and what it comes to."""

    fingerprint: str
    name: str
    labels: dict[str, str]
    paged: bool
    verdict: str
    lines: list[LineShape]


class WhyShape(Shape):
    """Why somebody was told, or was not."""

    at: str
    verdict: str
    alerts: list[StoryShape]
    more: int
    """Alerts beyond those."""


class TimelineApi(Struct, frozen=True):
    """Tells what happened."""

    native: Native
    state: State
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, alert = self.native.operation, "/api/alerting/alerts/{fingerprint}/timeline"
        span = {"start": "From when on.", "end": "Until when."}
        yield with_query(make(f"GET {alert}", VIEW, self.show_timeline, TimelineShape), **span)
        yield make(f"POST {alert}", ACKNOWLEDGE, self.note, TimelineShape, NoteBody)
        why = make("GET /api/alerting/timeline", VIEW, self.why, WhyShape)
        yield with_query(
            why,
            at="The time that is asked about; now without it.",
            matcher="A condition on labels, as alertname=DiskFull; as many as you like, all must hold.",
            who="A receiver or a person: only what they were told counts.",
            around="How long before and after counts as then; 5m without it.",
            back="How far back the stories go; 1d without it.",
        )

    async def show_timeline(self, request: Request) -> dict[str, Any]:
        """Return what happened to an alert, in order and in sentences."""
        tenant, named = tenant_of(request), request.path_params["fingerprint"]
        start_ms = query_ms(request, "start", 0)
        end_ms = query_ms(request, "end", self.clock.now_ms() + _DAY_MS)
        found = await self.state.read(
            lambda unit: timeline.list_steps(
                unit, tenant, fingerprint=named, since_ms=start_ms, until_ms=end_ms, limit=_STEPS_MOST
            )
        )
        if not found:
            raise PharosError(Kind.MISSING, f"nothing is known of an alert {named[:80]!r} in that time")
        return {
            "fingerprint": named,
            "labels": dict(labels_of(found)),
            "lines": [_shown_line(line) for line in tell(found)],
        }

    async def note(self, request: Request, body: NoteBody) -> dict[str, Any]:
        """Write something down in an alert's timeline."""
        tenant, named = tenant_of(request), request.path_params["fingerprint"]
        who = scope_of(request).who
        entry = Entry(tenant, named, Step.NOTED, self.clock.now_ms(), {"name": who.name, "text": body.text})
        await self.show_timeline(request)
        await self.state.write(lambda unit: timeline.append(unit, [entry]), author_of(request))
        return await self.show_timeline(request)

    async def why(self, request: Request) -> dict[str, Any]:
        """Return why somebody was told of alerts at a time, or was not: each alert's story, and the sum of
        it."""
        tenant, at_ms = tenant_of(request), query_ms(request, "at", self.clock.now_ms())
        around_ms = query_duration_ms(request, "around", _AROUND_MS)
        back_ms = min(query_duration_ms(request, "back", _DAY_MS), _DAYS_MOST * _DAY_MS)
        parameters = request.query_params
        matchers = tuple(parse_matcher(text) for text in parameters.getlist("matcher"))
        span = (max(0, at_ms - back_ms), at_ms + around_ms + 1)
        found = await self.state.read(lambda unit: _steps(unit, tenant, *span))
        told = stories(found, at_ms, around_ms, matchers, parameters.get("who", ""))
        return {
            "at": format_time_ms(at_ms),
            "verdict": _verdict(told),
            "alerts": [_shown_story(one) for one in told[:_STORIES_MOST]],
            "more": max(0, len(told) - _STORIES_MOST),
        }


def _steps(unit: Unit, tenant: str, since_ms: int, until_ms: int) -> list[Entry]:
    """Return the steps of a time; of alerts that began to fire before it, what happened before too."""
    found = timeline.list_steps(unit, tenant, since_ms=since_ms, until_ms=until_ms, limit=_STEPS_MOST)
    begun = {entry.fingerprint for entry in found if entry.step in _BEGINNINGS}
    entries = list(found)
    for fingerprint in sorted({entry.fingerprint for entry in found} - begun - {""})[:_STORIES_MOST]:
        entries += timeline.list_steps(unit, tenant, fingerprint=fingerprint, until_ms=since_ms, limit=200)
    return sorted(entries, key=lambda entry: (entry.at_ms, entry.number))


def _verdict(told: tuple[Story, ...]) -> str:
    paged = [one for one in told if one.is_paged]
    if paged:
        return f"{paged[0].name}: {paged[0].verdict}" + (
            f", and {len(paged) - 1} more" if len(paged) > 1 else ""
        )
    if len(told) == 1:
        return f"{told[0].name}: {told[0].verdict}"
    return f"nobody was told of any of {len(told)} alerts" if told else "no alert fired then"


def _shown_line(line: Line) -> dict[str, Any]:
    return {
        "at": format_time_ms(line.at_ms),
        "step": line.step,
        "text": line.text,
        "detail": dict(line.detail),
        "group_key": line.group_key,
    }


def _shown_story(story: Story) -> dict[str, Any]:
    return {
        "fingerprint": story.fingerprint,
        "name": story.name,
        "labels": dict(story.labels),
        "paged": story.is_paged,
        "verdict": story.verdict,
        "lines": [_shown_line(line) for line in story.lines],
    }
