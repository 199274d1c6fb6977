"""Which metrics have native histograms or start timestamps: written to the store before the first of them.

A start reads this small table in the place of the large ones. It may name a metric that has none any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.engine import Engine, native

HISTOGRAMS: Final = "histograms"
STARTS: Final = "starts"


class Traits:
    """What this process has written of them; for one thread."""

    def __init__(self) -> None:
        self._written: set[tuple[str, str, int]] = set()

    def write(self, engine: Engine, found: Iterable[tuple[str, str, NDArray[np.uint64]]], token: str) -> None:
        """Store (tenant, trait, metric hashes) durably, those that are not yet; the token makes it once.

        Raises what `Engine.load` raises.
        """
        new = sorted(
            {
                (tenant, trait, metric)
                for tenant, trait, metrics in found
                for metric in np.unique(metrics).tolist()
            }
            - self._written
        )
        if not new:
            return
        engine.load(
            "metric_traits",
            len(new),
            [
                native.string_values("tenant", [tenant for tenant, _, _ in new]),
                native.string_values("trait", [trait for _, trait, _ in new]),
                native.numbers("m", np.array([metric for _, _, metric in new], np.uint64)),
            ],
            token=token,
        )
        self._written.update(new)
