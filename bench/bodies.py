"""Remote write 1.0 requests that cost almost nothing to make: compressed once, patched for every send.

The body of a request is compressed with the bytes of values and times kept as literals, so their places in
the compressed bytes are known, and a new request is the old one with those places overwritten. Labels are
compressed the way any sender would have compressed them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from math import lcm
from typing import Final

import cramjam
import numpy as np
from numba import njit

from bench.series import Labels, Layout
from bench.values import value

_SAMPLE_BYTES: Final = 16
"""Sample{double value = 1; int64 timestamp = 2}: tag, 8 bytes, tag, 6 bytes of varint (times until 2109)."""
_FIELDS: Final = np.array([*range(1, 9), *range(10, 16)], np.int64)
"""Where in a sample the bytes lie that change."""


@dataclass(slots=True)
class Request:
    """One request of a shard's cycle: bytes ready to send, and where each of its samples lies in them."""

    wire: np.ndarray
    """uint8: HTTP head and compressed body."""
    places: np.ndarray
    """int32[samples, 14]: where in `wire` the bytes of value and time go."""
    series: np.ndarray
    """int64[samples]: index of the series in the layout."""
    steps: np.ndarray
    """int64[samples]: step within the cycle."""
    kinds: np.ndarray
    """uint8[samples]."""


@dataclass(slots=True)
class Shard:
    """What one connection sends, for ever: requests in a cycle that advances by `cycle_steps` each time."""

    requests: list[Request]
    cycle_steps: int
    series: int
    samples: int
    """Samples in each request."""

    def fill(self, number: int, start_ms: int, interval_ms: int, jitter_ms: int = 0) -> Request:
        """Return request `number` of this shard, counted from 0, patched to its place in time."""
        cycle, which = divmod(number, len(self.requests))
        request = self.requests[which]
        first = cycle * self.cycle_steps
        _patch(
            request.wire,
            request.places,
            request.series,
            request.steps,
            request.kinds,
            first,
            start_ms,
            interval_ms,
            jitter_ms,
        )
        return request

    def step_of(self, number: int) -> int:
        """Return the last step that request `number` touches."""
        cycle, which = divmod(number, len(self.requests))
        return cycle * self.cycle_steps + int(self.requests[which].steps[-1])


