"""Who is on call when: the shifts of a schedule's layers, of what was said beside them, and of both together.

Times are milliseconds since the epoch, spans are half open. All of it are functions of what they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.oncall.calendar import PEOPLE_MOST, read_events
from pharos.alerting.oncall.local_time import local, reached_ms, zone_named
from pharos.alerting.oncall.schedule import DAYS, Layer, Schedule, Window
from pharos.errors import Kind, PharosError

OVERRIDE: Final = "override"
"""What the source of a shift is called that somebody took beside the layers."""
RANGE_MOST_MS: Final = 400 * 86_400_000
_SHIFTS_MOST: Final = 50_000
_MARGIN: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)
_DAY_MS: Final = 86_400_000


class Shift(Struct, frozen=True):
    """People who are on call from one time to another."""

    start_ms: int
    end_ms: int
    people: tuple[str, ...]
    source: str
    """The layer, or `override`."""
    instead_of: tuple[str, ...] = ()
    """Whose shift it would have been, where a swap says otherwise."""


class Override(Struct, frozen=True):
    """Somebody is on call, whatever the layers say."""

    start_ms: int
    end_ms: int
    people: tuple[str, ...]


class Swap(Struct, frozen=True):
    """One person's shifts of a time are another's."""

    start_ms: int
    end_ms: int
    giver: str
    taker: str


class Gap(Struct, frozen=True):
    """Nobody is on call."""

    start_ms: int
    end_ms: int


class Overlap(Struct, frozen=True):
    """Two say different people for the same time; what comes from `wins` counts."""

    start_ms: int
    end_ms: int
    loses: str
    losing_people: tuple[str, ...]
    wins: str
    winning_people: tuple[str, ...]


def shifts(
    schedule: Schedule,
    start_ms: int,
    end_ms: int,
    overrides: Sequence[Override] = (),
    swaps: Sequence[Swap] = (),
) -> tuple[Shift, ...]:
    """Return who is on call when within [start, end), in order, never two shifts at a time.

    The last layer that has somebody counts, an override before all layers (the last of several), and who
    takes a swap stands in for who gives it. Raises PharosError(INVALID) for more than 400 days, and for a
    bad calendar.
    """
    by_rank = [*layers_shifts(schedule, start_ms, end_ms), _of_overrides(overrides, start_ms, end_ms)]
    found: list[Shift] = []
    for ranked in by_rank:
        found = _put_over(found, ranked)
    return tuple(_joined(_swapped(found, swaps)))


def on_call(
    schedule: Schedule, at_ms: int, overrides: Sequence[Override] = (), swaps: Sequence[Swap] = ()
) -> Shift | None:
    """Return who is on call at a time, as a shift of one millisecond; None where nobody is."""
    found = shifts(schedule, at_ms, at_ms + 1, overrides, swaps)
    return found[0] if found else None


def layers_shifts(schedule: Schedule, start_ms: int, end_ms: int) -> tuple[tuple[Shift, ...], ...]:
    """Return the shifts of each layer within [start, end), the layer that counts most last."""
    if not 0 <= start_ms <= end_ms <= start_ms + RANGE_MOST_MS:
        raise PharosError(
            Kind.INVALID, "shifts are told of a time of up to 400 days", hint="choose a shorter one"
        )
    return tuple(
        tuple(_joined(_of_layer(layer, layer.time_zone or schedule.time_zone, start_ms, end_ms)))
        for layer in schedule.layers
    )


def gaps(found: Iterable[Shift], start_ms: int, end_ms: int) -> tuple[Gap, ...]:
    """Return when nobody is on call within [start, end), of shifts in order."""
    told: list[Gap] = []
    for shift in found:
        if shift.start_ms > start_ms:
            told.append(Gap(start_ms, shift.start_ms))
        start_ms = max(start_ms, shift.end_ms)
    if start_ms < end_ms:
        told.append(Gap(start_ms, end_ms))
    return tuple(told)


def overlaps(
    schedule: Schedule, start_ms: int, end_ms: int, overrides: Sequence[Override] = ()
) -> tuple[Overlap, ...]:
    """Return where layers, or overrides, say different people for the same time within [start, end)."""
    layers = layers_shifts(schedule, start_ms, end_ms)
    told = [
        found for at, upper in enumerate(layers) for lower in layers[:at] for found in _both(lower, upper)
    ]
    taken = [_of_overrides([one], start_ms, end_ms) for one in overrides]
    told += [found for at, upper in enumerate(taken) for lower in taken[:at] for found in _both(lower, upper)]
    return tuple(sorted(told, key=lambda one: (one.start_ms, one.end_ms, one.loses, one.wins)))


def twice(of: dict[str, Sequence[Shift]]) -> tuple[Overlap, ...]:
    """Return when a person is on call in two schedules at once, by the schedules' names."""
    names = sorted(of)
    told: list[Overlap] = []
    for at, upper in enumerate(names):
        for lower in names[:at]:
            told += _shared(lower, of[lower], upper, of[upper])
    return tuple(sorted(told, key=lambda one: (one.start_ms, one.end_ms)))


