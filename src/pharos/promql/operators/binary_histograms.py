"""Binary operators on cells where a side is a native histogram (promql/engine.go: vectorElemBinop)."""

from __future__ import annotations

from msgspec import Struct

from pharos.promql import annotations as words
from pharos.promql.annotations import Note
from pharos.promql.histograms.arithmetic import add, subtract
from pharos.promql.histograms.trim import trim
from pharos.promql.histograms.value import FloatHistogram, IncompatibleSchemaError, ResetHint


class Combined(Struct, frozen=True):
    """The outcome for one cell: its histogram if any, whether a filter keeps it, whether there is one."""

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
    if left is not None and right is not None:
        if op in {"+", "-"}:
            return _sum(op, left, right)
        if op in {"==", "!="}:
            return Combined(left, left.equals(right) == (op == "=="), True)
    elif left is not None:
        if op == "*":
            return Combined(left.copy().mul(right_value).compact(), True, True)
        if op == "/":
            return Combined(left.copy().div(right_value).compact(), True, True)
        if op in {"</", ">/"}:
            return Combined(trim(left.copy(), right_value, upper=op == "</"), True, True)
    elif right is not None and op == "*":
        return Combined(right.copy().mul(left_value).compact(), True, True)
    kinds = ("float" if left is None else "histogram", "float" if right is None else "histogram")
    return Combined(None, False, False, Note(words.incompatible_types(kinds[0], op, kinds[1]), False))


def _sum(op: str, left: FloatHistogram, right: FloatHistogram) -> Combined:
    result = left.copy()
    operation = "addition" if op == "+" else "subtraction"
    try:
        merged = (add if op == "+" else subtract)(result, right)
    except IncompatibleSchemaError:
        return Combined(None, False, False, Note(words.incompatible_layout(op), True))
    if op == "-":
        result.hint = ResetHint.GAUGE
    if merged.collision:
        return Combined(None, False, False, Note(words.reset_collision(operation), True))
    note = Note(words.reconciled_buckets(operation), False) if merged.reconciled else None
    return Combined(result.compact(), True, True, note)
