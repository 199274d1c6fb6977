"""What lines and spans must meet: the tree into which every search language is read.

A condition on a field that a row does not have is not met; its negation is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct


class Place(StrEnum):
    """Where a field of this name is looked for."""

    ANY = "any"
    """In the record's own attributes, its resource and its scope, in this order."""
    RECORD = "record"
    RESOURCE = "resource"
    SCOPE = "scope"
    EVENT = "event"
    """In a span's events."""
    LINK = "link"
    OWN = "own"
    """Columns that every record has: see `OWN_LOG_FIELDS`, `OWN_SPAN_FIELDS`."""


OWN_LOG_FIELDS: Final = (
    "service",
    "level",
    "severity",
    "severity_text",
    "event_name",
    "trace_id",
    "span_id",
    "body",
)
OWN_SPAN_FIELDS: Final = (
    "service",
    "name",
    "kind",
    "status",
    "status_message",
    "duration",
    "trace_id",
    "span_id",
    "parent_id",
    "trace_state",
)


class Op(StrEnum):
    """How a field's value compares with what was written."""

    EQUAL = "="
    CONTAINS = "contains"
    """Holds the text somewhere in it."""
    REGEX = "=~"
    """Matches a pattern of RE2 as a whole; the dot takes no line break."""
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


class All(Struct, frozen=True):
    """Every row."""


class And(Struct, frozen=True):
    """What all parts ask for; of none, nothing."""

    parts: tuple[Tree, ...]


class Or(Struct, frozen=True):
    """What any part asks for; there is at least one."""

    parts: tuple[Tree, ...]


class Not(Struct, frozen=True):
    """What the part does not ask for."""

    part: Tree


class Contains(Struct, frozen=True):
    """The body holds this text, to the letter; with `ignores_case` in whatever case."""

    text: str
    ignores_case: bool = False


class Words(Struct, frozen=True):
    """The body holds these words one after the other, as whole words, in whatever case.

    Letters are those of ASCII, and all that is not ASCII. A word of letters ends where letters end, before a
    digit too; one with digits ends where letters and digits end.
    """

    text: str


class Matches(Struct, frozen=True):
    """The body matches this pattern of RE2 somewhere."""

    pattern: str


class Field(Struct, frozen=True):
    """A field's value compares so with a text; a number where the operator is one of order.

    `number` is what the text says in the field's unit, for operators of order: nanoseconds of a duration,
    bytes of a size, else the number itself.
    """

    name: str
    op: Op
    value: str
    place: Place = Place.ANY
    number: float | None = None


class Has(Struct, frozen=True):
    """The row has this field, with a value that is not empty."""

    name: str
    place: Place = Place.ANY


class Origins(Struct, frozen=True):
    """The row is of one of these origins, by the hashes that the store gave them."""

    ids: tuple[int, ...]


Tree: TypeAlias = All | And | Or | Not | Contains | Words | Matches | Field | Has | Origins
