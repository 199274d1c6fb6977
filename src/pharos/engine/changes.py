"""What changed in the store since when: stamps by which caches above know that they are out of date."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.engine import Writers
from pharos.engine.arrivals import Arrivals

EVERYTHING: Final = -(1 << 63)
"""The smallest time of a change that may have touched any row."""
_WATCHED: Final = 200_000
_STEPS: Final = 32

BucketKey = tuple[str, int, int]
"""Tenant, metric hash, number of the two-hour bucket."""


class Recent(NamedTuple):
    """No series but these, of any tenant, has a sample at `from_ms` or later: the others ended before."""

    from_ms: int
    ids: NDArray[np.uint64]
    """In no order, and some of them perhaps twice."""


def _nobody_knows() -> None:
    return


class _Additions:
    """What was added to one bucket: for every version since `began`, the smallest time added later.

    Kept as steps of rising version and rising time; a step is dropped when a later one is not younger.
    """

    __slots__ = ("began", "steps")

    def __init__(self, began: int) -> None:
        self.began = began
        self.steps: list[tuple[int, int]] = []

    def add(self, version: int, smallest_ms: int) -> None:
        while self.steps and self.steps[-1][1] >= smallest_ms:
            self.steps.pop()
        self.steps.append((version, smallest_ms))
        if len(self.steps) > _STEPS:
            # Two steps in one: the later version with the earlier time promises less than either.
            older = self.steps[: _STEPS // 2]
            pairs = zip(older[::2], older[1::2], strict=True)
            self.steps[: _STEPS // 2] = [(later[0], earlier[1]) for earlier, later in pairs]

    def since(self, stamp: int) -> int | None:
        if stamp < self.began:
            return EVERYTHING
        for version, smallest_ms in self.steps:
            if version > stamp:
                return smallest_ms
        return None


class Changes:
    """Counts registrations of series by tenant and by metric, and what was added to buckets; thread-safe.

    Whoever caches takes the stamp before reading the store, and the cached answer is good as long as the
    stamp is the same. Additions to a bucket are remembered once someone watches it, and only the ones since;
    about a bucket that was forgotten meanwhile the answer is that everything may have changed.

    That is true because the loader of this process notes all that is stored. Where others write too, it says
    of everything that it may have changed: no stamp comes twice, and nothing that was kept is good.
    """

    def __init__(self, writers: Writers = Writers.THIS_PROCESS) -> None:
        self._knows_all = writers is Writers.THIS_PROCESS
        self._stamps = itertools.count(1)
        self._lock = threading.Lock()
        self._of_tenant: defaultdict[str, int] = defaultdict(int)
        self._of_metric: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._histograms: set[tuple[str, int]] = set()
        self._starts: set[tuple[str, int]] = set()
        self._of_origins: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._version = 0
        self._watched: OrderedDict[BucketKey, _Additions] = OrderedDict()
        self._rewritten: dict[str, int] = {}
        self.arrivals = Arrivals()
        """What is accepted and will be stored."""
        self._recent_from_ms: Callable[[], int | None] = _nobody_knows
        self._recent: Callable[[], Recent | None] = _nobody_knows

    def on_recent(self, from_ms: Callable[[], int | None], recent: Callable[[], Recent | None]) -> None:
        """Ask these, thread-safe, for `recent_from_ms` and `recent`."""
        self._recent_from_ms, self._recent = from_ms, recent

    def recent_from_ms(self) -> int | None:
        """Return from which time on `recent` knows all series with samples, which is cheap to ask."""
        return self._recent_from_ms() if self._knows_all else None

    def recent(self) -> Recent | None:
        """Return which series may have samples of late; None where that is not known.

        What is registered after the call is not in it.
        """
        return self._recent() if self._knows_all else None

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

    def note_origins(self, tenant: str, signal: str) -> None:
        """Say that there are more origins of a signal (`logs`, `spans`), after they were stored."""
        with self._lock:
            self._of_origins[tenant, signal] += 1

    def origins_stamp(self, tenant: str, signal: str) -> int:
        """Return a number that grows whenever the tenant has more origins of a signal."""
        if not self._knows_all:
            return next(self._stamps)
        with self._lock:
            return self._of_origins[tenant, signal]

    def note_samples(self, tenant: str, added: Iterable[tuple[int, int, int]]) -> None:
        """Say that samples are stored: for each (metric hash, bucket) the smallest time in milliseconds."""
        with self._lock:
            self._version += 1
            for metric, bucket, smallest_ms in added:
                additions = self._watched.get((tenant, metric, bucket))
                if additions is not None:
                    additions.add(self._version, smallest_ms)

    def note_rewritten(self, tenant: str) -> None:
        """Say that anything of the tenant may have changed or gone: a deletion, a restored backup."""
        with self._lock:
            self._version += 1
            self._rewritten[tenant] = self._version
            self._of_tenant[tenant] += 1
            for owner, signal in list(self._of_origins):
                if owner == tenant:
                    self._of_origins[owner, signal] += 1
            for owner, metric in list(self._of_metric):
                if owner == tenant:
                    self._of_metric[owner, metric] += 1

    def rewritten(self, tenant: str) -> int:
        """Return a number that grows whenever anything of the tenant may have gone."""
        with self._lock:
            return self._rewritten.get(tenant, 0)

    def watch(self, tenant: str, metric: int, buckets: Iterable[int]) -> int:
        """Remember additions to the buckets from now on, and return the stamp to ask about them later.

        To be called before the store is read.
        """
        with self._lock:
            for bucket in buckets:
                key = (tenant, metric, bucket)
                if key in self._watched:
                    self._watched.move_to_end(key)
                else:
                    self._watched[key] = _Additions(self._version)
            while len(self._watched) > _WATCHED:
                self._watched.popitem(last=False)
            return self._version

    @property
    def version(self) -> int:
        """Return a number that grows with every note about samples."""
        return self._version if self._knows_all else next(self._stamps)

    def added_since(self, tenant: str, metric: int, bucket: int, stamp: int) -> int | None:
        """Return the smallest time in milliseconds that was added to a bucket after the stamp, or None.

        `EVERYTHING` when that is not known, or when the bucket was rewritten.
        """
        if not self._knows_all:
            return EVERYTHING
        with self._lock:
            if stamp < self._rewritten.get(tenant, 0):
                return EVERYTHING
            additions = self._watched.get((tenant, metric, bucket))
            return EVERYTHING if additions is None else additions.since(stamp)

    def stamp(self, tenant: str, metric: int | None = None) -> int:
        """Return a number that grows whenever a series of the tenant (or of its metric) is registered."""
        if not self._knows_all:
            return next(self._stamps)
        with self._lock:
            if metric is None:
                return self._of_tenant[tenant]
            return self._of_metric[tenant, metric]

    def has_histograms(self, tenant: str, metrics: Iterable[int]) -> bool:
        """Return whether any of the metrics may have native histograms."""
        if not self._knows_all:
            return True
        return bool(self._histograms) and any((tenant, metric) in self._histograms for metric in metrics)

    def has_starts(self, tenant: str, metrics: Iterable[int]) -> bool:
        """Return whether any of the metrics may have start timestamps."""
        if not self._knows_all:
            return True
        return bool(self._starts) and any((tenant, metric) in self._starts for metric in metrics)
