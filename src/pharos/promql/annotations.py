"""Warnings and infos of an evaluation, with Prometheus' words (util/annotations) and positions."""

from __future__ import annotations

import datetime as dt
from typing import Final

from msgspec import Struct, field

from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote
from pharos.promql.language.ast import Place

_WARNING: Final = "PromQL warning: "
_INFO: Final = "PromQL info: "


class Note(Struct, frozen=True):
    """A warning or an info that waits for its place in the query."""

    message: str
    warning: bool


class Forced(Struct):
    """What was repaired for monotonicity in the buckets given to histogram_quantile, over all steps."""

    count: int
    min_ms: int
    max_ms: int
    min_bucket: float
    max_bucket: float
    max_diff: float


class Annotations(Struct):
    """Warnings and infos, each once, in the order they came; the place in the text is that of the last."""

    _places: dict[str, Place] = field(default_factory=dict)
    _forced: dict[str, Forced] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, note: Note, place: Place) -> None:
        """Add a warning or info at a place in the query."""
        (self.warn if note.warning else self.info)(note.message, place)

    def warn(self, message: str, place: Place) -> None:
        """Add a warning at a place in the query."""
        self._places[_WARNING + message] = place

    def info(self, message: str, place: Place) -> None:
        """Add an info at a place in the query."""
        self._places[_INFO + message] = place

    def forced_monotonicity(self, metric: str, place: Place, forced: Forced) -> None:
        """Add the info on repaired buckets, together with what earlier series had repaired."""
        key = (
            f"{_INFO}input to histogram_quantile needed to be fixed for monotonicity (see "
            "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
            + _for_metric(metric)
        )
        known = self._forced.get(key)
        self._places[key] = place
        if known is None:
            self._forced[key] = forced
            return
        known.count += forced.count
        known.min_ms = min(known.min_ms, forced.min_ms)
        known.max_ms = max(known.max_ms, forced.max_ms)
        known.min_bucket = min(known.min_bucket, forced.min_bucket)
        known.max_bucket = max(known.max_bucket, forced.max_bucket)
        known.max_diff = max(known.max_diff, forced.max_diff)

    def start_overlap(self, metric: str, place: Place, count: int) -> None:
        """Add the warning on start timestamps that lie before the sample before."""
        key = (
            f"{_WARNING}sample has start time that overlaps with previous sample timestamp "
            f"for metric {quote(metric)}"
        )
        self._places[key] = place
        self._counts[key] = self._counts.get(key, 0) + count

    def rendered(self, query: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return warnings and infos, with line and column of their place where `query` is given."""
        warnings: list[str] = []
        infos: list[str] = []
        for message, place in self._places.items():
            text = message
            forced = self._forced.get(message)
            count = self._counts.get(message, 1)
            if query and forced is not None:
                text += _forced_detail(forced)
            if query and count > 1:
                text += f" ({count} occurrences)"
            if query:
                text += f" ({place_of(query, place.start)})"
            (warnings if message.startswith(_WARNING) else infos).append(text)
        return tuple(warnings), tuple(infos)


def _forced_detail(forced: Forced) -> str:
    low, high = (
        dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for ms in (forced.min_ms, forced.max_ms)
    )
    return (
        f", from buckets {format_g(forced.min_bucket)} to {format_g(forced.max_bucket)}, with a max diff of "
        f"{format_g(forced.max_diff, 2)}, over {forced.count} samples from {low} to {high}"
    )


def place_of(query: str, offset: int) -> str:
    """Return line and column (both from 1, the column in bytes) of a character offset into `query`."""
    before = query[:offset]
    line = before.count("\n") + 1
    column = len(before.rpartition("\n")[2].encode()) + 1
    return f"{line}:{column}"


def _for_metric(metric: str) -> str:
    return f" for metric name {quote(metric)}" if metric else ""


def invalid_quantile(q: float) -> str:
    """Return the warning on a quantile outside 0..1."""
    return f"quantile value should be between 0 and 1, got {format_g(q)}"


def invalid_ratio(ratio: float, cap: float) -> str:
    """Return the warning on a ratio outside -1..1."""
    return f"ratio value should be between -1 and 1, got {format_g(ratio)}, capping to {format_g(cap)}"


def bad_bucket_label(metric: str, value: str) -> str:
    """Return the warning on a bucket whose `le` is no number."""
    return f'bucket label "le" is missing or has a malformed value of {quote(value)}{_for_metric(metric)}'


def mixed_floats_histograms(metric: str) -> str:
    """Return the warning on floats and histograms in one window of a metric."""
    return f"encountered a mix of histograms and floats for metric name {quote(metric)}"


MIXED_IN_AGGREGATION: Final = "encountered a mix of histograms and floats for aggregation"
SORT_IN_RANGE: Final = "sort is ineffective for range queries since results are always ordered by labels"


def mixed_classic_native(metric: str) -> str:
    """Return the warning on classic buckets beside a native histogram."""
    return f"vector contains a mix of classic and native histograms{_for_metric(metric)}"


def not_counter(metric: str) -> str:
    """Return the warning on a gauge histogram used as a counter."""
    return f"this native histogram metric is not a counter: {quote(metric)}"


def not_gauge(metric: str) -> str:
    """Return the warning on a counter histogram used as a gauge."""
    return f"this native histogram metric is not a gauge: {quote(metric)}"


def mixed_schemas(metric: str) -> str:
    """Return the warning on exponential and custom buckets that cannot go together."""
    return (
        "vector contains a mix of histograms with exponential and custom buckets schemas "
        f"for metric name {quote(metric)}"
    )


def incompatible_layout(op: str) -> str:
    """Return the warning on operands with bucket layouts that cannot go together."""
    return f"incompatible bucket layout encountered for binary operator {op}"


def reset_collision(operation: str) -> str:
    """Return the warning on counter reset hints that contradict one another; `operation` is a noun."""
    return f"conflicting counter resets during histogram {operation}"


def possible_non_counter(metric: str) -> str:
    """Return the info on a rate of what may be no counter."""
    return "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " + quote(metric)


def possible_non_counter_type(metric: str, kind: str) -> str:
    """Return the info on a rate of a metric whose type label says it is no counter."""
    return (
        'metric might not be a counter, __type__ label is not set to "counter" or "histogram", '
        f"got {quote(kind)}: {quote(metric)}"
    )


def incompatible_types(left: str, op: str, right: str) -> str:
    """Return the info on operand types an operator does not know."""
    return f"incompatible sample types encountered for binary operator {quote(op)}: {left} {op} {right}"


def ignored_in_aggregation(aggregation: str) -> str:
    """Return the info on histograms an aggregation leaves out."""
    return f"ignored histogram in {aggregation} aggregation"


def ignored_in_range(metric: str) -> str:
    """Return the info on histograms a function of floats leaves out."""
    return (
        f"ignored histograms in a range containing both floats and histograms for metric name {quote(metric)}"
    )


def quantile_of_nans(metric: str) -> str:
    """Return the info on a quantile that is NaN because of NaN observations."""
    return f"input to histogram_quantile has NaN observations, result is NaN{_for_metric(metric)}"


def quantile_skewed(metric: str) -> str:
    """Return the info on a quantile that is too high because of NaN observations."""
    return f"input to histogram_quantile has NaN observations, result is skewed higher{_for_metric(metric)}"


def fraction_of_nans(metric: str) -> str:
    """Return the info on a fraction that leaves NaN observations out."""
    return (
        "input to histogram_fraction has NaN observations, which are excluded from all fractions"
        + _for_metric(metric)
    )


def reconciled_buckets(operation: str) -> str:
    """Return the info on custom buckets brought to common bounds; `operation` is a noun."""
    return f"mismatched custom buckets were reconciled during {operation}"
