"""YAML with line numbers, read defensively: the typed fields of a document, every error at its file and
line.

A document is kept as ruamel.yaml's node graph and read field by field, because Prometheus' own reading
depends on the field and not on the scalar (`password: 123` is text, `sample_limit: 0x10` a number). Size,
depth and the number of nodes met while reading are bounded (an alias is read where it stands, so a bomb of
aliases meets the bound); duplicate keys and unknown fields are refused; tags that would build objects are
never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.secret import Secret

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_NODES: Final = 2_000_000
_MOST_DEPTH: Final = 100
_PREFIX: Final = "tag:yaml.org,2002:"
_PLAIN_TAGS: Final = frozenset(
    _PREFIX + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_TRUE: Final = frozenset({"true", "yes", "on", "y"})
_FALSE: Final = frozenset({"false", "no", "off", "n"})
_BYTES = re.compile(r"(\d{1,19}(?:\.\d{1,19})?)(B|K|KB|KiB|M|MB|MiB|G|GB|GiB|T|TB|TiB|P|PB|PiB|E|EB|EiB)")
_POWERS: Final = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}

_Item = TypeVar("_Item")


class Source:
    """Where a document came from, and how much of it was read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._left = MOST_NODES

    def fault(self, line: int, message: str, kind: Kind = Kind.INVALID) -> PharosError:
        """Return the error `file:line: message`."""
        return PharosError(kind, f"{self.name}:{line}: {message}")

    def count(self, line: int, nodes: int) -> None:
        """Note that so many nodes are read; raises PharosError(TOO_LARGE) past the bound."""
        self._left -= nodes
        if self._left < 0:
            raise self.fault(line, f"the document has more than {MOST_NODES} values", Kind.TOO_LARGE)


@dataclass(frozen=True, slots=True)
class Value:
    """One node of a document, to be read as what the field expects."""

    source: Source
    node: Node
    path: str

    @property
    def line(self) -> int:
        """The line it begins at, counted from 1."""
        return int(self.node.start_mark.line) + 1

    def fault(self, message: str, kind: Kind = Kind.INVALID) -> PharosError:
        """Return the error for this place."""
        return self.source.fault(self.line, message, kind)

    def is_null(self) -> bool:
        """Return whether nothing is written here."""
        return isinstance(self.node, ScalarNode) and str(self.node.tag) == _PREFIX + "null"

    def text(self) -> str:
        """Return a scalar as text, whatever it looks like; null is empty."""
        if not isinstance(self.node, ScalarNode):
            raise self.fault(f"{self.path}: expected text")
        if str(self.node.tag) not in _PLAIN_TAGS:
            raise self.fault(f"{self.path}: the tag {self.node.tag} is not allowed")
        return "" if self.is_null() else str(self.node.value)

    def secret(self) -> Secret:
        """Return a scalar as a secret."""
        return Secret(self.text())

    def boolean(self) -> bool:
        """Return true or false, as YAML 1.1 spells them."""
        word = self.text().lower()
        if word in _TRUE | _FALSE and not self._quoted():
            return word in _TRUE
        raise self.fault(f"{self.path}: expected true or false, got {self.text()!r}")

    def whole(self) -> int:
        """Return a whole number, not negative."""
        try:
            number = int(self.text().replace("_", ""), 0)
        except ValueError:
            number = -1
        if number < 0 or self._quoted():
            raise self.fault(f"{self.path}: expected a whole number, got {self.text()!r}")
        return number

    def number(self) -> float:
        """Return a number."""
        try:
            return float(self.text())
        except ValueError:
            raise self.fault(f"{self.path}: expected a number, got {self.text()!r}") from None

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
        if not isinstance(self.node, SequenceNode):
            raise self.fault(f"{self.path}: expected a list")
        self.source.count(self.line, len(self.node.value))
        return [Value(self.source, one, f"{self.path}[{index}]") for index, one in enumerate(self.node.value)]

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
        if not isinstance(self.node, MappingNode) or depth > _MOST_DEPTH:
            raise self.fault(f"{self.path}: expected a mapping")
        self.source.count(self.line, 2 * len(self.node.value))
        seen: set[str] = set()
        merged: list[Value] = []
        for key, value in self.node.value:
            line = int(key.start_mark.line) + 1
            if not isinstance(key, ScalarNode):
                raise self.source.fault(line, f"{self.path}: a key must be text")
            name = str(key.value)
            inner = Value(self.source, value, f"{self.path}.{name}" if self.path else name)
            if str(key.tag) == _PREFIX + "merge":
                merged += inner.items() if isinstance(value, SequenceNode) else [inner]
                continue
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

    def _quoted(self) -> bool:
        return getattr(self.node, "style", None) in {"'", '"'}


class Fields:
    """The fields of one mapping, taken one after another; what nobody took is refused by `done`."""

    def __init__(self, value: Value, what: str) -> None:
        self.value = value
        self._what = what
        self._left = {name: (line, inner) for name, line, inner in value.pairs()}

    def take(self, name: str) -> Value | None:
        """Return the field if it is there and not null."""
        line_value = self._left.pop(name, None)
        if line_value is None or line_value[1].is_null():
            return None
        return line_value[1]

    def take_set(self, name: str) -> Value | None:
        """Return the field if its key is there, null included."""
        line_value = self._left.pop(name, None)
        return None if line_value is None else line_value[1]

    def read(self, name: str, reader: Callable[[Value], _Item], default: _Item) -> _Item:
        """Return the field read by `reader`, or `default` if it is absent or null."""
        value = self.take(name)
        return default if value is None else reader(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty if the field is absent."""
        value = self.take(name)
        return () if value is None else value.texts()

    def left(self) -> list[tuple[str, int, Value]]:
        """Return (name, line, value) of what nobody took yet."""
        return [(name, line, value) for name, (line, value) in self._left.items()]

    def done(self) -> None:
        """Raise PharosError(INVALID) for the first field that nobody took."""
        for name, (line, _) in self._left.items():
            raise self.value.source.fault(line, f"field {name} not found in {self._what}")


def load_document(text: str | bytes, name: str) -> Value:
    """Return the root of a YAML document; `name` is what errors call it.

    Raises PharosError: INVALID with the line for text that is not YAML, TOO_LARGE past 16 MiB.
    """
    source = Source(name)
    if len(text) > MOST_BYTES:
        raise source.fault(1, f"the document is larger than {MOST_BYTES} bytes", Kind.TOO_LARGE)
    if isinstance(text, bytes):
        raw = text
        try:
            text = raw.decode()
        except UnicodeDecodeError as exc:
            line = raw.count(b"\n", 0, exc.start) + 1
            raise source.fault(line, "the document is not UTF-8 text") from None
    yaml: Any = YAML(typ="rt", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise source.fault(int(mark.line) + 1 if mark else 1, str(exc.problem or exc.context)) from exc
    except (YAMLError, ValueError) as exc:
        raise source.fault(1, str(exc).splitlines()[0]) from exc
    except RecursionError:
        raise source.fault(1, "the document is nested too deeply") from None
    if node is None:
        node = ScalarNode(_PREFIX + "null", "", _Mark(), _Mark())
    return Value(source, node, "")


class _Mark:
    """The place of an empty document."""

    line = 0