def build_shards(layout: Layout, connections: int, samples: int, head: bytes) -> list[Shard]:
    """Return one shard a connection, the series dealt out in runs, each request holding `samples` samples.

    `samples` 0 makes each request hold one step of the shard. `head` is the HTTP head without Content-Length.
    A shard whose series do not fill a request takes the next step's samples too, as a real sender's queue
    does.
    """
    bounds = np.linspace(0, len(layout), connections + 1).astype(int)
    shards = []
    for first, last in pairwise(bounds):
        count = int(last - first)
        encoded = [_encode(layout.labels[index]) for index in range(first, last)]
        size = samples or count
        span = lcm(count, size)
        if span // size > 400:
            raise ValueError(f"{count} series a connection and {size} samples a request share no short cycle")
        requests = []
        for begin in range(0, span, size):
            position = np.arange(begin, begin + size)
            own = position % count
            wire, places = _compress([encoded[index] for index in own], head)
            requests.append(Request(wire, places, own + first, position // count, layout.kinds[own + first]))
        shards.append(Shard(requests, span // count, count, size))
    return shards


def _encode(labels: Labels) -> bytes:
    """TimeSeries{repeated Label labels = 1; repeated Sample samples = 2} with one sample to be filled in."""
    parts = []
    for name, text in labels:
        parts.append(prefixed(b"\x0a", prefixed(b"\x0a", name.encode()) + prefixed(b"\x12", text.encode())))
    parts.append(prefixed(b"\x12", b"\x09" + bytes(8) + b"\x10" + bytes(6)))
    return prefixed(b"\x0a", b"".join(parts))


def prefixed(tag: bytes, data: bytes) -> bytes:
    """Return a protobuf field of bytes: its tag, its length, and `data`."""
    return tag + varint(len(data)) + data


def varint(number: int) -> bytes:
    """Return `number` as a protobuf varint."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def single(labels: Labels, sample: float, time_ms: int) -> bytes:
    """Return the compressed body of a request with one sample."""
    blank = bytearray(_encode(labels))
    blank[-15:-7] = struct.pack("<d", sample)
    blank[-6:] = varint(time_ms)
    return bytes(cramjam.snappy.compress_raw(bytes(blank)))


def _compress(encoded: list[bytes], head: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the wire bytes of a request and the places of its samples."""
    raw = np.frombuffer(b"".join(encoded), np.uint8)
    ends = np.cumsum([len(one) for one in encoded])
    spots = (ends - _SAMPLE_BYTES)[:, None] + _FIELDS
    open_bytes = np.zeros(len(raw), np.uint8)
    open_bytes[spots] = 1
    block = np.empty(len(raw) + len(raw) // 6 + 64, np.uint8)
    where = np.full(len(raw), -1, np.int64)
    size = np.frombuffer(varint(len(raw)), np.uint8)
    block[: len(size)] = size
    end = _snappy(raw.copy(), open_bytes, block, len(size), where)
    front = head + f"Content-Length: {end}\r\n\r\n".encode()
    wire = np.concatenate([np.frombuffer(front, np.uint8), block[:end]])
    return wire, (where[spots] + len(front)).astype(np.int32)


@njit("i8(u1[::1], i8, i8, u1[::1], i8, i8[::1])", cache=True, nogil=True)
def _literal(raw: np.ndarray, first: int, last: int, block: np.ndarray, at: int, where: np.ndarray) -> int:
    """Append raw[first:last] to `block` at `at` as a literal, note where bytes went, return the new end."""
    length = last - first
    if length == 0:
        return at
    if length <= 60:
        block[at] = np.uint8((length - 1) << 2)
        at += 1
    else:
        block[at] = np.uint8(61 << 2)
        block[at + 1] = np.uint8((length - 1) & 255)
        block[at + 2] = np.uint8((length - 1) >> 8)
        at += 3
    for i in range(length):
        block[at + i] = raw[first + i]
        where[first + i] = at + i
    return at + length


@njit("i8(u1[::1], u1[::1], u1[::1], i8, i8[::1])", cache=True, nogil=True)
def _snappy(raw: np.ndarray, open_bytes: np.ndarray, block: np.ndarray, at: int, where: np.ndarray) -> int:
    """Append `raw` to `block` at `at` as a snappy stream and return its end.

    Greedy, in windows of 64 KiB, as the common encoders; but open bytes are always literals and never the
    source of a copy. Format: google/snappy format_description.txt.
    """
    table = np.empty(1 << 14, np.int64)
    size = len(raw)
    for begin in range(0, size, 65536):
        end = min(begin + 65536, size)
        table[:] = -1
        i = pending = begin
        while i + 4 <= end:
            if open_bytes[i] | open_bytes[i + 1] | open_bytes[i + 2] | open_bytes[i + 3]:
                i += 1
                continue
            key = np.uint32(raw[i]) | np.uint32(raw[i + 1]) << 8 | np.uint32(raw[i + 2]) << 16
            key |= np.uint32(raw[i + 3]) << 24
            slot = np.int64((np.uint64(key) * np.uint64(0x1E35A7BD) & np.uint64(0xFFFFFFFF)) >> np.uint64(18))
            source = table[slot]
            table[slot] = i
            length = 0
            if source >= 0:
                while i + length < end and raw[source + length] == raw[i + length]:
                    if open_bytes[i + length] or open_bytes[source + length]:
                        break
                    length += 1
            if length < 4:
                i += 1
                continue
            at = _literal(raw, pending, i, block, at, where)
            offset = i - source
            i += length
            pending = i
            while length > 0:
                part = min(length, 64)
                block[at] = np.uint8((part - 1) << 2 | 2)
                block[at + 1] = np.uint8(offset & 255)
                block[at + 2] = np.uint8(offset >> 8)
                at += 3
                length -= part
        at = _literal(raw, pending, end, block, at, where)
    return at


@njit("void(u1[::1], i4[:, ::1], i8[::1], i8[::1], u1[::1], i8, i8, i8, i8)", cache=True, nogil=True)
def _patch(
    wire: np.ndarray,
    places: np.ndarray,
    series: np.ndarray,
    steps: np.ndarray,
    kinds: np.ndarray,
    first: int,
    start_ms: int,
    interval_ms: int,
    jitter_ms: int,
) -> None:
    """Write the samples of one request into its compressed bytes."""
    box = np.empty(1, np.float64)
    bits = box.view(np.uint64)
    for index in range(len(series)):
        step = first + steps[index]
        box[0] = value(series[index], step, kinds[index])
        word = bits[0]
        for i in range(8):
            wire[places[index, i]] = np.uint8((word >> np.uint64(8 * i)) & np.uint64(255))
        time_ms = start_ms + step * interval_ms
        if jitter_ms:
            time_ms += ((series[index] // 200 + 1) * 40503 + step * 48271) % jitter_ms
        for i in range(5):
            wire[places[index, 8 + i]] = np.uint8((time_ms & 127) | 128)
            time_ms >>= 7
        wire[places[index, 13]] = np.uint8(time_ms)
