"""What differs between two dashboards, by the names that people give to its parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from pharos.dashboards.reading import Json

_MOST: Final = 500
_NAMES: Final = ("title", "refId", "name", "id", "uid", "key")
_UNSAID: Final = frozenset({"id", "version", "iteration"})
"""What is no part of what a dashboard shows, at its top."""


class Difference(Struct, frozen=True):
    """What differs at one place."""

    path: str
    kind: str
    """`changed`, `added` or `removed`."""
    before: Any
    after: Any

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {"path": self.path, "kind": self.kind, "before": self.before, "after": self.after}


def canonical(document: Any, *, is_sorted: bool = True) -> str:
    """Return a JSON as text that is the same for the same content: keys in order, two spaces."""
    return json.dumps(document, indent=2, sort_keys=is_sorted, ensure_ascii=False)


def differences(before: Json, after: Json) -> list[Difference]:
    """Return what differs, the first 500 places; panels that moved in their list are the same."""
    found: list[Difference] = []
    mine = {name: value for name, value in before.items() if name not in _UNSAID}
    theirs = {name: value for name, value in after.items() if name not in _UNSAID}
    for one in _compare("", mine, theirs):
        found.append(one)
        if len(found) >= _MOST:
            break
    return found


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else name
            if name not in after:
                yield Difference(inner, "removed", before[name], None)
            elif name not in before:
                yield Difference(inner, "added", None, after[name])
            else:
                yield from _compare(inner, before[name], after[name])
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(path, before, after)
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield Difference(path, "changed", before, after)


def _compare_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    mine, theirs = _named(before), _named(after)
    if mine is None or theirs is None:
        if before != after:
            if len(before) == len(after) and all(isinstance(one, dict) for one in (*before, *after)):
                for place, (one, other) in enumerate(zip(before, after, strict=True)):
                    yield from _compare(f"{path}[{place}]", one, other)
            else:
                yield Difference(path, "changed", before, after)
        return
    for name in dict.fromkeys([*mine, *theirs]):
        inner = f"{path}[{name}]"
        if name not in theirs:
            yield Difference(inner, "removed", mine[name], None)
        elif name not in mine:
            yield Difference(inner, "added", None, theirs[name])
        else:
            yield from _compare(inner, mine[name], theirs[name])


def _named(found: list[Any]) -> dict[str, Any] | None:
    """Return the members of a list by what they are called; None where that tells them not apart."""
    for key in _NAMES:
        names = [one.get(key) if isinstance(one, dict) else None for one in found]
        if all(isinstance(name, str | int) and name != "" for name in names) and len(
            set(map(str, names))
        ) == len(names):
            return dict(zip(map(str, names), found, strict=True))
    return None
