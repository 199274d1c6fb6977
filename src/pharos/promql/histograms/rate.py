"""Rates of native histograms over one window, and histograms interpolated between two samples."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from msgspec import Struct

from pharos.promql import annotations as words
from pharos.promql.annotations import Annotations
from pharos.promql.histograms.arithmetic import add, subtract
from pharos.promql.histograms.value import FloatHistogram, IncompatibleSchemaError, ResetHint
from pharos.promql.kernels.rate import is_start_reset
from pharos.promql.language.ast import Place


class Speaker(Struct, frozen=True):
    """Where annotations on one series of one call go."""

    metric: str
    place: Place
    notes: Annotations

    def mixed_schemas(self) -> None:
        """Warn of exponential and custom buckets that cannot go together."""
        self.notes.warn(words.mixed_schemas(self.metric), self.place)

    def not_counter(self) -> None:
        """Warn of a gauge used as a counter."""
        self.notes.warn(words.not_counter(self.metric), self.place)

    def not_gauge(self) -> None:
        """Warn of a counter used as a gauge."""
        self.notes.warn(words.not_gauge(self.metric), self.place)

    def reconciled(self, operation: str) -> None:
        """Tell of custom buckets brought to common bounds."""
        self.notes.info(words.reconciled_buckets(operation), self.place)


def added(base: FloatHistogram, other: FloatHistogram, say: Speaker) -> bool:
    """Add in place with annotations; return whether it could be done."""
    try:
        merged = add(base, other)
    except IncompatibleSchemaError:
        say.mixed_schemas()
        return False
    if merged.reconciled:
        say.reconciled("addition")
    return True


def subtracted(base: FloatHistogram, other: FloatHistogram, say: Speaker) -> bool:
    """Subtract in place with annotations; return whether it could be done."""
    try:
        merged = subtract(base, other)
    except IncompatibleSchemaError:
        say.mixed_schemas()
        return False
    if merged.reconciled:
        say.reconciled("subtraction")
    return True


class Points(Struct, frozen=True):
    """The histogram samples of one window, in order; `started` may be empty."""

    ts: Sequence[int]
    cells: Sequence[FloatHistogram]
    started: Sequence[int]

    def is_start_reset(self, at: int) -> bool:
        """Return whether start timestamps tell of a reset before sample `at`."""
        if not self.started:
            return False
        return bool(is_start_reset(self.started[at - 1], self.ts[at - 1], self.started[at], self.ts[at]))

    def overlaps(self, at: int) -> bool:
        """Return whether the start of sample `at` lies before the sample before it, and is a new one."""
        if not self.started:
            return False
        start = self.started[at]
        return start != 0 and start < self.ts[at - 1] and start != self.started[at - 1]


def raw_increase(points: Points, say: Speaker, *, is_counter: bool) -> FloatHistogram | None:
    """Return the difference of the last and the first of at least two samples, resets accounted for."""
    cells = points.cells
    first, last = cells[0], cells[-1]
    custom = first.uses_custom
    is_gauge = ResetHint.GAUGE in (first.hint, last.hint)
    prev = first
    if is_counter:
        second = cells[1]
        if points.is_start_reset(1) or second.detect_reset(first):
            prev = FloatHistogram(schema=second.schema, custom=second.custom)
            custom = second.uses_custom
    if last.uses_custom != custom:
        if is_counter and is_gauge:
            say.not_counter()
        say.mixed_schemas()
        return None
    schema = min(last.schema, prev.schema)
    if is_counter:
        for cell in cells[1:-1]:
            is_gauge |= cell.hint is ResetHint.GAUGE
            schema = min(schema, cell.schema)
            if cell.uses_custom != custom:
                # In the place of what else there would be to say, as upstream's histogramRate.
                say.mixed_schemas()
                return None
        if is_gauge:
            say.not_counter()
    total = last.copy_to_schema(schema)
    if not subtracted(total, prev, say):
        return None
    if is_counter:
        if not _add_resets(points, prev, total, say):
            return None
    elif first.hint is not ResetHint.GAUGE or last.hint is not ResetHint.GAUGE:
        say.not_gauge()
    total.hint = ResetHint.GAUGE
    return total.compact()


def _add_resets(points: Points, prev: FloatHistogram, total: FloatHistogram, say: Speaker) -> bool:
    overlapped = False
    for at in range(1, len(points.cells)):
        cell = points.cells[at]
        if not overlapped and points.overlaps(at):
            overlapped = True
            say.notes.start_overlap(say.metric, say.place, 1)
        if (points.is_start_reset(at) or cell.detect_reset(prev)) and not added(total, prev, say):
            return False
        prev = cell
    return True


def extrapolated_rate(
    points: Points, start_ms: int, end_ms: int, say: Speaker, *, is_counter: bool, is_rate: bool
) -> FloatHistogram | None:
    """Return rate, increase or delta of a window of histograms, stretched to its ends."""
    ts, cells = points.ts, points.cells
    total = raw_increase(points, say, is_counter=is_counter) if len(cells) > 1 else None
    if len(cells) > 1 and total is None:
        return None
    to_start = (ts[0] - start_ms) / 1000
    to_end = (end_ms - ts[-1]) / 1000
    sampled = (ts[-1] - ts[0]) / 1000
    average = sampled / (len(cells) - 1) if len(cells) > 1 else 0.0
    threshold = average * 1.1
    started = points.started[0] if points.started else 0
    if is_counter and started != 0 and start_ms < started < ts[0]:
        to_start = 0.0
        sampled = (ts[-1] - started) / 1000
        if total is None:
            total = cells[0].copy()
        elif not added(total, cells[0], say):
            return None
    elif total is None:
        return None
    else:
        if to_start >= threshold:
            to_start = average / 2
        if is_counter and total.count > 0 and cells[0].count >= 0:
            to_start = min(to_start, sampled * (cells[0].count / total.count))
    if to_end >= threshold:
        to_end = average / 2
    factor = 1.0 if sampled == 0 else (sampled + to_start + to_end) / sampled
    if is_rate:
        factor /= (end_ms - start_ms) / 1000
    return total.mul(factor)


def instant_rate(points: Points, say: Speaker, *, is_rate: bool) -> FloatHistogram | None:
    """Return irate or idelta of the two samples in `points`."""
    first, last = points.cells
    result = last.copy()
    if is_rate and ResetHint.GAUGE in (first.hint, last.hint):
        say.not_counter()
    if not is_rate and (first.hint is not ResetHint.GAUGE or last.hint is not ResetHint.GAUGE):
        say.not_gauge()
    reset = points.is_start_reset(1) or last.detect_reset(first)
    if not (is_rate and reset) and not subtracted(result, first, say):
        return None
    result.hint = ResetHint.GAUGE
    result.compact()
    if is_rate:
        result.div((points.ts[1] - points.ts[0]) / 1000)
    return result


# ---- anchored and smoothed


def interpolate(points: Points, at: int, ms: int, say: Speaker, *, is_counter: bool) -> FloatHistogram | None:
    """Return the histogram at `ms`, on the line between samples `at` and `at + 1`."""
    (t1, t2), (first, second) = points.ts[at : at + 2], points.cells[at : at + 2]
    if ms == t1:
        return first.copy()
    if ms == t2:
        return second.copy()
    fraction = (ms - t1) / (t2 - t1)
    if is_counter and second.detect_reset(first):
        return second.copy().mul(fraction)
    result = second.copy()
    if not subtracted(result, first, say):
        return None
    result.mul(fraction)
    return result if added(result, first, say) else None


def extended_rate(
    points: Points,
    start_ms: int,
    end_ms: int,
    say: Speaker,
    *,
    smoothed: bool,
    is_counter: bool,
    is_rate: bool,
) -> FloatHistogram | None:
    """Return rate, increase or delta of an anchored or smoothed window of histograms."""
    ts, cells = points.ts, points.cells
    last = len(cells) - 1
    first = max(0, bisect_right(ts, start_ms, 0, last) - 1)
    if smoothed:
        last = bisect_left(ts, end_ms, 0, last)
    if ts[last] <= start_ms or (smoothed and ts[first] > end_ms):
        return None
    custom = cells[first].uses_custom
    for cell in cells[first : last + 1]:
        if cell.uses_custom != custom:
            say.mixed_schemas()
            return None
        if is_counter and cell.hint is ResetHint.GAUGE:
            say.not_counter()
    left: FloatHistogram | None = cells[first].copy()
    if smoothed and ts[first] < start_ms:
        left = interpolate(points, first, start_ms, say, is_counter=is_counter)
    right: FloatHistogram | None = cells[last].copy()
    if smoothed and last > 0 and ts[last] > end_ms:
        right = interpolate(points, last - 1, end_ms, say, is_counter=is_counter)
    if left is None or right is None:
        return None
    if not is_counter and (left.hint is not ResetHint.GAUGE or right.hint is not ResetHint.GAUGE):
        say.not_gauge()
    result = right.copy()
    if not subtracted(result, left, say):
        return None
    if is_counter:
        spanned = smoothed and ts[first] < start_ms
        if not _correct_resets(points, first, last, (left, right), result, say, spanned=spanned):
            return None
    if is_rate:
        result.div((end_ms - start_ms) / 1000)
    result.hint = ResetHint.GAUGE
    return result.compact()


def _correct_resets(
    points: Points,
    first: int,
    last: int,
    ends: tuple[FloatHistogram, FloatHistogram],
    result: FloatHistogram,
    say: Speaker,
    *,
    spanned: bool,
) -> bool:
    """Add to `result` what resets between the ends hid; `spanned`: the left end is interpolated."""
    cells = points.cells
    at, prev = first + 1, ends[0]
    if spanned and cells[first + 1].detect_reset(cells[first]):
        # The interpolation has accounted for this reset already.
        prev = cells[first + 1]
        at += 1
    if at > last:
        return True
    correction: FloatHistogram | None = None
    for cell in (*cells[at:last], ends[1]):
        if cell.detect_reset(prev):
            if correction is None:
                correction = prev.copy()
            elif not added(correction, prev, say):
                return False
        prev = cell
    return correction is None or added(result, correction, say)


def smoothed_cell(points: Points, ms: int, say: Speaker) -> FloatHistogram | None:
    """Return the histogram interpolated at `ms`, or the last one before it where none follows."""
    at = bisect_left(points.ts, ms)
    if at < len(points.ts) and points.ts[at] == ms:
        return points.cells[at].copy()
    if at == 0:
        return None
    if at == len(points.ts):
        carried = points.cells[-1].copy()
        carried.hint = ResetHint.UNKNOWN
        return carried
    before, after = points.cells[at - 1 : at + 1]
    if before.uses_custom != after.uses_custom:
        say.mixed_schemas()
        return None
    is_counter = before.hint is not ResetHint.GAUGE or after.hint is not ResetHint.GAUGE
    return interpolate(points, at - 1, ms, say, is_counter=is_counter)
