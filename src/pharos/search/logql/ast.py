"""What a LogQL query consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from pharos.search.logql.regexes import compile_pattern, plain


class MatchOp(StrEnum):
    """How a label's value is compared with a text."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"

    @property
    def is_negative(self) -> bool:
        """Whether it asks for what does not match."""
        return self in {MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX}


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on a label's value as a whole; a label that is not there has the empty value."""

    name: str
    op: MatchOp
    value: str

    def matches(self, value: str) -> bool:
        """Return whether a value meets it."""
        if self.op is MatchOp.EQUAL:
            return value == self.value
        if self.op is MatchOp.NOT_EQUAL:
            return value != self.value
        found = compile_pattern(self.value).fullmatch(plain(value)) is not None
        return found is (self.op is MatchOp.REGEX)


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address, a range of them or a network, as `ip("10.0.0.0/8")` has it."""

    text: str


class LineOp(StrEnum):
    """How a line is compared."""

    CONTAINS = "|="
    CONTAINS_NOT = "!="
    MATCHES = "|~"
    MATCHES_NOT = "!~"
    PATTERN = "|>"
    PATTERN_NOT = "!>"

    @property
    def is_negative(self) -> bool:
        """Whether it asks for lines that do not match."""
        return self.value[0] == "!"


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines in which one of these is found; with a negative operator, none of them."""

    op: LineOp
    values: tuple[str | Address, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a parser with expressions takes: a label, and the path or key of its value."""

    label: str
    expression: str


@dataclass(frozen=True, slots=True)
class JsonParser:
    """`json`, with expressions or without."""

    extractions: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class LogfmtParser:
    """`logfmt`."""

    extractions: tuple[Extraction, ...] = ()
    strict: bool = False
    keep_empty: bool = False


@dataclass(frozen=True, slots=True)
class RegexpParser:
    """`regexp`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class PatternParser:
    """`pattern`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class UnpackParser:
    """`unpack`."""


@dataclass(frozen=True, slots=True)
class NumberFilter:
    """A label's value as a number, a duration (in ns) or a size (in bytes) compares so with another."""

    name: str
    op: str
    value: float
    unit: str
    """`number`, `duration` or `bytes`."""
    written: str


@dataclass(frozen=True, slots=True)
class AddressFilter:
    """A label's value is, or is not, one of these addresses."""

    name: str
    is_negative: bool
    address: Address


@dataclass(frozen=True, slots=True)
class BothFilters:
    """`left and right`."""

    left: LabelFilter
    right: LabelFilter


@dataclass(frozen=True, slots=True)
class EitherFilter:
    """`left or right`."""

    left: LabelFilter
    right: LabelFilter


LabelFilter: TypeAlias = Matcher | NumberFilter | AddressFilter | BothFilters | EitherFilter


@dataclass(frozen=True, slots=True)
class LineFormat:
    """`line_format`."""

    template: str


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One part of `label_format`: the label is another's value, which goes, or what a template makes."""

    name: str
    value: str
    is_rename: bool


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """`label_format`."""

    changes: tuple[LabelChange, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """`drop` or `keep`: labels by name, or only where the value matches too."""

    drops: bool
    labels: tuple[str | Matcher, ...]


@dataclass(frozen=True, slots=True)
class Decolorize:
    """`decolorize`."""


Stage: TypeAlias = (
    LineFilter
    | JsonParser
    | LogfmtParser
    | RegexpParser
    | PatternParser
    | UnpackParser
    | Matcher
    | NumberFilter
    | AddressFilter
    | BothFilters
    | EitherFilter
    | LineFormat
    | LabelFormat
    | Selection
    | Decolorize
)


@dataclass(frozen=True, slots=True)
class Logs:
    """A selector and what its lines go through."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Unwrap:
    """The label whose value is a line's sample, and how it is read."""

    label: str
    conversion: str = ""
    """`duration`, `duration_seconds`, `bytes` or nothing."""
    filters: tuple[LabelFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouping:
    """Labels by which series are put together; `without`: all but these."""

    names: tuple[str, ...]
    without: bool = False


@dataclass(frozen=True, slots=True)
class RangeAggregation:
    """A number for the lines of a window that ends at each step."""

    name: str
    logs: Logs
    range_ns: int
    offset_ns: int = 0
    unwrap: Unwrap | None = None
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class VectorAggregation:
    """`sum by (...)` and its like."""

    name: str
    inner: Metric
    grouping: Grouping | None = None
    parameter: int = 0


@dataclass(frozen=True, slots=True)
class LabelReplace:
    """`label_replace`."""

    inner: Metric
    target: str
    replacement: str
    source: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class ConstantVector:
    """`vector(1)`."""

    value: float


@dataclass(frozen=True, slots=True)
class Matching:
    """How series of both sides of an operator find each other."""

    names: tuple[str, ...] = ()
    on: bool = False
    group: str = ""
    """`left` or `right` where many match one, else empty."""
    include: tuple[str, ...] = ()
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two metrics."""

    op: str
    left: Metric
    right: Metric
    matching: Matching = field(default_factory=Matching)
    returns_bool: bool = False


Metric: TypeAlias = RangeAggregation | VectorAggregation | LabelReplace | Literal | ConstantVector | Binary
Query: TypeAlias = Logs | Metric
