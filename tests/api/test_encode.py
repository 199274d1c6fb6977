"""Answers as JSON text: the compiled writers against a plain reference, and what surrounds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.api.encode_reference import expected_labels, expected_matrix
from tests.promql.columns import columns_of

from pharos.api.prometheus import encode
from pharos.api.prometheus.encode import SIZES, ChunkSizes
from pharos.labels import Labels, labels_of
from pharos.promql.grids.grid import Answer, AnswerType, HistogramSamples, Samples
from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram

UP: Labels = (("__name__", "up"), ("job", "node"))


def text_of(chunks: Any) -> str:
    text = b"".join(chunks).decode()
    orjson.loads(text)
    return text


def series_of(count: int) -> list[Labels]:
    return [(("__name__", "m"), ("i", str(i))) for i in range(count)]


def matrix_chunks(
    labels: Sequence[Labels],
    start_ms: int,
    step_ms: int,
    values: Any,
    present: Any,
    cells: Any = None,
    sizes: ChunkSizes = SIZES,
) -> list[bytes]:
    """Return the chunks of a range query's answer, without what stands around its result."""
    times = start_ms + np.arange(values.shape[1], dtype=np.int64) * step_ms
    return _result_of(Answer(AnswerType.MATRIX, times, labels, values, present, cells), sizes)


def vector_chunks(
    labels: Sequence[Labels], time_ms: int, values: Any, present: Any, cells: Any = None
) -> list[bytes]:
    """Return the chunks of an instant query's answer, without what stands around its result."""
    column = None if cells is None else cells.reshape(-1, 1)
    values, present = values.reshape(-1, 1), present.reshape(-1, 1)
    return _result_of(Answer(AnswerType.VECTOR, np.array([time_ms]), labels, values, present, column))


def _result_of(answer: Answer, sizes: ChunkSizes = SIZES) -> list[bytes]:
    first, *others = encode.encode_answer(answer, sizes=sizes)
    chunks = [first.partition(b'"result":')[2], *others]
    assert chunks[-1].endswith(b"}}")
    return [*chunks[:-1], chunks[-1][:-2]]


def histogram_text(histogram: FloatHistogram) -> str:
    """Return a native histogram as an answer shows it."""
    cells = np.full(1, None, object)
    cells[0] = histogram
    chunks = vector_chunks([()], 0, np.ones(1), np.ones(1, np.bool_), cells)
    return text_of(chunks).partition('"histogram":[0,')[2].removesuffix("]}]")


# ---- matrices


@given(st.data())
@settings(max_examples=150)
def test_a_matrix_is_what_the_plain_printer_gives(data: st.DataObject) -> None:
    rows, steps = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))
    values = data.draw(hnp.arrays(np.float64, (rows, steps)))
    present = data.draw(hnp.arrays(np.bool_, (rows, steps)))
    start = data.draw(st.integers(-(10**15), 10**15))
    step = data.draw(st.integers(1, 10**9))
    points = [
        [(start + i * step, float(values[row, i])) for i in range(steps) if present[row, i]]
        for row in range(rows)
    ]
    got = text_of(matrix_chunks(series_of(rows), start, step, values, present))
    assert got == expected_matrix(series_of(rows), points)


def test_an_empty_grid_is_an_empty_array() -> None:
    nothing = np.zeros((0, 5)), np.zeros((0, 5), np.bool_)
    assert text_of(matrix_chunks([], 0, 1000, *nothing)) == "[]"
    without_steps = np.zeros((2, 0)), np.zeros((2, 0), np.bool_)
    assert text_of(matrix_chunks(series_of(2), 0, 1000, *without_steps)) == "[]"
    absent = np.ones((3, 4)), np.zeros((3, 4), np.bool_)
    assert text_of(matrix_chunks(series_of(3), 0, 1000, *absent)) == "[]"


