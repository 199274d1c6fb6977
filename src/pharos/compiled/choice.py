"""A choice between two numbers that are both there, which is no branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from numba import types
from numba.extending import intrinsic

_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic

_KINDS: Final = (types.Float, types.Integer)


@_intrinsic
def choose(_typing: Any, is_one: Any, one: Any, other: Any) -> Any:
    """Return `one` if the condition is true, else `other`: numbers of one type, both of them computed.

    Python's own form is a branch, into which the compiler moves what leads to a number. This is none, so that
    a loop of which it is a part can become vector code.
    """
    if not isinstance(is_one, types.Boolean) or one != other or not isinstance(one, _KINDS):
        return None

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return one(is_one, one, other), generate
