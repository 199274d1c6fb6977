"""The hash of a label set as Prometheus has it (model/labels, built with stringlabels): xxHash64."""

from __future__ import annotations

from typing import Final

from pharos.labels import Labels

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5


def hash_labels(labels: Labels) -> int:
    """Return the 64-bit hash of a label set, equal to Prometheus' own."""
    body = bytearray()
    for name, value in labels:
        for text in (name, value):
            raw = text.encode()
            size = len(raw)
            body += bytes((size,)) if size < 255 else b"\xff" + size.to_bytes(3, "little")
            body += raw
    return xxhash64(bytes(body))


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(acc: int, lane: int) -> int:
    return (_rotate((acc + lane * _P2) & _MASK, 31) * _P1) & _MASK


def xxhash64(body: bytes) -> int:
    """Return the xxHash64 of `body` with seed 0 (the XXH64 specification)."""
    size = len(body)
    at = 0
    if size >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while at + 32 <= size:
            for i in range(4):
                lanes[i] = _round(lanes[i], int.from_bytes(body[at : at + 8], "little"))
                at += 8
        rotated = zip(lanes, (1, 7, 12, 18), strict=True)
        acc = sum(_rotate(lane, bits) for lane, bits in rotated) & _MASK
        for lane in lanes:
            acc = ((acc ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        acc = _P5
    acc = (acc + size) & _MASK
    while at + 8 <= size:
        acc ^= _round(0, int.from_bytes(body[at : at + 8], "little"))
        acc = (_rotate(acc, 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= size:
        acc ^= (int.from_bytes(body[at : at + 4], "little") * _P1) & _MASK
        acc = (_rotate(acc, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in body[at:]:
        acc ^= (byte * _P5) & _MASK
        acc = (_rotate(acc, 11) * _P1) & _MASK
    for shift, prime in ((33, _P2), (29, _P3), (32, 1)):
        acc = ((acc ^ (acc >> shift)) * prime) & _MASK
    return acc
