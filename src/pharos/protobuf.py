"""Protobuf messages of other people's protocols, as classes of protobuf's own runtime.

A schema names only what is read or written here. A message inside another may be declared as `bytes`, which
is the same on the wire: so what compiled code has written is put into its place as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD: Final = descriptor_pb2.FieldDescriptorProto

Schema: TypeAlias = Mapping[str, Mapping[str, tuple[int, str]]]
"""Message -> field -> (number, type); a capital marks a message, `*` before a type a repeated field, `?` one
that is written even if it is zero.
"""


def message_classes(package: str, schema: Schema) -> dict[str, Any]:
    """Return the classes of a schema's messages by their names, in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message_name, fields in schema.items():
        message = file.message_type.add(name=message_name)
        for name, (number, kind) in fields.items():
            one = message.field.add(name=name, number=number)
            one.label = _FIELD.LABEL_REPEATED if kind[0] == "*" else _FIELD.LABEL_OPTIONAL
            if kind[0] == "?":
                one.proto3_optional, one.oneof_index = True, len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{name}")
            kind = kind.lstrip("*?")
            if kind[0].isupper():
                one.type, one.type_name = _FIELD.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                one.type = getattr(_FIELD, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in schema
    }


def varint(value: int) -> bytes:
    """Return `value` as a varint (unsigned LEB128); a negative one takes its two's complement of 64 bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
