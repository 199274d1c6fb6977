"""Requests whose series have their labels scattered among other fields: legal, but no sender does it.

The compiled pass wants a series' labels in one piece; here they are put in front, the rest kept in order.
"""

from __future__ import annotations

import numpy as np

from pharos.compiled.protobuf import LENGTH_DELIMITED, read_length, read_tag, skip_field
from pharos.errors import Kind, PharosError
from pharos.protobuf import varint


def gather_labels(body: bytes) -> bytes:
    """Return the WriteRequest `body` with the labels of every series in front of its other fields.

    Raises PharosError(INVALID) for a malformed body.
    """
    buf = np.frombuffer(body, np.uint8)
    out: list[bytes] = []
    for field, wire, start, content, end in _fields(buf, 0, len(buf)):
        if field != 1 or wire != LENGTH_DELIMITED:
            out.append(body[start:end])
            continue
        labels: list[bytes] = []
        others: list[bytes] = []
        for inner, _, first, _, last in _fields(buf, content, end):
            (labels if inner == 1 else others).append(body[first:last])
        series = b"".join(labels + others)
        out.append(b"\x0a" + varint(len(series)) + series)
    return b"".join(out)


def _fields(buf: np.ndarray, pos: int, end: int) -> list[tuple[int, int, int, int, int]]:
    """Return (field, wire type, start, content start, end) of each field in [pos, end)."""
    found = []
    while pos < end:
        start = pos
        field, wire, content = read_tag(buf, pos, end)
        if content >= 0:
            pos = skip_field(buf, content, end, wire)
            if wire == LENGTH_DELIMITED and pos >= 0:
                content, pos = read_length(buf, content, end)
        if content < 0 or pos < 0:
            raise PharosError(Kind.INVALID, f"malformed WriteRequest at byte {start}", position=start)
        found.append((int(field), int(wire), start, int(content), int(pos)))
    return found
