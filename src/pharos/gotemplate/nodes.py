"""What a template is made of: its tree. A node prints itself as error messages quote it.

`at` is where the node begins in the text, in characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct, field

from pharos.gotext.quoting import quote


class Dot(Struct):
    """`.`"""

    at: int

    def __str__(self) -> str:
        return "."


class Nil(Struct):
    """`nil`"""

    at: int

    def __str__(self) -> str:
        return "nil"


class Bool(Struct):
    """`true` or `false`."""

    at: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


class Number(Struct):
    """A number, as it is written and as an integer and a float, where it can be one."""

    at: int
    text: str
    whole: int | None
    real: float | None
    is_real: bool
    """Whether it is a float where nothing says what is wanted."""

    def __str__(self) -> str:
        return self.text


class String(Struct):
    """A text in quotes."""

    at: int
    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


class Field(Struct):
    """`.a.b`"""

    at: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


class Variable(Struct):
    """`$x`, or `$x.a.b`."""

    at: int
    name: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


class Name(Struct):
    """The name of a function."""

    at: int
    name: str

    def __str__(self) -> str:
        return self.name


class Chain(Struct):
    """Fields of something that is computed: `(pipe).a.b`, or `function.a`."""

    at: int
    of: Node
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.of})" if isinstance(self.of, Pipe) else str(self.of)
        return inner + "".join(f".{name}" for name in self.names)


class Command(Struct):
    """Words separated by spaces: a value, or a function with its arguments."""

    at: int
    words: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, Pipe) else str(word) for word in self.words)


class Pipe(Struct):
    """Commands, each of which gets what the one before returned; and variables that keep what comes out."""

    at: int
    commands: list[Command] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    is_assignment: bool = False

    def __str__(self) -> str:
        body = " | ".join(map(str, self.commands))
        if not self.variables:
            return body
        return f"{', '.join(map(str, self.variables))} {'=' if self.is_assignment else ':='} {body}"


class Text(Struct):
    """What stands between actions."""

    at: int
    text: str

    def __str__(self) -> str:
        return self.text


class Action(Struct):
    """`{{ pipe }}`"""

    at: int
    pipe: Pipe
    escapers: tuple[str, ...] = ()
    """What is done to what comes out, by names of `html/escapers.py`."""

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


class Block(Struct):
    """`if`, `with` or `range`, told apart by `word`."""

    at: int
    word: str
    pipe: Pipe
    body: list[Node]
    otherwise: list[Node] | None = None

    def __str__(self) -> str:
        tail = "" if self.otherwise is None else "{{else}}" + "".join(map(str, self.otherwise))
        return f"{{{{{self.word} {self.pipe}}}}}{''.join(map(str, self.body))}{tail}{{{{end}}}}"


class Include(Struct):
    """`{{ template "name" pipe }}`"""

    at: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        return f"{{{{template {quote(self.name)}{'' if self.pipe is None else f' {self.pipe}'}}}}}"


class Leave(Struct):
    """`break` or `continue`."""

    at: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


Node: TypeAlias = (
    Dot
    | Nil
    | Bool
    | Number
    | String
    | Field
    | Variable
    | Name
    | Chain
    | Command
    | Pipe
    | Text
    | Action
    | Block
    | Include
    | Leave
)


def used_by(body: list[Node]) -> Iterator[str]:
    """Yield the names of the templates that stand in a body."""
    for node in body:
        if isinstance(node, Include):
            yield node.name
        elif isinstance(node, Block):
            yield from used_by(node.body)
            yield from used_by(node.otherwise or [])


class Tree(Struct):
    """One template: its name, what it consists of, and the text it was read from."""

    name: str
    source: str
    """The name of the whole text, which error messages give."""
    text: str
    body: list[Node] = field(default_factory=list)

    def is_empty(self) -> bool:
        """Return whether nothing but space stands in it."""
        return all(isinstance(node, Text) and not node.text.strip() for node in self.body)

    def place(self, at: int) -> str:
        """Return `name:line:column` of a character; lines count from 1, columns are bytes from 0."""
        before = self.text[:at]
        column = len(before[before.rfind("\n") + 1 :].encode("utf-8", "surrogatepass"))
        return f"{self.source}:{before.count(chr(10)) + 1}:{column}"
