"""What a TraceQL query is made of."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct


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


class Literal(Struct, frozen=True):
    """A value that was written; a duration is in nanoseconds, status and kind are OpenTelemetry's numbers."""

    value: str | int | float | bool | None
    type: Type


class Attribute(Struct, frozen=True):
    """An attribute."""

    name: str
    scope: AttributeScope = AttributeScope.ANY

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.scope}.{self.name}"


class Intrinsic(Struct, frozen=True):
    """A field that every span has: see `INTRINSICS`."""

    name: str

    def __str__(self) -> str:
        """Return it as it is written."""
        return self.name


class Unary(Struct, frozen=True):
    """`-` or `!` before an expression."""

    op: str
    operand: Expression


class Binary(Struct, frozen=True):
    """Two expressions and what is between them."""

    op: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Attribute | Intrinsic | Unary | Binary


class Filter(Struct, frozen=True):
    """`{ ... }`: the spans that meet a condition; all of them without one."""

    condition: Expression | None = None


class Combined(Struct, frozen=True):
    """Two spansets: `&&`, `||`, or how spans of one stand to spans of the other (`>`, `>>`, `~`, ...)."""

    op: str
    left: Spanset
    right: Spanset


class Aggregate(Struct, frozen=True):
    """`count()`, `min(x)`, `max(x)`, `avg(x)`, `sum(x)` over the spans of a spanset."""

    name: str
    of: Expression | None = None


class Keep(Struct, frozen=True):
    """Spansets whose aggregate compares so."""

    aggregate: Aggregate
    op: str
    value: Literal


class GroupBy(Struct, frozen=True):
    """`by(...)`: a spanset for each value."""

    by: Expression


class Coalesce(Struct, frozen=True):
    """`coalesce()`: one spanset again."""


class Select(Struct, frozen=True):
    """`select(...)`: fields that are returned with the spans."""

    fields: tuple[Attribute | Intrinsic, ...]


Stage: TypeAlias = "Filter | Combined | Pipeline | Keep | GroupBy | Coalesce | Select"


class Pipeline(Struct, frozen=True):
    """Stages, each of which goes on with what the one before has left."""

    stages: tuple[Stage, ...]


Spanset: TypeAlias = Filter | Combined | Pipeline


class Measure(Struct, frozen=True):
    """What spans come to over a stretch of time: `rate()`, `quantile_over_time(duration, .9)`, their like."""

    name: str
    of: Attribute | Intrinsic | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[Attribute | Intrinsic, ...] = ()


class Limit(Struct, frozen=True):
    """The series whose value compares so; durations are seconds here."""

    op: str
    value: float


class Rank(Struct, frozen=True):
    """`topk(n)`, `bottomk(n)`: at each time the series with the highest, or the lowest values."""

    name: str
    count: int


class SpanMetric(Struct, frozen=True):
    """A query for metrics: spans that meet a condition, measured."""

    where: Expression | None
    """None stands for all spans."""
    measure: Measure
    then: tuple[Limit | Rank, ...] = ()
    window_ns: int = 0
    """Of `with(window=...)`: how much time each value is about; 0 where nothing is said."""
