"""What a compiled function's code depends on, as one number: its content and that of everything it reaches.

Followed are the names that a function's code mentions: other functions of this package, constants, closures.
Where a line stands, comments and documentation do not count. Of other packages the names count alone, since
their versions are part of the key anyway.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable
from typing import Any, Final

import numpy as np

_PACKAGE: Final = __name__.partition(".")[0]
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class Fingerprints:
    """Fingerprints of functions, each found once a process.

    `unwrap` returns the function inside an object that is called like one, or None.
    """

    def __init__(self, unwrap: Callable[[Any], Any]) -> None:
        self._unwrap = unwrap
        self._known: dict[Any, str] = {}

    def of(self, function: Any, facts: Any) -> str:
        """Return the fingerprint of `function` together with `facts`, in hexadecimal digits."""
        return hashlib.sha256(f"{self._function(function)} {facts!r}".encode()).hexdigest()[:32]

    def _function(self, function: Any) -> str:
        known = self._known.get(function)
        if known is None:
            self._known[function] = "within itself"
            content = [self._code(function.__code__, function.__globals__, function.__doc__)]
            content += [self._value(cell.cell_contents) for cell in function.__closure__ or ()]
            content += [self._value(default) for default in function.__defaults__ or ()]
            known = self._known[function] = hashlib.sha256("\n".join(content).encode()).hexdigest()
        return known

    def _code(self, code: types.CodeType, names: dict[str, Any], documentation: str | None = None) -> str:
        # Documentation is the first constant; without it that is something else, or None.
        constants = code.co_consts[documentation is not None :]
        kept = [self._constant(constant, names) for constant in constants]
        reached = [f"{name}={self._value(names[name])}" for name in code.co_names if name in names]
        inside = (code.co_names, code.co_varnames, code.co_freevars)
        return repr((code.co_code.hex(), kept, inside, reached))

    def _constant(self, constant: Any, names: dict[str, Any]) -> str:
        if isinstance(constant, frozenset):
            return repr(sorted(map(repr, constant)))
        return self._code(constant, names) if isinstance(constant, types.CodeType) else repr(constant)

    def _value(self, value: Any) -> str:
        function = self._unwrap(value)
        if function is not None:
            return f"{value.targetoptions!r} {self._function(function)}"
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, np.generic | np.ndarray):
            return f"{value.dtype} {value.shape} {value.tobytes().hex()}"
        if isinstance(value, tuple | list):
            return f"{type(value).__name__} {[self._value(one) for one in value]}"
        # numba's intrinsics keep the function that generates them.
        inner = getattr(value, "_defn", value)
        if isinstance(inner, types.FunctionType) and inner.__module__.partition(".")[0] == _PACKAGE:
            return self._function(inner)
        return _name(inner)


def _name(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__} {getattr(value, '_fields', ())}"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)
