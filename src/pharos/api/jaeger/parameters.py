"""Parameters of Jaeger's query API, version 1: as its UI and Grafana send them."""

from __future__ import annotations

import json
from typing import Final

from pharos.api.jaeger.filters import Search
from pharos.api.prometheus.parameters import Parameters
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.query.events.ids import parse_trace_id
from pharos.search.window import Window

DEFAULT_LIMIT: Final = 100
MOST_TRACES: Final = 1_500
DEFAULT_LOOKBACK_NS: Final = 2 * 86_400 * 10**9
"""Without a start: two days, as Jaeger has it."""
_US: Final = 1_000
_INT64_MAX: Final = (1 << 63) - 1
MOST_TAGS: Final = 200
_LAST_NS: Final = 9_000_000_000_000_000_000


def fault(name: str, message: str) -> PharosError:
    """Return the error for a bad parameter."""
    return PharosError(Kind.INVALID, f"unable to parse param '{name}': {message}"[:600])


def required_service(name: str) -> str:
    """Return the name of a service. Raises PharosError(INVALID) for none."""
    if not name:
        raise fault("service", "parameter 'service' is required")
    return name


def whole_in(parameters: Parameters, name: str) -> int | None:
    """Return a whole number; None if it is missing. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if not text:
        return None
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(_INT64_MAX)):
        raise fault(name, f"{text[:80]!r} is no whole number")
    number = int(text)
    if abs(number) > _INT64_MAX:
        raise fault(name, f"{text[:80]!r} does not fit into 64 bits")
    return number


def time_ns_in(parameters: Parameters, name: str) -> int | None:
    """Return a time that is given in microseconds; None if it is missing. Raises PharosError(INVALID)."""
    number = whole_in(parameters, name)
    return None if number is None else min(max(number, 0) * _US, _LAST_NS)


def duration_ns_in(parameters: Parameters, name: str) -> int | None:
    """Return a duration of Go's; None if it is missing. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if not text:
        return None
    try:
        return parse_go_duration(text)
    except PharosError as exc:
        raise fault(name, exc.message) from exc


def truth_in(parameters: Parameters, name: str) -> bool:
    """Return a truth value; False if it is missing. Raises PharosError(INVALID)."""
    try:
        return parameters.flag(name)
    except PharosError as exc:
        raise fault(name, exc.message) from exc


def tags_in(parameters: Parameters, single: str = "tag", several: str = "tags") -> list[tuple[str, str]]:
    """Return the tags of `tag=key:value` and `tags={"key":"value"}`. Raises PharosError(INVALID)."""
    found: list[tuple[str, str]] = []
    for text in parameters.all(single):
        key, colon, value = text.partition(":")
        if not colon:
            raise fault(single, f"malformed {single!r} parameter, expecting key:value, received: {text[:80]}")
        found.append((key, value))
    for text in parameters.all(several):
        if text:
            found += _object_of(several, text)
    if len(found) > MOST_TAGS:
        raise fault(several, f"{len(found)} tags, {MOST_TAGS} are the most")
    return found


def _object_of(name: str, text: str) -> list[tuple[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise fault(name, f"malformed {name!r} parameter, it is no JSON: {exc}") from exc
    if found is None:
        return []  # to Go's reader, null is a map of nothing, and a text that is empty
    if not isinstance(found, dict):
        raise fault(name, f"malformed {name!r} parameter, it is no JSON object")
    for key, value in found.items():
        if not isinstance(value, str | None):
            raise fault(name, f"malformed {name!r} parameter, the value of {key[:80]!r} is no text")
    return [(key, value or "") for key, value in found.items()]


def ids_in(parameters: Parameters, name: str = "traceID") -> list[str]:
    """Return the trace ids. Raises PharosError(INVALID) for one that is none."""
    return list(dict.fromkeys(parse_trace_id(text) for text in parameters.all(name)))


def window_in(parameters: Parameters, now_ns: int) -> Window:
    """Return the time that is asked about, both ends included. Raises PharosError(INVALID)."""
    end = time_ns_in(parameters, "end")
    start = time_ns_in(parameters, "start")
    lookback = parameters.first("lookback")
    if start is None:
        # The UI sends `custom` where it names both ends itself.
        length = DEFAULT_LOOKBACK_NS
        if lookback and lookback != "custom":
            length = duration_ns_in(parameters, "lookback") or DEFAULT_LOOKBACK_NS
        start = max((now_ns if end is None else end) - length, 0)
    return Window(start, max((now_ns if end is None else end) + 1, start))


def search_in(parameters: Parameters, now_ns: int) -> Search:
    """Return the search that is asked for. Raises PharosError(INVALID) that names the parameter."""
    window = window_in(parameters, now_ns)
    limit = whole_in(parameters, "limit")
    if limit is not None and limit < 0:
        raise fault("limit", "it is below 0")
    least, most = duration_ns_in(parameters, "minDuration"), duration_ns_in(parameters, "maxDuration")
    if least is not None and most is not None and most and least > most:
        raise fault("maxDuration", "it is less than minDuration")
    tags = tags_in(parameters)
    return Search(
        required_service(parameters.first("service")),
        parameters.first("operation"),
        tuple(tags),
        window,
        least,
        most or None,
        min(limit or DEFAULT_LIMIT, MOST_TRACES),
    )
