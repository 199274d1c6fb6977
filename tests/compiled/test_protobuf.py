"""The compiled wire-format primitives answer as plain Python does and never look past their end."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.compiled import protobuf as kernels

U64 = st.integers(0, 2**64 - 1)
MANY_BYTES = st.binary(max_size=14) | st.lists(st.integers(128, 255), max_size=14).map(bytes)

Bytes = npt.NDArray[np.uint8]


def guarded(content: bytes, poison: int) -> tuple[Bytes, int, int]:
    """Return an array with `content` between two runs of `poison`, and the offsets of the content."""
    array = np.frombuffer(bytes([poison]) * 24 + content + bytes([poison]) * 24, dtype=np.uint8)
    return array, 24, 24 + len(content)


def encode_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def reference_varint(content: bytes) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(content[:10]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (2**64 - 1), index + 1
    return 0, -1


@settings(max_examples=300)
@given(U64 | st.integers(0, 63).map(lambda bit: 1 << bit), st.binary(max_size=12))
def test_a_varint_reads_back_and_its_size_is_known(value: int, rest: bytes) -> None:
    encoded = encode_varint(value)
    array, start, end = guarded(encoded + rest, 0xFF)
    assert kernels.read_varint(array, start, end) == (value, start + len(encoded))
    assert kernels.varint_size(np.uint64(value)) == len(encoded)
    out = np.zeros(12, dtype=np.uint8)
    assert kernels.write_varint(out, 1, np.uint64(value)) == 1 + len(encoded)
    assert out.tobytes() == (b"\0" + encoded).ljust(12, b"\0")


@settings(max_examples=300)
@given(MANY_BYTES, st.sampled_from([0, 255]))
def test_any_bytes_read_as_the_varint_of_the_reference_and_the_bytes_after_do_not_matter(
    content: bytes, poison: int
) -> None:
    array, start, end = guarded(content, poison)
    value, size = reference_varint(content)
    assert kernels.read_varint(array, start, end) == (value, start + size if size > 0 else -1)


def test_every_cut_of_a_varint_is_refused_at_the_end_of_the_array() -> None:
    for value in (1, 300, 2**56, 2**63, 2**64 - 1):
        encoded = encode_varint(value)
        for cut in range(len(encoded)):
            array = np.frombuffer(encoded[:cut], dtype=np.uint8)
            assert kernels.read_varint(array, 0, cut)[1] == -1


def test_a_varint_of_more_than_ten_bytes_is_refused() -> None:
    array = np.frombuffer(b"\x80" * 10 + b"\x01" + b"\0" * 20, dtype=np.uint8)
    assert kernels.read_varint(array, 0, len(array))[1] == -1


@settings(max_examples=100)
@given(st.binary(max_size=9))
def test_fixed_words_read_as_struct_does(content: bytes) -> None:
    array, start, end = guarded(content, 0xFF)
    if len(content) < 8:
        assert kernels.read_fixed64(array, start, end)[1] == -1
        assert kernels.read_f64(array, start, end)[1] == -1
    else:
        assert kernels.read_fixed64(array, start, end) == (struct.unpack_from("<Q", content)[0], start + 8)
        value, after = kernels.read_f64(array, start, end)
        assert (struct.pack("<d", value), after) == (content[:8], start + 8)


def test_the_stale_marker_keeps_its_bits() -> None:
    stale = struct.pack("<Q", 0x7FF0000000000002)
    value, _ = kernels.read_f64(np.frombuffer(stale, dtype=np.uint8), 0, 8)
    assert struct.pack("<d", value) == stale


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (0x0A, (1, 2, 1)),
        (0x7A, (15, 2, 1)),
        ((2**29 - 1) << 3 | 5, (2**29 - 1, 5, 5)),
        (0x00, (0, 0, -1)),
        (0x07, (0, 0, -1)),
        (2**29 << 3, (0, 0, -1)),
        (2**64 - 1, (0, 0, -1)),
    ],
)
def test_a_tag_is_split_or_refused(tag: int, expected: tuple[int, int, int]) -> None:
    array = np.frombuffer(encode_varint(tag) + b"\0" * 8, dtype=np.uint8)
    assert kernels.read_tag(array, 0, len(array)) == expected


@settings(max_examples=200)
@given(st.integers(0, 7), st.binary(max_size=20) | U64.map(encode_varint))
def test_a_field_is_skipped_only_if_all_of_it_is_there(wire_type: int, content: bytes) -> None:
    array, start, end = guarded(content, 0)
    value, size = reference_varint(content)
    expected = -1
    if wire_type == 0 and size > 0:
        expected = size
    elif wire_type in (1, 5) and len(content) >= {1: 8, 5: 4}[wire_type]:
        expected = {1: 8, 5: 4}[wire_type]
    elif wire_type == 2 and size > 0 and value <= len(content) - size:
        expected = size + value
    answer = kernels.skip_field(array, start, end, wire_type)
    assert answer == (start + expected if expected >= 0 else -1)


def test_a_length_near_the_largest_integer_does_not_wrap() -> None:
    for length in (2**63 - 1, 2**63, 2**64 - 1, 2**32):
        array = np.frombuffer(encode_varint(length) + b"\0" * 16, dtype=np.uint8)
        assert kernels.read_length(array, 0, len(array))[1] == -1
        assert kernels.skip_field(array, 0, len(array), 2) == -1


@settings(max_examples=400)
@given(
    st.binary(max_size=24)
    | st.text(max_size=24).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.tuples(st.text(max_size=12).map(str.encode), st.integers(0, 3)).map(
        lambda cut: cut[0][: len(cut[0]) - cut[1]]
    )
)
def test_utf8_is_what_python_decodes(content: bytes) -> None:
    array, start, end = guarded(content, 0x80)
    try:
        content.decode("utf-8")
        expected = True
    except UnicodeDecodeError:
        expected = False
    assert kernels.is_utf8(array, start, end) is expected


@pytest.mark.parametrize(
    "bad",
    [
        "c080",
        "c1bf",
        "e09fbf",
        "eda080",
        "f08fbfbf",
        "f4908080",
        "f5808080",
        "ff",
        "80",
        "c2",
        "e2ac",
        "f09f98",
    ],
)
def test_every_class_of_bad_utf8_is_found_wherever_it_stands(bad: str) -> None:
    for offset in range(20):
        content = b"a" * offset + bytes.fromhex(bad)
        assert not kernels.is_utf8(np.frombuffer(content, dtype=np.uint8), 0, len(content))
        assert not kernels.is_utf8(np.frombuffer(content + b"aaaaaaaaa", dtype=np.uint8), 0, len(content))
