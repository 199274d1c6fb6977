"""Native histograms in columns answer as those that are evaluated one by one, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pytest

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, labels_of
from pharos.promql.answer import evaluate_text
from pharos.promql.evaluate import EvalOptions, Evaluation, Steps
from pharos.promql.grids.grid import Answer, Grid
from pharos.promql.histograms.encode import encode_columns
from pharos.promql.histograms.grid import HistogramGrid
from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram, ResetHint
from pharos.promql.language.parse import parse
from pharos.promql.plan import plan
from pharos.promql.source import STALE_NAN_BITS, SeriesBlock

STEP_MS: Final = 15_000
SAMPLES: Final = 40
STALE: Final = float(np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0])

QUERIES: Final = [
    "rate(h[2m])",
    "increase(h[1m])",
    "sum(rate(h[2m]))",
    "sum by (job) (increase(h[2m]))",
    "avg by (job) (rate(h[2m]))",
    "avg(rate(h[2m]))",
    "count(rate(h[2m]))",
    "histogram_quantile(0.9, rate(h[2m]))",
    "histogram_quantile(0.2, sum by (job) (rate(h[2m])))",
    "histogram_quantile(scalar(vector(time() % 3 / 2)), sum(rate(h[2m])))",
    "histogram_quantiles(sum(rate(h[2m])), 'q', 0, 0.5, 0.99, 1, 2, NaN)",
    "histogram_fraction(0, 0.3, sum by (job) (rate(h[2m])))",
    "histogram_count(sum by (job) (rate(h[2m])))",
    "histogram_quantile(0.05, rate(h[2m]))",
    "histogram_sum(rate(h[2m]))",
    "histogram_avg(rate(h[2m]))",
    "histogram_stddev(sum(rate(h[2m])))",
    "rate(h[2m]) * 2",
    "sum(rate(h[2m])) / 3 + sum(rate(h[1m]))",
    "-rate(h[2m])",
    "rate(h[2m]) and on (job) rate(h[1m])",
    "rate(h[2m]) or increase(h[1m])",
    "topk(1, rate(h[2m]))",
    "limitk(2, rate(h[2m]))",
    "max_over_time(histogram_count(rate(h[1m]))[2m:30s])",
    "sum_over_time(rate(h[1m])[2m:30s])",
    "label_replace(rate(h[2m]), 'job', 'x', '', '')",
    "rate(h[2m]) == rate(h[2m])",
    "absent(rate(h[2m]))",
    "rate(h[2m] @ start())",
    "sort_desc(histogram_count(rate(h[2m])))",
]


class _Source:
    def __init__(self, block: SeriesBlock) -> None:
        self._block = block

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        del matchers, start_ms, end_ms
        return self._block


def _bounds(draw: random.Random, kind: str) -> tuple[int, tuple[float, ...], range]:
    if kind == "custom to infinity":
        return CUSTOM_SCHEMA, (0.1, float("inf")), range(3)
    if "custom" in kind:
        return CUSTOM_SCHEMA, (-1.0, 0.1, 0.5, 2.0), range(5)
    return draw.choice([0, 2]) if kind == "schemas" else 1, (), range(-6, 9)


def _series(draw: random.Random, kind: str) -> list[tuple[int, int, FloatHistogram | None]]:
    """Return rows of (time, start, histogram) of one counter, with gaps and what `kind` brings along."""
    schema, custom, indices = _bounds(draw, kind)
    if kind == "bounds":
        schema, custom, indices = CUSTOM_SCHEMA, draw.choice([(1.0, 2.0), (1.0, 3.0)]), range(3)
    threshold = draw.choice([0.001, 0.01]) if kind == "thresholds" else 2.0 if kind == "wide zero" else 0.001
    used = [index for index in indices if draw.random() < 0.6]
    positive, negative, zero, total = dict.fromkeys(used, 0.0), dict[int, float](), 0.0, 0.0
    rows: list[tuple[int, int, FloatHistogram | None]] = []
    start = draw.choice([0, 1, 100_000]) if "starts" in kind else 0
    for number in range(SAMPLES):
        ts = number * STEP_MS + draw.randrange(2000)
        if kind == "resets" and draw.random() < 0.1:
            positive, negative, zero, total = {}, {}, 0.0, 0.0
        if "starts" in kind and draw.random() < 0.1:
            start = ts - draw.randrange(1, 20_000)
        for index in used:
            positive[index] = positive.get(index, 0.0) + draw.choice([0, 0, 1, 3])
        if kind == "starts without negative":
            negative = dict.fromkeys(used, 0.0)
        if kind == "negative" or (kind == "sides" and number % 2):
            for index in used:
                negative[index] = negative.get(index, 0.0) + draw.randrange(3)
        if not custom:
            zero += draw.choice([0.0, 0.0, 2.0])
        total += draw.random()
        if draw.random() < 0.1:
            continue
        histogram = FloatHistogram(
            schema,
            sum(positive.values()) + sum(negative.values()) + zero,
            float("nan") if kind == "nan sums" and draw.random() < 0.1 else total,
            0.0 if custom else threshold,
            zero,
            dict(positive),
            dict(negative),
            custom,
        )
        if kind == "gauges":
            histogram.hint = draw.choice([ResetHint.GAUGE, ResetHint.UNKNOWN])
        if kind == "hints":
            histogram.hint = draw.choice([ResetHint.RESET, ResetHint.NOT_RESET, ResetHint.UNKNOWN])
        if kind == "nan counts" and draw.random() < 0.1 and used:
            histogram.positive[used[0]] = float("nan")
        if kind == "stale" and draw.random() < 0.1:
            histogram.sum = STALE
        rows.append((ts, start, histogram))
    return rows


KINDS: Final = [
    "plain", "custom", "bounds", "schemas", "thresholds", "wide zero", "negative", "sides", "resets",
    "custom to infinity", "starts", "starts of custom", "starts without negative", "stale", "hints",
    "gauges", "nan sums", "nan counts", "floats",
]  # fmt: skip


def _block(seed: int, kind: str) -> SeriesBlock:
    draw = random.Random(seed)
    series = [_series(draw, kind) for _ in range(draw.randrange(1, 6))]
    offsets = np.cumsum([0, *(len(rows) for rows in series)]).astype(np.int64)
    columns = encode_columns(offsets, [row for rows in series for row in rows])
    if not columns.start_ms.any():  # type: ignore[union-attr]
        columns = _replaced(columns, start_ms=None)
    labels = [
        labels_of({"__name__": "h", "job": "ab"[number % 2], "instance": str(number)})
        for number in range(len(series))
    ]
    floats = np.zeros(len(series) + 1, np.int64)
    ts, values = np.zeros(0, np.int64), np.zeros(0)
    if kind == "floats":
        floats[1:] = 2
        ts, values = np.array([7_000, 400_000], np.int64), np.array([1.0, 2.0])
    return SeriesBlock(labels, floats, ts, values, None, columns)


def _replaced(columns: Any, **change: Any) -> Any:
    return type(columns)(**{name: getattr(columns, name) for name in columns.__slots__} | change)


def _told(answer: Answer) -> list[Any]:
    """Return all that an answer says, numbers by their bits."""
    cells = answer.cells
    told: list[Any] = [answer.warnings, answer.infos, list(answer.labels)]
    for row, k in np.argwhere(answer.present).tolist():
        cell: FloatHistogram | None = None if cells is None else cells[row, k]
        if cell is None:
            told.append((row, k, answer.values[row, k].tobytes()))
            continue
        numbers = np.array([cell.count, cell.sum, cell.zero_count, cell.zero_threshold, *cell.custom])
        sides = [sorted(side.items()) for side in (cell.positive, cell.negative)]
        told.append((row, k, cell.schema, cell.hint, numbers.tobytes(), repr(sides)))
    return told


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_columns_and_objects_answer_the_same(kind: str, seed: int) -> None:
    source = _Source(_block(seed, kind))
    for query in QUERIES:
        one_by_one = 4 * 60_000, SAMPLES * STEP_MS + 60_000, 20_000
        in_columns = _told(evaluate_text(query, source, *one_by_one))
        objects = EvalOptions(histogram_columns=False)
        assert in_columns == _told(evaluate_text(query, source, *one_by_one, options=objects)), query


@pytest.mark.parametrize(
    ("kind", "is_used"),
    [
        ("plain", True),
        ("custom", True),
        ("resets", True),
        ("starts", True),
        ("hints", True),
        ("schemas", False),
    ],
)
def test_columns_are_used_where_histograms_have_a_layout_in_common(kind: str, is_used: bool) -> None:
    planned = plan(parse("rate(h[2m])"), 0, 600_000, 15_000, 60_000)
    evaluation = Evaluation(planned, _Source(_block(4, kind)), EvalOptions())
    rate = evaluation.value(planned.expr, Steps(0, 15_000, 41))
    assert isinstance(rate, Grid)
    assert isinstance(rate.held, HistogramGrid) == is_used


def _counters(series: int, samples: int, buckets: int, apart: int = 0, moving: int = 0) -> SeriesBlock:
    """Return counters of so many buckets; those of a series lie `apart`, those of a sample `moving`."""
    rows: list[tuple[int, int, FloatHistogram | None]] = []
    for one in range(series):
        for number in range(samples):
            first = one * apart + number * moving
            side = dict.fromkeys(range(first, first + buckets), number + 1.0)
            rows.append(
                (
                    number * STEP_MS,
                    0,
                    FloatHistogram(0, buckets * (number + 1.0), number + 1.0, positive=side),
                )
            )
    columns = _replaced(encode_columns(np.arange(series + 1) * samples, rows), start_ms=None)
    labels = [labels_of({"__name__": "h", "i": str(one)}) for one in range(series)]
    nothing = np.zeros(series + 1, np.int64), np.zeros(0, np.int64), np.zeros(0)
    return SeriesBlock(labels, *nothing, None, columns)


def test_buckets_that_series_do_not_share_take_no_columns() -> None:
    block = _counters(40, SAMPLES, 100, apart=1000)
    options = EvalOptions(max_bytes=20_000_000)
    answer = evaluate_text("rate(h[2m])", _Source(block), 60_000, 600_000, STEP_MS, options=options)
    assert answer.present.all()
    assert answer.present.shape == (40, 37)


def test_buckets_that_samples_of_a_series_do_not_share_take_no_table() -> None:
    block = _counters(1, 300, 100, moving=100)
    options = EvalOptions(max_bytes=20_000_000)  # a table of 300 samples and 30,000 buckets takes 72 MB
    answer = evaluate_text("sum(rate(h[2m]))", _Source(block), 600_000, 600_000, 0, options=options)
    assert answer.present.all()


@pytest.mark.parametrize("query", ["rate(h[2m])", "rate(h[2m]) * 2", "sum by (i) (rate(h[2m]))"])
def test_histograms_are_made_objects_within_the_limit(query: str) -> None:
    source = _Source(_counters(5, SAMPLES, 60))
    span = 60_000, 600_000, STEP_MS
    in_columns = EvalOptions(max_bytes=600_000)
    assert evaluate_text("sum(rate(h[2m]))", source, *span, options=in_columns).present.all()
    with pytest.raises(PharosError, match="would hold") as refused:
        evaluate_text(query, source, *span, options=in_columns)
    assert refused.value.kind is Kind.LIMITED


def test_totals_in_columns_are_made_within_the_limit() -> None:
    source = _Source(_counters(5, SAMPLES, 60))
    span = 60_000, 600_000, STEP_MS
    query = "histogram_quantile(0.9, sum by (i) (rate(h[2m])))"
    assert evaluate_text(query, source, *span, options=EvalOptions(max_bytes=600_000)).present.all()
    with pytest.raises(PharosError, match="would hold"):
        evaluate_text(query, source, *span, options=EvalOptions(max_bytes=350_000))


def test_a_query_can_be_ended_while_histograms_are_made_objects() -> None:
    def looks(series: int) -> int:
        looks: list[None] = []
        options = EvalOptions(check=lambda: looks.append(None))
        source = _Source(_counters(series, SAMPLES, 3))
        evaluate_text("rate(h[2m])", source, 60_000, 600_000, STEP_MS, options=options)
        return len(looks)

    # A series has 37 steps, and 128 objects are made between two looks.
    assert looks(1 + 4 * 128) - looks(1) >= 4 * 37


@pytest.mark.parametrize("query", ["histogram_quantile(1, h)", "histogram_quantile(1, rate(h[2m]))"])
def test_the_greatest_quantile_is_infinite_where_its_logarithm_is_too_great(query: str) -> None:
    # The bucket up to the greatest number, whose logarithm is rounded to 1024: as Go, which gives +Inf.
    rows = [(k * STEP_MS, 0, FloatHistogram(0, k, k, positive={1024: float(k)})) for k in range(1, 20)]
    columns = _replaced(encode_columns(np.array([0, 19]), rows), start_ms=None)
    nothing = np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0)
    source = _Source(SeriesBlock([labels_of({"__name__": "h"})], *nothing, None, columns))
    assert evaluate_text(query, source, 240_000, 240_000, 0).values.tolist() == [[float("inf")]]
