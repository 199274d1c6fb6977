"""What a schedule is: layers of people who take turns, and what is said beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from pharos.alerting.oncall.local_time import zone_named
from pharos.errors import Kind, PharosError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
CALENDAR_MOST: Final = 512 << 10
"""Characters of a calendar in a schedule."""

P = TypeVar("P", bound="Part")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _naive(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise ValueError("a time on the wall clock, without a zone, such as 2026-01-05T09:00")
    if not date(1970, 1, 2) <= value.date() <= date(2200, 1, 1):
        raise ValueError("a time from 1970 to 2200")
    return value.replace(microsecond=0)


def _zone(value: str) -> str:
    try:
        zone_named(value)
    except PharosError as exc:
        raise ValueError(str(exc)) from exc
    return value


def _turn(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=100)]
WallTime = Annotated[datetime, AfterValidator(_naive)]
Zone = Annotated[str, AfterValidator(_zone)]
Turn = Annotated[tuple[Name, ...], BeforeValidator(_turn), Field(min_length=1, max_length=20)]


class Part(BaseModel):
    """A part of a definition; what is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(Part):
    """Hours of days of the week, on the wall clock; an end that is not after the start is on the next day."""

    days: tuple[Day, ...] = DAYS
    start: time = time(0)
    end: time = time(0)

    def length(self) -> timedelta:
        """Return how long it is on a day on which no clock is set."""
        day = datetime(2000, 1, 1)  # noqa: DTZ001 - a difference of wall clocks
        found = datetime.combine(day, self.end) - datetime.combine(day, self.start)
        return found if found > timedelta(0) else found + timedelta(days=1)


class Layer(Part):
    """People who take turns, or a calendar that says who."""

    name: Name
    people: tuple[Turn, ...] = Field(default=(), max_length=500)
    """Each turn is one person, or several who are on call together."""
    starts: WallTime | None = None
    """When the first turn begins; the hand-overs are counted from here."""
    ends: WallTime | None = None
    every: int = Field(default=1, ge=1, le=366)
    unit: Literal["hour", "day", "week"] = "week"
    windows: tuple[Window, ...] = Field(default=(), max_length=50)
    """Only then; without any, always."""
    time_zone: Zone | None = None
    """Where the layer's people live; the schedule's without one."""
    calendar: str = Field(default="", max_length=CALENDAR_MOST)
    """iCalendar: whoever an event is called after, or its attendees, are on call during it."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.people) == bool(self.calendar):
            raise ValueError("a layer has either people or a calendar")
        if self.people and self.starts is None:
            raise ValueError("a layer of people needs starts, the time of the first hand-over")
        if self.starts and self.ends and self.ends <= self.starts:
            raise ValueError("a layer ends after it starts")
        return self

    @property
    def length(self) -> timedelta:
        """How long a turn is, on the wall clock."""
        return self.every * _UNITS[self.unit]


class Schedule(Part):
    """Who is on call: of the layers that have somebody, the last one counts."""

    time_zone: Zone = "UTC"
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=50)
    description: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise ValueError("two layers have the same name")
        return self

    def people(self) -> tuple[str, ...]:
        """Return all who take turns, by name."""
        return tuple(sorted({one for layer in self.layers for turn in layer.people for one in turn}))


def read_part(kind: type[P], document: Mapping[str, Any], what: str) -> P:
    """Return a definition read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    try:
        return kind.model_validate_json(orjson.dumps(document))
    except (ValidationError, orjson.JSONEncodeError) as exc:
        raise PharosError(Kind.INVALID, f"{what}: {fault_of(exc)}") from exc


def fault_of(error: ValidationError | orjson.JSONEncodeError) -> str:
    """Return the first fault and where it is."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such field"
    return f"{place.removeprefix('.') or 'the document'}: {message}"


def read_schedule(document: Mapping[str, Any], name: str) -> Schedule:
    """Return a schedule read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(Schedule, document, f"schedule {name!r}")
