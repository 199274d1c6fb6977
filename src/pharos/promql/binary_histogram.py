"""Binary operators on cells where at least one side is a native histogram (promql/engine.go vectorElemBinop)."""

from __future__ import annotations

from dataclasses import dataclass

from pharos.promql import annotations as words
from pharos.promql.annotations import Note
from pharos.promql.histogram import FloatHistogram


@dataclass(frozen=True, slots=True)
class Combined:
    """The outcome for one cell: a histogram or none, whether a filter keeps it, whether there is one at all."""

    cell: FloatHistogram | None
    keep: bool
    valid: bool
    note: Note | None = None


def combine(
    op: str,
    left: FloatHistogram | None,
    right: FloatHistogram | None,
    left_value: float,
    right_value: float,
) -> Combined:
    """Return `left op right`; where a side is no histogram, its float counts."""
    kinds = ("float" if left is None else "histogram", "float" if right is None else "histogram")
    refused = Combined(None, False, False, Note(words.incompatible_types(kinds[0], op, kinds[1]), False))
    return refused
