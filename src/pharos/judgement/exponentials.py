"""Logarithms and powers without a branch or a call, of which the compiler makes vector code.

They are the same to the last bit in a loop over many series and for one series by itself, which those of a
processor's own library need not be.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from pharos.compiled.choice import choose
from pharos.compiled.kernel import inlined_kernel

_FRACTION_BITS: Final = 52
_BIAS: Final = 1023
_FRACTION: Final = 0x000F_FFFF_FFFF_FFFF
_ONE_BITS: Final = 0x3FF0_0000_0000_0000
_WHOLE: Final = 4_503_599_627_370_496.0
"""2**52: a number with this added has its whole part in its last bits."""
_WHOLE_BITS: Final = 0x4330_0000_0000_0000
_ROOT_2: Final = math.sqrt(2.0)
_LN2_HIGH: Final = 0.693147180369123816490
"""The first bits of the logarithm of 2, so few that they times a whole power of 2 are exact."""
_LN2_LOW: Final = 1.90821492927058770002e-10
_LN2: Final = math.log(2.0)
_SHORT_FRACTION_BITS: Final = 23
_SHORT_BIAS: Final = 127
_SHORT_FRACTION: Final = 0x007F_FFFF
_SHORT_ONE_BITS: Final = 0x3F80_0000
_SHORT_ROOT_2: Final = np.float32(_ROOT_2)
_SHORT_LN2: Final = np.float32(_LN2)
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_THIRD, _FIFTH, _SEVENTH = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7)
_MOST: Final = 700.0


@inlined_kernel
def log1p_of(x: Any) -> Any:
    """Return the logarithm of 1 + x, of x from 0 to 1e300, to 1e-15 of itself."""
    full = 1.0 + x
    power, s = _parts(full)
    z = s * s
    high = 1 / 13 + z * (1 / 15 + z * (1 / 17 + z * (1 / 19 + z * (1 / 21))))
    series = 1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * high))))
    lost = choose(full < _WHOLE, (x - (full - 1.0)) / full, 0.0)
    return power * _LN2_HIGH + (2.0 * (s + s * z * series) + (power * _LN2_LOW + lost))


@inlined_kernel
def rough_log1p_of(x: Any) -> Any:
    """Return the logarithm of 1 + x in float32, of x from 0 to 1e37, to 3e-7 of itself, or to 1e-7."""
    bits = np.float32(_ONE + x).view(np.int32)
    power = np.float32(np.int32(bits >> _SHORT_FRACTION_BITS) - np.int32(_SHORT_BIAS))
    part = np.int32((bits & _SHORT_FRACTION) | _SHORT_ONE_BITS).view(np.float32)
    is_high = part > _SHORT_ROOT_2
    part = choose(is_high, _HALF * part, part)
    power = choose(is_high, power + _ONE, power)
    s = (part - _ONE) / (part + _ONE)
    z = s * s
    return power * _SHORT_LN2 + (s + s) * (_ONE + z * (_THIRD + z * (_FIFTH + z * _SEVENTH)))


@inlined_kernel
def _parts(full: Any) -> Any:
    """Return how many times ln 2 a logarithm has in it, and of what twice the artanh is the rest."""
    bits = np.float64(full).view(np.int64)
    power = np.int64((bits >> _FRACTION_BITS) | _WHOLE_BITS).view(np.float64) - (_WHOLE + _BIAS)
    part = np.int64((bits & _FRACTION) | _ONE_BITS).view(np.float64)
    is_high = part > _ROOT_2
    part = choose(is_high, 0.5 * part, part)
    # Of this, at most 0.172, the series of artanh is short.
    return choose(is_high, power + 1.0, power), (part - 1.0) / (part + 1.0)


@inlined_kernel
def exp_of(x: Any) -> Any:
    """Return e to the x, of x up to 700 and as if of -700 below that, to 1e-15 of itself."""
    x = choose(x > _MOST, _MOST, x)
    x = choose(x < -_MOST, -_MOST, x)
    power = math.floor(x * (1.0 / _LN2) + 0.5)
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    highest = 1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600 + r * (1 / 6227020800)))
    high = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * highest))
    small = r * (1.0 + r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * high))))))
    two_to = np.int64(np.float64(power + (_WHOLE + _BIAS)).view(np.int64) << _FRACTION_BITS).view(np.float64)
    return two_to + two_to * small
