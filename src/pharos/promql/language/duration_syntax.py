"""Durations in brackets and after `offset`: literals, and arithmetic over them.

The two places differ as upstream's grammar does (`duration_expr`, `offset_duration_expr`): in brackets all
of it is the duration; after `offset` a duration without parentheses ends at the next operator, so that
`foo offset 5m + 2` adds 2 to samples.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from pharos.errors import PharosError
from pharos.gotext.durations import parse_duration
from pharos.gotext.numbers import parse_float, parse_int
from pharos.promql.language.ast import Duration, DurationExpr, Place
from pharos.promql.language.cursor import Cursor
from pharos.promql.language.lex import DURATION

EXPECTED: Final = "number, duration, step(), or range()"
_MAX_SECONDS: Final = 2**63 / 1e9
_MAX_NESTING: Final = 64
_FLOAT_ERROR_MS: Final = 1e-3
"""What is this near to a whole millisecond was one when it was written."""
_SUM, _PRODUCT, _POWER = 1, 2, 3
_PRECEDENCE: Final = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT, "^": _POWER}


class DurationParser:
    """Reads durations at a cursor; `expressions` says whether arithmetic is allowed."""

    def __init__(self, cursor: Cursor, *, expressions: bool) -> None:
        self.cursor = cursor
        self.expressions = expressions
        self._context = ("", "")
        self._depth = 0

    def in_brackets(self, context: str, expected: str) -> Duration:
        """Return the duration at the cursor, all of it; raises for a number that is not above zero."""
        self._context = (context, expected)
        node = self._expression(_SUM)
        if _is_number(node) and node.seconds <= 0:
            raise self.cursor.error(node.place.start, "duration must be greater than 0")
        return _collapsed(node)

    def after_offset(self) -> Duration:
        """Return the duration after `offset`, which may be negative."""
        self._context = ("offset", EXPECTED)
        cursor = self.cursor
        signs = ("+", "-")
        if cursor.kind == "(" or (cursor.kind in signs and cursor.following() in signs):
            return _collapsed(self._expression(_SUM))
        if cursor.kind not in signs:
            return _collapsed(self._primary())
        sign = cursor.advance()
        return _collapsed(self._signed(sign.kind, sign.start, self._primary()))

    def literal(self) -> tuple[float, bool]:
        """Return the seconds of the number or duration at the cursor, and whether it is a duration."""
        cursor = self.cursor
        token = cursor.advance()
        if token.kind == DURATION:
            try:
                return parse_duration(token.text) / 1000, True
            except PharosError as exc:
                raise cursor.error(token.start, exc.message) from None
        try:
            return _number(token.text), False
        except PharosError as exc:
            raise cursor.error(token.start, f"error parsing number: {exc.message}") from None

    def _expression(self, least: int) -> DurationExpr:
        """Return what is at the cursor, up to an operator that binds less than `least`."""
        cursor = self.cursor
        self._depth += 1
        if self._depth > _MAX_NESTING:
            message = f"duration is nested too deeply: more than {_MAX_NESTING} levels"
            raise cursor.error(cursor.token.start, message)
        if cursor.kind in ("+", "-"):
            sign = cursor.advance()
            left = self._signed(sign.kind, sign.start, self._expression(_POWER))
        else:
            left = self._primary()
        while True:
            rank = _PRECEDENCE.get(cursor.kind, 0)
            if rank < least or rank == 0:
                break
            operator = cursor.advance()
            right = self._expression(rank if rank == _POWER else rank + 1)
            self._allow(left)
            if operator.kind in "/%" and _is_number(right) and right.seconds == 0:
                name = "division" if operator.kind == "/" else "modulo"
                raise cursor.error(operator.start, f"{name} by zero")
            place = Place(left.place.start, right.place.end)
            left = DurationExpr(operator.kind, (left, right), place=place)
        self._depth -= 1
        return left

    def _signed(self, sign: str, start: int, node: DurationExpr) -> DurationExpr:
        place = Place(start, node.place.end)
        if _is_number(node):
            seconds = -node.seconds if sign == "-" else node.seconds
            return replace(node, seconds=seconds, place=place)
        return DurationExpr("neg", (node,), place=place) if sign == "-" else node

    def _primary(self) -> DurationExpr:
        cursor = self.cursor
        start = cursor.token.start
        match cursor.kind:
            case "NUMBER" | "DURATION":
                seconds, is_duration = self.literal()
                if abs(seconds) > _MAX_SECONDS or math.isnan(seconds):
                    raise cursor.error(start, "duration out of range")
                return DurationExpr(
                    "number", seconds=seconds, duration=is_duration, place=cursor.place_from(start)
                )
            case "step" | "range":
                op = cursor.advance().kind
                cursor.expect("(", *self._context)
                cursor.expect(")", *self._context)
                node = DurationExpr(op, place=cursor.place_from(start))
            case "min_of" | "max_of":
                op = cursor.advance().kind
                cursor.expect("(", *self._context)
                left = self._expression(_SUM)
                cursor.expect(",", *self._context)
                right = self._expression(_SUM)
                cursor.expect(")", *self._context)
                node = DurationExpr(op, (left, right), place=cursor.place_from(start))
            case "(":
                cursor.advance()
                inner = self._expression(_SUM)
                cursor.expect(")", *self._context)
                self._allow(inner)
                return replace(inner, wrapped=True)
            case _:
                raise cursor.unexpected(*self._context)
        self._allow(node)
        return node

    def _allow(self, node: DurationExpr) -> None:
        if not self.expressions:
            message = "experimental duration expression is not enabled"
            raise self.cursor.error(node.place.start, message)


def _number(text: str) -> float:
    """Return the value of a number token, read as an integer first: `010` is 8 (upstream parser.number)."""
    try:
        return float(parse_int(text))
    except PharosError:
        return parse_float(text)


def _is_number(node: DurationExpr) -> bool:
    return node.op == "number" and not node.wrapped


def _collapsed(node: DurationExpr) -> Duration:
    """Return a bare number as milliseconds, cut towards zero, else the expression."""
    if not _is_number(node):
        return node
    ms = node.seconds * 1000
    nearest = round(ms)
    return nearest if abs(ms - nearest) < _FLOAT_ERROR_MS else int(ms)
