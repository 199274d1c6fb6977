"""What `evaluate` promises besides numbers: types, limits, deadlines, sharing."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from xxhash import xxh64_intdigest

from pharos.errors import Kind, PharosError
from pharos.labels import Labels, Matcher, labels_of
from pharos.promql.answer import evaluate, evaluate_text
from pharos.promql.calls.labels import natural_less
from pharos.promql.calls.vectors import dates_of
from pharos.promql.evaluate import EvalOptions
from pharos.promql.grids.grid import AnswerType
from pharos.promql.histograms.encode import encode_columns
from pharos.promql.histograms.value import FloatHistogram
from pharos.promql.language.parse import parse
from pharos.promql.operators.label_hash import hash_labels
from pharos.promql.plan import plan
from pharos.promql.source import SeriesBlock


class Counting:
    """Ten series with a sample a minute, and a count of the reads."""

    def __init__(self, series: int = 10, samples: int = 10) -> None:
        self.reads = 0
        self.block = SeriesBlock(
            [labels_of({"__name__": "m_total", "i": str(i)}) for i in range(series)],
            np.arange(series + 1, dtype=np.int64) * samples,
            np.tile(np.arange(samples, dtype=np.int64) * 60_000, series),
            np.arange(series * samples, dtype=np.float64),
        )

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        self.reads += 1
        return self.block


@pytest.mark.parametrize(
    ("query", "step_ms", "kind"),
    [
        ("1 + 1", 0, AnswerType.SCALAR),
        ('"x"', 0, AnswerType.STRING),
        ("m_total", 0, AnswerType.VECTOR),
        ("m_total[5m]", 0, AnswerType.MATRIX),
        ("m_total[5m:1m]", 0, AnswerType.MATRIX),
        ("1 + 1", 60_000, AnswerType.MATRIX),
        ("sum(m_total)", 60_000, AnswerType.MATRIX),
    ],
)
def test_an_answer_has_the_type_of_the_api(query: str, step_ms: int, kind: AnswerType) -> None:
    start = 0 if step_ms else 540_000
    assert evaluate_text(query, Counting(), start, 540_000, step_ms).type is kind


@pytest.mark.parametrize("query", ['"x"', "m_total[5m]"])
def test_a_range_query_refuses_strings_and_ranges(query: str) -> None:
    with pytest.raises(PharosError, match="invalid expression type") as caught:
        evaluate_text(query, Counting(), 0, 60_000, 60_000)
    assert caught.value.kind is Kind.INVALID


def test_equal_expressions_are_read_and_evaluated_once() -> None:
    source = Counting()
    answer = evaluate_text("rate(m_total[5m]) / rate(m_total[5m]) + m_total", source, 0, 540_000, 60_000)
    assert source.reads == 1
    assert answer.samples_read == 100


def test_more_samples_than_allowed_are_refused() -> None:
    with pytest.raises(PharosError, match="too many samples") as caught:
        evaluate_text("m_total", Counting(), 0, 540_000, 60_000, options=EvalOptions(max_samples=99))
    assert caught.value.kind is Kind.LIMITED


def test_a_result_may_outgrow_the_samples_it_was_made_of() -> None:
    with pytest.raises(PharosError, match="too many samples"):
        evaluate_text("m_total", Counting(), 0, 540_000, 1_000, options=EvalOptions(max_samples=1_000))


@pytest.mark.parametrize(
    ("query", "needed_bytes"),
    [
        ("m_total", 100 * 16 + 100 * 9),
        ("-(-(-(-m_total)))", 100 * 16 + 2 * 100 * 9),  # of a chain only an operand and its result
        ("sum(m_total)", 100 * 16 + 110 * 9),
        ("m_total + m_total", 100 * 16 + 3 * 100 * 9),  # what is shared stays
    ],
)
def test_more_memory_than_allowed_is_refused(query: str, needed_bytes: int) -> None:
    def evaluated(most: int) -> object:
        return evaluate_text(query, Counting(), 0, 540_000, 60_000, options=EvalOptions(max_bytes=most))

    evaluated(needed_bytes + 1_000)
    with pytest.raises(PharosError, match="would hold") as caught:
        evaluated(needed_bytes - 1_000)
    assert caught.value.kind is Kind.LIMITED


@pytest.mark.parametrize(
    ("query", "series", "step_ms", "kind"),
    [
        ('count_values("v", m_total)', 100, 60_000, Kind.LIMITED),
        ('label_replace(m_total @ 0, "x", "$1", "i", "(.*)")', 100, 600, Kind.LIMITED),
        ("count_over_time(vector(1)[1h:1ms])", 100, 60_000, Kind.LIMITED),
        ("m_total * on () m_total", 1_000, 540_000, Kind.INVALID),
        ("m_total * on () group_left m_total", 1_000, 540_000, Kind.INVALID),
    ],
)
def test_what_would_take_too_much_is_refused_before_it_is_made(
    query: str, series: int, step_ms: int, kind: Kind
) -> None:
    options = EvalOptions(max_bytes=60_000 if kind is Kind.LIMITED else 0)
    source = Counting(series, 10)
    if kind is Kind.LIMITED:  # what it is made of is not too much
        evaluate_text("m_total", source, 0, 540_000, 60_000, options=options)
    tracemalloc.start()
    with pytest.raises(PharosError) as caught:
        evaluate_text(query, source, 0, 540_000, step_ms, options=options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.kind is kind
    assert peak < 2_000_000


@pytest.mark.parametrize("func", ["sum_over_time", "deriv", "max_over_time", "quantile_over_time", "rate"])
@pytest.mark.parametrize("visits", [7, 100, 1_000])
def test_kernels_run_in_parts_as_at_once(func: str, visits: int) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1

    arguments = "0.3, m_total[5m]" if func == "quantile_over_time" else "m_total[5m]"
    text = f"{func}({arguments})"
    whole = evaluate_text(text, Counting(), 0, 540_000, 30_000)
    options = EvalOptions(check=check, visits_between_checks=visits)
    parts = evaluate_text(text, Counting(), 0, 540_000, 30_000, options=options)
    assert parts.labels == whole.labels
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.present, whole.present)
    assert asked > (2 if visits == 1_000 else 5)


def test_memory_that_there_is_not_is_a_limit_too() -> None:
    class Greedy(Counting):
        def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
            raise MemoryError

    with pytest.raises(PharosError, match="more memory than there is") as caught:
        evaluate_text("m_total", Greedy(), 0, 540_000, 60_000)
    assert caught.value.kind is Kind.LIMITED


def test_an_error_does_not_keep_the_samples_in_memory() -> None:
    alive: list[weakref.ref[Any]] = []

    class Fresh(Counting):
        def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
            block = Counting().block
            alive.append(weakref.ref(block.values))
            return block

    with pytest.raises(PharosError) as caught:
        evaluate_text("-m_total", Fresh(), 0, 540_000, 60_000, options=EvalOptions(max_samples=99))
    assert caught.value.kind is Kind.LIMITED
    assert [ref() is None for ref in alive] == [True]


def test_check_is_called_between_nodes_and_ends_the_work() -> None:
    def late() -> None:
        raise PharosError(Kind.TIMEOUT, "late")

    with pytest.raises(PharosError, match="late"):
        evaluate_text("sum(m_total)", Counting(), 0, 540_000, 60_000, options=EvalOptions(check=late))


def test_a_plan_can_be_evaluated_again() -> None:
    text = "sum(increase(m_total[3m]))"
    planned = plan(parse(text), 540_000, 540_000, 0, 60_000, text=text)
    first, second = (evaluate(planned, Counting()) for _ in range(2))
    assert first.values.tolist() == second.values.tolist() == [[30.0]]


def test_names_go_at_once_unless_their_removal_is_delayed() -> None:
    text = 'label_replace(-m_total{i="1"}, "was", "$1", "__name__", "(.*)")'
    at_once = evaluate_text(text, Counting(1), 0, 0, 0)
    delayed = evaluate_text(text, Counting(1), 0, 0, 0, options=EvalOptions(delayed_name_removal=True))
    assert list(at_once.labels) == [(("i", "0"),)]
    assert list(delayed.labels) == [(("i", "0"), ("was", "m_total"))]


def test_annotations_point_into_the_text() -> None:
    answer = evaluate_text("sum(\n  quantile(3, m_total))", Counting(), 0, 0, 0)
    assert answer.warnings == ("PromQL warning: quantile value should be between 0 and 1, got 3 (2:12)",)


def _one_histogram(labels: Labels, histogram: FloatHistogram) -> Counting:
    source = Counting()
    none = np.empty(0, np.int64)
    columns = encode_columns(np.asarray([0, 1], np.int64), [(0, 0, histogram)])
    source.block = SeriesBlock([labels], np.zeros(2, np.int64), none, np.empty(0), None, columns)
    return source


def test_series_that_differ_by_name_alone_are_refused_by_range_functions_at_any_step() -> None:
    source = Counting(2, 5)
    labels = [labels_of({"__name__": name}) for name in ("a_total", "b_total")]
    source.block = replace(source.block, labels=labels)
    source.block.ts_ms[5:] += 1_200_000
    query = '{__name__=~"[ab]_total"}'
    assert evaluate_text(f"-{query}", source, 0, 1_500_000, 60_000).labels == [()]
    with pytest.raises(PharosError, match="same labelset"):
        evaluate_text(f"rate({query}[5m])", source, 0, 1_500_000, 60_000)
    delayed = EvalOptions(delayed_name_removal=True)
    merged = evaluate_text(f"rate({query}[5m])", source, 0, 1_500_000, 60_000, options=delayed)
    assert merged.labels == [()]


def test_label_sets_are_hashed_as_prometheus_lays_them_out() -> None:
    assert hash_labels((("a", "b"),)) == xxh64_intdigest(b"\x01a\x01b")
    assert hash_labels((("a", "x" * 300),)) == xxh64_intdigest(b"\x01a\xff\x2c\x01\x00" + b"x" * 300)


@pytest.mark.parametrize(
    ("left", "right", "less"),
    [("a2", "a10", True), ("a10", "a2", False), ("a", "b", True), ("a1b", "a1c", True), ("1", "a", True)],
)
def test_runs_of_digits_sort_as_numbers(left: str, right: str, *, less: bool) -> None:
    assert natural_less(left, right) is less


def test_times_before_the_epoch_and_beyond_the_calendar_have_dates() -> None:
    dates = dates_of(np.asarray([-86_401.0, 951_782_400.0, float("nan")]))
    assert dates.year[:2].tolist() == [1969, 2000]
    assert dates.month[:2].tolist() == [12, 2]
    assert dates.day[:2].tolist() == [30, 29]
    assert 1 <= int(dates.month[2]) <= 12


@pytest.mark.parametrize("delayed", [False, True])
def test_a_count_of_histograms_keeps_type_and_unit_unless_names_go_late(delayed: bool) -> None:
    labels = labels_of({"__name__": "h", "__type__": "histogram", "i": "1"})
    source = _one_histogram(labels, FloatHistogram(0, 5.0, 1.0))
    answer = evaluate_text(
        "histogram_count(h)", source, 0, 0, 0, options=EvalOptions(delayed_name_removal=delayed)
    )
    assert answer.values.tolist() == [[5.0]]
    assert list(answer.labels) == [labels[2:] if delayed else labels[1:]]
