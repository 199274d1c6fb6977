"""The nodes of PromQL: immutable, with positions, as the parser leaves them.

Durations and offsets that are written as expressions (`[5m * 2]`, `offset step()`) are kept as
`DurationExpr` and become milliseconds in `plan`, once start, end and step of the query are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from pharos.labels import Matcher


class ValueType(StrEnum):
    """The four types of a PromQL expression."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "instant vector"
    MATRIX = "range vector"


class Place(Struct, frozen=True):
    """Where a node stands in the text: zero-based character offsets, the end excluded."""

    start: int
    end: int


NOWHERE = Place(0, 0)


@dataclass(frozen=True, slots=True)
class DurationExpr:
    """An arithmetic expression over durations: operator and operands, or a leaf.

    `op` is one of `+ - * / % ^`, `neg`, `min_of`, `max_of`, `step`, `range`, `number`;
    `seconds` holds the value of a leaf of kind `number`, `duration` says that it was written as one (`5m`
    is 300); `wrapped` says that the expression stood in parentheses.
    """

    op: str
    args: tuple[DurationExpr, ...] = ()
    seconds: float = 0.0
    wrapped: bool = False
    duration: bool = False
    place: Place = field(default=NOWHERE, compare=False)


Duration: TypeAlias = "int | DurationExpr"
"""Milliseconds, or the expression that will give them."""


class Anchor(StrEnum):
    """What `@` names: a time of its own, or an end of the query's range."""

    TIME = "time"
    START = "start"
    END = "end"


class At(Struct, frozen=True):
    """The `@` modifier; `ms` is meant only for `Anchor.TIME`."""

    anchor: Anchor
    ms: int = 0


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A float; `duration` when it was written as one (`5m` is 300)."""

    value: float
    duration: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A string, unquoted."""

    value: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """`name{matchers} offset 5m @ 1`; the name is among the matchers too, as an equality of `__name__`."""

    name: str
    matchers: tuple[Matcher, ...]
    offset: Duration = 0
    at: At | None = None
    anchored: bool = False
    smoothed: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """`selector[range]`; offset, `@`, anchored and smoothed stand in the inner selector."""

    selector: VectorSelector
    range: Duration
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Subquery:
    """`expr[range:step] offset 5m @ 1`; without a step the server's default interval counts."""

    expr: Expr
    range: Duration
    step: Duration | None = None
    offset: Duration = 0
    at: At | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function by name, with its arguments in order."""

    func: str
    args: tuple[Expr, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`op(param, expr) by|without (grouping)`."""

    op: str
    expr: Expr
    param: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False
    place: Place = field(default=NOWHERE, compare=False)


class Cardinality(StrEnum):
    """How many series of each side may match one another."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


class Matching(Struct, frozen=True):
    """`on|ignoring (labels) group_left|group_right (include) fill...(n)`."""

    card: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None

    @property
    def fills(self) -> bool:
        """Return whether a value is given for series without a partner."""
        return self.fill_left is not None or self.fill_right is not None


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; `matching` is None unless both are instant vectors."""

    op: str
    left: Expr
    right: Expr
    bool_modifier: bool = False
    matching: Matching | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`+expr` or `-expr`."""

    op: str
    expr: Expr
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression in parentheses, kept so that printing gives the text back."""

    expr: Expr
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class StepInvariant:
    """An expression with the same answer at every step; only `plan` makes it, never the parser.

    It is evaluated once, at the first step, and its answer stands for all of them.
    """

    expr: Expr
    place: Place = field(default=NOWHERE, compare=False)


Expr: TypeAlias = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | Subquery
    | Call
    | Aggregate
    | Binary
    | Unary
    | Paren
    | StepInvariant
)
