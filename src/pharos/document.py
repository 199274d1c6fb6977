"""YAML with line numbers, read defensively: the typed fields of a document, every error at its file and
line.

libyaml's events are kept as nodes and read field by field, because Prometheus' own reading depends on the
field and not on the scalar (`password: 123` is text, `sample_limit: 0x10` a number). Size, depth and the
number of nodes are bounded, those met while reading too (an alias is read where it stands, so a bomb of
aliases meets the bound); duplicate keys and unknown fields are refused; tags that would build objects are
never obeyed.

A reader that goes on after a fault notes it with its `Source`; all are told at the end, sorted by line.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import yaml
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.named_file import MOST_BYTES
from pharos.secret import Secret

MOST_NODES: Final = 1_000_000
FAULTS_MAX: Final = 100
"""Of one file, beyond which nobody reads on."""
_MOST_DEPTH: Final = 100
_PREFIX: Final = "tag:yaml.org,2002:"
_PLAIN_TAGS: Final = frozenset(
    _PREFIX + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_NULL: Final = _PREFIX + "null"
_MERGE: Final = _PREFIX + "merge"
HIDDEN: Final = "<secret>"
"""What is shown in place of a secret."""
HIDDEN_URL: Final = f"http://{HIDDEN}"
"""The same where readers of what is shown want an address."""
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE: Final = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]{1,64}|0b[01_]{1,64}|0[0-7_]{0,64}|[1-9][0-9_]{0,64})")
_OCTAL: Final = re.compile(r"[-+]?0[0-7]+")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]{1,64}|[0-9]{1,64}(?:\.[0-9]{0,64})?)(?:[eE][-+]?[0-9]{1,4})?")
_TRUE: Final = frozenset({"true", "yes", "on", "y"})
_FALSE: Final = frozenset({"false", "no", "off", "n"})
_BYTES = re.compile(r"(\d{1,19}(?:\.\d{1,19})?)(B|K|KB|KiB|M|MB|MiB|G|GB|GiB|T|TB|TiB|P|PB|PiB|E|EB|EiB)")
_POWERS: Final = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}

_Item = TypeVar("_Item")


class Scalar(Struct):
    """A text; `tag` is the written one, or what a plain text is."""

    line: int
    text: str
    tag: str
    is_quoted: bool


class Sequence(Struct):
    """A list."""

    line: int
    items: list[Node]
    is_whole: bool = False


class Mapping(Struct):
    """Keys and values, in the order of the document; a key that is there twice is here twice."""

    line: int
    nodes: list[Node]
    """Each key is followed by its value."""
    is_whole: bool = False


Node = Scalar | Sequence | Mapping


class FaultsError(PharosError):
    """Everything that is wrong with a document, one a line."""

    def __init__(self, faults: tuple[PharosError, ...]) -> None:
        super().__init__(faults[0].kind, "\n".join(map(str, faults)))
        self.faults = faults


class Source:
    """Where a document came from, how much of it was read, and what is wrong with it."""

    def __init__(self, name: str, most_nodes: int = MOST_NODES) -> None:
        self.name = name
        self.faults: list[PharosError] = []
        self.notices: list[str] = []
        """What is good and worth knowing, as `file:line: message`."""
        self._most = self._left = most_nodes
        self._secrets: dict[int, tuple[Node, str]] = {}

    def fault(self, line: int, message: str, kind: Kind = Kind.INVALID) -> PharosError:
        """Return the error `file:line: message`; without the line where there is none."""
        place = f"{self.name}:{line}" if line else self.name
        return _FaultError(kind, f"{place}: {message}", line)

    def note(self, line: int, message: str) -> None:
        """Keep a notice."""
        self.notices.append(f"{self.name}:{line}: {message}")

    def keep_secret(self, node: Node, shown: str = HIDDEN) -> None:
        """Note that what stands here may not be shown, and what is in its place."""
        self._secrets[id(node)] = (node, shown)

    def shown(self, node: Node) -> str:
        """Return what is shown in place of a secret."""
        return self._secrets[id(node)][1]

    def is_secret(self, node: Node) -> bool:
        """Return whether it was read as a secret."""
        return id(node) in self._secrets

    def count(self, line: int, nodes: int) -> None:
        """Note that so many nodes are read; raises PharosError(TOO_LARGE) past the bound."""
        self._left -= nodes
        if self._left < 0:
            raise self.fault(line, f"the document has more than {self._most} values", Kind.TOO_LARGE)

    def attempt(self, reader: Callable[[], _Item], default: _Item) -> _Item:
        """Return what `reader` returns; `default` when it fails, and the fault is noted.

        Raises PharosError(TOO_LARGE) all the same: there is no end to that.
        """
        try:
            return reader()
        except PharosError as exc:
            if exc.kind is Kind.TOO_LARGE:
                raise
            self.faults.append(exc)
            return default

    def ordered(self) -> tuple[PharosError, ...]:
        """Return what is wrong, by line, once each."""
        found = sorted(self.faults, key=lambda one: one.line if isinstance(one, _FaultError) else 0)
        told = list({str(one): one for one in found}.values())
        if len(told) > FAULTS_MAX:
            told[FAULTS_MAX:] = [PharosError(Kind.INVALID, f"{self.name}: and more")]
        return tuple(told)

    def raise_faults(self) -> None:
        """Raise FaultsError when something is wrong."""
        if self.faults:
            raise FaultsError(self.ordered())


class _FaultError(PharosError):
    def __init__(self, kind: Kind, message: str, line: int) -> None:
        super().__init__(kind, message)
        self.line = line


class Value(Struct, frozen=True):
    """One node of a document, to be read as what the field expects."""

    source: Source
    node: Node
    path: str

    @property
    def line(self) -> int:
        """The line it begins at, counted from 1."""
        return self.node.line

    def fault(self, message: str, kind: Kind = Kind.INVALID) -> PharosError:
        """Return the error for this place."""
        return self.source.fault(self.line, message, kind)

    def is_null(self) -> bool:
        """Return whether nothing is written here."""
        return isinstance(self.node, Scalar) and self.node.tag == _NULL

    def text(self) -> str:
        """Return a scalar as text, whatever it looks like; null is empty."""
        if not isinstance(self.node, Scalar):
            raise self.fault(f"{self.path}: expected text")
        if self.node.tag not in _PLAIN_TAGS:
            raise self.fault(f"{self.path}: the tag {self.node.tag} is not allowed")
        return "" if self.is_null() else self.node.text

    def secret(self) -> Secret:
        """Return a scalar as a secret, which `plain` shows no more."""
        self.source.keep_secret(self.node)
        return Secret(self.text())

    def boolean(self) -> bool:
        """Return true or false, as YAML 1.1 spells them."""
        word = self.text().lower()
        if word in _TRUE | _FALSE and not self.is_quoted():
            return word in _TRUE
        raise self.fault(f"{self.path}: expected true or false, got {self.text()!r}")

    def whole(self) -> int:
        """Return a whole number, not negative."""
        try:
            number = int(self.text().replace("_", ""), 0)
        except ValueError:
            number = -1
        if number < 0 or self.is_quoted():
            raise self.fault(f"{self.path}: expected a whole number, got {self.text()!r}")
        return number

    def number(self) -> float:
        """Return a number."""
        try:
            return float(self.text())
        except ValueError:
            raise self.fault(f"{self.path}: expected a number, got {self.text()!r}") from None

    def integer(self) -> int:
        """Return a whole number, which may be negative."""
        try:
            number = int(self.text().replace("_", ""), 0)
        except ValueError:
            number = None
        if number is None or self.is_quoted():
            raise self.fault(f"{self.path}: expected a whole number, got {self.text()!r}")
        return number

    def duration_ms(self) -> int:
        """Return the milliseconds of a duration such as 1m30s."""
        text = self.text()
        try:
            return parse_duration(text)
        except PharosError as exc:
            raise self.fault(f"{self.path}: {exc}") from exc

    def size_bytes(self) -> int:
        """Return the bytes of a size such as 10MB, in powers of 1024 as Prometheus counts them; 0 is 0."""
        text = self.text()
        if text == "0":
            return 0
        found = _BYTES.fullmatch(text)
        if found is None:
            raise self.fault(f"{self.path}: expected a size such as 10MB, got {text!r}")
        return int(float(found[1]) * 1024 ** _POWERS[found[2][0]])

    def items(self) -> list[Value]:
        """Return the elements of a list; null is an empty one."""
        if self.is_null():
            return []
        if not isinstance(self.node, Sequence):
            raise self.fault(f"{self.path}: expected a list")
        self.source.count(self.line, len(self.node.items))
        return [Value(self.source, one, f"{self.path}[{index}]") for index, one in enumerate(self.node.items)]

    def each(self, reader: Callable[[Value], _Item]) -> Iterator[_Item]:
        """Yield the elements of a list, each read by `reader`; what fails is noted and left out."""
        for one in self.items():
            nothing: list[_Item] = []
            yield from self.source.attempt(partial(_alone, reader, one), nothing)

    def group(self) -> dict[str, str]:
        """Return a mapping of texts."""
        return self.mapping(Value.text)

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(one.text() for one in self.items())

    def pairs(self) -> Iterator[tuple[str, int, Value]]:
        """Yield (key, line of the key, value) of a mapping, merge keys obeyed, a duplicate key refused."""
        yield from self._pairs(0)

    def _pairs(self, depth: int) -> Iterator[tuple[str, int, Value]]:
        if self.is_null():
            return
        if not isinstance(self.node, Mapping) or depth > _MOST_DEPTH:
            raise self.fault(f"{self.path or 'the document'}: expected a mapping")
        nodes = self.node.nodes
        self.source.count(self.line, len(nodes))
        seen: set[str] = set()
        merged: list[Value] = []
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            line = key.line
            if not isinstance(key, Scalar):
                raise self.source.fault(line, f"{self.path}: a key must be text")
            name = key.text
            inner = Value(self.source, value, f"{self.path}.{name}" if self.path else name)
            if key.tag == _MERGE:
                merged += inner.items() if isinstance(value, Sequence) else [inner]
                continue
            if key.tag not in _PLAIN_TAGS:
                raise self.source.fault(line, f"{self.path}: a key cannot have the tag {key.tag}")
            if name in seen:
                raise self.source.fault(line, f"key {name!r} already set in {self.path or 'the document'}")
            seen.add(name)
            yield name, line, inner
        for one in merged:
            for name, line, inner in one._pairs(depth + 1):  # noqa: SLF001 (its own class)
                if name not in seen:
                    seen.add(name)
                    yield name, line, inner

    def mapping(self, reader: Callable[[Value], _Item]) -> dict[str, _Item]:
        """Return a mapping with free keys, each value read by `reader`."""
        return {name: reader(value) for name, _, value in self.pairs()}

    def plain(self, *, shows_secrets: bool = False) -> Any:
        """Return what is written here as YAML 1.1 reads it, secrets as `<secret>` unless they are to be
        shown.
        """
        if isinstance(self.node, Sequence):
            return [one.plain(shows_secrets=shows_secrets) for one in self.items()]
        if isinstance(self.node, Mapping):
            return self.mapping(lambda one: one.plain(shows_secrets=shows_secrets))
        if self.source.is_secret(self.node) and not shows_secrets:
            return self.source.shown(self.node)
        if self.is_null():
            return None
        text = self.text()
        return text if self.is_quoted() or self.node.tag != f"{_PREFIX}str" else _resolved(text)

    def is_quoted(self) -> bool:
        """Return whether it is text that was written in quotes."""
        return isinstance(self.node, Scalar) and self.node.is_quoted


def _resolved(text: str) -> Any:
    """Return what YAML 1.1 makes of a plain text; numbers that JSON has not stay text."""
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if _WHOLE.fullmatch(text):
        digits = text.replace("_", "")
        return int(digits, 8 if _OCTAL.fullmatch(digits) else 0)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _alone(reader: Callable[[Value], _Item], value: Value) -> list[_Item]:
    return [reader(value)]


class Fields:
    """The fields of one mapping, taken one after another; what nobody took is refused by `done`."""

    def __init__(self, value: Value, what: str) -> None:
        self.value = value
        self._what = what
        self._asked: set[str] = set()
        self._left = {name: (line, inner) for name, line, inner in value.pairs()}

    def take(self, name: str) -> Value | None:
        """Return the field if it is there and not null."""
        self._asked.add(name)
        line_value = self._left.pop(name, None)
        if line_value is None or line_value[1].is_null():
            return None
        return line_value[1]

    def take_set(self, name: str) -> Value | None:
        """Return the field if its key is there, null included."""
        self._asked.add(name)
        line_value = self._left.pop(name, None)
        return None if line_value is None else line_value[1]

    def has(self, name: str) -> bool:
        """Return whether the field is there, not null, and not taken yet."""
        left = self._left.get(name)
        return left is not None and not left[1].is_null()

    def read(self, name: str, reader: Callable[[Value], _Item], default: _Item) -> _Item:
        """Return the field read by `reader`; `default` if it is absent, null, or wrong, which is noted."""
        value = self.take(name)
        return default if value is None else self.value.source.attempt(lambda: reader(value), default)

    def attempt(self, reader: Callable[[Fields], _Item], default: _Item) -> _Item:
        """Return what `reader` makes of some of the fields; `default` when it fails, which is noted."""
        return self.value.source.attempt(lambda: reader(self), default)

    def each(self, name: str, reader: Callable[[Value], _Item]) -> tuple[_Item, ...]:
        """Return the elements of a list, each read by `reader`; what is wrong is noted and left out."""
        value = self.take(name)
        nothing: tuple[_Item, ...] = ()
        if value is None:
            return nothing
        return self.value.source.attempt(lambda: tuple(value.each(reader)), nothing)

    def group(self, name: str) -> dict[str, str]:
        """Return a mapping of texts, empty if the field is absent or wrong, which is noted."""
        nothing: dict[str, str] = {}
        return self.read(name, Value.group, nothing)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty if the field is absent."""
        value = self.take(name)
        return () if value is None else value.texts()

    def left(self) -> list[tuple[str, int, Value]]:
        """Return (name, line, value) of what nobody took yet."""
        return [(name, line, value) for name, (line, value) in self._left.items()]

    def done(self) -> None:
        """Note every field that nobody took."""
        source = self.value.source
        for name, (line, _) in self._left.items():
            if len(source.faults) > FAULTS_MAX:
                break
            message = f"field {name} not found in {self._what}{did_you_mean(name, self._asked)}"
            source.faults.append(source.fault(line, message))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean "..."?` when one of the known names is close to this one."""
    close = difflib.get_close_matches(name[:100], list(known), 1, 0.7)
    return f', did you mean "{close[0]}"?' if close else ""


def load_document(
    text: str | bytes, name: str, most_nodes: int = MOST_NODES, *, first_only: bool = False
) -> Value:
    """Return the root of a YAML document; `name` is what errors call it, `most_nodes` may be read of it.

    With `first_only` what follows the first document is not looked at; else it is refused. Raises
    PharosError: INVALID with the line for text that is not YAML, TOO_LARGE past 16 MiB.
    """
    source = Source(name, most_nodes)
    node = _composed(source, text, lambda composer: composer.document(first_only=first_only))
    return Value(source, node, "")


def load_documents(text: str | bytes, name: str) -> list[Value]:
    """Return the roots of all documents of a text, those left out that are empty; faults are noted with one
    `Source`.

    Raises as `load_document` does.
    """
    source = Source(name)
    nodes = _composed(source, text, lambda composer: list(composer.documents()))
    roots = [Value(source, node, "") for node in nodes]
    return [root for root in roots if not root.is_null()]


def _composed(source: Source, text: str | bytes, compose: Callable[[_Composer], _Item]) -> _Item:
    if len(text) > MOST_BYTES:
        raise source.fault(1, f"the document is larger than {MOST_BYTES} bytes", Kind.TOO_LARGE)
    if isinstance(text, bytes):
        raw = text
        try:
            text = raw.decode()
        except UnicodeDecodeError as exc:
            line = raw.count(b"\n", 0, exc.start) + 1
            raise source.fault(line, "the document is not UTF-8 text") from None
    try:
        return compose(_Composer(source, text))
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise source.fault(line, f"not valid YAML: {exc.reason}") from exc
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        problem = " ".join(str(exc.problem or exc.context).split())
        raise source.fault(int(mark.line) + 1 if mark else 1, f"not valid YAML: {problem}") from exc


def plain_document(plain: object, name: str) -> Value:
    """Return what JSON has been read to as the root of a document, to be read by the same readers.

    It has no lines. Raises PharosError: INVALID for what JSON does not have, TOO_LARGE past the bounds.
    """
    source = Source(name)
    return Value(source, _plain_node(source, plain, 0), "")


def _plain_node(source: Source, plain: object, depth: int) -> Node:
    if depth > _MOST_DEPTH:
        raise source.fault(0, "the document is nested too deeply")
    source.count(0, 1)
    match plain:
        case dict():
            nodes: list[Node] = []
            for key, value in plain.items():
                nodes.append(Scalar(0, str(key), _PREFIX + "str", is_quoted=True))
                nodes.append(_plain_node(source, value, depth + 1))
            return Mapping(0, nodes, is_whole=True)
        case list() | tuple():
            return Sequence(0, [_plain_node(source, one, depth + 1) for one in plain], is_whole=True)
        case None:
            return Scalar(0, "", _NULL, is_quoted=False)
        case str():
            return Scalar(0, plain, _PREFIX + "str", is_quoted=True)
        case bool():
            return Scalar(0, "true" if plain else "false", _PREFIX + "bool", is_quoted=False)
        case int() | float():
            return Scalar(0, repr(plain), _PREFIX + "str", is_quoted=False)
    raise source.fault(0, f"expected what JSON has, got {type(plain).__name__}")


class _Composer:
    """Makes nodes of events, within the bounds."""

    def __init__(self, source: Source, text: str) -> None:
        self._source = source
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def documents(self) -> Iterator[Node]:
        """Yield the root of each document."""
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self.document(first_only=True)

    def document(self, *, first_only: bool = False) -> Node:
        """Return the root."""
        root: Node = Scalar(1, "", _NULL, is_quoted=False)
        open_nodes: list[Sequence | Mapping] = []
        is_begun = False
        for event in self._events:
            match event:
                case yaml.ScalarEvent() | yaml.AliasEvent():
                    node = self._leaf(event)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    node = self._branch(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    open_nodes.pop().is_whole = True
                    continue
                case yaml.DocumentEndEvent() if first_only:
                    break
                case yaml.DocumentStartEvent() if is_begun:
                    raise self._fault(event, "there is more than one document")
                case _:
                    is_begun |= isinstance(event, yaml.DocumentStartEvent)
                    continue
            self._count += 1
            if self._count > MOST_NODES:
                message = f"the document has more than {MOST_NODES} values"
                raise self._source.fault(node.line, message, Kind.TOO_LARGE)
            if not open_nodes:
                root = node
            elif isinstance(open_nodes[-1], Sequence):
                open_nodes[-1].items.append(node)
            else:
                open_nodes[-1].nodes.append(node)
            if not isinstance(node, Scalar) and not node.is_whole:
                open_nodes.append(node)
                if len(open_nodes) > _MOST_DEPTH:
                    raise self._fault(event, "the document is nested too deeply")
        return root

    def _leaf(self, event: Any) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            found = self._anchors.get(str(event.anchor))
            if found is None:
                raise self._fault(event, f"the alias *{event.anchor} names nothing")
            if not isinstance(found, Scalar) and not found.is_whole:
                raise self._fault(event, f"the alias *{event.anchor} stands within what it names")
            return found
        is_quoted = event.style in {"'", '"', "|", ">"}
        tag = event.tag
        if tag is None or tag == "!":
            is_plain = event.implicit[0] and not event.style
            tag = _PREFIX + "str"
            if is_plain and event.value in _NULLS:
                tag = _NULL
            elif is_plain and event.value == "<<":
                tag = _MERGE
        return self._named(event, Scalar(line, event.value, tag, is_quoted))

    def _branch(self, event: Any) -> Node:
        kind, tag = (Mapping, "map") if isinstance(event, yaml.MappingStartEvent) else (Sequence, "seq")
        if event.tag not in {None, "!", _PREFIX + tag}:
            raise self._fault(event, f"the tag {event.tag} is not allowed")
        return self._named(event, kind(event.start_mark.line + 1, []))

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _fault(self, event: Any, message: str) -> PharosError:
        return self._source.fault(event.start_mark.line + 1, message)
