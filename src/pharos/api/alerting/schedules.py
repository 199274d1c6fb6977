"""Schedules: who is on call when, overrides, swaps, and calendars at secret addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.alerting.oncall import reach
from pharos.alerting.oncall.calendar import check_calendar, write_calendar
from pharos.alerting.oncall.schedule import CALENDAR_MOST, Schedule, read_schedule
from pharos.alerting.oncall.shifts import (
    Shift,
    gaps,
    layers_shifts,
    on_call,
    overlaps,
    shifts,
    twice,
)
from pharos.api.alerting.answers import (
    ACKNOWLEDGE,
    CONFIGURE,
    VIEW,
    author_of,
    iso_or_none,
    query_ms,
    read_ms,
    require_own,
    tenant_of,
    with_query,
)
from pharos.api.alerting.definitions import Definitions
from pharos.api.alerting.schedule_shapes import (
    EverybodyShape,
    FeedBody,
    FeedShape,
    OverrideBody,
    OverrideShape,
    ScheduleBody,
    ShiftsShape,
    SwapBody,
    SwapShape,
    TakeBody,
    VersionShape,
    shown_feed,
    shown_overlap,
    shown_override,
    shown_shift,
    shown_span,
    shown_swap,
)
from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.state import State, Unit, documents, oncall
from pharos.state.documents import Defined
from pharos.state.oncall import NewOverride, NewSwap

_DAY_MS: Final = 86_400_000
_SHOWN_MS: Final = 28 * _DAY_MS
_BODY_MOST_BYTES: Final = 4 * CALENDAR_MOST
"""A calendar as JSON writes it, at most, and some more of them."""
_FEED_PAST_MS: Final = 30 * _DAY_MS
_FEED_BEFORE_MS: Final = 100 * _DAY_MS
"""So long before what is told it is looked where shifts began, so that each is known again by that."""
_FEED_AHEAD_MS: Final = 180 * _DAY_MS
_FEED_PATH: Final = "/api/alerting/calendars/"
_SECRET_BITS: Final = 192


class SchedulesApi(Struct, frozen=True):
    """Answers about who is on call; `chance` makes addresses that nobody can guess."""

    native: Native
    state: State
    clock: Clock
    chance: Random
    url: str = ""
    """How people reach us, where the settings say so."""

    @property
    def _kept(self) -> Definitions:
        return Definitions(self.state, Defined.SCHEDULE)

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, base = self.native.operation, "/api/alerting/schedules"
        one = f"{base}/{{schedule}}"
        yield make(f"GET {base}", VIEW, self.list_schedules, list[VersionShape])
        yield make(f"GET {one}", VIEW, self.show_schedule, list[VersionShape])
        yield make(f"PUT {one}", CONFIGURE, self.put_schedule, VersionShape, ScheduleBody, _BODY_MOST_BYTES)
        yield make(f"DELETE {one}", CONFIGURE, self.drop_schedule, VersionShape)
        span = {
            "start": "From when on; a day ago without it.",
            "end": "Until when; four weeks on without it.",
        }
        yield with_query(make(f"GET {one}/shifts", VIEW, self.list_shifts, ShiftsShape), **span)
        preview = make(
            "POST /api/alerting/schedule_preview",
            VIEW,
            self.preview_schedule,
            ShiftsShape,
            ScheduleBody,
            _BODY_MOST_BYTES,
        )
        yield with_query(preview, **span)
        yield make(f"POST {one}/overrides", ACKNOWLEDGE, self.add_override, OverrideShape, OverrideBody)
        yield make(f"DELETE {one}/overrides/{{override}}", ACKNOWLEDGE, self.drop_override, OverrideShape)
        yield make(f"POST {one}/swaps", ACKNOWLEDGE, self.add_swap, SwapShape, SwapBody)
        yield make(f"POST {one}/swaps/{{swap}}/take", ACKNOWLEDGE, self.take_swap, SwapShape, TakeBody)
        yield make(f"DELETE {one}/swaps/{{swap}}", ACKNOWLEDGE, self.drop_swap, SwapShape)
        yield make(f"GET {one}/feeds", ACKNOWLEDGE, self.list_feeds, list[FeedShape])
        yield make(f"POST {one}/feeds", ACKNOWLEDGE, self.add_feed, FeedShape, FeedBody)
        yield make(f"DELETE {one}/feeds/{{feed}}", ACKNOWLEDGE, self.drop_feed, list[FeedShape])
        who = make("GET /api/alerting/oncall", VIEW, self.who_is_on_call, EverybodyShape)
        yield with_query(who, at="At which time; now without it.")
        yield self._calendar(f"{one}/calendar.ics", VIEW, self.calendar)
        yield self._calendar(f"{_FEED_PATH}{{secret}}", None, self.feed)

    def _calendar(self, path: str, permission: str | None, answer: Any) -> Operation:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        text = {"content": {"text/calendar": {"schema": {"type": "string"}}}}
        failures = (400, 401, 403, 404, 503)
        return Operation(
            path,
            "GET",
            answer,
            permission,
            name=answer.__name__,
            tag="alerting",
            summary="Calendar",
            responses={
                200: {"description": "iCalendar.", **text},
                **{
                    status: {
                        "description": "Why not, as text.",
                        "content": {
                            "text/plain": {"schema": {"type": "string"}},
                            "application/json": {"schema": {"type": "object"}},
                        },
                    }
                    for status in failures
                },
            },
            inputs={
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in names
                ]
            },
        )

    # -- schedules --

    async def list_schedules(self, request: Request) -> list[dict[str, Any]]:
        """Return all schedules of the tenant."""
        return await self._kept.all(request)

    async def show_schedule(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of a schedule, the newest first."""
        return await self._kept.versions(request, request.path_params["schedule"])

    async def put_schedule(self, request: Request, body: ScheduleBody) -> dict[str, Any]:
        """Define a schedule, or say anew what it is."""
        name = request.path_params["schedule"]
        _checked(body.schedule, name)
        return await self._kept.put(request, name, body.schedule, body.version, body.reason)

    async def drop_schedule(self, request: Request) -> dict[str, Any]:
        """Take a schedule away; its versions stay."""
        return await self._kept.drop(request, request.path_params["schedule"])

    async def list_shifts(self, request: Request) -> dict[str, Any]:
        """Return who is on call when, what each layer says, the gaps, and where two say something else."""
        tenant, name = tenant_of(request), request.path_params["schedule"]
        start_ms, end_ms = self._span(request)

        def read(unit: Unit) -> dict[str, Any]:
            found = documents.get_document(unit, tenant, Defined.SCHEDULE, name)
            schedule = read_schedule(found.document or {}, name)
            return _shown_shifts(unit, tenant, name, schedule, start_ms, end_ms)

        return await self.state.read(read)

    async def preview_schedule(self, request: Request, body: ScheduleBody) -> dict[str, Any]:
        """Return who would be on call when by a schedule that is not kept."""
        tenant, start_end = tenant_of(request), self._span(request)
        schedule = _checked(body.schedule, "preview")
        return await self.state.read(
            lambda unit: _shown_shifts(unit, tenant, "preview", schedule, *start_end)
        )

    def _span(self, request: Request) -> tuple[int, int]:
        start_ms = query_ms(request, "start", self.clock.now_ms() - _DAY_MS)
        return start_ms, query_ms(request, "end", start_ms + _SHOWN_MS)

    async def who_is_on_call(self, request: Request) -> dict[str, Any]:
        """Return who is on call by each schedule at a time, until when, and who is next."""
        tenant, at_ms = tenant_of(request), query_ms(request, "at", self.clock.now_ms())
        return await self.state.read(lambda unit: _everybody(unit, tenant, at_ms))

    # -- overrides and swaps --

    async def add_override(self, request: Request, body: OverrideBody) -> dict[str, Any]:
        """Have somebody be on call from one time to another; oneself with `alerts.acknowledge` alone."""
        require_own(request, *body.people)
        tenant, name = tenant_of(request), request.path_params["schedule"]
        span = read_ms(body.start, "start"), read_ms(body.end, "end")
        new = NewOverride(name, *span, tuple(body.people), body.reason)

        def write(unit: Any) -> oncall.Override:
            documents.get_document(unit, tenant, Defined.SCHEDULE, name)
            return oncall.add_override(unit, tenant, new)

        return shown_override(await self.state.write(write, author_of(request, body.reason)))

    async def drop_override(self, request: Request) -> dict[str, Any]:
        """Take an override away; one's own with `alerts.acknowledge` alone."""
        tenant, named = tenant_of(request), request.path_params["override"]

        def write(unit: Any) -> oncall.Override:
            found = oncall.get_override(unit, tenant, named)
            require_own(request, *found.people)
            return oncall.drop_override(unit, tenant, named)

        return shown_override(await self.state.write(write, author_of(request)))

    async def add_swap(self, request: Request, body: SwapBody) -> dict[str, Any]:
        """Offer shifts to somebody, or to whoever takes them; one's own with `alerts.acknowledge` alone."""
        require_own(request, body.giver)
        tenant, name = tenant_of(request), request.path_params["schedule"]
        span = read_ms(body.start, "start"), read_ms(body.end, "end")
        new = NewSwap(name, *span, body.giver, body.taker, body.reason)

        def write(unit: Any) -> oncall.Swap:
            documents.get_document(unit, tenant, Defined.SCHEDULE, name)
            return oncall.add_swap(unit, tenant, new)

        return shown_swap(await self.state.write(write, author_of(request, body.reason)))

    async def take_swap(self, request: Request, body: TakeBody) -> dict[str, Any]:
        """Take shifts that somebody offers; they count as the taker's from now on."""
        taker = body.taker or scope_of(request).who.person
        require_own(request, taker)
        tenant, named = tenant_of(request), request.path_params["swap"]
        found = await self.state.write(
            lambda unit: oncall.take_swap(unit, tenant, named, taker), author_of(request)
        )
        return shown_swap(found)

    async def drop_swap(self, request: Request) -> dict[str, Any]:
        """Take a swap away; whoever gives it may with `alerts.acknowledge` alone."""
        tenant, named = tenant_of(request), request.path_params["swap"]

        def write(unit: Any) -> oncall.Swap:
            require_own(request, oncall.get_swap(unit, tenant, named).giver)
            return oncall.drop_swap(unit, tenant, named)

        return shown_swap(await self.state.write(write, author_of(request)))

    # -- calendars --

    async def list_feeds(self, request: Request) -> list[dict[str, Any]]:
        """Return the secret addresses of a schedule's calendars, without what is secret of them."""
        tenant, name = tenant_of(request), request.path_params["schedule"]
        found = await self.state.read(lambda unit: oncall.list_feeds(unit, tenant, name))
        return [shown_feed(one, "") for one in found]

    async def add_feed(self, request: Request, body: FeedBody) -> dict[str, Any]:
        """Make a secret address at which a calendar program reads the schedule; it is told once."""
        tenant, name = tenant_of(request), request.path_params["schedule"]
        secret = f"{self.chance.getrandbits(_SECRET_BITS):048x}"

        def write(unit: Any) -> oncall.Feed:
            documents.get_document(unit, tenant, Defined.SCHEDULE, name)
            return oncall.add_feed(unit, tenant, name, body.person, _hashed(secret))

        found = await self.state.write(write, author_of(request))
        return shown_feed(found, f"{self.url}{_FEED_PATH}{secret}")

    async def drop_feed(self, request: Request) -> list[dict[str, Any]]:
        """End a secret address."""
        tenant, named = tenant_of(request), request.path_params["feed"]
        await self.state.write(lambda unit: oncall.drop_feed(unit, tenant, named), author_of(request))
        return await self.list_feeds(request)

    async def calendar(self, request: Request) -> Response:
        """Return a schedule as iCalendar."""
        name = request.path_params["schedule"]
        try:
            tenant = tenant_of(request)
            read = partial(self._written, tenant=tenant, name=name, person="", of=f"{tenant}-{name}")
            return _ics(await self.state.read(read))
        except PharosError as exc:
            return plain_error(exc)

    async def feed(self, request: Request) -> Response:
        """Return the schedule of a secret address as iCalendar."""
        hashed = _hashed(request.path_params["secret"].removesuffix(".ics"))

        def read(unit: Unit) -> bytes:
            feed = oncall.feed_at(unit, hashed)
            return self._written(
                unit, tenant=feed.tenant_id, name=feed.schedule, person=feed.person, of=feed.id
            )

        try:
            return _ics(await self.state.read(read))
        except PharosError as exc:
            return plain_error(exc)

    def _written(self, unit: Unit, *, tenant: str, name: str, person: str, of: str) -> bytes:
        now_ms = self.clock.now_ms()
        told_ms = now_ms - _FEED_PAST_MS
        # By whole days, so that what goes on for longer than that moves once a day and not at each fetch.
        start_ms = max(0, told_ms - _FEED_BEFORE_MS) // _DAY_MS * _DAY_MS
        end_ms = (now_ms + _FEED_AHEAD_MS) // _DAY_MS * _DAY_MS
        found = documents.get_document(unit, tenant, Defined.SCHEDULE, name)
        beside = reach.beside(unit, tenant, name, start_ms, end_ms)
        told = shifts(read_schedule(found.document or {}, name), start_ms, end_ms, *beside)
        mine = [one for one in told if one.end_ms > told_ms and (not person or person in one.people)]
        title = f"{name} ({person})" if person else name
        return write_calendar(title, of, mine, now_ms, since_ms=start_ms)


