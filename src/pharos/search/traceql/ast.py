"""What a TraceQL query is made of."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias


class Type(StrEnum):
    """What a value is."""

    TEXT = "string"
    INTEGER = "int"
    FLOAT = "float"
    BOOL = "bool"
    NIL = "nil"
    DURATION = "duration"
    STATUS = "status"
    KIND = "kind"
    UNKNOWN = "attribute"
    """Of an attribute: each span's own."""


COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS: Final = frozenset({Type.INTEGER, Type.FLOAT, Type.DURATION})
STATUSES: Final = {"unset": 0, "ok": 1, "error": 2}
KINDS: Final = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


class AttributeScope(StrEnum):
    """Where an attribute is looked for."""

    ANY = ""
    """In the span, then in its resource."""
    SPAN = "span"
    RESOURCE = "resource"
    EVENT = "event"
    LINK = "link"
    INSTRUMENTATION = "instrumentation"


INTRINSICS: Final = {
    "duration": Type.DURATION,
    "name": Type.TEXT,
    "status": Type.STATUS,
    "statusMessage": Type.TEXT,
    "kind": Type.KIND,
    "childCount": Type.INTEGER,
    "span:id": Type.TEXT,
    "span:parentID": Type.TEXT,
    "trace:id": Type.TEXT,
    "traceDuration": Type.DURATION,
    "rootName": Type.TEXT,
    "rootServiceName": Type.TEXT,
    "event:name": Type.TEXT,
    "event:timeSinceStart": Type.DURATION,
    "link:traceID": Type.TEXT,
    "link:spanID": Type.TEXT,
    "instrumentation:name": Type.TEXT,
    "instrumentation:version": Type.TEXT,
    "nestedSetParent": Type.INTEGER,
    "nestedSetLeft": Type.INTEGER,
    "nestedSetRight": Type.INTEGER,
}
"""What every span has, by the name that is used here."""
OTHER_NAMES: Final = {
    "span:duration": "duration",
    "span:name": "name",
    "span:status": "status",
    "span:statusMessage": "statusMessage",
    "span:kind": "kind",
    "span:childCount": "childCount",
    "trace:duration": "traceDuration",
    "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that was written; a duration is in nanoseconds, status and kind are OpenTelemetry's numbers."""

    value: str | int | float | bool | None
    type: Type


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute."""

    name: str
    scope: AttributeScope = AttributeScope.ANY

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.scope}.{self.name}"


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A field that every span has: see `INTRINSICS`."""

    name: str

    def __str__(self) -> str:
        """Return it as it is written."""
        return self.name


@dataclass(frozen=True, slots=True)
class Unary:
    """`-` or `!` before an expression."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and what is between them."""

    op: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Attribute | Intrinsic | Unary | Binary


@dataclass(frozen=True, slots=True)
class Filter:
    """`{ ... }`: the spans that meet a condition; all of them without one."""

    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Combined:
    """Two spansets: `&&`, `||`, or how spans of one stand to spans of the other (`>`, `>>`, `~`, ...)."""

    op: str
    left: Spanset
    right: Spanset


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`count()`, `min(x)`, `max(x)`, `avg(x)`, `sum(x)` over the spans of a spanset."""

    name: str
    of: Expression | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Spansets whose aggregate compares so."""

    aggregate: Aggregate
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class GroupBy:
    """`by(...)`: a spanset for each value."""

    by: Expression


@dataclass(frozen=True, slots=True)
class Coalesce:
    """`coalesce()`: one spanset again."""


@dataclass(frozen=True, slots=True)
class Select:
    """`select(...)`: fields that are returned with the spans."""

    fields: tuple[Attribute | Intrinsic, ...]


Stage: TypeAlias = "Filter | Combined | Pipeline | Keep | GroupBy | Coalesce | Select"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages, each of which goes on with what the one before has left."""

    stages: tuple[Stage, ...]


Spanset: TypeAlias = Filter | Combined | Pipeline


@dataclass(frozen=True, slots=True)
class Measure:
    """What spans come to over a stretch of time: `rate()`, `quantile_over_time(duration, .9)`, their like."""

    name: str
    of: Attribute | Intrinsic | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[Attribute | Intrinsic, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """The series whose value compares so; durations are seconds here."""

    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Rank:
    """`topk(n)`, `bottomk(n)`: at each time the series with the highest, or the lowest values."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class SpanMetric:
    """A query for metrics: spans that meet a condition, measured."""

    where: Expression | None
    """None stands for all spans."""
    measure: Measure
    then: tuple[Limit | Rank, ...] = ()
    window_ns: int = 0
    """Of `with(window=...)`: how much time each value is about; 0 where nothing is said."""
