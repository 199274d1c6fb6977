"""What changed in the store since when: stamps by which caches above know that they are out of date."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable


class Changes:
    """Counts registrations of series by tenant and by metric; thread-safe.

    Whoever caches takes the stamp before reading the store, and the cached answer is good as long as the
    stamp is the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_tenant: defaultdict[str, int] = defaultdict(int)
        self._of_metric: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._histograms: set[tuple[str, int]] = set()
        self._starts: set[tuple[str, int]] = set()

    def note_series(self, tenant: str, metrics: Iterable[int]) -> None:
        """Say that series of these metric hashes were registered, after they were stored."""
        with self._lock:
            self._of_tenant[tenant] += 1
            for metric in metrics:
                self._of_metric[tenant, metric] += 1

    def note_histograms(self, tenant: str, metrics: Iterable[int]) -> None:
        """Say that native histograms of these metric hashes are stored."""
        with self._lock:
            self._histograms.update((tenant, metric) for metric in metrics)

    def note_starts(self, tenant: str, metrics: Iterable[int]) -> None:
        """Say that start timestamps of these metric hashes are stored."""
        with self._lock:
            self._starts.update((tenant, metric) for metric in metrics)

    def stamp(self, tenant: str, metric: int | None = None) -> int:
        """Return a number that grows whenever a series of the tenant (or of its metric) is registered."""
        with self._lock:
            if metric is None:
                return self._of_tenant[tenant]
            return self._of_metric[tenant, metric]

    def has_histograms(self, tenant: str, metrics: Iterable[int]) -> bool:
        """Return whether any of the metrics may have native histograms."""
        return bool(self._histograms) and any((tenant, metric) in self._histograms for metric in metrics)

    def has_starts(self, tenant: str, metrics: Iterable[int]) -> bool:
        """Return whether any of the metrics may have start timestamps."""
        return bool(self._starts) and any((tenant, metric) in self._starts for metric in metrics)
