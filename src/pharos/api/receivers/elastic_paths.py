"""What of an answer a client of Elasticsearch wants: `filter_path` (its reference, Response Filtering)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias

from pharos.errors import Kind, PharosError

_Path: TypeAlias = tuple[str, ...]
_PATHS_MOST: Final = 64
_STEPS_MOST: Final = 16
_ANY_DEPTH: Final = "**"
_EMPTY: Final[tuple[Any, ...]] = ({}, [])


class WantedPaths:
    """Paths of an answer: `errors,items.*.error` keeps these alone, `-took` leaves one out.

    `*` stands for any name or a part of one, `**` for any depth; lists are gone through. What is left empty
    is left out.
    """

    def __init__(self, text: str) -> None:
        """Raises PharosError(INVALID) for more than anybody needs."""
        paths = [one.strip() for one in text.split(",") if one.strip()]
        self._kept = [tuple(one.split(".")) for one in paths if not one.startswith("-")]
        self._dropped = [tuple(one[1:].split(".")) for one in paths if one.startswith("-")]
        if len(paths) > _PATHS_MOST or any(len(one) > _STEPS_MOST for one in self._kept + self._dropped):
            raise PharosError(
                Kind.INVALID, f"filter_path has more than {_PATHS_MOST} paths, or one of {_STEPS_MOST} names"
            )

    def of(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return what is wanted of an answer."""
        found = content
        if self._dropped:
            found = _without(found, self._dropped)
        return _with(found, self._kept) if self._kept else found


def _left(paths: list[_Path], name: str) -> list[_Path]:
    """Return what is left of the paths that go through a name; an empty one ends there."""
    found: list[_Path] = []
    for path in paths:
        if path[0] == _ANY_DEPTH:
            found.append(path)
            if len(path) > 1:
                found += _left([path[1:]], name)
            else:
                found.append(())
        elif fnmatchcase(name, path[0].replace("[", "[[]")):
            found.append(path[1:])
    return found


def _with(value: Any, paths: list[_Path]) -> Any:
    if isinstance(value, list):
        return [kept for one in value if (kept := _with(one, paths)) not in _EMPTY]
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, inner in value.items():
        left = _left(paths, name)
        if () in left:
            found[name] = inner
        elif left and (kept := _with(inner, left)) not in _EMPTY:
            found[name] = kept
    return found


def _without(value: Any, paths: list[_Path]) -> Any:
    if isinstance(value, list):
        return [kept for one in value if (kept := _without(one, paths)) not in _EMPTY]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, inner in value.items():
        left = _left(paths, name)
        if () in left:
            continue
        kept = _without(inner, left) if left else inner
        if kept not in _EMPTY or inner in _EMPTY:
            found[name] = kept
    return found