def test_chunks_join_to_the_same_text_whatever_their_size() -> None:
    random = np.random.default_rng(3)
    labels = [(("__name__", "m"), ("long", "x" * int(size))) for size in random.integers(0, 300, 400)]
    values, present = random.random((400, 50)), random.random((400, 50)) < 0.7
    present[::7] = False
    points = [
        [(i * 500, float(values[row, i])) for i in np.flatnonzero(present[row]).tolist()]
        for row in range(400)
    ]
    whole = expected_matrix(labels, points)
    for size in (2, 3, 50, 997, 10_000):
        sizes = ChunkSizes(chunk_bytes=size, block_rows=1 + size % 13)
        chunks = matrix_chunks(labels, 0, 500, values, present, sizes=sizes)
        assert text_of(chunks) == whole
        assert max(map(len, chunks)) < size + 600


def test_ten_thousand_chunks_join_to_the_same_text() -> None:
    values = np.arange(20_000, dtype=np.float64).reshape(20, 1000) / 8
    present = np.ones(values.shape, np.bool_)
    chunks = matrix_chunks(series_of(20), 0, 1, values, present, sizes=ChunkSizes(chunk_bytes=16))
    points = [[(i, float(values[row, i])) for i in range(1000)] for row in range(20)]
    assert len(chunks) > 10_000
    assert text_of(chunks) == expected_matrix(series_of(20), points)


def test_chunks_have_about_the_promised_size() -> None:
    values = np.random.default_rng(1).random((9000, 30))
    chunks = matrix_chunks(series_of(9000), 0, 15_000, values, np.ones(values.shape, np.bool_))
    assert len(chunks) > 20
    assert max(map(len, chunks)) < SIZES.chunk_bytes + 1000
    assert min(map(len, chunks[:-1])) >= SIZES.chunk_bytes
    assert len(orjson.loads(b"".join(chunks))) == 9000


def test_columns_in_any_layout_are_printed_the_same() -> None:
    wide = np.arange(24, dtype=np.float64).reshape(4, 6)
    there = wide % 5 != 0
    expected = text_of(matrix_chunks(series_of(4), 0, 1, wide, there))
    fixed = wide.copy()
    fixed.setflags(write=False)
    assert text_of(matrix_chunks(series_of(4), 0, 1, fixed, there)) == expected
    turned = np.asfortranarray(wide), np.asfortranarray(there)
    assert text_of(matrix_chunks(series_of(4), 0, 1, *turned)) == expected
    every_other = matrix_chunks(series_of(4), 0, 2, wide[:, ::2], there[:, ::2])
    assert text_of(every_other) == text_of(
        matrix_chunks(series_of(4), 0, 2, wide[:, ::2].copy(), there[:, ::2].copy())
    )


# ---- samples and vectors


@given(
    st.lists(st.lists(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1), st.floats()), max_size=5), max_size=6)
)
@settings(max_examples=150)
def test_samples_keep_their_own_times(points: list[list[tuple[int, float]]]) -> None:
    labels = series_of(len(points))
    offsets = np.cumsum([0, *map(len, points)]).astype(np.int64)
    times = np.array([ts for row in points for ts, _ in row], np.int64)
    values = np.array([value for row in points for _, value in row], np.float64)
    got = text_of(encode.encode_samples(labels, offsets, times, values))
    assert got == expected_matrix(labels, points)


TIMES = [
    (0, "0"),
    (1, "0.001"),
    (-1, "-0.001"),
    (-1500, "-1.500"),
    (1435781451781, "1435781451.781"),
    (1435781430000, "1435781430"),
    (1435781430100, "1435781430.100"),
    (1435781430010, "1435781430.010"),
    (9223372036854775807, "9223372036854775.807"),
    (-9223372036854775808, "-9223372036854775.808"),
]


@pytest.mark.parametrize(("ms", "text"), TIMES)
def test_times_are_printed_as_upstream_prints_them(ms: int, text: str) -> None:
    got = text_of(vector_chunks([UP], ms, np.ones(1), np.ones(1, np.bool_)))
    assert got == f'[{{"metric":{expected_labels(UP)},"value":[{text},"1"]}}]'
    raw = encode.encode_samples([UP], np.array([0, 1]), np.array([ms]), np.ones(1))
    assert text_of(raw) == f'[{{"metric":{expected_labels(UP)},"values":[[{text},"1"]]}}]'
    assert encode.time_text(ms) == text


