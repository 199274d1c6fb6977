"""The hash of bytes: every byte counts, nothing else does, and no pattern survives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.compiled.hashing import hash_bytes, hash_bytes_128
from pharos.compiled.kernel import kernel

U64 = st.integers(0, 2**64 - 1)

Bytes = npt.NDArray[np.uint8]


def guarded(content: bytes, poison: int) -> tuple[Bytes, int, int]:
    """Return an array with `content` between two runs of `poison`, and the offsets of the content."""
    array = np.frombuffer(bytes([poison]) * 24 + content + bytes([poison]) * 24, dtype=np.uint8)
    return array, 24, 24 + len(content)


@settings(max_examples=200)
@given(st.binary(max_size=200), U64, st.sampled_from([0, 255]))
def test_a_hash_depends_on_its_bytes_only(content: bytes, seed: int, poison: int) -> None:
    array, start, end = guarded(content, poison)
    alone, length = np.frombuffer(content, dtype=np.uint8), len(content)
    key = np.uint64(seed)
    assert hash_bytes(array, start, end, key) == hash_bytes(alone, 0, length, key)
    assert hash_bytes_128(array, start, end, key) == hash_bytes_128(alone, 0, length, key)


@kernel
def _hash_flips(buf: Bytes, length: int, seed: np.uint64, out: npt.NDArray[np.uint64]) -> None:
    """Write the hashes of `buf[:length]` with no bit flipped, then with each single bit flipped."""
    out[0, 0] = hash_bytes(buf, 0, length, seed)
    out[0, 1], out[0, 2] = hash_bytes_128(buf, 0, length, seed)
    for bit in range(length * 8):
        buf[bit >> 3] ^= np.uint8(1 << (bit & 7))
        out[bit + 1, 0] = hash_bytes(buf, 0, length, seed)
        out[bit + 1, 1], out[bit + 1, 2] = hash_bytes_128(buf, 0, length, seed)
        buf[bit >> 3] ^= np.uint8(1 << (bit & 7))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 97, 200])
def test_each_input_bit_flips_half_of_the_output_bits(length: int) -> None:
    random = np.random.default_rng(length)
    flipped = []
    for _ in range(40):
        out = np.zeros((length * 8 + 1, 3), dtype=np.uint64)
        content = random.integers(0, 256, length, dtype=np.uint8)
        _hash_flips(content, length, random.integers(0, 2**63, dtype=np.uint64), out)
        flipped.append(np.bitwise_count(out[1:] ^ out[0]))
    share = np.mean(np.concatenate(flipped), axis=0) / 64
    assert np.all(np.abs(share - 0.5) < 0.02), share
    per_bit = np.mean(np.stack(flipped), axis=0) / 64
    assert np.all(np.abs(per_bit - 0.5) < 0.12), per_bit


def test_similar_inputs_of_many_lengths_do_not_collide() -> None:
    seen: set[tuple[int, int]] = set()
    short: set[int] = set()
    inputs = {b"", *(b"\0" * n for n in range(1, 200)), *(b"instance=host-%d:9100" % n for n in range(20000))}
    for content in inputs:
        array = np.frombuffer(content, dtype=np.uint8)
        seen.add(hash_bytes_128(array, 0, len(content), np.uint64(0)))
        short.add(hash_bytes(array, 0, len(content), np.uint64(0)))
    assert len(seen) == len(short) == len(inputs)
    assert len({low for low, _ in seen}) == len({high for _, high in seen}) == len(inputs)
