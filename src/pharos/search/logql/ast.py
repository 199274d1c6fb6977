"""What a LogQL query consists of."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

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


class Matcher(Struct, frozen=True):
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


class Address(Struct, frozen=True):
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


class LineFilter(Struct, frozen=True):
    """Lines in which one of these is found; with a negative operator, none of them."""

    op: LineOp
    values: tuple[str | Address, ...]


class Extraction(Struct, frozen=True):
    """What a parser with expressions takes: a label, and the path or key of its value."""

    label: str
    expression: str


class JsonParser(Struct, frozen=True):
    """`json`, with expressions or without."""

    extractions: tuple[Extraction, ...] = ()


class LogfmtParser(Struct, frozen=True):
    """`logfmt`."""

    extractions: tuple[Extraction, ...] = ()
    strict: bool = False
    keep_empty: bool = False


class RegexpParser(Struct, frozen=True):
    """`regexp`."""

    pattern: str


class PatternParser(Struct, frozen=True):
    """`pattern`."""

    pattern: str


class UnpackParser(Struct, frozen=True):
    """`unpack`."""


class NumberFilter(Struct, frozen=True):
    """A label's value as a number, a duration (in ns) or a size (in bytes) compares so with another."""

    name: str
    op: str
    value: float
    unit: str
    """`number`, `duration` or `bytes`."""
    written: str


class AddressFilter(Struct, frozen=True):
    """A label's value is, or is not, one of these addresses."""

    name: str
    is_negative: bool
    address: Address


class BothFilters(Struct, frozen=True):
    """`left and right`."""

    left: LabelFilter
    right: LabelFilter


class EitherFilter(Struct, frozen=True):
    """`left or right`."""

    left: LabelFilter
    right: LabelFilter


LabelFilter: TypeAlias = Matcher | NumberFilter | AddressFilter | BothFilters | EitherFilter


class LineFormat(Struct, frozen=True):
    """`line_format`."""

    template: str


class LabelChange(Struct, frozen=True):
    """One part of `label_format`: the label is another's value, which goes, or what a template makes."""

    name: str
    value: str
    is_rename: bool


class LabelFormat(Struct, frozen=True):
    """`label_format`."""

    changes: tuple[LabelChange, ...]


class Selection(Struct, frozen=True):
    """`drop` or `keep`: labels by name, or only where the value matches too."""

    drops: bool
    labels: tuple[str | Matcher, ...]


class Decolorize(Struct, frozen=True):
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


class Logs(Struct, frozen=True):
    """A selector and what its lines go through."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


class Unwrap(Struct, frozen=True):
    """The label whose value is a line's sample, and how it is read."""

    label: str
    conversion: str = ""
    """`duration`, `duration_seconds`, `bytes` or nothing."""
    filters: tuple[LabelFilter, ...] = ()


class Grouping(Struct, frozen=True):
    """Labels by which series are put together; `without`: all but these."""

    names: tuple[str, ...]
    without: bool = False


class RangeAggregation(Struct, frozen=True):
    """A number for the lines of a window that ends at each step."""

    name: str
    logs: Logs
    range_ns: int
    offset_ns: int = 0
    unwrap: Unwrap | None = None
    parameter: float | None = None
    grouping: Grouping | None = None


class VectorAggregation(Struct, frozen=True):
    """`sum by (...)` and its like."""

    name: str
    inner: Metric
    grouping: Grouping | None = None
    parameter: int = 0


class LabelReplace(Struct, frozen=True):
    """`label_replace`."""

    inner: Metric
    target: str
    replacement: str
    source: str
    pattern: str


class Literal(Struct, frozen=True):
    """A number."""

    value: float


class ConstantVector(Struct, frozen=True):
    """`vector(1)`."""

    value: float


class Matching(Struct, frozen=True):
    """How series of both sides of an operator find each other."""

    names: tuple[str, ...] = ()
    on: bool = False
    group: str = ""
    """`left` or `right` where many match one, else empty."""
    include: tuple[str, ...] = ()
    is_written: bool = False


class Binary(Struct, frozen=True):
    """An operator between two metrics."""

    op: str
    left: Metric
    right: Metric
    matching: Matching = field(default_factory=Matching)
    returns_bool: bool = False


Metric: TypeAlias = RangeAggregation | VectorAggregation | LabelReplace | Literal | ConstantVector | Binary
Query: TypeAlias = Logs | Metric