def test_a_vector_has_one_value_a_series_and_no_absent_ones() -> None:
    values, present = np.array([1.5, math.nan, 3.0]), np.array([True, True, False])
    got = text_of(vector_chunks(series_of(3), 1500, values, present))
    assert got == (
        '[{"metric":{"__name__":"m","i":"0"},"value":[1.500,"1.5"]},'
        '{"metric":{"__name__":"m","i":"1"},"value":[1.500,"NaN"]}]'
    )


# ---- labels


@pytest.mark.parametrize(
    "value",
    [
        "</script><script>alert(1)</script>",
        "a&b<c>d",
        'quote " backslash \\ slash /',
        "line\nfeed\ttab\r\x00\x1f\x7f",
        "\u2028\u2029",
        "ünïcödé 漢字 🙂",
    ],
)
def test_label_values_survive_and_cannot_leave_a_page(value: str) -> None:
    labels = labels_of({"__name__": "m", "weird": value})
    got = text_of(vector_chunks([labels], 0, np.ones(1), np.ones(1, np.bool_)))
    assert orjson.loads(got)[0]["metric"] == dict(labels)
    assert not set("<>&\u2028\u2029\n\x00") & set(got)


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    labels = (("__name__", "m"), ("bad", "a\ud800b"))
    got = orjson.loads(b"".join(vector_chunks([labels], 0, np.ones(1), np.ones(1, np.bool_))))
    assert got[0]["metric"] == {"__name__": "m", "bad": "a\ufffdb"}


def test_labels_stay_in_sorted_order_and_no_labels_are_an_empty_object() -> None:
    got = text_of(vector_chunks([labels_of({"b": "1", "a": "2"}), ()], 0, np.ones(2), np.ones(2, bool)))
    assert got.startswith('[{"metric":{"a":"2","b":"1"},')
    assert '{"metric":{},"value"' in got


# ---- native histograms

EXPONENTIAL = FloatHistogram(
    schema=0, count=21, sum=34593.34, zero_threshold=0.25, zero_count=3, positive={0: 12, 1: 0, 2: 6}
)
EXPONENTIAL_TEXT = (
    '{"count":"21","sum":"34593.34","buckets":[[3,"-0.25","0.25","3"],[0,"0.5","1","12"],[0,"2","4","6"]]}'
)
CUSTOM = FloatHistogram(
    schema=CUSTOM_SCHEMA, count=4, sum=1e-7, positive={0: 1, 1: 2.5, 2: 0.5}, custom=(1.0, 5.0)
)


def test_histograms_are_printed_without_empty_buckets() -> None:
    assert histogram_text(EXPONENTIAL) == EXPONENTIAL_TEXT


def test_a_histogram_without_buckets_has_no_list_of_them() -> None:
    assert histogram_text(FloatHistogram(sum=math.nan)) == '{"count":"0","sum":"NaN"}'


def test_bounds_say_which_of_them_belong_to_the_bucket() -> None:
    negative = FloatHistogram(count=3, negative={1: 2}, zero_count=1)
    buckets = orjson.loads(histogram_text(negative))["buckets"]
    assert buckets == [[1, "-2", "-1", "2"], [3, "-0", "0", "1"]]
    buckets = orjson.loads(histogram_text(CUSTOM))["buckets"]
    assert [row[1:] for row in buckets] == [["-Inf", "1", "1"], ["1", "5", "2.5"], ["5", "+Inf", "0.5"]]
    assert [row[0] for row in buckets] == [3, 0, 0]


