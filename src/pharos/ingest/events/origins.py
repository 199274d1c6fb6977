"""Where records come from: a resource and a scope become an origin, with a hash by which rows name it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any, Final

from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from pharos.errors import Kind, PharosError
from pharos.ingest.events.levels import LEVEL_NAMES, UNKNOWN, level_of
from pharos.ingest.events.nested import nested_text
from pharos.ingest.events.wire import ARRAY, BYTES, LETTERS, MAP

UNKNOWN_SERVICE: Final = "unknown_service"
_SERVICE_NAMES: Final = (
    "service.name",
    "service_name",
    "service",
    "app",
    "application",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
)
"""Attributes that name a service, the best first: after Loki's discover_service_name."""
_REMEMBERED_BYTES: Final = 16 << 20
_KIND_OF_FIELD: Final = {"array_value": ARRAY, "kvlist_value": MAP, "bytes_value": BYTES}


class Pairs(Struct, frozen=True):
    """Attributes as they are kept: names, values as text, a letter for each kind (none if all are text)."""

    keys: tuple[str, ...]
    values: tuple[str, ...]
    kinds: str


class OriginRow(Struct, frozen=True):
    """An origin as it is kept."""

    id: int
    service: str
    resource: Pairs
    scope_name: str
    scope_version: str
    scope: Pairs
    weight: int
    """Roughly its bytes in memory."""
    level: int
    """Of its records that have none of their own; 0 where no attribute of the resource names one."""


def _text_of(value: Any) -> tuple[str, str]:
    """Return an AnyValue as text, and the letter of its kind."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return "", "n"
        case "string_value":
            return value.string_value, "s"
        case "bool_value":
            return ("true" if value.bool_value else "false"), "b"
        case "int_value":
            return str(value.int_value), "i"
        case "double_value":
            # Whole numbers have no point, as everywhere else.
            number = value.double_value
            return (str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)), "d"
        case _:
            of_kind = _KIND_OF_FIELD[kind]
            held = getattr(value, kind)
            content = held if isinstance(held, bytes) else held.SerializeToString()
            return nested_text(content, of_kind).decode(), LETTERS[of_kind]


def _pairs(attributes: Any) -> Pairs:
    keys, values, kinds = [], [], []
    for attribute in attributes:
        text, kind = _text_of(attribute.value)
        keys.append(attribute.key)
        values.append(text)
        kinds.append(kind)
    letters = "".join(kinds)
    return Pairs(tuple(keys), tuple(values), letters if letters.strip("s") else "")


def service_of(resource: Pairs) -> str:
    """Return the service that a resource's attributes name."""
    found = dict(zip(reversed(resource.keys), reversed(resource.values), strict=True))
    return next((found[name] for name in _SERVICE_NAMES if found.get(name)), UNKNOWN_SERVICE)


def _hash_of(parts: tuple[object, ...]) -> int:
    digest = hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def read_origin(resource: bytes, scope: bytes) -> OriginRow:
    """Return the origin of a Resource and an InstrumentationScope. Raises PharosError(INVALID)."""
    try:
        read, within = (
            resource_pb2.Resource.FromString(resource),
            common_pb2.InstrumentationScope.FromString(scope),
        )
    except DecodeError as exc:
        raise PharosError(Kind.INVALID, "a resource or a scope is cut off, corrupt or not UTF-8") from exc
    of_resource, of_scope = _pairs(read.attributes), _pairs(within.attributes)
    # The order in which attributes were sent makes no other origin.
    known = (
        sorted(
            zip(
                of_resource.keys,
                of_resource.values,
                of_resource.kinds or "s" * len(of_resource.keys),
                strict=True,
            )
        ),
        within.name,
        within.version,
        sorted(zip(of_scope.keys, of_scope.values, of_scope.kinds or "s" * len(of_scope.keys), strict=True)),
    )
    return OriginRow(
        _hash_of(known),
        service_of(of_resource),
        of_resource,
        within.name,
        within.version,
        of_scope,
        3 * (len(resource) + len(scope)) + 500,
        _level_of(of_resource),
    )


def _level_of(resource: Pairs) -> int:
    named = (value for key, value in zip(resource.keys, resource.values, strict=True) if key in LEVEL_NAMES)
    return next(filter(None, map(level_of, named)), UNKNOWN)


class KnownOrigins:
    """Origins by their bytes on the wire, the ones used last; not thread-safe."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[bytes, bytes], OriginRow] = OrderedDict()
        self._bytes = 0

    def of(self, resource: bytes, scope: bytes) -> OriginRow:
        """Return the origin of a Resource and a scope. Raises PharosError(INVALID)."""
        key = (resource, scope)
        found = self._found.get(key)
        if found is not None:
            self._found.move_to_end(key)
            return found
        found = self._found[key] = read_origin(resource, scope)
        self._bytes += found.weight
        while self._bytes > _REMEMBERED_BYTES and len(self._found) > 1:
            _, gone = self._found.popitem(last=False)
            self._bytes -= gone.weight
        return found
