"""Bulk requests: pairs of an action and a document, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import orjson
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.ingest.events.documents import BODY_FIELDS, OF_RESOURCE, made_of
from pharos.ingest.events.lines import LINE_MAX_BYTES, Lines
from pharos.ingest.events.requests import resource_of
from pharos.ingest.events.text_records import Groups, TextRecords
from pharos.ingest.events.times import time_ns_of_digits, time_ns_of_number, time_ns_of_text
from pharos.protobuf import varint

_TAKEN: Final = frozenset({"create", "index"})
_WITHOUT_DOCUMENT: Final = frozenset({"delete"})
_ACTIONS: Final = _TAKEN | _WITHOUT_DOCUMENT | {"update"}
_NAME_MAX: Final = 512
_KEPT_BYTES: Final = 1024
_NESTED_MOST: Final = 64
_QUICK_BYTES: Final = LINE_MAX_BYTES // 4


class Action(Struct, frozen=True):
    """What is asked to be done with a document."""

    name: str
    index: str
    id: str


class Item(Struct, frozen=True):
    """What became of one document."""

    action: Action
    fault: str = ""
    """Why it was refused; empty for one that was taken."""
    kind: str = ""
    """The fault by Elasticsearch's name for it."""


class BulkLines(Lines, frozen=True):
    """The lines of a bulk request, and an item for each of its actions."""

    items: list[Item] = field(default_factory=list)


def read_bulk(body: bytes, index: str = "") -> BulkLines:
    """Return the documents of a bulk request as log lines; `index` is that of the address.

    A document that is no good is refused alone. Raises PharosError(INVALID) for a bad line of an action, and
    for a body without a line break at its end: then nothing is taken.
    """
    if not body.strip():
        raise PharosError(Kind.INVALID, "request body is required")
    if not body.endswith(b"\n"):
        raise PharosError(
            Kind.INVALID, "the bulk request must be terminated by a newline [\\n]", hint="it may be cut off"
        )
    made, items, cut = _Documents(), list[Item](), 0
    # Most items of a request are alike.
    last = Item(Action("", "", ""))
    pairs = list(_pairs(body))
    for (action, raw), document in zip(pairs, _parsed_all([raw for _, raw in pairs]), strict=True):
        named = action if action.index or not index else Action(action.name, index, action.id)
        if action.name not in _TAKEN:
            items.append(Item(named, f"{action.name} is not done to logs", "illegal_argument_exception"))
            continue
        try:
            cut += made.add(raw, document, named.index)
        except PharosError as exc:
            items.append(Item(named, str(exc), "document_parsing_exception"))
            continue
        if named is not last.action:
            last = Item(named)
        items.append(last)
    refused = len(items) - made.count
    return BulkLines(
        made.body() if made.count else b"",
        made.count,
        {"document": refused} if refused else {},
        cut=cut,
        items=items,
    )


class _Documents:
    """The documents of a request as they become records: those without lists by compiled code."""

    def __init__(self) -> None:
        self._gathered = TextRecords()
        self._order: list[tuple[bytes, bytes | None]] = []
        """Of each document its resource, and its record if it was made here."""
        self._resources: dict[tuple[Any, ...], bytes] = {}

    @property
    def count(self) -> int:
        return len(self._order)

    def add(self, raw: bytes, document: Any, index: str) -> bool:
        """Take a document; return whether its line was cut. Raises PharosError as `read_document`."""
        document, ts_ns = _parsed(raw) if document is None else _timed(document)
        resource = self._gather(document, ts_ns, index) if len(raw) <= _QUICK_BYTES else None
        if resource is not None:
            self._order.append((resource, None))
            return False
        made = made_of(document, ts_ns=ts_ns, also={"_index": index} if index else None)
        self._order.append((made.resource, b"\x12" + varint(len(made.record)) + made.record))
        return made.is_cut

    def _gather(self, document: dict[str, Any], ts_ns: int, index: str) -> bytes | None:
        """Return a document's resource once its record is gathered; None if it is rare, and nothing is."""
        line = next((one for one in BODY_FIELDS if isinstance(document.get(one), str)), None)
        if line is None or (line != BODY_FIELDS[0] and BODY_FIELDS[0] in document):
            return None
        gathered = self._gathered
        mark = gathered.mark()
        text = document.pop(line)
        gathered.texts.append(text)
        resource: dict[str, Any] = {"_index": index} if index else {}
        count = self._gather_fields(document, resource)
        found = None
        if count >= 0:
            key = tuple(sorted(resource.items()))
            with suppress(TypeError):
                found = self._resources.get(key) or self._resources.setdefault(key, resource_of(key))
        if found is None:
            gathered.forget(mark)
            document[line] = text
            return None
        gathered.counts.append(count)
        gathered.times.append(ts_ns)
        return found

    def _gather_fields(self, document: dict[str, Any], resource: dict[str, Any]) -> int:
        """Gather a document's fields; return how many are the record's, -1 where one is rare."""
        put, texts = self._gathered.put, self._gathered.texts
        count, names = 0, len(resource)
        nested: list[tuple[str, dict[str, Any]]] = [("", document)]
        for prefix, inner in nested:
            if len(nested) > _NESTED_MOST:
                return -1
            for key, value in inner.items():
                name = prefix + key if prefix else key
                kind = type(value)
                if kind is dict:
                    nested.append((f"{name}.", value))
                elif value is None:
                    continue
                elif OF_RESOURCE[name]:
                    resource[name] = value
                    names += 1
                elif kind is str:
                    texts += (name, value)
                    count += 1
                else:
                    texts.append(name)
                    count += 1
                    if not put(value):
                        return -1
        # One name in two ways of writing is for who goes field by field.
        is_twice = len(nested) > 1 and len({*texts[-2 * count :: 2]}) != count if count else False
        return -1 if is_twice or names != len(resource) else count

    def body(self) -> bytes:
        records, ends = self._gathered.written()
        groups = Groups()
        at = row = 0
        for resource, record in self._order:
            if record is None:
                groups.add(resource, records[at : ends[row]])
                at, row = ends[row], row + 1
            else:
                groups.add(resource, record)
        return groups.body()


