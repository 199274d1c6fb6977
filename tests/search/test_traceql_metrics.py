"""TraceQL that makes metrics: what it is read as, and what is refused with a word about where and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import Kind, PharosError
from pharos.search.traceql.ast import (
    Attribute,
    AttributeScope,
    Binary,
    Intrinsic,
    Limit,
    Literal,
    Measure,
    Rank,
    SpanMetric,
    Type,
)
from pharos.search.traceql.parse_metrics import parse_span_metric

_REFUSED = yaml.safe_load((Path(__file__).parent / "traceql_metrics.yaml").read_text())["refused"]
_SERVICE = Attribute("service.name", AttributeScope.RESOURCE)
_FAILED = Binary("=", Intrinsic("status"), Literal(2, Type.STATUS))
_MINUTE_NS = 60 * 10**9


@pytest.mark.parametrize("case", [pytest.param(case, id=case["query"]) for case in _REFUSED])
def test_a_query_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        parse_span_metric(case["query"])
    assert caught.value.kind is (Kind.UNSUPPORTED if "unsupported" in case else Kind.INVALID)
    assert case["said"] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("{} | rate()", SpanMetric(None, Measure("rate"))),
        (
            "{ status = error } | rate() by (resource.service.name) > 5",
            SpanMetric(_FAILED, Measure("rate", by=(_SERVICE,)), (Limit(">", 5.0),)),
        ),
        (
            "{} | { status = error } | select(name) | count_over_time() with(window=5m) < 1",
            SpanMetric(_FAILED, Measure("count_over_time"), (Limit("<", 1.0),), 5 * _MINUTE_NS),
        ),
        (
            "({} || { status = error }) | quantile_over_time(duration, .99, 0.5) by (name) > 500ms | topk(3)",
            SpanMetric(
                None,
                Measure("quantile_over_time", Intrinsic("duration"), (0.99, 0.5), (Intrinsic("name"),)),
                (Limit(">", 0.5), Rank("topk", 3)),
            ),
        ),
        (
            "{} | avg_over_time(span.rows) > -1 with(exemplars=true, window=1m)",
            SpanMetric(
                None,
                Measure("avg_over_time", Attribute("rows", AttributeScope.SPAN)),
                (Limit(">", -1.0),),
                _MINUTE_NS,
            ),
        ),
    ],
)
def test_a_query_is_read_so(text: str, query: SpanMetric) -> None:
    assert parse_span_metric(text) == query