def test_a_bucket_that_reaches_into_the_zero_bucket_is_cut() -> None:
    cut = FloatHistogram(
        count=7, sum=1, zero_threshold=1.5, zero_count=2, positive={1: 3, 2: 0}, negative={1: 2}
    )
    buckets = orjson.loads(histogram_text(cut))["buckets"]
    assert buckets == [[1, "-2", "-1.5", "2"], [3, "-1.5", "1.5", "2"], [0, "1.5", "2", "3"]]


def cells_of(rows: Sequence[Sequence[FloatHistogram | None]]) -> Any:
    cells = np.full((len(rows), len(rows[0])), None, object)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            cells[i, j] = cell
    return cells


def test_histograms_stand_next_to_the_floats_of_a_series() -> None:
    cells = cells_of([[None, EXPONENTIAL], [EXPONENTIAL, EXPONENTIAL], [None, None], [EXPONENTIAL, None]])
    values = np.full((4, 2), 7.0)
    present = np.array([[1, 1], [1, 1], [1, 1], [0, 0]], np.bool_)
    got = text_of(matrix_chunks(series_of(4), 1000, 500, values, present, cells))
    assert got == (
        '[{"metric":{"__name__":"m","i":"0"},"values":[[1,"7"]],'
        f'"histograms":[[1.500,{EXPONENTIAL_TEXT}]]}},'
        f'{{"metric":{{"__name__":"m","i":"1"}},"histograms":[[1,{EXPONENTIAL_TEXT}],'
        f"[1.500,{EXPONENTIAL_TEXT}]]}},"
        '{"metric":{"__name__":"m","i":"2"},"values":[[1,"7"],[1.500,"7"]]}]'
    )


def test_a_vector_holds_a_histogram_in_place_of_a_value() -> None:
    cells = np.array([None, EXPONENTIAL], object)
    got = text_of(vector_chunks(series_of(2), 1500, np.full(2, 7.0), np.ones(2, np.bool_), cells))
    assert got == (
        '[{"metric":{"__name__":"m","i":"0"},"value":[1.500,"7"]},'
        f'{{"metric":{{"__name__":"m","i":"1"}},"histogram":[1.500,{EXPONENTIAL_TEXT}]}}]'
    )


def test_histograms_larger_than_a_chunk_are_printed_whole() -> None:
    cells = cells_of([[EXPONENTIAL] * 20 for _ in range(30)])
    grid = np.zeros((30, 20)), np.ones((30, 20), np.bool_), cells
    expected = text_of(matrix_chunks(series_of(30), 0, 1, *grid))
    small = ChunkSizes(chunk_bytes=100, block_bytes=5000)
    assert text_of(matrix_chunks(series_of(30), 0, 1, *grid, sizes=small)) == expected


# ---- whole answers


def answer_text(answer: Answer, limit: int = 0) -> str:
    return text_of(encode.encode_answer(answer, limit=limit))


def test_a_scalar_never_has_an_exponent() -> None:
    times = np.array([1435781451100])
    answer = Answer(AnswerType.SCALAR, times, [()], np.array([[1e-7]]), np.ones((1, 1), np.bool_))
    assert answer_text(answer) == (
        '{"status":"success","data":{"resultType":"scalar","result":[1435781451.1,"0.0000001"]}}'
    )
    assert encode.encode_scalar(1000, math.inf) == b'[1,"+Inf"]'
    assert encode.encode_scalar(0, 1e22) == b'[0,"10000000000000000000000"]'


def test_a_string_is_escaped() -> None:
    answer = Answer(AnswerType.STRING, np.array([1500]), text='<"x">')
    assert answer_text(answer) == (
        '{"status":"success","data":{"resultType":"string","result":[1.5,"\\u003c\\"x\\"\\u003e"]}}'
    )


def test_of_many_annotations_the_first_are_shown_and_the_others_counted() -> None:
    notes = tuple(f"note {number:02}" for number in reversed(range(13)))
    answer = Answer(AnswerType.VECTOR, np.array([0]), warnings=notes[:10], infos=notes)
    shown = orjson.loads(answer_text(answer))
    assert shown["warnings"] == list(notes[:10])
    assert shown["infos"] == [*sorted(notes)[:10], "3 more info annotations omitted"]


