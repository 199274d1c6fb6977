"""The hash of a label set as Prometheus has it (model/labels, built with stringlabels): xxHash64."""

from __future__ import annotations

from xxhash import xxh64_intdigest

from pharos.labels import Labels


def hash_labels(labels: Labels) -> int:
    """Return the 64-bit hash of a label set, equal to Prometheus' own."""
    body = bytearray()
    for name, value in labels:
        for text in (name, value):
            raw = text.encode()
            size = len(raw)
            body += bytes((size,)) if size < 255 else b"\xff" + size.to_bytes(3, "little")
            body += raw
    return xxh64_intdigest(bytes(body))