def _pairs(body: bytes) -> Iterator[tuple[Action, bytes]]:
    """Yield each action with its document, which is empty where it has none."""
    lines = body.split(b"\n")
    # What is behind the last line break is nothing.
    lines.pop()
    at, last = 0, len(lines)
    while at < last:
        line = lines[at]
        at += 1
        if not line or line.isspace():
            continue
        try:
            action = _kept_action(line) if len(line) <= _KEPT_BYTES else _action(line)
        except ValueError as exc:
            raise PharosError(
                Kind.INVALID, f"malformed action or metadata in line {at}: {exc}", position=at
            ) from None
        if action.name in _WITHOUT_DOCUMENT:
            yield action, b""
            continue
        if at == last:
            raise PharosError(Kind.INVALID, f"the {action.name} in line {at} has no document", position=at)
        yield action, lines[at]
        at += 1


def _action(line: bytes) -> Action:
    """Return the action of a line. Raises ValueError."""
    found = orjson.loads(line)
    if not isinstance(found, dict) or len(found) != 1:
        raise ValueError("an object of one action is expected")
    ((name, told),) = found.items()
    if name not in _ACTIONS:
        raise ValueError(f"{name[:80]!r} is none of create, index, update and delete")
    if not isinstance(told, dict):
        raise ValueError(f"what is told of {name} is no object")  # noqa: TRY004 - a fault of the sender
    index, identity = told.get("_index"), told.get("_id")
    if not isinstance(index, str | None) or len(index or "") > _NAME_MAX:
        raise ValueError(f"_index is no name of up to {_NAME_MAX} characters")
    if isinstance(identity, int):
        identity = str(identity)
    if not isinstance(identity, str | None) or len(identity or "") > _NAME_MAX:
        raise ValueError(f"_id is no text of up to {_NAME_MAX} characters")
    return Action(name, index or "", identity or "")


# Most senders repeat one line, all others a few hundred.
_kept_action = lru_cache(1024)(_action)


def read_document(raw: bytes, index: str) -> tuple[bytes, bytes, bool]:
    """Return (resource, record, whether its line was cut) of a document.

    Raises PharosError(INVALID) for what is no object, has a time that is none, or is nested too deep.
    """
    document, ts_ns = _parsed(raw)
    made = made_of(document, ts_ns=ts_ns, also={"_index": index} if index else None)
    return made.resource, made.record, made.is_cut


def _parsed_all(raws: list[bytes]) -> list[Any]:
    """Return what is parsed of each document, at once for all; None for each where any of it is no good."""
    found: Any = None
    with suppress(orjson.JSONDecodeError):
        found = orjson.loads(b"[" + b",".join([raw or b"null" for raw in raws]) + b"]")
    return found if found is not None and len(found) == len(raws) else [None] * len(raws)


def _parsed(raw: bytes) -> tuple[dict[str, Any], int]:
    """Return (a document without its time, that in nanoseconds)."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"failed to parse: {exc}") from exc
    return _timed(document)


def _timed(document: Any) -> tuple[dict[str, Any], int]:
    """Return (a document without its time, that in nanoseconds). Raises PharosError(INVALID)."""
    if not isinstance(document, dict):
        raise PharosError(Kind.INVALID, "failed to parse: an object is expected")
    return document, _time_ns(document.pop("@timestamp", None))


def _time_ns(value: Any) -> int:
    """Return the nanoseconds of `@timestamp`; 0 without one. Raises PharosError(INVALID)."""
    if value is None:
        return 0
    found = None
    if isinstance(value, str):
        found = time_ns_of_text(value) if not value.isdecimal() else time_ns_of_digits(value)
        if found is None:
            found = time_ns_of_digits(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = time_ns_of_number(value)
    if found is None:
        raise PharosError(
            Kind.INVALID,
            f"failed to parse field [@timestamp]: {str(value)[:80]!r}",
            hint="a time as ISO 8601 has it, or milliseconds since the epoch",
        )
    return found
