"""Logarithms and exponentials of plain arithmetic, so that a loop does several of them at once.

Exact to about 1e-15, of finite numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel

_LN2: Final = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
_SQRT2: Final = 1.4142135623730951
_MANTISSA: Final = (1 << 52) - 1
_ONE: Final = 1023 << 52
_WHOLE: Final = 0x4330000000000000
"""The bits of 2^52: a whole number in its mantissa is added to it."""
_FROM_WHOLE: Final = 4503599627370496.0 + 1023.0
_ROUNDED: Final = 6755399441055744.0
"""Adding it leaves no room behind the point."""


@inlined_kernel
def log1p_of(x: Any) -> Any:
    """Return the logarithm of 1 + x, for x from 0 on."""
    bits = np.float64(1.0 + min(x, 1e300)).view(np.int64)
    exponent = np.int64((bits >> 52) | _WHOLE).view(np.float64) - _FROM_WHOLE
    mantissa = np.int64((bits & _MANTISSA) | _ONE).view(np.float64)
    is_upper = mantissa > _SQRT2
    mantissa = 0.5 * mantissa if is_upper else mantissa
    exponent = exponent + 1.0 if is_upper else exponent
    r = (mantissa - 1.0) / (mantissa + 1.0)
    s = r * r
    series = 1 / 9 + s * (1 / 11 + s * (1 / 13 + s * (1 / 15 + s * (1 / 17))))
    series = 1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * series)))
    return exponent * _LN2 + 2.0 * r * series


@inlined_kernel
def exp_of(x: Any) -> Any:
    """Return e to the x; of what lies beyond -700 and 700, that of those."""
    x = min(max(x, -700.0), 700.0)
    shifted = x * (1.0 / _LN2) + _ROUNDED
    power = shifted - _ROUNDED
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    series = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800))))
    series = 1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * series)))
    series = 1.0 + r * (1.0 + r * (0.5 + r * series))
    bits = np.float64(power + _FROM_WHOLE).view(np.int64) << 52
    return series * np.int64(bits).view(np.float64)
