"""Parameters of the Prometheus HTTP API: from query string and form, in its formats for times."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from msgspec import Struct
from starlette.requests import Request

from pharos.api.http.bodies import Bodies
from pharos.api.http.forms import METHODS, MULTIPART, URL_ENCODED, Pairs, media_type, parse_form, parse_pairs
from pharos.api.http.off_loop import off_loop
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.gotext.numbers import parse_decimal_int, parse_float
from pharos.gotext.quoting import quote
from pharos.gotext.timestamps import MAX_TIME_MS, MIN_TIME_MS, parse_time_ms
from pharos.labels import Matcher
from pharos.promql.language.parse import parse_selector

_FORM_MAX_BYTES: Final = 10 << 20
_INT64_MAX: Final = (1 << 63) - 1

TRUNCATED: Final = "results truncated due to limit"


class Parameters(Struct, frozen=True):
    """Names and values, of which the first is taken where one is asked for."""

    pairs: Pairs

    def first(self, name: str) -> str:
        """Return the first value of `name`, empty if it is missing."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of `name`."""
        return [value for key, value in self.pairs if key == name]

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """Return a time; `default_ms` if it is missing. Raises PharosError(INVALID)."""
        value = self.first(name)
        if not value and default_ms is not None:
            return default_ms
        try:
            return parse_time_ms(value)
        except PharosError as exc:
            optional = f"Invalid time value for '{name}': " if default_ms is not None else ""
            raise invalid(name, optional + exc.message) from exc

    def duration_ms(self, name: str, default_ms: int | None = None) -> int | None:
        """Return a duration; `default_ms` if it is missing. Raises PharosError(INVALID)."""
        value = self.first(name)
        if not value:
            return default_ms
        try:
            return parse_step_ms(value)
        except PharosError as exc:
            raise invalid(name, exc.message) from exc

    def limit(self) -> int:
        """Return the limit, 0 for none. Raises PharosError(INVALID)."""
        values = self.all("limit")
        if not values:
            return 0
        try:
            number = parse_decimal_int(values[0])
        except PharosError as exc:
            raise invalid("limit", exc.message) from exc
        if number < 0:
            raise invalid("limit", "limit must be non-negative")
        return number

    def count(self, name: str) -> int:
        """Return a limit of the metadata endpoints, -1 for none. Raises PharosError(INVALID)."""
        values = self.all(name)
        if not values:
            return -1
        try:
            return max(parse_decimal_int(values[0]), -1)
        except PharosError as exc:
            raise PharosError(Kind.INVALID, f"{name} must be a number") from exc

    def flag(self, name: str) -> bool:
        """Return a truth value as Go's strconv.ParseBool reads it; False if missing.

        Raises PharosError(INVALID).
        """
        value = self.first(name)
        if value in {"1", "t", "T", "TRUE", "true", "True"}:
            return True
        if value in {"", "0", "f", "F", "FALSE", "false", "False"}:
            return False
        message = f"unable to parse boolean: strconv.ParseBool: parsing {quote(value)}: invalid syntax"
        raise invalid(name, message)

    def range_ms(self) -> tuple[int, int]:
        """Return start and end, always when they are missing; the end may lie before the start.

        Raises PharosError(INVALID).
        """
        return self.time_ms("start", MIN_TIME_MS), self.time_ms("end", MAX_TIME_MS)


def invalid(name: str, message: str) -> PharosError:
    """Return the error for a bad parameter, in upstream's words."""
    return PharosError(Kind.INVALID, f'invalid parameter "{name}": {message}')


def query_parameters(request: Request) -> Parameters:
    """Return the parameters of the query string. Raises PharosError(INVALID)."""
    return Parameters(parse_pairs(request.scope["query_string"]))


@asynccontextmanager
async def parameters_of(request: Request, bodies: Bodies) -> AsyncIterator[Parameters]:
    """Return the parameters of the query string and of the form of a POST or PUT, counted while in use.

    Raises PharosError: INVALID, and what `Incoming` raises.
    """
    content_type = request.headers.get("content-type", "")
    media = media_type(content_type)
    if request.method not in METHODS or media not in {URL_ENCODED, MULTIPART}:
        yield query_parameters(request)
        return
    async with bodies.incoming(request, _FORM_MAX_BYTES) as incoming:
        body = incoming.body
        form = await off_loop(len(body), partial(parse_form, content_type, body))
        query = parse_pairs(request.scope["query_string"])
        # Upstream reads a form in parts after everything else, and any other before the query string.
        yield Parameters(query + form if media == MULTIPART else form + query)


async def read_selectors(parameters: Parameters) -> list[tuple[Matcher, ...]]:
    """Return the selectors of every `match[]`. Raises PharosError(INVALID)."""
    texts = parameters.all("match[]")
    return await off_loop(sum(map(len, texts)), lambda: [parse_selector(text) for text in texts])


def parse_step_ms(text: str) -> int:
    """Return the milliseconds of a number of seconds or of a duration. Raises PharosError(INVALID)."""
    seconds = _seconds(text)
    if seconds is None:
        try:
            return parse_duration(text)
        except PharosError as exc:
            raise PharosError(Kind.INVALID, f"cannot parse {quote(text)} to a valid duration") from exc
    if not math.isfinite(seconds) or abs(seconds) * 1e9 > _INT64_MAX:
        raise PharosError(Kind.INVALID, f"cannot parse {quote(text)} to a valid duration. It overflows int64")
    nanoseconds = int(seconds * 1e9)
    return nanoseconds // 1_000_000 if nanoseconds >= 0 else -(-nanoseconds // 1_000_000)


def _seconds(text: str) -> float | None:
    try:
        return parse_float(text)
    except PharosError:
        return None


def check_range(start_ms: int, end_ms: int, step_ms: int, max_steps: int) -> None:
    """Raise PharosError(INVALID) for a range that a range query may not have, in upstream's words."""
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


def capped(values: Sequence[str], limit: int) -> tuple[list[str], list[str]]:
    """Return (the first `limit` values, warnings)."""
    if limit and len(values) > limit:
        return list(values[:limit]), [TRUNCATED]
    return list(values), []
