"""Values as the store keeps them: whole numbers in one column, all others in a second."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.engine import native
from pharos.engine.native import Column

_EXACT: Final = 9_007_199_254_740_992.0
"""2**53: up to here every whole number is a float and comes back from an integer unchanged."""


@kernel
def _split(values: Any, whole: Any, rest: Any) -> None:
    for i in range(len(values)):
        value = values[i]
        number = np.int64(0)
        if -_EXACT <= value <= _EXACT:  # never true for NaN
            number = np.int64(value)
            if np.float64(number) != value:
                number = np.int64(0)
        whole[i] = number
        # With 0 the value itself stays: it may be a fraction, NaN with its payload or -0.0.
        rest[i] = value if number == 0 else 0.0


def value_columns(values: NDArray[np.float64]) -> tuple[Column, Column]:
    """Return the columns `whole` and `rest` of samples; the store makes `v` of them, bit for bit the same."""
    whole = np.empty(len(values), np.int64)
    rest = np.empty(len(values), np.float64)
    _split(values, whole, rest)
    return native.numbers("whole", whole), native.numbers("rest", rest)
