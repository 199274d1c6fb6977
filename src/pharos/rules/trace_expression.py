"""Expressions of rules over spans: TraceQL that makes metrics."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.query.events.lower import sanitised
from pharos.rules.compared import Compared
from pharos.rules.compared import Limit as MetLimit
from pharos.search.traceql.ast import Attribute, Limit, Measure, SpanMetric
from pharos.search.traceql.parse_metrics import parse_span_metric

HISTOGRAM: Final = "histogram_over_time"


def parse_span_rule(expr: str) -> SpanMetric:
    """Return an expression in TraceQL that gives numbers. Raises PharosError: INVALID, UNSUPPORTED."""
    found = parse_span_metric(expr)
    label_names(found.measure)
    if found.then and found.measure.name == HISTOGRAM:
        raise PharosError(
            Kind.INVALID,
            f"in a rule {HISTOGRAM}() makes a histogram of PromQL's, which compares with nothing",
            hint="compare a quantile: quantile_over_time(duration, .99) > 500ms",
        )
    return found


def compared_spans(query: SpanMetric) -> Compared[SpanMetric]:
    """Return what an expression measures, and the limit that it compares that with."""
    *before, last = query.then or (None,)
    if not isinstance(last, Limit):
        return Compared(query, None)
    measure = replace(query, then=tuple(one for one in before if one is not None))
    return Compared(measure, MetLimit(last.op, last.value))


def label_names(measure: Measure) -> dict[str, str]:
    """Return by field of `by(...)` the label that has its values: its name, without where it stands.

    So `resource.service.name` is `service_name`, as rules over logs and metrics have it. Raises
    PharosError(INVALID) where two fields would be one label.
    """
    found: dict[str, str] = {}
    for field in measure.by:
        label = sanitised(field.name if isinstance(field, Attribute) else str(field))
        if label in found.values():
            raise PharosError(Kind.INVALID, f"by() has two fields that would be the label {quote(label)}")
        found[str(field)] = label
    return found
