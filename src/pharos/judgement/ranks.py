"""Two sets of values by their ranks: is one higher, how surely, and by how much.

Sources: Mann and Whitney 1947, with the correction for ties (Lehmann 1975); Cliff 1993 for the effect; Hodges
and Lehmann 1963 for the shift and its interval. Values of a series follow on one another, so that a hundred
of them say less than a hundred drawn at random: the variance is multiplied by what the correlation of
neighbours makes of it (Yue and Wang 2004).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST: Final = 8
"""So many values each set needs: of fewer the normal distribution says little."""
_MOST: Final = 1_000
"""Values of a set that are compared one by one; of more, every so manieth."""
_MOST_CORRELATED: Final = 0.95
_NORMAL: Final = NormalDist()


class Ranks(Struct, frozen=True):
    """What ranks say of a second set against a first one."""

    p_value: float
    """Of both sides: how likely a difference as great is where there is none."""
    delta: float
    """Cliff's: how much likelier a value of the second is above one of the first than below, from -1 to 1."""
    shift: float
    """Of Hodges and Lehmann: the median of all differences."""
    low: float
    high: float
    """What the shift lies between."""
    z: float
    inflation: float
    """By how much the correlation of neighbours widens the variance, from 1."""


def compare_ranks(first: Floats, second: Floats, alpha: float = 0.05) -> Ranks | None:
    """Return what ranks say of two series of finite values, in order of time; None where there are too few.

    The interval covers the shift with 1 - `alpha`.
    """
    if min(len(first), len(second)) < LEAST:
        return None
    first, second = _thinned(first), _thinned(second)
    n, m = len(first), len(second)
    total = n + m
    ranks, ties = _ranked(np.concatenate([first, second]))
    above = float(ranks[n:].sum()) - m * (m + 1) / 2
    delta = 2.0 * above / (n * m) - 1.0
    inflation = _inflation(ranks[:n], ranks[n:])
    spread = n * m / 12.0 * (total + 1 - ties / (total * (total - 1))) * inflation
    off = above - n * m / 2.0
    z = 0.0 if spread <= 0.0 else math.copysign(max(abs(off) - 0.5, 0.0), off) / math.sqrt(spread)
    differences = np.sort(np.subtract.outer(second, first), axis=None)
    half = _NORMAL.inv_cdf(1.0 - alpha / 2.0) * math.sqrt(n * m * (total + 1) / 12.0 * inflation)
    last = n * m - 1
    low = min(max(math.floor(n * m / 2.0 - half), 0), last)
    return Ranks(
        p_value=math.erfc(abs(z) / math.sqrt(2.0)),
        delta=delta,
        shift=float(np.median(differences)),
        low=float(differences[low]),
        high=float(differences[last - low]),
        z=z,
        inflation=inflation,
    )


def _thinned(values: Floats) -> Floats:
    return values[:: -(-len(values) // _MOST)]


def _ranked(values: Floats) -> tuple[Floats, float]:
    """Return ranks from 1, equal values having their mean, and the sum of t^3 - t over ties of t values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means = ends - (counts - 1) / 2.0
    return means[place], float((counts.astype(np.float64) ** 3 - counts).sum())


def _inflation(*groups: Floats) -> float:
    """Return by how much the correlation of neighbours within groups widens the variance of their ranks."""
    joint = squares = 0.0
    for ranks in groups:
        off = ranks - ranks.mean()
        joint += float((off[1:] * off[:-1]).sum())
        squares += float((off**2).sum())
    if squares <= 0.0:
        return 1.0
    # Short series show less correlation than they have.
    least = min(len(ranks) for ranks in groups)
    found = min(max(joint / squares + 1.0 / least, 0.0), _MOST_CORRELATED)
    return max((1.0 + found) / (1.0 - found), 1.0) if found > 2.0 / math.sqrt(least) else 1.0
