"""Bodies that no honest sender sends: built byte by byte, with what must be answered and why."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cramjam
import numpy as np
from tests.ingest import rw_messages as rw

MIB = 1 << 20


def varint(value: int) -> bytes:
    """Return the varint of a number of at most 64 bits."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def number_field(number: int, value: int) -> bytes:
    """Return a varint field."""
    return varint(number << 3) + varint(value)


def fixed_field(number: int, value: float) -> bytes:
    """Return a double field."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def label(name: bytes, value: bytes, extra: bytes = b"") -> bytes:
    """Return a Label as a field of a 1.0 series."""
    return field(1, field(1, name) + field(2, value) + extra)


def sample(now_ms: int, value: float, extra: bytes = b"") -> bytes:
    """Return a Sample as a field of a series, the same in both versions."""
    return field(2, fixed_field(1, value) + number_field(2, now_ms) + extra)


def good(now_ms: int) -> bytes:
    """Return a 1.0 series field that is in order; its metric is `good` and its value 2."""
    return field(1, label(b"__name__", b"good") + sample(now_ms, 2.0))


def good_v2(now_ms: int, *more_symbols: bytes) -> bytes:
    """Return the same as a 2.0 request, with more symbols from reference 3 on."""
    symbols = b"".join(field(4, symbol) for symbol in (b"", b"__name__", b"good", *more_symbols))
    return symbols + field(5, field(1, b"\x01\x02") + sample(now_ms, 2.0))


@dataclass(frozen=True)
class Body:
    """One body: how it is built at a time, and what must become of it."""

    name: str
    build: Callable[[int], bytes]
    statuses: tuple[int, ...]
    version: int = 1
    packed: bool = False
    """Whether `build` returns what goes over the wire as it is."""
    stores_good: bool = False
    """Whether the series `good` of the body must be readable afterwards."""
    reason: str = ""


def _snappy() -> Iterator[Body]:
    plain = b"x" * 1000
    framed = bytes(cramjam.snappy.compress(plain))
    noise = np.random.default_rng(7).integers(0, 256, 70 * MIB, dtype=np.uint8).tobytes
    yield Body("nothing at all", lambda _: b"", (400,), packed=True)
    yield Body(
        "a bomb of 2.5 GB by its own account", lambda _: varint(2_500_000_000) + b"\0a", (413,), packed=True
    )
    yield Body("a bomb of 4 GB less one", lambda _: varint(2**32 - 1) + b"\0a", (413,), packed=True)
    yield Body("a size that is no 32-bit number", lambda _: b"\xff" * 9 + b"\x01\0a", (400, 413), packed=True)
    yield Body("a size without an end", lambda _: b"\xff" * 5, (400,), packed=True)
    yield Body("60 MB declared in ten bytes", lambda _: varint(60 * MIB) + b"\0a" * 3, (400,), packed=True)
    yield Body("a size larger than the content", lambda _: varint(5) + b"\x08abc", (400,), packed=True)
    yield Body("a size smaller than the content", lambda _: varint(1) + b"\x08abc", (400,), packed=True)
    yield Body(
        "a copy from before the start", lambda _: varint(8) + b"\x00a\x0e\xff\x00", (400,), packed=True
    )
    yield Body("the framed format", lambda _: framed, (400,), packed=True)
    yield Body("protobuf that is not compressed", good, (400,), packed=True)
    yield Body("text", lambda _: b'{"status":"success"}', (400,), packed=True)
    yield Body("more than any limit", lambda _: rw.compress(noise()), (413,), packed=True)
    yield Body("60 MiB of zeros", lambda _: bytes(60 * MIB), (400,))
    yield Body(
        "60 MiB of zeros in a field nobody knows",
        lambda now: field(99, bytes(60 * MIB)) + good(now),
        (204,),
        stores_good=True,
    )


def _v1() -> Iterator[Body]:
    named = label(b"__name__", b"bad")
    yield Body("no series", lambda _: b"", (204,))
    yield Body("labels as a number", lambda now: good(now) + field(1, number_field(1, 5)), (400,))
    yield Body("series as a number", lambda now: good(now) + number_field(1, 5), (400,))
    yield Body(
        "a label name as a number",
        lambda now: good(now) + field(1, field(1, number_field(1, 5)) + sample(now, 1.0)),
        (400,),
        stores_good=True,
    )
    yield Body("a sample as a number", lambda now: good(now) + field(1, named + number_field(2, 5)), (400,))
    value_as_number = number_field(1, 5)
    yield Body(
        "a value as a number", lambda now: good(now) + field(1, named + field(2, value_as_number)), (400,)
    )
    yield Body(
        "a time as a double", lambda now: good(now) + field(1, named + field(2, fixed_field(2, 5.0))), (400,)
    )
    yield Body("field number 0", lambda now: good(now) + b"\x02\x00", (400,))
    yield Body("wire type 7", lambda now: good(now) + b"\x0f", (400,))
    yield Body("a tag of eleven bytes", lambda now: good(now) + b"\xff" * 10 + b"\x01", (400,))
    yield Body(
        "a length near the largest integer", lambda now: good(now) + b"\x0a" + varint(2**63 - 1), (400,)
    )
    yield Body("a length that turns negative", lambda now: good(now) + b"\x0a" + varint(2**64 - 1), (400,))
    yield Body("a group in a group, ten thousand deep", lambda now: good(now) + b"\x7b" * 10_000, (400,))
    deep = b"\x7b" * 10_000 + b"\x7c" * 10_000
    yield Body("ten thousand groups, all closed", lambda now: good(now) + deep, (204, 400))
    yield Body("an end without a start", lambda now: good(now) + b"\x7c", (400,))
    unknown = (
        number_field(90, 7)
        + fixed_field(91, 1.0)
        + field(92, b"\x00\xff\x07")
        + varint(93 << 3 | 5)
        + b"abcd"
    )
    yield Body(
        "fields nobody knows, at every level",
        lambda now: (
            unknown
            + field(1, unknown + label(b"__name__", b"good", unknown) + sample(now, 2.0, unknown) + unknown)
            + unknown
        ),
        (204,),
        stores_good=True,
    )
    yield Body(
        "the source of a request, as Cortex knew it",
        lambda now: number_field(2, 1) + good(now),
        (204,),
        stores_good=True,
    )
    for place, bad in (
        ("a label name", label(b"na\xffme", b"x") + named),
        ("a label value", label(b"name", b"\xc3\x28") + named),
        ("the metric name", label(b"__name__", b"ba\xed\xa0\x80d")),
    ):
        yield Body(
            f"bytes that are not UTF-8 in {place}",
            lambda now, bad=bad: field(1, bad + sample(now, 1.0)) + good(now),  # type: ignore[misc]
            (400,),
            stores_good=True,
            reason="UTF-8",
        )
    bad_help = field(3, number_field(1, 1) + field(2, b"good") + field(4, b"\xff\xfe"))
    yield Body(
        "bytes that are not UTF-8 in a help text",
        lambda now: good(now) + bad_help,
        (204, 400),
        stores_good=True,
    )
    yield Body(
        "labels and samples by turns",
        lambda now: field(
            1, sample(now, 2.0) + label(b"zone", b"z") + sample(now - 1000, 1.0) + label(b"__name__", b"good")
        ),
        (204,),
    )
    yield Body(
        "a label in two halves",
        lambda now: field(1, field(1, field(1, b"__name__")) + sample(now, 2.0)) + good(now),
        (400,),
        stores_good=True,
    )
    yield Body(
        "a million series without anything",
        lambda now: b"\x0a\x00" * 1_000_000 + good(now),
        (204, 400),
        stores_good=True,
    )
    yield Body(
        "ten million series without anything",
        lambda now: b"\x0a\x00" * 10_000_000 + good(now),
        (204, 400),
        stores_good=True,
    )
    many = b"".join(sample(1_000_000_000_000_000 + n, 1.0) for n in range(200_000))
    yield Body(
        "200,000 samples of the far future",
        lambda now: field(1, label(b"__name__", b"bad") + many) + good(now),
        (400,),
        stores_good=True,
        reason="future",
    )
    yield Body(
        "a histogram of ten million empty buckets",
        lambda now: (
            field(1, named + field(4, number_field(15, now) + field(12, bytes(10_000_000)))) + good(now)
        ),
        (400,),
        stores_good=True,
    )
    yield Body(
        "a histogram whose spans cover four milliards of buckets",
        lambda now: (
            field(1, named + field(4, number_field(15, now) + field(11, number_field(2, 2**32 - 1))))
            + good(now)
        ),
        (400,),
        stores_good=True,
    )
    yield Body(
        "30 million samples of two bytes",
        lambda now: field(1, label(b"__name__", b"bad") + b"\x12\x00" * 30_000_000) + good(now),
        (204, 400, 413),
    )
    wide = label(b"__name__", b"bad") + b"".join(label(b"l%d" % n, b"v" * 30_000) for n in range(200))
    days = b"".join(sample(86_400_000 * day, 1.0) for day in range(20_000))
    yield Body("six megabytes of labels, on each of 20,000 days", lambda _: field(1, wide + days), (400, 413))
    plain = b"".join(sample(86_400_000 * day, 1.0) for day in range(18_000, 19_000))
    yield Body(
        "samples of a thousand days",
        lambda now: field(1, label(b"__name__", b"backfill") + plain) + good(now),
        (204, 400),
        stores_good=True,
    )
    yield Body(
        "an exemplar with a label of a mebibyte",
        lambda now: field(
            1,
            label(b"__name__", b"good")
            + sample(now, 2.0)
            + field(3, label(b"trace", b"t" * MIB) + number_field(3, now)),
        ),
        (204, 400),
        stores_good=True,
    )


def _v2() -> Iterator[Body]:
    def v2(
        name: str, build: Callable[[int], bytes], *statuses: int, stores_good: bool = False, reason: str = ""
    ) -> Body:
        return Body(f"2.0: {name}", build, statuses, 2, stores_good=stores_good, reason=reason)

    yield v2("no series", lambda _: b"", 204)
    yield v2("the empty symbol and no series", lambda _: field(4, b""), 204)
    yield v2(
        "the first symbol is not empty",
        lambda now: field(4, b"__name__") + field(5, sample(now, 1.0)),
        400,
        reason="symbols[0]",
    )
    yield v2(
        "series without symbols",
        lambda now: field(5, field(1, b"\x01\x02") + sample(now, 1.0)),
        400,
        reason="symbols table",
    )
    yield v2(
        "an odd number of references",
        lambda now: good_v2(now) + field(5, field(1, b"\x01")),
        400,
        stores_good=True,
        reason="odd",
    )
    yield v2(
        "a reference one too far",
        lambda now: good_v2(now) + field(5, field(1, b"\x01\x03")),
        400,
        stores_good=True,
        reason="symbols table",
    )
    far = varint(1) + varint(2**32 - 1)
    yield v2(
        "a reference far too far",
        lambda now: good_v2(now) + field(5, field(1, far)),
        400,
        stores_good=True,
        reason="symbols table",
    )
    yield v2(
        "references that are no varints", lambda now: good_v2(now) + field(5, field(1, b"\x01\xff")), 400
    )
    yield v2(
        "a help reference too far",
        lambda now: good_v2(now) + field(5, field(5, number_field(3, 9))),
        400,
        stores_good=True,
    )
    yield v2(
        "an exemplar's reference too far",
        lambda now: good_v2(now) + field(5, field(4, field(1, b"\x01\x09"))),
        400,
        stores_good=True,
    )
    blown = field(1, b"\x01\x03" + b"\x03\x03" * 400)
    yield v2(
        "a request that grows a thousandfold",
        lambda now: good_v2(now, b"x" * 500_000) + field(5, blown + sample(now, 1.0)),
        413,
    )
    yield v2(
        "a symbol that is not UTF-8, used",
        lambda now: good_v2(now, b"\xff") + field(5, field(1, b"\x01\x03") + sample(now, 1.0)),
        400,
        stores_good=True,
        reason="UTF-8",
    )
    yield v2("a symbol that is not UTF-8, unused", lambda now: good_v2(now, b"\xff"), 204, stores_good=True)
    yield v2(
        "a help text that is not UTF-8",
        lambda now: (
            good_v2(now, b"\xff")
            + field(5, field(1, b"\x01\x02") + field(5, number_field(1, 1) + number_field(3, 3)))
        ),
        204,
        400,
        stores_good=True,
    )
    yield v2(
        "a million empty series",
        lambda now: good_v2(now) + b"\x2a\x00" * 1_000_000,
        204,
        400,
        stores_good=True,
    )
    yield v2(
        "ten million empty symbols",
        lambda now: good_v2(now) + b"\x22\x00" * 10_000_000,
        204,
        stores_good=True,
    )
    yield v2("wire type of symbols", lambda now: good_v2(now) + number_field(4, 1), 400)
    yield v2("groups", lambda now: good_v2(now) + b"\x7b" * 10_000, 400)
    unknown = (
        number_field(90, 7) + fixed_field(91, 1.0) + field(92, b"\x00\xff") + varint(93 << 3 | 5) + b"abcd"
    )
    yield v2(
        "fields nobody knows, at every level",
        lambda now: (
            unknown
            + b"".join(field(4, symbol) for symbol in (b"", b"__name__", b"good"))
            + field(
                5, unknown + field(1, b"\x01\x02") + sample(now, 2.0, unknown) + field(5, unknown) + unknown
            )
            + unknown
        ),
        204,
        stores_good=True,
    )


BODIES = [*_snappy(), *_v1(), *_v2()]
