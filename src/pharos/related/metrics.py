"""Metrics as they are worth looking at: histograms as one, rates of counters, the telling ones first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from pharos.labels import BUCKET_LABEL, LEGACY_METRIC_NAME, METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.printer import to_text
from pharos.query.metrics.catalog import MetricFound

_PARTS: Final = re.compile(r"(.+)_(bucket|count|sum|created)")
_TELLING: Final = (
    re.compile(r"error|fail|exception|panic|timeout|drop|reject|retr", re.IGNORECASE),
    re.compile(r"duration|latency|seconds_bucket|request|response|_rpc_|http", re.IGNORECASE),
    re.compile(r"queue|lag|pending|inflight|in_flight|saturation|throttl|restart|oom", re.IGNORECASE),
    re.compile(r"cpu|memory|heap|resident|disk|filesystem|network|load", re.IGNORECASE),
)
"""What somebody looks at first: failures, how long things take, what waits, what is used up."""
_DESCRIBING: Final = frozenset({"target_info", "scope_info", "otel_scope_info"})
"""What only says what a resource is."""
_RATE: Final = "5m"


class Metric(Struct, frozen=True):
    """A metric, and how it is looked at."""

    name: str
    """Of a histogram without the names of its parts."""
    selector: tuple[Matcher, ...]
    """Which of its series."""
    series: int
    kind: str = ""
    """`histogram`, `counter` or empty, as far as its name tells."""

    @classmethod
    def of_series(cls, labels: Labels) -> Metric:
        """Return one series as a metric; of a bucket, the histogram that it is a part of."""
        by_name = dict(labels)
        name, kind = _read(by_name.get(METRIC_NAME, ""), has_bucket=BUCKET_LABEL in by_name)
        left = (METRIC_NAME, BUCKET_LABEL) if kind == "histogram" else (METRIC_NAME,)
        selector = tuple(Matcher(one, MatchOp.EQUAL, value) for one, value in labels if one not in left)
        return cls(name, selector, 1, kind)

    def without_bucket(self, labels: Labels) -> Labels:
        """Return what tells its series apart; the buckets of a histogram are one."""
        rest = (pair for pair in labels if pair[0] not in {METRIC_NAME, BUCKET_LABEL})
        return ((METRIC_NAME, self.name), *rest)

    def expression(self) -> str:
        """Return the PromQL that shows it."""
        if self.kind == "histogram":
            return f"histogram_quantile(0.99, sum by (le) (rate({self._selected('_bucket')}[{_RATE}])))"
        return f"rate({self._selected()}[{_RATE}])" if self.kind == "counter" else self._selected()

    def _selected(self, suffix: str = "") -> str:
        name = f"{self.name}{suffix}"
        named = Matcher(METRIC_NAME, MatchOp.EQUAL, name)
        bare = name if LEGACY_METRIC_NAME.fullmatch(name) else ""
        return to_text(VectorSelector(bare, (*self.selector, named)))


def _read(name: str, *, has_bucket: bool) -> tuple[str, str]:
    """Return (the name of what a metric is a part of, what it is)."""
    found = _PARTS.fullmatch(name)
    if found is not None and (has_bucket or found[2] == "bucket"):
        return found[1], "histogram"
    return name, "counter" if name.endswith("_total") else ""


def metrics_of(found: Sequence[MetricFound]) -> list[Metric]:
    """Return metrics of which series were found, the telling ones first; histograms in one piece."""
    histograms = {one.metric.removesuffix("_bucket") for one in found if one.metric.endswith("_bucket")}
    names = {one.metric for one in found}
    metrics: dict[str, Metric] = {}
    for one in found:
        parts = _PARTS.fullmatch(one.metric)
        is_part = parts is not None and parts[1] in histograms
        if one.metric in _DESCRIBING:
            continue
        if is_part and not one.metric.endswith("_bucket"):
            continue
        name, kind = _read(one.metric, has_bucket=is_part)
        if parts is not None and {f"{parts[1]}_count", f"{parts[1]}_sum"} <= names and kind == "":
            # Of a summary; many a gauge is called a count.
            kind = "counter"
        metrics[name] = Metric(name, (one.matcher,), one.series, kind)
    return sorted(metrics.values(), key=lambda metric: (_rank(metric.name), metric.name))


def _rank(name: str) -> int:
    return next((place for place, telling in enumerate(_TELLING) if telling.search(name)), len(_TELLING))
