"""x"""

from __future__ import annotations


def correct_histograms(call, windows, grid):
    return grid
