"""What differs between two traces, and between two sets of spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from pharos.query.events.waterfall import Row, Waterfall

Path: TypeAlias = tuple[tuple[str, str], ...]
"""Services and names from the trace's begin down to a span."""


class Side(Struct, frozen=True):
    """What one trace has at a path."""

    spans: int = 0
    errors: int = 0
    total_ns: int = 0
    own_ns: int = 0


class PathDifference(Struct, frozen=True):
    """A path, and what each of two traces has there."""

    path: Path
    left: Side
    right: Side

    @property
    def own_ns(self) -> int:
        """By how much the second took longer there by itself."""
        return self.right.own_ns - self.left.own_ns


_ERROR: Final = 2
_NOTHING: Final = Side()


class _Paths:
    """Numbers of paths, so that a deep trace takes no more than a broad one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str, str], int] = {}
        self._steps: list[tuple[int, str, str]] = []

    def number(self, above: int, service: str, name: str) -> int:
        """Return the number of the path one further than `above`, which is -1 for the beginning."""
        step = (above, service, name)
        if step not in self._numbers:
            self._numbers[step] = len(self._steps)
            self._steps.append(step)
        return self._numbers[step]

    def path(self, number: int) -> Path:
        """Return a path."""
        found: list[tuple[str, str]] = []
        while number >= 0:
            number, service, name = self._steps[number]
            found.append((service, name))
        return tuple(reversed(found))


def _sides(trace: Waterfall, paths: _Paths) -> dict[int, Side]:
    path_of: list[int] = []
    by_path: dict[int, list[Row]] = {}
    for row in trace.rows:
        above = path_of[row.parent] if row.parent >= 0 else -1
        path_of.append(paths.number(above, row.span.origin.service, row.span.name))
        by_path.setdefault(path_of[-1], []).append(row)
    return {
        number: Side(
            len(rows),
            sum(row.span.status == _ERROR for row in rows),
            sum(row.duration_ns for row in rows),
            sum(row.own_ns for row in rows),
        )
        for number, rows in by_path.items()
    }


def compare_traces(left: Waterfall, right: Waterfall, *, most: int = 500) -> list[PathDifference]:
    """Return paths of either trace; those at which most time is won or lost come first, `most` at most."""
    paths = _Paths()
    before, after = _sides(left, paths), _sides(right, paths)
    numbers = {**before, **after}

    def weight(number: int) -> tuple[int, int]:
        change = after.get(number, _NOTHING).own_ns - before.get(number, _NOTHING).own_ns
        return -abs(change), number

    return [
        PathDifference(paths.path(number), before.get(number, _NOTHING), after.get(number, _NOTHING))
        for number in sorted(numbers, key=weight)[:most]
    ]


Counts: TypeAlias = Mapping[str, Mapping[str, int]]
"""Of each attribute, how many spans have each value."""


class ValueShare(Struct, frozen=True):
    """How frequent a value is on both sides, from 0 to 1."""

    value: str
    selected: float
    rest: float
    selected_spans: int
    rest_spans: int


class AttributeDifference(Struct, frozen=True):
    """An attribute whose values are spread otherwise among the selected spans than among the rest."""

    key: str
    distance: float
    """The greatest difference that any set of its values makes, from 0 to 1 (total variation); spans without
    the attribute count as having a value of their own."""
    values: tuple[ValueShare, ...]
    """Those whose shares differ most, first."""


def compare_sets(
    selected: Counts, selected_spans: int, rest: Counts, rest_spans: int, *, most_values: int = 5
) -> list[AttributeDifference]:
    """Return the attributes by how much they differ; `..._spans` is how many spans there are on a side."""
    found = [
        _difference(key, selected.get(key, {}), selected_spans, rest.get(key, {}), rest_spans, most_values)
        for key in {**selected, **rest}
    ]
    return sorted((one for one in found if one.distance > 0), key=lambda one: (-one.distance, one.key))


def _difference(
    key: str,
    selected: Mapping[str, int],
    selected_spans: int,
    rest: Mapping[str, int],
    rest_spans: int,
    most_values: int,
) -> AttributeDifference:
    shares = [
        ValueShare(
            value,
            _share(selected.get(value, 0), selected_spans),
            _share(rest.get(value, 0), rest_spans),
            selected.get(value, 0),
            rest.get(value, 0),
        )
        for value in {**selected, **rest}
    ]
    absent = abs(_absent(shares, selected_spans) - _absent_rest(shares, rest_spans))
    distance = (sum(abs(one.selected - one.rest) for one in shares) + absent) / 2
    shares.sort(key=lambda one: (-abs(one.selected - one.rest), one.value))
    return AttributeDifference(key, round(distance, 9), tuple(shares[:most_values]))


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def _absent(shares: Sequence[ValueShare], total: int) -> float:
    return max(1.0 - sum(one.selected for one in shares), 0.0) if total else 0.0


def _absent_rest(shares: Sequence[ValueShare], total: int) -> float:
    return max(1.0 - sum(one.rest for one in shares), 0.0) if total else 0.0
