"""A fast keyed hash of bytes, for tables in memory and for the ids of series in the store."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import load_u8, load_u32, load_u64, mul_128

# Secrets of the hash: odd, half of the bits set, no byte 0 or 255.
_SECRET_0: Final = np.uint64(0x9E3779B97F4A7C15)

_SECRET_1: Final = np.uint64(0xD1B54A32D192ED03)

_SECRET_2: Final = np.uint64(0xA24BAED4963EE407)

_SECRET_3: Final = np.uint64(0x8CB92BA72F3D8DD7)


@inlined_kernel
def _mix(left: Any, right: Any) -> Any:
    low, high = mul_128(left, right)
    return low ^ high


@kernel
def _short_words(buf: Any, start: Any, length: Any) -> tuple[Any, Any]:
    """Return two uint64 that together hold every one of the `length` (0 to 16) bytes at `start`."""
    if length >= 8:
        return load_u64(buf, start), load_u64(buf, start + length - 8)
    if length >= 4:
        return np.uint64(load_u32(buf, start)), np.uint64(load_u32(buf, start + length - 4))
    if length > 0:
        first = np.uint64(load_u8(buf, start))
        middle = np.uint64(load_u8(buf, start + (length >> 1)))
        last = np.uint64(load_u8(buf, start + length - 1))
        return (first << np.uint64(16)) | (middle << np.uint64(8)) | last, np.uint64(0)
    return np.uint64(0), np.uint64(0)


@kernel
def hash_bytes(buf: Any, start: Any, end: Any, seed: Any) -> Any:
    """Return a 64-bit hash of bytes [start, end): full avalanche, good for tables, not a cryptographic one.

    Both factors of each multiplication depend on `seed`, so that equal hashes cannot be built without
    knowing it: give it a random value wherever the bytes come from outside.
    """
    length = end - start
    key = _mix(np.uint64(seed) ^ _SECRET_0, _SECRET_1)
    state = key ^ np.uint64(length)
    pos = start
    if length > 48:
        one, two = state ^ _SECRET_2, state ^ _SECRET_3
        while end - pos > 48:
            state = _mix(load_u64(buf, pos) ^ key, load_u64(buf, pos + 8) ^ state)
            one = _mix(load_u64(buf, pos + 16) ^ key ^ _SECRET_2, load_u64(buf, pos + 24) ^ one)
            two = _mix(load_u64(buf, pos + 32) ^ key ^ _SECRET_3, load_u64(buf, pos + 40) ^ two)
            pos += 48
        state ^= one ^ two
    while end - pos > 16:
        state = _mix(load_u64(buf, pos) ^ key, load_u64(buf, pos + 8) ^ state)
        pos += 16
    if length >= 16:
        left, right = load_u64(buf, end - 16), load_u64(buf, end - 8)
    else:
        left, right = _short_words(buf, start, length)
    low, high = mul_128(left ^ key ^ _SECRET_2, right ^ state)
    return _mix(low ^ _SECRET_3 ^ key, high ^ np.uint64(length) ^ _SECRET_1)


@kernel
def hash_bytes_128(buf: Any, start: Any, end: Any, seed: Any) -> tuple[Any, Any]:
    """Return (low, high) of a 128-bit hash of bytes [start, end): two lanes with their own keys.

    Wide enough to stand for the bytes as an identity: among 10**9 inputs two meet with p < 10**-20.
    """
    length = end - start
    key = _mix(np.uint64(seed) ^ _SECRET_0, _SECRET_1)
    other_key = _mix(np.uint64(seed) ^ _SECRET_2, _SECRET_3)
    state = key ^ np.uint64(length)
    other = other_key + np.uint64(length)
    pos = start
    while end - pos > 16:
        left, right = load_u64(buf, pos), load_u64(buf, pos + 8)
        state = _mix(left ^ key, right ^ state)
        other = _mix(right ^ other_key, left + other)
        pos += 16
    if length >= 16:
        left, right = load_u64(buf, end - 16), load_u64(buf, end - 8)
    else:
        left, right = _short_words(buf, start, length)
    low, high = mul_128(left ^ key ^ _SECRET_2, right ^ state)
    other_low, other_high = mul_128(right ^ other_key ^ _SECRET_1, left + other)
    final = _mix(low ^ _SECRET_3 ^ key, high ^ np.uint64(length) ^ _SECRET_1)
    return final, _mix(other_low ^ _SECRET_0 ^ other_key, other_high ^ np.uint64(length) ^ _SECRET_2)
