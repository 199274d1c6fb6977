"""Reading a JSON document field by field, as others wrote it: what is of another type is as if not there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def text(found: Any, default: str = "") -> str:
    """Return a text; numbers are written out, anything else is the default."""
    if isinstance(found, str):
        return found
    if isinstance(found, bool) or not isinstance(found, int | float):
        return default
    return f"{found:g}" if isinstance(found, float) and math.isfinite(found) else str(found)


def number(found: Any) -> float | int | None:
    """Return a number, also one that is written as text; None for anything else."""
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return found
    if isinstance(found, float):
        return found if math.isfinite(found) else None
    if isinstance(found, str):
        try:
            read = float(found)
        except ValueError:
            return None
        if not math.isfinite(read):
            return None
        return int(read) if read.is_integer() else read
    return None


def whole(found: Any, default: int = 0) -> int:
    """Return a whole number, rounded down; the default for anything else."""
    read = number(found)
    return default if read is None or abs(read) > 1 << 53 else math.floor(read)


def flag(found: Any) -> bool:
    """Return whether something is said to be so."""
    return found is True or (isinstance(found, int) and found == 1)


def mapping(found: Any) -> Json:
    """Return an object; an empty one for anything else."""
    return found if isinstance(found, dict) else {}


def items(found: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return found if isinstance(found, list) else []


def mappings(found: Any) -> list[Json]:
    """Return the objects of a list."""
    return [one for one in items(found) if isinstance(one, dict)]


def texts(found: Any) -> list[str]:
    """Return the texts of a list, or a text alone as a list."""
    if isinstance(found, str):
        return [found] if found else []
    return [text(one) for one in items(found) if isinstance(one, str | int | float)]


def without_none(found: Mapping[str, Any]) -> Json:
    """Return what has a value."""
    return {name: value for name, value in found.items() if value is not None}


def dig(found: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path of names; None where there is nothing."""
    for name in path:
        found = mapping(found).get(name)
    return found
