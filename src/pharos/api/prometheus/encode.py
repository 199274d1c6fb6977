"""Answers of the Prometheus HTTP API as JSON text, in chunks, from columns.

Everything is printed as upstream prints it: web/api/v1 `json_codec.go` for series and samples, util/jsonutil
`MarshalFloat`, `MarshalTimestamp` and `MarshalHistogram`, promql `Scalar` and `String`. The samples are
written by compiled kernels; Python handles series, chunks and what stands between the numbers of native
histograms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.api.http.json_text import json_text
from pharos.api.prometheus.encode_kernels import (
    PREFIX_STRIDE,
    Columns,
    Frames,
    Names,
    join_heads,
    measure_heads,
    prepare_times,
    write_heads,
    write_series,
)
from pharos.compiled.float_text import FLOAT_BYTES, SLACK, print_floats
from pharos.gotext.numbers import format_f, format_json
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer, AnswerType, Samples
from pharos.promql.grids.label_columns import LabelColumns
from pharos.promql.histograms.cells import Cells
from pharos.promql.histograms.value import CUSTOM_SCHEMA, Bucket, FloatHistogram

Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


class ChunkSizes(Struct, frozen=True):
    """How much of an answer is in memory at a time."""

    chunk_bytes: int = 256 * 1024
    """From this size on a chunk is handed over; one series' histograms or labels may make it larger."""
    block_rows: int = 4096
    """So many series at most have their labels and histograms ready as text."""
    block_bytes: int = 1 << 20
    """From this size of such text on no more is made ready."""


SIZES: Final = ChunkSizes()

MOST_NOTES: Final = 10
"""How many warnings, and how many infos, an answer shows (web/api/v1, AsStrings)."""

_LABEL_SETS: Final = 1 << 15
_TRUNCATED: Final = "results truncated due to limit"
_BRACKETS: Final = {"(]": 0, "[)": 1, "()": 2, "[]": 3}


class _Shape(Struct, frozen=True):
    """What stands before the cells of a series and after them."""

    opening: bytes
    closing: bytes


_MANY: Final = _Shape(b',"values":[', b"]")
_ONE: Final = _Shape(b',"value":', b"")

_OPENING: Final = b'{"metric":'
_NOTHING: Final = np.frombuffer(b"", np.uint8)
_IS_HARD: Final = np.array([byte < 0x20 or byte in b'"\\<>&\xe2' for byte in range(256)], np.bool_)
"""Bytes of values that JSON may have to escape, as `json_text` does."""

Tails: TypeAlias = Callable[[int], bytes]
"""The text behind the floats of series i: its histograms, or nothing."""


# ---- texts