def test_warnings_and_infos_stand_behind_the_data_where_there_are_any() -> None:
    answer = Answer(AnswerType.VECTOR, np.array([0]), warnings=("w <1>",), infos=("i", "j"))
    assert answer_text(answer) == (
        '{"status":"success","data":{"resultType":"vector","result":[]},'
        '"warnings":["w \\u003c1\\u003e"],"infos":["i","j"]}'
    )


def test_a_limit_shows_the_first_series_and_says_so() -> None:
    grid = np.ones((3, 2)), np.ones((3, 2), np.bool_)
    answer = Answer(AnswerType.MATRIX, np.array([0, 1000]), series_of(3), *grid, warnings=("first",))
    cut = orjson.loads(answer_text(answer, limit=2))
    assert [one["metric"]["i"] for one in cut["data"]["result"]] == ["0", "1"]
    assert cut["warnings"] == ["first", "results truncated due to limit"]
    whole = orjson.loads(answer_text(answer, limit=3))
    assert len(whole["data"]["result"]) == 3
    assert whole["warnings"] == ["first"]


def test_raw_samples_and_raw_histograms_of_a_range_selector_are_shown() -> None:
    histograms = HistogramSamples(
        np.array([0, 0, 1]), np.array([2500]), np.array([EXPONENTIAL], object), None
    )
    raw = Samples(series_of(2), np.array([0, 2, 2]), np.array([1, 1000]), np.ones(2), None, histograms)
    answer = Answer(AnswerType.MATRIX, np.array([3000]), raw=raw)
    result = f'"metric":{{"__name__":"m","i":"1"}},"histograms":[[2.500,{EXPONENTIAL_TEXT}]]'
    assert answer_text(answer) == (
        '{"status":"success","data":{"resultType":"matrix","result":['
        '{"metric":{"__name__":"m","i":"0"},"values":[[0.001,"1"],[1,"1"]]},'
        f"{{{result}}}]}}}}"
    )
    assert '"i":"1"' not in answer_text(answer, limit=1)


def test_a_small_answer_is_one_chunk() -> None:
    answer = Answer(AnswerType.VECTOR, np.array([0]), [UP], np.ones((1, 1)), np.ones((1, 1), np.bool_))
    assert len(list(encode.encode_answer(answer))) == 1


def test_an_error_names_its_type() -> None:
    assert encode.error_body("bad_data", 'parse error: "<"') == (
        b'{"status":"error","errorType":"bad_data","error":"parse error: \\"\\u003c\\""}'
    )


@given(
    st.lists(st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=8), max_size=3), max_size=9)
)
def test_labels_in_columns_are_printed_as_tuples_are(sets: list[dict[str, str]]) -> None:
    labels = [labels_of({k: v for k, v in one.items() if _is_text(k + v)}) for one in sets]
    values, present = np.arange(float(len(labels))), np.ones(len(labels), np.bool_)
    plain = b"".join(vector_chunks(labels, 1000, values, present))
    assert b"".join(vector_chunks(columns_of(labels), 1000, values, present)) == plain


def _is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


_LABEL_TEXT = st.text(alphabet='ab"\\\\<ä\u2028\n', max_size=6)
_LABEL_SETS = st.lists(
    st.dictionaries(st.sampled_from(["__name__", "a", 'b"', "ä"]), _LABEL_TEXT, max_size=4).map(labels_of),
    max_size=9,
)


@settings(deadline=None)
@given(_LABEL_SETS)
def test_label_sets_are_written_alike_from_columns_and_from_tuples(labels: list[Labels]) -> None:
    sizes = ChunkSizes(block_rows=4)
    written = b"[" + b"".join(encode.encode_label_sets(columns_of(labels), sizes)) + b"]"
    assert written == b"[" + b"".join(encode.encode_label_sets(labels, sizes)) + b"]"
    assert orjson.loads(written) == [dict(one) for one in labels]
