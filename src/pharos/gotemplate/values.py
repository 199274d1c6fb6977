"""What a template computes with: plain data that knows what Go would call its type.

A template reaches what is listed here and nothing else: no attribute of a Python object is looked up by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from msgspec import Struct

from pharos.errors import Kind, PharosError

ANYTHING: Final = "interface {}"
_HALF_PAIRS: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_NOTHING: Final[Mapping[str, Function]] = MappingProxyType({})


class Compound:
    """A value that is more than a number or a text, with the methods that templates may call on it."""

    __slots__ = ()
    type_name: str
    methods: ClassVar[Mapping[str, Function]] = _NOTHING


Value: TypeAlias = bool | int | float | str | Compound | None
"""`None` is Go's nil, an int is of 64 bits, and a text holds bytes that are no UTF-8 as lone surrogates."""


class Items(Compound):
    """A slice."""

    __slots__ = ("items", "of")

    def __init__(self, items: tuple[Value, ...] = (), of: str = ANYTHING) -> None:
        self.items = items
        self.of = of

    @property
    def type_name(self) -> str:  # type: ignore[override]  # of most it is a constant
        """What Go calls its type."""
        return f"[]{self.of}"


class Table(Compound):
    """A map with texts as keys."""

    __slots__ = ("entries", "is_nil", "of")

    def __init__(self, entries: Mapping[str, Value], of: str = ANYTHING, *, is_nil: bool = False) -> None:
        self.entries = entries
        self.of = of
        self.is_nil = is_nil

    @property
    def type_name(self) -> str:  # type: ignore[override]  # of most it is a constant
        """What Go calls its type."""
        return f"map[string]{self.of}"

    def zero(self) -> Value:
        """Return what stands for an entry that is not there."""
        return "" if self.of == "string" else None

    def pairs(self) -> list[tuple[str, Value]]:
        """Return its entries sorted by name, as Go goes through a map."""
        return sorted(self.entries.items(), key=lambda pair: pair[0])


class Record(Compound):
    """A struct: fields in their order."""

    __slots__ = ("fields", "type_name")
    json_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What JSON calls fields that it calls otherwise; what is empty there JSON leaves out."""

    def __init__(self, type_name: str, fields: Mapping[str, Value]) -> None:
        self.type_name = type_name
        self.fields = fields


class Named(int):
    """An integer with a type and a text of its own: a weekday, a month."""

    type_name: ClassVar[str] = "int"
    methods: ClassVar[Mapping[str, Function]] = _NOTHING

    def shown(self) -> str:
        """Return its text."""
        return str(int(self))


class Marked(str):
    """A text that is safe to stand somewhere in HTML as it is; which place that is, its class says."""

    __slots__ = ()
    type_name: ClassVar[str] = "string"


class SafeHtml(Marked):
    """HTML."""

    __slots__ = ()
    type_name = "template.HTML"


class SafeUrl(Marked):
    """An address, or a part of one."""

    __slots__ = ()
    type_name = "template.URL"


class Kindred(Struct, frozen=True):
    """What a parameter of a function takes."""

    type_name: str
    classes: tuple[type, ...]
    """Of values; empty for all."""
    constant: str = ""
    """Which constants may stand for it: `whole`, `real`, `text`, `truth`."""
    is_nilable: bool = False
    of: str = ""
    """What a slice or a map has to hold; empty for anything."""

    def takes(self, value: Value) -> bool:
        """Return whether a value is of this type."""
        if not self.classes:
            return True
        if value is None:
            return self.is_nilable
        if type(value) not in self.classes and not (
            isinstance(value, Compound) and isinstance(value, self.classes)
        ):
            return False
        return not self.of or getattr(value, "of", self.of) == self.of


ANY: Final = Kindred(ANYTHING, (), is_nilable=True)
TEXT: Final = Kindred("string", (str,), "text")
REAL: Final = Kindred("float64", (float,), "real")
WHOLE: Final = Kindred("int", (int,), "whole")
TRUTH: Final = Kindred("bool", (bool,), "truth")
TEXTS: Final = Kindred("[]string", (Items,), is_nilable=True, of="string")
LIST: Final = Kindred("[]interface {}", (Items,), is_nilable=True, of=ANYTHING)


class Function(Struct, frozen=True):
    """What a template may call: with values of these types, and any number of `rest` behind them."""

    call: Callable[..., Value]
    """Raises PharosError(INVALID)."""
    takes: tuple[Kindred, ...] = ()
    rest: Kindred | None = None
    spends: bool = False
    """Whether it is given the budget first, because what it makes can be larger than what it gets."""


class Budget:
    """How much a template may do yet: steps, and characters that it makes."""

    __slots__ = ("_limits", "characters", "steps")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.steps = limits.steps
        self.characters = limits.characters

    def step(self, count: int = 1) -> None:
        """Count steps. Raises PharosError(LIMITED)."""
        self.steps -= count
        if self.steps < 0:
            raise PharosError(Kind.LIMITED, f"the template takes more than {self._limits.steps} steps")

    def make(self, count: int) -> None:
        """Count characters, before they are made where they may be many. Raises PharosError(LIMITED)."""
        self.characters -= count
        if self.characters < 0:
            raise PharosError(
                Kind.LIMITED, f"the template makes more than {self._limits.characters} characters"
            )


class Limits(Struct, frozen=True):
    """What one use of a template may cost at most."""

    steps: int = 500_000
    """Nodes that are evaluated, and items that are gone through."""
    characters: int = 8 * 1024 * 1024
    """Of all texts that are made on the way, what comes out included."""
    depth: int = 60
    """How deep templates may use one another."""


def type_name(value: Value) -> str:
    """Return what Go calls the type of `value`."""
    if value is None:
        return "<nil>"
    return _NAMES.get(type(value)) or value.type_name  # type: ignore[union-attr]  # all others have it


_NAMES: Final[dict[type, str]] = {bool: "bool", int: "int", float: "float64", str: "string"}


def is_true(value: Value) -> bool:
    """Return whether `if` takes `value` for true: whether it is not the zero of its type."""
    if isinstance(value, Items):
        return bool(value.items)
    if isinstance(value, Table):
        return bool(value.entries)
    if isinstance(value, Compound):
        return True
    return bool(value)


def length(value: Value) -> int | None:
    """Return how long a text (in bytes), a list or a map is; None for others."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(encoded(value))
    if isinstance(value, Items):
        return len(value.items)
    if isinstance(value, Table):
        return len(value.entries)
    return None


def encoded(text: str) -> bytes:
    """Return the bytes of a text as Go has them; half a pair of surrogates, which is none, is U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _HALF_PAIRS.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def decoded(raw: bytes) -> str:
    """Return the text of bytes."""
    return raw.decode("utf-8", "surrogateescape")
