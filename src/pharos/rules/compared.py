"""What a rule over events compares: the measure, and the limit that makes it fire."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from pharos.promql.grids.grid import Answer

Q = TypeVar("Q")


class Limit(Struct, frozen=True):
    """A number that a measure is compared with; the measure stands left of the operator."""

    operator: str
    """As its language writes it."""
    value: float


class Compared(Struct, Generic[Q], frozen=True):
    """An expression taken apart."""

    measure: Q
    limit: Limit | None
    """None for an expression that does not compare with a number: then the measure is all of it."""


class Measured(Struct, frozen=True):
    """What a rule measured, whether it made the rule fire or not."""

    answer: Answer
    limit: Limit | None