def time_text(time_ms: int) -> str:
    """Return a time as seconds, whole or with three decimals (MarshalTimestamp)."""
    seconds, behind = divmod(abs(time_ms), 1000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{seconds}.{behind:03d}" if behind else f"{sign}{seconds}"


@lru_cache(maxsize=_LABEL_SETS)
def _head(labels: Labels) -> bytes:
    return _OPENING + json_text(dict(labels))


@lru_cache(maxsize=1 << 14)
def _exponential_frame(schema: int, index: int, positive: bool) -> str:
    """Return what stands before the count of a bucket: which bounds belong to it, and the bounds."""
    side = {index: 1.0}
    histogram = FloatHistogram(schema, positive=side) if positive else FloatHistogram(schema, negative=side)
    return _frame_of(histogram.bucket(index, positive=positive))


@lru_cache(maxsize=1 << 10)
def _custom_frames(bounds: tuple[float, ...]) -> list[str]:
    """Return what `_exponential_frame` does for every bucket of listed bounds."""
    histogram = FloatHistogram(
        CUSTOM_SCHEMA, positive=dict.fromkeys(range(len(bounds) + 1), 1.0), custom=bounds
    )
    return [_frame_of(histogram.bucket(index)) for index in range(len(bounds) + 1)]


def _frame_of(bucket: Bucket) -> str:
    return f'[{_BRACKETS[bucket.brackets]},"{format_json(bucket.lower)}","{format_json(bucket.upper)}","'


def _zero_reaches(histogram: FloatHistogram) -> bool:
    """Return whether the zero bucket cuts another one."""
    threshold = histogram.zero_threshold
    sides = (histogram.positive, histogram.negative)
    return threshold > 0 and any(side and histogram.bound(min(side) - 1) < threshold for side in sides)


def _buckets_of(histogram: FloatHistogram) -> tuple[list[str], list[float]]:
    """Return frames and counts of the buckets that are not empty, from the lowest up."""
    if _zero_reaches(histogram):
        buckets = [bucket for bucket in histogram.buckets() if bucket.count != 0]
        return [_frame_of(bucket) for bucket in buckets], [bucket.count for bucket in buckets]
    positive = [index for index in sorted(histogram.positive) if histogram.positive[index] != 0]
    counts = [histogram.positive[index] for index in positive]
    if histogram.uses_custom:
        known = _custom_frames(histogram.custom)
        in_order = (known[i] if 0 <= i < len(known) else _frame_of(histogram.bucket(i)) for i in positive)
        return list(in_order), counts
    schema = histogram.schema
    frames = [_exponential_frame(schema, index, True) for index in positive]
    if histogram.zero_count > 0:
        frames.insert(0, _frame_of(histogram.zero_bucket()))
        counts.insert(0, histogram.zero_count)
    if histogram.negative:
        negative = [
            index for index in sorted(histogram.negative, reverse=True) if histogram.negative[index] != 0
        ]
        frames = [_exponential_frame(schema, index, False) for index in negative] + frames
        counts = [histogram.negative[index] for index in negative] + counts
    return frames, counts


def histogram_texts(histograms: Iterable[FloatHistogram]) -> list[bytes]:
    """Return native histograms as MarshalHistogram prints them: count, sum and the buckets not empty.

    The numbers of all are printed at once.
    """
    numbers: list[float] = []
    framed: list[list[str]] = []
    for histogram in histograms:
        frames, counts = _buckets_of(histogram)
        framed.append(frames)
        numbers += (histogram.count, histogram.sum, *counts)
    texts = iter(_float_texts(numbers))
    out = []
    for frames in framed:
        head = f'{{"count":"{next(texts)}","sum":"{next(texts)}"'
        if frames:
            buckets = '"],'.join([frame + next(texts) for frame in frames])
            head += f',"buckets":[{buckets}"]]'
        out.append(f"{head}}}".encode())
    return out


def _float_texts(numbers: Sequence[float]) -> list[str]:
    values = np.array(numbers, np.float64)
    out = np.empty(values.size * FLOAT_BYTES + SLACK, np.uint8)
    ends = np.empty(values.size, np.int64)
    print_floats(values, out, ends)
    at = ends.tolist()
    text = out[: at[-1]].tobytes().decode("ascii")
    return [text[begin:end] for begin, end in pairwise([0, *at])]


def _histograms_text(pairs: Sequence[tuple[int, FloatHistogram]], *, many: bool) -> bytes:
    """Return the part of a series that holds its histograms; nothing for none."""
    if not pairs:
        return b""
    found = histogram_texts(cell for _, cell in pairs)
    texts = [b"[%b,%b]" % (time_text(ts).encode(), text) for (ts, _), text in zip(pairs, found, strict=True)]
    if many:
        return b',"histograms":[' + b",".join(texts) + b"]"
    return b',"histogram":' + texts[0]


# ---- series


def encode_samples(
    labels: Sequence[Labels],
    offsets: Ints,
    times_ms: Ints,
    values: Floats,
    tails: Tails | None = None,
    sizes: ChunkSizes = SIZES,
) -> Iterator[bytes]:
    """Yield the JSON array of series with their own samples, `offsets[i] <= r < offsets[i + 1]` of series i.

    `tails(i)` gives the text of the histograms of series i. Series with neither are left out.
    """
    columns = Columns(
        _array(offsets, np.int64),
        np.zeros(0, np.bool_),
        _array(values, np.float64),
        _array(times_ms, np.int64),
        np.zeros(0, np.uint8),
        np.zeros(0, np.int64),
    )
    return _encode_series(labels, columns, _MANY, tails, sizes)


def _encode_grid(
    labels: Sequence[Labels],
    times: Ints,
    values: Floats,
    present: Bools,
    cells: Cells | None,
    shape: _Shape,
    sizes: ChunkSizes,
) -> Iterator[bytes]:
    """Yield the JSON array of `values[n, steps]` where `present[n, steps]`, rows in their order.

    `cells[n, steps]` holds native histograms or None. Series without any present cell are left out.
    """
    rows, steps = values.shape
    prefixes = np.zeros(steps * PREFIX_STRIDE + SLACK, np.uint8)
    lengths = np.zeros(steps, np.int64)
    prepare_times(_array(times, np.int64), prefixes, lengths)
    tails: Tails | None = None
    floats = present
    if cells is not None:
        held: Bools = np.asarray(cells != None, np.bool_) & present  # noqa: E711
        floats = present & ~held
        moments = times.tolist()

        def tails(row: int) -> bytes:
            found = np.flatnonzero(held[row]).tolist()
            return _histograms_text([(moments[i], cells[row, i]) for i in found], many=shape is _MANY)

    columns = Columns(
        np.arange(rows + 1, dtype=np.int64) * steps,
        _array(floats, np.bool_).reshape(-1),
        _array(values, np.float64).reshape(-1),
        np.zeros(0, np.int64),
        prefixes,
        lengths,
    )
    return _encode_series(labels, columns, shape, tails, sizes)


def _array(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return the array as the kernels are compiled for: contiguous and writable."""
    return np.require(values, dtype, ["C", "W"])


def _encode_series(
    labels: Sequence[Labels], columns: Columns, shape: _Shape, tails: Tails | None, sizes: ChunkSizes
) -> Iterator[bytes]:
    """Yield the JSON array of the series in chunks."""
    held, size, first, most = [b"["], 1, 1, sizes.chunk_bytes
    low = 0
    for frames, longest in _frames(labels, shape, tails, sizes):
        high = low + frames.heads_at.size - 1
        block = columns._replace(offsets=columns.offsets[low : high + 1])
        state = np.array([0, -1, first, 0], np.int64)
        out = np.empty(most + longest + 4 * SLACK, np.uint8)
        while written := write_series(state, out, most - size, frames, block):
            held.append(out[:written].tobytes())
            size += written
            if size >= most:
                yield b"".join(held)
                held, size = [], 0
        first = int(state[2])
        low = high
    held.append(b"]")
    yield b"".join(held)


def _frames(
    labels: Sequence[Labels], shape: _Shape, tails: Tails | None, sizes: ChunkSizes
) -> Iterator[tuple[Frames, int]]:
    """Yield the frames of the series, block by block, with the bytes that the longest of a block need."""
    if tails is not None:
        labels = list(labels)
    names = _names_of(labels) if isinstance(labels, LabelColumns) else None
    opening, closing = _buffer(shape.opening), _buffer(shape.closing)
    low = 0
    while low < len(labels):
        block = labels[low : low + sizes.block_rows]
        if isinstance(block, LabelColumns) and names is not None:
            texts, heads_at = _heads_of(block, names)
            ends_at = np.zeros(len(heads_at), np.int64)
            longest = int(np.diff(heads_at).max())
            yield Frames(texts, heads_at, _NOTHING, ends_at, opening, closing), longest
            low += len(block)
            continue
        if tails is None:
            heads = [_head(one) for one in block]
            ends = [b""] * len(heads)
        else:
            heads, ends, size = [], [], 0
            while len(heads) < len(block) and size < sizes.block_bytes:
                row = low + len(heads)
                heads.append(_head(labels[row]))
                ends.append(tails(row))
                size += len(heads[-1]) + len(ends[-1])
        heads_at, ends_at = _positions(heads), _positions(ends)
        longest = max(map(len, heads)) + max(map(len, ends))
        frames = Frames(
            _buffer(b"".join(heads)), heads_at, _buffer(b"".join(ends)), ends_at, opening, closing
        )
        yield frames, longest
        low += len(heads)


def _names_of(labels: LabelColumns) -> Names:
    """Return the label names of a source as JSON."""
    parts = [json_text(name) + b":" for name in labels.source.names]
    return Names(_buffer(b"".join(parts) or b"\0"), _positions(parts))


def _heads_of(labels: LabelColumns, names: Names) -> tuple[NDArray[np.uint8], Ints]:
    """Return what `_head` makes of every series, one after another, and where each begins."""
    side, arrays = labels.side(), labels.source.arrays
    size = measure_heads(side, arrays.text, arrays.text_at, names, _IS_HARD)
    if size < 0:
        heads = [_head(one) for one in labels]
        return _buffer(b"".join(heads)), _positions(heads)
    out = np.empty(size, np.uint8)
    at = np.zeros(len(labels) + 1, np.int64)
    write_heads(side, arrays.text, arrays.text_at, names, out, at[1:])
    # Read-only as the others are: kernels are compiled for one kind.
    out.flags.writeable = False
    return out[: at[-1]], at


def encode_label_sets(labels: Sequence[Labels], sizes: ChunkSizes = SIZES) -> Iterator[bytes]:
    """Yield label sets as the JSON objects of an array, the brackets left out, a comma between any two.

    Of columns they are written by compiled code, so that a million of them holds up nobody.
    """
    names = _names_of(labels) if isinstance(labels, LabelColumns) else None
    opening = len(_OPENING)
    for low in range(0, len(labels), sizes.block_rows):
        block = labels[low : low + sizes.block_rows]
        if isinstance(block, LabelColumns) and names is not None:
            texts, at = _heads_of(block, names)
            out = np.empty(len(texts), np.uint8)
            text = out[: join_heads(texts, at, opening, out)].tobytes()
        else:
            text = b",".join(_head(one)[opening:] for one in block)
        yield b"," + text if low else text


def _buffer(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, np.uint8)


def _positions(parts: Sequence[bytes]) -> Ints:
    at = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=at[1:])
    return at


# ---- whole answers


def encode_scalar(time_ms: int, value: float) -> bytes:
    """Return a scalar: unlike a sample, never with an exponent (promql Scalar.MarshalJSON)."""
    return f'[{format_f(time_ms / 1000)},"{format_f(value)}"]'.encode()


def encode_string(time_ms: int, value: str) -> bytes:
    """Return a string result."""
    return b"[%b,%b]" % (format_f(time_ms / 1000).encode(), json_text(value))


def envelope(
    result_type: str, chunks: Iterable[bytes], warnings: Sequence[str] = (), infos: Sequence[str] = ()
) -> Iterator[bytes]:
    """Yield the body of a successful query around the chunks of its `result`; a small one is one chunk."""
    held = b'{"status":"success","data":{"resultType":%b,"result":' % json_text(result_type)
    opened = False
    for chunk in chunks:
        if opened:
            yield held
            held = chunk
        else:
            held += chunk
            opened = True
    tail = b"}"
    if warnings:
        tail += b',"warnings":' + json_text(list(warnings))
    if infos:
        tail += b',"infos":' + json_text(list(infos))
    yield held + tail + b"}"


def error_body(error_type: str, message: str, code: str | None = None) -> bytes:
    """Return the body of a failed request; `code` is what programs tell it by, if it has one."""
    body = {"status": "error", "errorType": error_type, "error": message}
    return json_text(body if code is None else {**body, "code": code})


def encode_answer(answer: Answer, *, limit: int = 0, sizes: ChunkSizes = SIZES) -> Iterator[bytes]:
    """Yield the body of a query's answer; with a `limit`, of that many series at most, and a warning."""
    series = answer.labels if answer.raw is None else answer.raw.labels
    listed = answer.type in {AnswerType.VECTOR, AnswerType.MATRIX}
    truncated = listed and 0 < limit < len(series)
    shown = limit if truncated else len(series)
    warnings = (*answer.warnings, _TRUNCATED) if truncated else answer.warnings
    result = _result(answer, shown, sizes)
    return envelope(answer.type, result, _first(warnings, "warning"), _first(answer.infos, "info"))


def encode_result(answer: Answer) -> Iterator[bytes]:
    """Yield the `result` of an answer alone."""
    series = answer.labels if answer.raw is None else answer.raw.labels
    yield from _result(answer, len(series), SIZES)


def _first(notes: Sequence[str], kind: str) -> Sequence[str]:
    """Return as many annotations as upstream shows, and how many more there were."""
    more = len(notes) - MOST_NOTES
    if more <= 0:
        return notes
    return [*sorted(notes)[:MOST_NOTES], f"{more} more {kind} annotations omitted"]


def _result(answer: Answer, shown: int, sizes: ChunkSizes) -> Iterable[bytes]:
    """Return the chunks of the first `shown` series, or of the one value."""
    if answer.type is AnswerType.STRING:
        return [encode_string(int(answer.times_ms[0]), answer.text)]
    if answer.type is AnswerType.SCALAR:
        return [encode_scalar(int(answer.times_ms[0]), float(answer.values[0, 0]))]
    if answer.raw is not None:
        return _raw(answer.raw, shown, sizes)
    cells = None if answer.cells is None else answer.cells[:shown]
    shape = _ONE if answer.type is AnswerType.VECTOR else _MANY
    return _encode_grid(
        answer.labels[:shown],
        answer.times_ms,
        answer.values[:shown],
        answer.present[:shown],
        cells,
        shape,
        sizes,
    )


def _raw(samples: Samples, shown: int, sizes: ChunkSizes) -> Iterator[bytes]:
    tails: Tails | None = None
    histograms = samples.histograms
    if histograms is not None:
        at, moments = histograms.offsets.tolist(), histograms.ts.tolist()

        def tails(row: int) -> bytes:
            found = range(at[row], at[row + 1])
            return _histograms_text([(moments[r], histograms.cells[r]) for r in found], many=True)

    return encode_samples(
        samples.labels[:shown], samples.offsets[: shown + 1], samples.ts, samples.values, tails, sizes
    )