def _shared(lower: str, first: Sequence[Shift], upper: str, second: Sequence[Shift]) -> Iterator[Overlap]:
    for one, other in _meeting(first, second):
        people = tuple(name for name in one.people if name in other.people)
        if people:
            start_ms, end_ms = max(one.start_ms, other.start_ms), min(one.end_ms, other.end_ms)
            yield Overlap(start_ms, end_ms, lower, people, upper, people)


def _both(lower: Sequence[Shift], upper: Sequence[Shift]) -> Iterator[Overlap]:
    for one, other in _meeting(lower, upper):
        if set(one.people) != set(other.people):
            start_ms, end_ms = max(one.start_ms, other.start_ms), min(one.end_ms, other.end_ms)
            yield Overlap(start_ms, end_ms, one.source, one.people, other.source, other.people)


def _meeting(first: Sequence[Shift], second: Sequence[Shift]) -> Iterator[tuple[Shift, Shift]]:
    """Yield each pair of shifts, of two that are in order, that have some time in common."""
    at = 0
    for one in first:
        while at < len(second) and second[at].end_ms <= one.start_ms:
            at += 1
        place = at
        while place < len(second) and second[place].start_ms < one.end_ms:
            yield one, second[place]
            place += 1


# -- layers --


def _of_layer(layer: Layer, zone_name: str, start_ms: int, end_ms: int) -> Iterator[Shift]:
    zone = zone_named(zone_name)
    # On the wall clock, with room for it being set meanwhile.
    first, last = local(start_ms, zone) - _MARGIN, local(end_ms, zone) + _MARGIN
    if layer.calendar:
        yield from _of_calendar(layer, zone_name, start_ms, end_ms)
        return
    for begins, ends, people in _turns(layer, first, last):
        for window_begins, window_ends in _open(layer.windows, begins, ends):
            span = _clipped(
                reached_ms(max(begins, window_begins), zone),
                reached_ms(min(ends, window_ends), zone),
                start_ms,
                end_ms,
            )
            if span is not None:
                yield Shift(*span, people, layer.name)


