"""How the route tree, the conditions of inhibitions and whatever else names labels are read."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from itertools import count
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.intervals import TimeIntervals
from pharos.alerting.matchers import (
    Matcher,
    Matchers,
    format_matchers,
    in_order,
    is_label_name,
    parse_matchers,
)
from pharos.alerting.route import Route
from pharos.document import Fields, Sequence, Value, did_you_mean
from pharos.errors import PharosError
from pharos.labels import LEGACY_LABEL_NAME, MatchOp

_ALL: Final = "..."
_NOT_AT_THE_ROOT: Final = ("match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals")


class Known(Struct, frozen=True):
    """What routes may name."""

    receivers: Collection[str]
    intervals: TimeIntervals


def read_tree(value: Value, known: Known) -> Route:
    """Return the root with all below it; what is wrong is noted. Raises PharosError(INVALID) for no
    mapping.
    """
    source = value.source
    fields = Fields(value, "route")
    before = len(source.faults)
    for name in _NOT_AT_THE_ROOT:
        given = fields.take(name)
        if given is not None and _has_something(given, name):
            source.faults.append(
                given.fault(f"the root route takes every alert, always: it may not have {name}")
            )
    root = _with_children(fields, known, _settings(fields, known, Route("", line=value.line)))
    if root.continues:
        source.faults.append(value.fault("cannot have continue in the root route"))
    if not root.receiver and len(source.faults) == before:
        source.faults.append(value.fault("the root route must name a receiver, the default one"))
    return root


def _has_something(value: Value, name: str) -> bool:
    if name != "matchers":
        return bool(value.node.items if isinstance(value.node, Sequence) else list(value.pairs()))
    # A text may hold no matcher at all.
    return bool([matcher for some in value.each(_matchers) for matcher in some])


def _child(value: Value, known: Known, parent: Route, place: int) -> Route:
    if value.is_null():
        raise value.fault(f"{value.path}: a route is missing")
    fields = Fields(value, "route")
    matchers = read_conditions(fields, "")
    own = format_matchers(matchers)
    route = replace(
        _settings(fields, known, parent),
        matchers=matchers,
        mute_intervals=_intervals(fields, known, "mute_time_intervals"),
        active_intervals=_intervals(fields, known, "active_time_intervals"),
        key=f"{parent.key}/{own}",
        id=f"{parent.id}/{own}/{place}",
        line=value.line,
    )
    return _with_children(fields, known, route)


def _with_children(fields: Fields, known: Known, route: Route) -> Route:
    places = count()
    routes = fields.each("routes", lambda value: _child(value, known, route, next(places)))
    fields.done()
    return replace(route, routes=routes)


def _settings(fields: Fields, known: Known, parent: Route) -> Route:
    """Return a route with what it says and inherits."""
    group_by, group_by_all = fields.read("group_by", _group_by, (parent.group_by, parent.group_by_all))
    return Route(
        receiver=fields.read("receiver", partial(_receiver, known=known), "") or parent.receiver,
        group_by=group_by,
        group_by_all=group_by_all,
        group_wait_ms=fields.read("group_wait", Value.duration_ms, parent.group_wait_ms),
        group_interval_ms=fields.read("group_interval", _not_zero, parent.group_interval_ms),
        repeat_interval_ms=fields.read("repeat_interval", _not_zero, parent.repeat_interval_ms),
        continues=fields.read("continue", Value.boolean, default=False),
        labels={**parent.labels, **fields.group("labels")},
        line=parent.line,
    )


def _receiver(value: Value, known: Known) -> str:
    name = value.text()
    if name and name not in known.receivers:
        hint = did_you_mean(name, known.receivers)
        raise value.fault(f"undefined receiver {name!r} used in route{hint}")
    return name


def _intervals(fields: Fields, known: Known, field: str) -> tuple[str, ...]:
    def read(value: Value) -> str:
        name = value.text()
        if name not in known.intervals:
            hint = did_you_mean(name, known.intervals)
            raise value.fault(f"undefined time interval {name!r} used in route{hint}")
        return name

    return fields.each(field, read)


def _not_zero(value: Value) -> int:
    found = value.duration_ms()
    if not found:
        raise value.fault(f"{value.path} cannot be zero")
    return found


def _group_by(value: Value) -> tuple[tuple[str, ...], bool]:
    names = value.texts()
    for name in names:
        if not is_label_name(name):
            raise value.fault(f"invalid label name {name!r} in group_by list")
    others = [name for name in names if name != _ALL]
    if len(others) < len(names) and others:
        raise value.fault(f"group_by cannot have {_ALL} and other labels at the same time")
    if len(set(others)) < len(others):
        twice = next(name for name in others if others.count(name) > 1)
        raise value.fault(f"duplicated label {twice!r} in group_by")
    return tuple(sorted(others)), len(others) < len(names)


def read_conditions(fields: Fields, prefix: str) -> Matchers:
    """Return what `match`, `match_re` and `matchers` say together, in order; `source_` makes `source_match`
    of it.
    """
    nothing: Matchers = ()
    equal = fields.read(f"{prefix}match", _match, nothing)
    regex = fields.read(f"{prefix}match_re", _match_re, nothing)
    return in_order((*equal, *regex, *read_matchers(fields, f"{prefix}matchers")))


def read_matchers(fields: Fields, name: str) -> Matchers:
    """Return the matchers of a list of texts, each with one or several; what is wrong is noted."""
    return tuple(matcher for some in fields.each(name, _matchers) for matcher in some)


def _matchers(value: Value) -> Matchers:
    written = value.text()
    try:
        return parse_matchers(written)
    except PharosError as exc:
        raise value.fault(f"{value.path}: {exc}") from exc


def _match(value: Value) -> Matchers:
    return tuple(
        Matcher(_legacy(value, name, line), MatchOp.EQUAL, inner.text())
        for name, line, inner in value.pairs()
    )


def _match_re(value: Value) -> Matchers:
    found = []
    for name, line, inner in value.pairs():
        if inner.is_null():
            raise value.source.fault(line, f"invalid regexp value for {name!r}: nothing is written")
        try:
            # The expression is wrapped once more, as it is in Alertmanager's keys of groups.
            found.append(Matcher(_legacy(value, name, line), MatchOp.REGEX, f"^(?:{inner.text()})$"))
        except PharosError as exc:
            raise value.source.fault(line, f"{inner.path}: {exc}") from exc
    return tuple(found)


def _legacy(value: Value, name: str, line: int) -> str:
    if not LEGACY_LABEL_NAME.fullmatch(name):
        raise value.source.fault(line, f"invalid label name {name!r}; matchers take any")
    return name
