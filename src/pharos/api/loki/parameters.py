"""Parameters of Loki's API (grafana.com/docs/loki/latest/reference/loki-http-api), with Loki's defaults."""

from __future__ import annotations

import math
import re
from typing import Final

from pharos.api.prometheus.parameters import Parameters
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import parse_decimal_int, parse_float
from pharos.gotext.quoting import quote
from pharos.gotext.times import parse_rfc3339
from pharos.search.logql.grid import Steps
from pharos.search.logql.units import parse_query_duration
from pharos.search.window import Window

NS: Final = 1_000_000_000
_MAX_NS: Final = (1 << 63) - 2
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_SECONDS_DIGITS: Final = 10
"""A whole number with more digits is of nanoseconds."""
_DEFAULT_RANGE_NS: Final = 3600 * NS
_DEFAULT_STEPS: Final = 250
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 5_000


def parse_time_ns(text: str, name: str) -> int:
    """Return a time: seconds, with a fraction or without, nanoseconds, or RFC 3339.

    Raises PharosError(INVALID).
    """
    try:
        if "." in text and not text[:5].endswith("-"):
            ns = int(min(max(parse_float(text), 0.0), _MAX_NS / NS) * NS)
        elif _INTEGER.fullmatch(text):
            number = parse_decimal_int(text)
            ns = number * NS if len(text) <= _SECONDS_DIGITS else number
        else:
            ns = parse_rfc3339(text).ns
    except PharosError as exc:
        raise PharosError(
            Kind.INVALID,
            f"{name}: cannot parse {quote(text[:100])} to a valid timestamp",
            hint="seconds, nanoseconds or RFC 3339",
        ) from exc
    return max(0, min(ns, _MAX_NS))


def window_of(parameters: Parameters, now_ns: int) -> Window:
    """Return the range that is asked for: an hour up to now, unless `start`, `end` or `since` say otherwise.

    Raises PharosError(INVALID).
    """
    end_text, start_text, since = (parameters.first(name) for name in ("end", "start", "since"))
    end = parse_time_ns(end_text, "end") if end_text else now_ns
    back = duration_ns("since", since) if since else _DEFAULT_RANGE_NS
    # A range that ends in the future begins where it would if it ended now.
    start = parse_time_ns(start_text, "start") if start_text else max(0, min(end, now_ns) - back)
    if end < start:
        raise PharosError(Kind.INVALID, "end timestamp must not be before or equal to start time")
    return Window(start, end)


def duration_ns(name: str, text: str) -> int:
    """Return a length of time: a duration, or seconds as number. Raises PharosError(INVALID)."""
    try:
        seconds = parse_float(text)
    except PharosError:
        try:
            return parse_query_duration(text)
        except PharosError as exc:
            raise PharosError(
                Kind.INVALID,
                f"{name}: cannot parse {quote(text[:100])} to a valid duration",
                hint="seconds, or a duration such as 30s",
            ) from exc
    if not math.isfinite(seconds) or abs(seconds) * NS > _MAX_NS:
        raise PharosError(Kind.INVALID, f"{name}: cannot parse {quote(text[:100])} to a valid duration")
    return int(seconds * NS)


def steps_of(parameters: Parameters, window: Window) -> Steps:
    """Return the steps of a range query; without `step` there are about 250. Raises PharosError(INVALID)."""
    text = parameters.first("step")
    if text:
        step = duration_ns("step", text)
        if step <= 0:
            raise PharosError(
                Kind.INVALID,
                "zero or negative query resolution step widths are not accepted",
                hint="try a positive integer",
            )
    else:
        step = max((window.end_ns - window.start_ns) // _DEFAULT_STEPS // NS, 1) * NS
    return Steps(window.start_ns, window.end_ns, step)


def limit_of(parameters: Parameters, name: str = "limit", default: int = DEFAULT_LIMIT) -> int:
    """Return how many are asked for at most. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if not text:
        return default
    try:
        limit = parse_decimal_int(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"{name}: {exc.message}") from exc
    if limit <= 0:
        raise PharosError(Kind.INVALID, f"{name} must be a positive value")
    return limit


def line_limit_of(parameters: Parameters) -> int:
    """Return how many lines are asked for at most. Raises PharosError(INVALID)."""
    limit = limit_of(parameters)
    if limit > MAX_LIMIT:
        raise PharosError(
            Kind.INVALID,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            f" ({limit} > {MAX_LIMIT})",
            hint="ask for the next lines with a later start, or an earlier end",
        )
    return limit


def is_newest_first(parameters: Parameters) -> bool:
    """Return whether the newest lines come first, as is the rule. Raises PharosError(INVALID)."""
    text = parameters.first("direction")
    if text.lower() not in {"", "forward", "backward"}:
        raise PharosError(
            Kind.INVALID, f"direction: invalid direction {quote(text[:40])}", hint="forward or backward"
        )
    return text.lower() != "forward"
