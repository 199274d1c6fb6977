"""What a rule over events compares: the measure, and the limit that makes it fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pharos.promql.grids.grid import Answer

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a measure is compared with; the measure stands left of the operator."""

    operator: str
    """As its language writes it."""
    value: float


@dataclass(frozen=True, slots=True)
class Compared(Generic[Q]):
    """An expression taken apart."""

    measure: Q
    limit: Limit | None
    """None for an expression that does not compare with a number: then the measure is all of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule measured, whether it made the rule fire or not."""

    answer: Answer
    limit: Limit | None
