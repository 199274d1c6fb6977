"""Native histograms in the cells of a grid."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pharos.promql.kernels.samples import Bools

Cells: TypeAlias = NDArray[Any]
"""An array of `FloatHistogram` or None."""


def is_set(cells: Cells) -> Bools:
    """Return where there is a histogram."""
    return np.asarray(cells != None, np.bool_)  # noqa: E711 - element by element


def empty_cells(shape: tuple[int, ...]) -> Cells:
    """Return a grid of no histograms."""
    return np.full(shape, None, dtype=object)