def _turns(
    layer: Layer, first: datetime, last: datetime
) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    """Yield (begin, end, people) of each turn that touches a time of the wall clock."""
    starts = layer.starts
    if starts is None:
        return
    last = min(last, layer.ends or last)
    number = max(0, (first - starts) // layer.length)
    if (last - first) // layer.length > _SHIFTS_MOST:
        raise PharosError(Kind.INVALID, f"the layer {layer.name!r} has too many turns in that time")
    while (begins := starts + number * layer.length) < last:
        yield begins, min(begins + layer.length, last), layer.people[number % len(layer.people)]
        number += 1


def _open(windows: Sequence[Window], begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when windows are open that touch a time of the wall clock, in order, each moment once."""
    if not windows:
        yield begins, ends
        return
    found: list[tuple[datetime, datetime]] = []
    for window in windows:
        days = {DAYS.index(day) for day in window.days}
        # One that began the day before may still be open.
        day = begins.replace(hour=0, minute=0, second=0) - _DAY
        while day < ends:
            if day.weekday() in days:
                opens = datetime.combine(day, window.start)
                if opens + window.length() > begins and opens < ends:
                    found.append((opens, opens + window.length()))
            day += _DAY
    until = begins
    for opens, closes in sorted(found):
        if closes > until:
            yield max(opens, until), closes
            until = closes


def _of_calendar(layer: Layer, zone_name: str, start_ms: int, end_ms: int) -> Iterator[Shift]:
    """Yield a calendar's events as shifts, never two at a time: people of events that meet are together."""
    # By whole days, so that one who asks who is on call now finds what was read a moment ago.
    days = start_ms - start_ms % _DAY_MS, end_ms - end_ms % -_DAY_MS
    edges: dict[int, tuple[list[str], list[str]]] = {}
    for event in read_events(layer.calendar, zone_name, *days):
        span = _clipped(event.start_ms, event.end_ms, start_ms, end_ms)
        if span is not None:
            edges.setdefault(span[0], ([], []))[0].extend(event.people)
            edges.setdefault(span[1], ([], []))[1].extend(event.people)
    there: dict[str, int] = {}
    """In how many events each is; in the order in which they came."""
    for begins, ends in pairwise(sorted(edges)):
        come, go = edges[begins]
        for name in come:
            there[name] = there.get(name, 0) + 1
        for name in go:
            there[name] -= 1
            if not there[name]:
                del there[name]
        if there:
            yield Shift(begins, ends, tuple(islice(there, PEOPLE_MOST)), layer.name)


def _clipped(begins: int, ends: int, start_ms: int, end_ms: int) -> tuple[int, int] | None:
    begins, ends = max(begins, start_ms), min(ends, end_ms)
    return (begins, ends) if begins < ends else None


# -- what is put over them --


def _of_overrides(overrides: Sequence[Override], start_ms: int, end_ms: int) -> list[Shift]:
    found: list[Shift] = []
    for one in overrides:
        span = _clipped(one.start_ms, one.end_ms, start_ms, end_ms)
        if span is not None:
            found = _put_over(found, [Shift(*span, one.people, OVERRIDE)])
    return found


def _put_over(below: Sequence[Shift], above: Sequence[Shift]) -> list[Shift]:
    """Return shifts of both in order; where there are two, those above."""
    kept: list[Shift] = list(above)
    at = 0
    for one in below:
        while at < len(above) and above[at].end_ms <= one.start_ms:
            at += 1
        begins, place = one.start_ms, at
        while place < len(above) and above[place].start_ms < one.end_ms:
            if above[place].start_ms > begins:
                kept.append(replace(one, start_ms=begins, end_ms=above[place].start_ms))
            begins = max(begins, above[place].end_ms)
            place += 1
        if begins < one.end_ms:
            kept.append(replace(one, start_ms=begins))
    return sorted(kept, key=lambda one: one.start_ms)


def _swapped(found: Sequence[Shift], swaps: Sequence[Swap]) -> list[Shift]:
    """Return the shifts with those who take swaps in place of those who give them, swap after swap."""
    for swap in swaps:
        after: list[Shift] = []
        for one in found:
            span = _clipped(swap.start_ms, swap.end_ms, one.start_ms, one.end_ms)
            if span is None or swap.giver not in one.people:
                after.append(one)
                continue
            begins, ends = span
            people = tuple(dict.fromkeys(swap.taker if name == swap.giver else name for name in one.people))
            pieces = [
                replace(one, end_ms=begins),
                Shift(begins, ends, people, one.source, one.instead_of or one.people),
                replace(one, start_ms=ends),
            ]
            after += [piece for piece in pieces if piece.start_ms < piece.end_ms]
        found = after
    return list(found)


def _joined(found: Iterable[Shift]) -> Iterator[Shift]:
    """Yield shifts in order, those that follow on each other and say the same as one."""
    last: Shift | None = None
    for one in found:
        if (
            last is not None
            and last.end_ms == one.start_ms
            and replace(one, start_ms=last.start_ms) == replace(last, end_ms=one.end_ms)
        ):
            last = replace(last, end_ms=one.end_ms)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last
