"""Kernels of remote read: samples as protobuf, samples as XOR chunks (upstream tsdb/chunkenc), CRC-32C."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.compiled.memory import leading_zeros, trailing_zeros
from pharos.compiled.protobuf import varint_size, write_varint

CHUNK_SAMPLES: Final = 120
"""Samples of a chunk, as upstream cuts them."""
_CHUNK_ROOM: Final = 64 + CHUNK_SAMPLES * 20
"""Bytes that hold any chunk: a sample takes 145 bits at most after the first two."""
_SAMPLE_ROOM: Final = 24
_NO_LEADING: Final = 255

_CRC_POLYNOMIAL: Final = 0x82F63B78


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_CRC_POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


_CRC_TABLE: Final = _crc_table()


@kernel
def _crc32c(raw: Any, table: Any) -> Any:
    crc = np.uint32(0xFFFFFFFF)
    for i in range(len(raw)):
        crc = table[(crc ^ np.uint32(raw[i])) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


def crc32c(raw: bytes) -> int:
    """Return the CRC-32 of Castagnoli."""
    return int(_crc32c(np.frombuffer(raw, np.uint8), _CRC_TABLE))


@kernel
def _write_samples(offsets: Any, ts: Any, bits: Any, out: Any, ends: Any) -> int:
    at = 0
    for i in range(len(offsets) - 1):
        for r in range(offsets[i], offsets[i + 1]):
            moment = np.uint64(ts[r])
            out[at] = 0x12
            out[at + 1] = 10 + varint_size(moment)
            out[at + 2] = 0x09
            word = bits[r]
            for k in range(8):
                out[at + 3 + k] = (word >> np.uint64(8 * k)) & np.uint64(0xFF)
            out[at + 11] = 0x10
            at = write_varint(out, at + 12, moment)
        ends[i + 1] = at
    return at


def write_samples(
    offsets: NDArray[np.int64], ts_ms: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return (bytes, ends with a leading 0): the `samples` fields of each series' TimeSeries message."""
    out = np.empty(len(ts_ms) * _SAMPLE_ROOM, np.uint8)
    ends = np.zeros(len(offsets), np.int64)
    size = _write_samples(offsets, ts_ms, np.ascontiguousarray(values).view(np.uint64), out, ends)
    return out[:size], ends


@kernel
def _put_bits(out: Any, at: Any, value: Any, count: Any) -> Any:
    """Write the low `count` bits of `value`, highest first, at bit `at` of zeroed bytes; return the end."""
    left = count
    while left > 0:
        room = 8 - (at & 7)
        take = min(room, left)
        piece = (value >> np.uint64(left - take)) & np.uint64((1 << take) - 1)
        out[at >> 3] |= np.uint8(piece << np.uint64(room - take))
        at += take
        left -= take
    return at


@kernel
def _put_varint_bits(out: Any, at: Any, value: Any) -> Any:
    rest = value
    while rest >= np.uint64(0x80):
        at = _put_bits(out, at, (rest & np.uint64(0x7F)) | np.uint64(0x80), 8)
        rest >>= np.uint64(7)
    return _put_bits(out, at, rest, 8)


@kernel
def _put_delta_of_delta(out: Any, at: Any, dod: Any) -> Any:
    raw = np.uint64(dod)
    if dod == 0:
        return _put_bits(out, at, np.uint64(0), 1)
    if -8191 <= dod <= 8192:
        return _put_bits(out, _put_bits(out, at, np.uint64(0b10), 2), raw, 14)
    if -65535 <= dod <= 65536:
        return _put_bits(out, _put_bits(out, at, np.uint64(0b110), 3), raw, 17)
    if -524287 <= dod <= 524288:
        return _put_bits(out, _put_bits(out, at, np.uint64(0b1110), 4), raw, 20)
    return _put_bits(out, _put_bits(out, at, np.uint64(0b1111), 4), raw, 64)


