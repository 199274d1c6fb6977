"""The value of a duration expression, once start, end and step of the query are known."""

from __future__ import annotations

import math

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.promql.language.ast import Duration, DurationExpr

_MAX_SECONDS = 2.0**63


class QueryTimes(Struct, frozen=True):
    """The times of a query in milliseconds; the step of an instant query is 0."""

    start_ms: int
    end_ms: int
    step_ms: int


def resolve(duration: Duration, times: QueryTimes, *, negative: bool) -> int:
    """Return a duration in milliseconds, cut towards zero (upstream promql/durations.go).

    Raises PharosError(INVALID) for a division by zero, for a value that is out of range, and unless
    `negative` for one that is not above zero.
    """
    if isinstance(duration, int):
        return duration
    seconds = _seconds(duration, times)
    if seconds <= 0 and not negative:
        raise _error(duration, "duration must be greater than 0")
    if not -_MAX_SECONDS / 1e9 <= seconds <= _MAX_SECONDS / 1e9:
        raise _error(duration, "duration is out of range")
    return int(seconds * 1000)


def whole_ms(duration: Duration) -> int:
    """Return a duration of a planned node, which is a number; raises PharosError(BUG) for an expression."""
    if isinstance(duration, int):
        return duration
    raise PharosError(Kind.BUG, f"duration expression {duration.op!r} where a planned node was expected")


def _error(node: DurationExpr, what: str) -> PharosError:
    message = f"{node.place.start}:{node.place.end}: {what}"
    return PharosError(Kind.INVALID, message, position=node.place.start)


def _seconds(node: DurationExpr, times: QueryTimes) -> float:
    match node.op:
        case "number":
            return node.seconds
        case "step":
            return times.step_ms / 1000
        case "range":
            return (times.end_ms - times.start_ms) / 1000
    args = [_seconds(arg, times) for arg in node.args]
    if len(args) == 1:
        return -args[0] if node.op == "neg" else args[0]
    left, right = args
    try:
        return _combine(node, left, right)
    except OverflowError:
        return math.inf


def _combine(node: DurationExpr, left: float, right: float) -> float:
    match node.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise _error(node, "division by zero")
            return left / right
        case "%":
            if right == 0:
                raise _error(node, "modulo by zero")
            return math.fmod(left, right) if math.isfinite(left) else math.nan
        case "^":
            return power(left, right)
        case "min_of":
            return min(left, right)
        case "max_of":
            return max(left, right)
        case _:
            raise PharosError(Kind.BUG, f"duration expression with an unknown operator {node.op!r}")


def power(left: float, right: float) -> float:
    """Return `left ^ right` by the rules of IEEE 754, without the exceptions Python raises."""
    try:
        return math.pow(left, right)
    except ValueError:
        return math.inf if left == 0 else math.nan
    except OverflowError:
        odd = right % 2 == 1
        return -math.inf if left < 0 and odd else math.inf
