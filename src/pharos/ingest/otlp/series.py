"""What the translation remembers: series by a fingerprint of their attributes, their labels encoded."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.ingest.metrics.wire_labels import LABEL_NAME_MAX_BYTES, LABEL_VALUE_MAX_BYTES, LABELS_MAX
from pharos.ingest.otlp.limits import OtlpLimits
from pharos.ingest.otlp.points import Points, find_refs, move_refs, remember_ref
from pharos.ingest.otlp.refused import RefusedError
from pharos.ingest.remote_write.messages import encode_labels
from pharos.labels import METRIC_NAME, Labels

_BYTES_BESIDE: Final = 200
"""What remembering takes for each series or metric beside its text, roughly."""


class Series:
    """Encoded labels by ref, and refs by fingerprint."""

    def __init__(self, limits: OtlpLimits) -> None:
        self._limits = limits
        self.forget()

    def forget(self) -> None:
        """Start anew, with no refs."""
        self.blob: NDArray[np.uint8] = np.empty(1 << 16, np.uint8)
        self.offsets: NDArray[np.int64] = np.empty(1 << 8, np.int64)
        self.lengths: NDArray[np.int64] = np.empty(1 << 8, np.int64)
        self._keys: NDArray[np.uint64] = np.empty((1 << 10, 2), np.uint64)
        self._found: NDArray[np.int64] = np.full(1 << 10, -1, np.int64)
        self._used = 0
        self._count = 0
        self._size = 0
        self._remembered = 0
        self._learned = 0

    def begin(self) -> bool:
        """Begin a request; return whether everything was forgotten, because it had become too much."""
        self._learned = 0
        if self._remembered <= self._limits.remembered_bytes:
            return False
        self.forget()
        return True

    @property
    def nbytes(self) -> int:
        """Return about what is remembered takes in memory."""
        return self._remembered

    def charge(self, size: int) -> None:
        """Note that `size` bytes are remembered. Raises PharosError(TOO_LARGE) past the most of a request."""
        size += _BYTES_BESIDE
        self._learned += size
        self._remembered += size
        if self._learned > self._limits.learned_bytes:
            raise self._limits.too_much_text()

    def add(self, labels: Labels) -> int:
        """Return a new ref for a label set.

        Raises RefusedError for labels that the store refuses, PharosError as `charge` does.
        """
        check_labels(labels)
        text = encode_labels(labels)
        self.charge(len(text))
        ref, end = self._count, self._size + len(text)
        if ref == len(self.offsets):
            self.offsets = np.resize(self.offsets, 2 * ref)
            self.lengths = np.resize(self.lengths, 2 * ref)
        if end > len(self.blob):
            self.blob = np.resize(self.blob, 2 * end)
        self.blob[self._size : end] = np.frombuffer(text, np.uint8)
        self.offsets[ref], self.lengths[ref] = self._size, len(text)
        self._count, self._size = ref + 1, end
        return ref

    def encoded(self, ref: int) -> bytes:
        """Return the encoded labels of a ref."""
        start = int(self.offsets[ref])
        return self.blob[start : start + int(self.lengths[ref])].tobytes()

    def find(self, points: Points) -> NDArray[np.int64]:
        """Return the ref of each point, -1 for series that were not seen before."""
        refs = np.empty(len(points.low), np.int64)
        find_refs(points.low, points.high, self._keys, self._found, refs)
        return refs

    def remember(self, low: np.uint64, high: np.uint64, ref: int) -> None:
        """Let `find` return `ref` for a fingerprint that it does not know."""
        if 2 * self._used >= len(self._found):
            keys = np.empty((2 * len(self._found), 2), np.uint64)
            found = np.full(2 * len(self._found), -1, np.int64)
            move_refs(self._keys, self._found, keys, found)
            self._keys, self._found = keys, found
        remember_ref(low, high, self._keys, self._found, ref)
        self._used += 1


def check_labels(labels: Labels) -> None:
    """Raise RefusedError for labels that the store refuses."""
    if not labels or all(name != METRIC_NAME for name, _ in labels):
        raise RefusedError("a series has no metric name")
    if len(labels) > LABELS_MAX:
        raise RefusedError(f"a series has more than {LABELS_MAX} labels")
    for name, value in labels:
        if len(name) > LABEL_NAME_MAX_BYTES:
            raise RefusedError(f"a label name is longer than {LABEL_NAME_MAX_BYTES} bytes")
        if len(value.encode()) > LABEL_VALUE_MAX_BYTES:
            raise RefusedError(f"a label value is longer than {LABEL_VALUE_MAX_BYTES} bytes")