@kernel
def _put_value(out: Any, at: Any, change: Any, leading: Any, trailing: Any) -> tuple[Any, Any, Any]:
    """Write what changed in a value; return (end, leading, trailing) that the next one may use again."""
    if change == np.uint64(0):
        return _put_bits(out, at, np.uint64(0), 1), leading, trailing
    now_leading: Any = min(np.int64(leading_zeros(change)), 31)
    now_trailing = np.int64(trailing_zeros(change))
    if leading != _NO_LEADING and now_leading >= leading and now_trailing >= trailing:
        at = _put_bits(out, at, np.uint64(0b10), 2)
        at = _put_bits(out, at, change >> np.uint64(trailing), 64 - leading - trailing)
        return at, leading, trailing
    width = 64 - now_leading - now_trailing
    at = _put_bits(out, at, np.uint64(0b11), 2)
    at = _put_bits(out, at, np.uint64(now_leading), 5)
    # 64 bits do not fit into six: upstream writes 0 for them.
    at = _put_bits(out, at, np.uint64(width & 63), 6)
    at = _put_bits(out, at, change >> np.uint64(now_trailing), width)
    return at, now_leading, now_trailing


@kernel
def _encode_chunk(ts: Any, bits: Any, first: Any, last: Any, out: Any) -> Any:
    """Write one chunk of the samples first <= r < last into zeroed bytes; return its length."""
    count = last - first
    out[0] = count >> 8
    out[1] = count & 0xFF
    moment = np.int64(ts[first])
    at = _put_varint_bits(out, 16, np.uint64((moment << 1) ^ (moment >> 63)))
    at = _put_bits(out, at, bits[first], 64)
    leading = np.int64(_NO_LEADING)
    trailing = np.int64(0)
    delta = np.int64(0)
    for r in range(first + 1, last):
        now = np.int64(ts[r] - ts[r - 1])
        if r == first + 1:
            at = _put_varint_bits(out, at, np.uint64(now))
        else:
            at = _put_delta_of_delta(out, at, now - delta)
        delta = now
        at, leading, trailing = _put_value(out, at, bits[r] ^ bits[r - 1], leading, trailing)
    return (at + 7) >> 3


@kernel
def _write_chunks(offsets: Any, ts: Any, bits: Any, out: Any, ends: Any, series_ends: Any) -> int:
    scratch = np.zeros(_CHUNK_ROOM, np.uint8)
    at = 0
    chunk = 0
    for i in range(len(offsets) - 1):
        first = offsets[i]
        while first < offsets[i + 1]:
            last = min(first + CHUNK_SAMPLES, offsets[i + 1])
            scratch[:] = 0
            size = _encode_chunk(ts, bits, first, last, scratch)
            low, high = np.uint64(ts[first]), np.uint64(ts[last - 1])
            body = 5 + varint_size(low) + varint_size(high) + varint_size(np.uint64(size)) + size
            out[at] = 0x12
            at = write_varint(out, at + 1, np.uint64(body))
            out[at] = 0x08
            at = write_varint(out, at + 1, low)
            out[at] = 0x10
            at = write_varint(out, at + 1, high)
            out[at] = 0x18
            out[at + 1] = 1
            out[at + 2] = 0x22
            at = write_varint(out, at + 3, np.uint64(size))
            out[at : at + size] = scratch[:size]
            at += size
            ends[chunk + 1] = at
            chunk += 1
            first = last
        series_ends[i + 1] = chunk
    return at


def write_chunks(
    offsets: NDArray[np.int64], ts_ms: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return (bytes, ends of chunks, ends of series in chunks): `chunks` fields of ChunkedSeries messages.

    Both ends have a leading 0: chunk c lies at `ends[c]:ends[c + 1]`, and chunk c belongs to series i where
    `series_ends[i] <= c < series_ends[i + 1]`.
    """
    counts = np.diff(offsets)
    chunks = int((-(-counts // CHUNK_SAMPLES)).sum())
    out = np.empty(chunks * 112 + len(ts_ms) * 20, np.uint8)
    ends = np.zeros(chunks + 1, np.int64)
    series_ends = np.zeros(len(offsets), np.int64)
    size = _write_chunks(offsets, ts_ms, np.ascontiguousarray(values).view(np.uint64), out, ends, series_ends)
    return out[:size], ends, series_ends
