"""Spans measured by the store: what TraceQL selects is what is counted; nobody else's spans are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import yaml
from tests.query.written_trace import request_of

from pharos.access import Scope, upkeep
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.ingest.events.batch import SpanSignal
from pharos.query.events.span_series import VALUES, SpanExemplar, SpanSeries, Wants, Windows, measure_spans
from pharos.query.events.spans import SpanStore
from pharos.search.traceql.parse_metrics import parse_span_metric

T = TypeVar("T")
_FILE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "traceql.yaml").read_text())
_NOON_NS = 1_768_478_400 * 10**9
_S_NS = 10**9
_MS = 1_000_000
_WHOLE = Windows(_NOON_NS + _S_NS, _S_NS)
_TRACE = _FILE["trace"]
_TENANT = "measured"


@pytest.fixture(scope="module")
def store(engine: EmbeddedEngine) -> SpanStore:
    """The trace of the cases, of one tenant, and twice that of another."""
    changes, signal = Changes(), SpanSignal()
    batch = signal.begin()
    for tenant in (_TENANT, "elsewhere", "elsewhere"):
        signal.decode(batch, tenant, request_of(_TRACE, _NOON_NS), _NOON_NS)
    batch.insert(engine, "span-series")
    batch.note(changes)
    return SpanStore(changes)


Measured = Callable[..., SpanSeries]


@pytest.fixture
def measured(engine: EmbeddedEngine, store: SpanStore) -> Measured:
    """What measures the spans of a query."""
    scope: Scope = upkeep(_TENANT)

    def ask(query: str, windows: Windows = _WHOLE, wants: Wants = VALUES) -> SpanSeries:
        def work(session: Session) -> SpanSeries:
            asked = parse_span_metric(query)
            return measure_spans(store, session, scope, asked, windows, wants=wants)

        return engine.run_blocking(work)

    return ask


def _told(found: SpanSeries) -> dict[tuple[str | float, ...], list[float | None]]:
    return {
        tuple(said for _, said in labels): [
            round(value, 9) if is_there else None
            for value, is_there in zip(found.values[row].tolist(), found.present[row].tolist(), strict=True)
        ]
        for row, labels in enumerate(found.labels)
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=case["query"]) for case in _FILE["queries"]])
def test_what_a_query_selects_is_counted_or_the_query_is_refused_by_name(
    case: dict[str, Any], measured: Measured
) -> None:
    query = f"{case['query']} | count_over_time() by (span:id)"
    if "whole" in case:
        with pytest.raises(PharosError) as refused:
            measured(query)
        assert refused.value.kind is Kind.UNSUPPORTED
        return
    found = measured(query)
    wanted = [] if "none" in case else case["spans"]
    assert sorted(str(said[0]).lstrip("0") for said in _told(found)) == sorted(wanted)
    assert all(values == [1.0] for values in _told(found).values())


@pytest.mark.parametrize(
    ("query", "series"),
    [
        ("{} | count_over_time()", {(): 6}),
        ("{} | rate()", {(): 6}),
        ("{ false } | count_over_time()", {(): 0}),
        ("{ false } | count_over_time() < 1", {(): 0}),
        ("{ false } | count_over_time() by (name)", {}),
        ("{} | count_over_time() > 6", {}),
        ("{} | count_over_time() by (resource.service.name)", {("front",): 3, ("cart",): 3}),
        ("{} | count_over_time() by (.service.name, kind) | topk(1)", {("cart", "client"): 2}),
        ("{} | count_over_time() by (status)", {("error",): 1, ("unset",): 5}),
        ("{} | count_over_time() by (span.db.system)", {("postgresql",): 2, (): 4}),
        ("{} | count_over_time() by (instrumentation:name)", {("lib",): 6}),
        ("{} | count_over_time() by (.http.status_code) >= 1 | bottomk(1)", {("200",): 1}),
        ("{} | min_over_time(duration)", {(): 0.005}),
        ("{} | max_over_time(duration) by (resource.service.name) > 50ms", {("front",): 0.1}),
        ("{} | sum_over_time(duration)", {(): 0.24}),
        ("{} | avg_over_time(.http.status_code)", {(): 350}),
        ("{} | sum_over_time(span.rows) by (name)", {("SELECT",): 7}),
        ("{} | avg_over_time(span.user)", {}),
        ("{} | quantile_over_time(duration, 1, 0)", {(1.0,): 0.1, (0.0,): 0.005}),
        (
            "{ kind = client } | histogram_over_time(duration)",
            {(0.008388608,): 1, (0.016777216,): 1, (0.067108864,): 1},
        ),
    ],
)
def test_spans_come_to_these_values(query: str, series: dict[Any, float], measured: Measured) -> None:
    assert _told(measured(query)) == {key: [float(value)] for key, value in series.items()}


def test_each_step_counts_its_own_spans_and_none_of_others(measured: Measured) -> None:
    steps = Windows(_NOON_NS + 20 * _MS, 20 * _MS, 20 * _MS, 5)
    assert _told(measured("{} | count_over_time()", steps)) == {(): [2, 3, 0, 1, 0]}
    by_service = "{} | rate() by (resource.service.name)"
    assert _told(measured(by_service, steps)) == {
        ("front",): [100, None, None, 50, None],
        ("cart",): [None, 150, None, None, None],
    }
    assert _told(measured(by_service, steps, Wants(zeros=True))) == {
        ("front",): [100, 0, 0, 50, 0],
        ("cart",): [0, 150, 0, 0, 0],
    }
    assert _told(measured("{} | max_over_time(duration) | topk(1)", steps)) == {
        (): [0.1, 0.04, None, 0.02, None]
    }


@pytest.mark.parametrize("window_ms", [10, 30, 50, 70])
def test_windows_that_overlap_are_each_what_it_is_alone(window_ms: int, measured: Measured) -> None:
    steps = Windows(_NOON_NS - 20 * _MS, window_ms * _MS, 20 * _MS, 8)
    for query in ("{} | count_over_time()", "{} | quantile_over_time(duration, .5) by (name)"):
        together = _told(measured(query, steps))
        for place in range(steps.count):
            alone = _told(measured(query, Windows(steps.first_end_ns + place * 20 * _MS, window_ms * _MS)))
            assert {
                key: [found[place]] for key, found in together.items() if found[place] is not None
            } == alone


def test_the_longest_span_is_an_example(measured: Measured) -> None:
    found = measured("{} | rate() by (resource.service.name)", wants=Wants(exemplars=True))
    longest = {labels[0][1]: one for labels, (one,) in found.exemplars.items()}
    assert longest["front"] == SpanExemplar("abc".rjust(32, "0"), "1".rjust(16, "0"), _NOON_NS, 100 * _MS)
    assert set(longest) == {"front", "cart"}


def test_names_and_values_are_never_words_of_the_store(measured: Measured) -> None:
    hostile = "x') OR 1 = 1 --\\\\'`"
    assert _told(measured(f'{{ span."{hostile}" = "{hostile}" }} | count_over_time()')) == {(): [0]}
    assert _told(measured(f'{{}} | count_over_time() by (span."{hostile}")')) == {(): [6]}
    assert np.isfinite(measured(f'{{ resource."{hostile}" =~ ".*" }} | rate()').values).all()