def _ics(content: bytes) -> Response:
    return Response(content, media_type="text/calendar", headers={"Cache-Control": "no-store"})


def _hashed(secret: str) -> str:
    return hashlib.sha256(f"pharos feed {secret}".encode()).hexdigest()


def _checked(document: dict[str, Any], name: str) -> Schedule:
    schedule = read_schedule(document, name)
    for layer in schedule.layers:
        if layer.calendar:
            check_calendar(layer.calendar)
    return schedule


def _shown_shifts(
    unit: Unit, tenant: str, name: str, schedule: Schedule, start_ms: int, end_ms: int
) -> dict[str, Any]:
    overrides, swaps = reach.beside(unit, tenant, name, start_ms, end_ms)
    final = shifts(schedule, start_ms, end_ms, overrides, swaps)
    layers = layers_shifts(schedule, start_ms, end_ms)
    kept = oncall.list_overrides(unit, tenant, name, start_ms, end_ms)
    given = oncall.list_swaps(unit, tenant, name, start_ms, end_ms)
    return {
        "schedule": name,
        "time_zone": schedule.time_zone,
        **shown_span(start_ms, end_ms),
        "final": list(map(shown_shift, final)),
        "layers": [
            {"name": layer.name, "shifts": list(map(shown_shift, own))}
            for layer, own in zip(schedule.layers, layers, strict=True)
        ],
        "gaps": [shown_span(one.start_ms, one.end_ms) for one in gaps(final, start_ms, end_ms)],
        "overlaps": list(map(shown_overlap, overlaps(schedule, start_ms, end_ms, overrides))),
        "overrides": list(map(shown_override, kept)),
        "swaps": list(map(shown_swap, given)),
    }


def _everybody(unit: Unit, tenant: str, at_ms: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    ahead: dict[str, Sequence[Shift]] = {}
    for name, schedule in reach.schedules_of(unit, tenant).items():
        beside = reach.beside(unit, tenant, name, at_ms, at_ms + _SHOWN_MS)
        ahead[name] = told = shifts(schedule, at_ms, at_ms + _SHOWN_MS, *beside)
        now = on_call(schedule, at_ms, *beside)
        after = [one for one in told if one.start_ms > at_ms]
        found.append(
            {
                "schedule": name,
                "people": list(now.people) if now else [],
                "source": now.source if now else "",
                "until": iso_or_none(_until(told, at_ms)),
                "next": list(after[0].people) if after else [],
            }
        )
    return {"at": format_time_ms(at_ms), "on_call": found, "twice": list(map(shown_overlap, twice(ahead)))}


def _until(told: Sequence[Shift], at_ms: int) -> int | None:
    """Return when what holds at a time ends; None where that is beyond what is looked at."""
    for one in told:
        if one.start_ms > at_ms:
            return one.start_ms
        if one.end_ms < at_ms + _SHOWN_MS:
            return one.end_ms
    return None
