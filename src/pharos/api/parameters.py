"""Parameters of the Prometheus HTTP API: from query string and form, in its formats for times and durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from pharos.api.ingest import read_body
from pharos.clock import parse_duration_ms
from pharos.errors import Kind, PharosError

_FORM_MAX_BYTES: Final = 10 << 20
_TIME_MAX_MS: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values in the order they came, query string first."""

    pairs: tuple[tuple[str, str], ...]

    def first(self, name: str) -> str:
        """Return the first value of `name`, empty if it is missing."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of `name`."""
        return [value for key, value in self.pairs if key == name]

    def required(self, name: str) -> str:
        """Return the first value of `name`. Raises PharosError(INVALID) if it is missing or empty."""
        value = self.first(name)
        if not value:
            raise invalid(name, f"{name!r} is required")
        return value

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """Return a time; `default_ms` if it is missing. Raises PharosError(INVALID)."""
        value = self.first(name)
        if not value and default_ms is not None:
            return default_ms
        try:
            return parse_time_ms(value)
        except PharosError as exc:
            raise invalid(name, exc.message) from exc

    def duration_ms(self, name: str, default_ms: int | None = None) -> int | None:
        """Return a duration; `default_ms` if it is missing. Raises PharosError(INVALID)."""
        value = self.first(name)
        if not value:
            return default_ms
        try:
            return parse_step_ms(value)
        except PharosError as exc:
            raise invalid(name, exc.message) from exc

    def limit(self, name: str = "limit") -> int:
        """Return a limit, 0 for none. Raises PharosError(INVALID)."""
        value = self.first(name)
        if not value:
            return 0
        if not value.isdigit():
            raise invalid(
                name, "limit must be non-negative" if value.startswith("-") else f"not a number: {value!r}"
            )
        return int(value[:12])


def invalid(name: str, message: str) -> PharosError:
    """Return the error for a bad parameter, in upstream's words."""
    return PharosError(Kind.INVALID, f'invalid parameter "{name}": {message}')


async def parameters_of(request: Request) -> Parameters:
    """Return the parameters of a GET or a POST with a form.

    Raises PharosError: INVALID for a form that is not text, TOO_LARGE.
    """
    pairs: list[tuple[str, str]] = list(request.query_params.multi_items())
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method == "POST" and media == "application/x-www-form-urlencoded":
        body = await read_body(request, _FORM_MAX_BYTES)
        try:
            pairs += parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000)
        except ValueError as exc:
            raise PharosError(Kind.INVALID, f"the form cannot be read: {exc}") from exc
    return Parameters(tuple(pairs))


def parse_time_ms(text: str) -> int:
    """Return the milliseconds of a Unix time in seconds or of an RFC 3339 time (upstream api parseTime).

    Raises PharosError(INVALID).
    """
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        if not math.isfinite(seconds) or abs(seconds) * 1000 > _TIME_MAX_MS:
            raise PharosError(Kind.INVALID, f'cannot parse "{text}" to a valid timestamp')
        return round(seconds * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise PharosError(Kind.INVALID, f'cannot parse "{text}" to a valid timestamp') from exc
    if moment.tzinfo is None:
        raise PharosError(Kind.INVALID, f'cannot parse "{text}" to a valid timestamp')
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def parse_step_ms(text: str) -> int:
    """Return the milliseconds of a number of seconds or of a duration. Raises PharosError(INVALID)."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            return parse_duration_ms(text)
        except PharosError as exc:
            raise PharosError(Kind.INVALID, f'cannot parse "{text}" to a valid duration') from exc
    if not math.isfinite(seconds) or abs(seconds) * 1000 > _TIME_MAX_MS:
        raise PharosError(Kind.INVALID, f'cannot parse "{text}" to a valid duration. It overflows int64')
    return round(seconds * 1000)


def check_range(start_ms: int, end_ms: int, step_ms: int, max_steps: int) -> None:
    """Raise PharosError(INVALID) for a range that a range query may not have, in upstream's words."""
    if end_ms < start_ms:
        raise invalid("end", "end timestamp must not be before start time")
    if step_ms <= 0:
        raise invalid(
            "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    if (end_ms - start_ms) // step_ms > max_steps:
        raise PharosError(
            Kind.INVALID,
            f"exceeded maximum resolution of {max_steps:,} points per timeseries."
            " Try decreasing the query resolution (?step=XX)",
        )


def window_ms(parameters: Parameters, now_ms: int, back_ms: int) -> tuple[int, int]:
    """Return the start and end of a metadata question; without them the last `back_ms`.

    Raises PharosError(INVALID).
    """
    start = parameters.time_ms("start", now_ms - back_ms)
    end = parameters.time_ms("end", now_ms)
    if end < start:
        raise invalid("end", "end timestamp must not be before start time")
    return start, end


def capped(values: Sequence[str], limit: int) -> tuple[list[str], list[str]]:
    """Return (the first `limit` values, warnings)."""
    if limit and len(values) > limit:
        return list(values[:limit]), ["results truncated due to limit"]
    return list(values), []
