"""Which rows a count over a window reads: of whole buckets their numbers, and times only at the borders.

A time takes four bytes of a row to read, the number of its bucket next to none: rows lie by it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from pharos.engine import sql
from pharos.engine.keys import EVENT_BUCKET_NS
from pharos.engine.sql import Condition
from pharos.search.window import Window

_WORTH: Final = 3
"""A statement for the borders pays where there are so many times as many whole buckets."""
_LEAST_WHOLE: Final = 8
_WIDE: Final = 240
"""In so many buckets, eight hours, the times of what an index finds may cost more than a statement for the
borders; in fewer they do not."""
_BEGIN: Final = f"toInt64(b) * {EVENT_BUCKET_NS}"


class CountingPart(Struct, frozen=True):
    """Rows of a window that one statement reads."""

    rows_in: tuple[Condition, ...]
    step: str
    """The engine's words for the number of a row's step, from 0 at the window's start."""


def buckets_of(window: Window) -> Condition:
    """Return that rows are of the buckets of a window: the first condition of a read of events."""
    return sql.between("b", *_ends(window))


def counting_parts(window: Window, step_ns: int, *, is_narrow: bool) -> list[CountingPart]:
    """Return the parts of a window that together hold each of its rows once; `step_ns` 0 is one step.

    Where few rows are looked at as a rule (`is_narrow`), it is one, unless the window is wide.
    """
    times = sql.times_ns(window.start_ns, window.end_ns)
    steps = -(-(window.end_ns - window.start_ns) // step_ns) if step_ns else 1
    # Where there is one step its number is not to be reckoned for each row.
    apart_ns = step_ns if steps > 1 else 0
    by_time, by_bucket = _step("toUnixTimestamp64Nano(ts)", window, apart_ns), _step(_BEGIN, window, apart_ns)
    first, last = _ends(window)
    most = (last - first + 1) // (_WORTH + 1)
    if steps <= most and (not is_narrow or last - first >= _WIDE):
        cut = _cut_buckets(window, step_ns, steps)
        if len(cut) <= most and last - first + 1 - len(cut) >= _LEAST_WHOLE:
            whole = _whole_buckets(first, last, cut)
            if not cut:
                return [CountingPart(whole, by_bucket)]
            return [CountingPart(whole, by_bucket), CountingPart((sql.among("b", cut), times), by_time)]
    return [CountingPart((buckets_of(window), times), by_time)]


def _whole_buckets(first: int, last: int, cut: list[int]) -> tuple[Condition, ...]:
    """Return that rows are of buckets that are not cut; those at the ends are not even looked at."""
    inner = [one for one in cut if first < one < last]
    ends = sql.between("b", first + (first in cut), last - (last in cut))
    return (ends, sql.negated(sql.among("b", inner))) if inner else (ends,)


def _step(time_ns: str, window: Window, step_ns: int) -> str:
    return f"intDiv({time_ns} - {int(window.start_ns)}, {int(step_ns)})" if step_ns else "0"


def _ends(window: Window) -> tuple[int, int]:
    return window.start_ns // EVENT_BUCKET_NS, max(window.start_ns, window.end_ns - 1) // EVENT_BUCKET_NS


def _cut_buckets(window: Window, step_ns: int, steps: int) -> list[int]:
    """Return the buckets that are not wholly in the window, or not in one step."""
    borders = np.append(window.start_ns + np.arange(steps, dtype=np.int64) * step_ns, window.end_ns)
    numbers, rest = np.divmod(borders, EVENT_BUCKET_NS)
    found: list[int] = np.unique(numbers[rest > 0]).tolist()
    return found
