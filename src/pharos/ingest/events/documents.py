"""A document (JSON object, Forward record, journal entry) becomes a log record and the resource it is of.

Nested objects are flattened with dots, lists stay lists, what is null is none. Fields that say where a
document comes from are the resource's: many documents share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES, cut_text
from pharos.ingest.events.requests import Value, log_record, resource_of
from pharos.ingest.events.trace_ids import ID_NAMES, TraceIds

BODY_FIELDS: Final = ("message", "msg", "log", "body")
"""Where the line of a document is looked for, in this order."""
RESOURCE_FIELDS: Final = frozenset(
    {
        *("agent", "application", "app", "cloud", "cluster", "container", "container_id", "container_name"),
        *("data_stream", "deployment", "docker", "ecs", "host", "hostname", "k8s", "kubernetes", "namespace"),
        *("node", "orchestrator", "pod", "service", "service_name", "telemetry"),
    }
)
"""First parts of the names of fields that are the resource's."""
_NAMES_MOST: Final = 10_000
DEEP: Final = 100
"""Deeper than that no document is nested that anybody writes."""


class _OfResource(dict[str, bool]):
    """By the name of a field, whether it says where its document comes from."""

    def __missing__(self, name: str) -> bool:
        found = name in RESOURCE_FIELDS or name.partition(".")[0] in RESOURCE_FIELDS
        if len(self) > _NAMES_MOST:
            self.clear()
        self[name] = found
        return found


OF_RESOURCE: Final = _OfResource()
"""Looked up for each field of each document."""


class Made(Struct, frozen=True):
    """What a document became."""

    resource: bytes
    record: bytes
    is_cut: bool
    """Whether the line was longer than is kept of one."""


def flatten(document: Mapping[str, Any]) -> dict[str, Value]:
    """Return a document's fields by their dotted names, without what is null.

    Raises PharosError(INVALID) for one that is nested too deep.
    """
    if not any(isinstance(value, dict) or value is None for value in document.values()):
        return dict(document)
    found: dict[str, Value] = {}
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting:
        prefix, inner, depth = waiting.pop()
        if depth > DEEP:
            raise PharosError(Kind.INVALID, f"the document is nested more than {DEEP} deep")
        for key, value in inner.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                waiting.append((f"{name}.", value, depth + 1))
            elif value is not None:
                found.setdefault(name, value)
    return found


def made_of(
    document: Mapping[str, Any],
    *,
    ts_ns: int = 0,
    body: str | None = None,
    body_fields: Sequence[str] = BODY_FIELDS,
    also: Mapping[str, Value] | None = None,
) -> Made:
    """Return the record of a document and its resource.

    Without a `body` it is the first of `body_fields` that holds a value of its own, which is no attribute
    then; a document that has none is its own line, as JSON. `also` are further fields of the resource,
    which give way to those of the document. Raises PharosError(INVALID) for one that is nested too deep.
    """
    fields = flatten(document)
    line: Value = body
    if line is None:
        for name in body_fields:
            if name in fields and not isinstance(fields[name], list):
                line = fields.pop(name)
                break
        else:
            line = orjson.dumps(document, default=str).decode() if fields else ""
    is_cut = False
    if isinstance(line, str) and len(line) * 4 > LINE_MAX_BYTES:
        raw = line.encode("utf-8", "replace")
        is_cut = len(raw) > LINE_MAX_BYTES
        line = cut_text(raw, LINE_MAX_BYTES).decode()
    ids = TraceIds()
    resource: dict[str, Value] = dict(also or {})
    attributes = []
    for pair in fields.items():
        name = pair[0]
        if OF_RESOURCE[name]:
            resource[name] = pair[1]
            continue
        attributes.append(pair)
        if name in ID_NAMES:
            ids.look(*pair)
    record = log_record(line, ts_ns=ts_ns, attributes=attributes, trace_id=ids.trace_id, span_id=ids.span_id)
    return Made(resource_of(sorted(resource.items())), record, is_cut)
