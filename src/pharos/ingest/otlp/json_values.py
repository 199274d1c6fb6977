"""Which values a JSON body of OTLP may hold: those that the decoder of the OpenTelemetry Collector takes.

The reader of protobuf's JSON takes more: `true` for 1, `"5.0"` and `5.0` for an integer, spaces, underscores
and digits of other scripts, null for "not there"; a text or a list in an object's place, which it goes
through as if it were names; of base64 what is some. Nobody measured what such a value says. After
`pdata/internal/json`: ReadFloat64, ReadInt64, ReadUint64, ReadEnumValue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from pharos.errors import PharosError
from pharos.gotext.numbers import parse_float

_SIGNED: Final = re.compile(r"[+-]?[0-9]+")
_UNSIGNED: Final = re.compile(r"[0-9]+")
_BASE64: Final = re.compile(r"([A-Za-z0-9+/_-]*)={0,2}")


def _is_float(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, int | float) and not isinstance(value, bool)
    try:
        parse_float(value)
    except PharosError:
        return False
    return True


def _is_integer(value: Any) -> bool:
    if isinstance(value, str):
        return _SIGNED.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_unsigned(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSIGNED.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)  # of what is below 0 the reader tells


def _is_base64(value: Any) -> bool:
    """Return whether it is base64 of either alphabet, with or without padding; nothing is, too."""
    if not isinstance(value, str):
        return value is None
    found = _BASE64.fullmatch(value)
    return found is not None and len(found[1]) % 4 != 1


def _is_one_of(names: frozenset[str]) -> Callable[[Any], bool]:
    def is_word(value: Any) -> bool:
        return value in names if isinstance(value, str) else _is_integer(value)

    return is_word


class _Values(Struct, frozen=True):
    """What a field of a number or of bytes, or of a list of them, takes."""

    named: str
    is_one: Callable[[Any], bool]
    is_list: bool = False


class _Messages(Struct, frozen=True):
    """The message, by its full name, that a field or a list of them holds."""

    name: str
    is_list: bool

    def holds(self, value: Any) -> bool:
        """Return whether it is one; nothing is, too."""
        return value is None or isinstance(value, list if self.is_list else dict)

    @staticmethod
    def is_stray(item: Any) -> bool:
        """Return whether an item of a list is no message; of nothing there the reader tells."""
        return item is not None and not isinstance(item, dict)


_Fields = Mapping[str, "_Values | _Messages"]
"""Field name -> what it holds, where that is numbers, bytes or messages."""


def _tables(root: Any) -> dict[str, _Fields]:
    """Return the fields of numbers and of messages of each message that `root`, a descriptor, leads to."""
    tables: dict[str, _Fields] = {}
    left = [root]
    while left:
        message = left.pop()
        if message.full_name in tables:
            continue
        fields: dict[str, _Values | _Messages] = {}
        for field in message.fields:
            held = _held(field)
            if held is not None:
                fields[field.name] = fields[field.camelcase_name] = held
            if field.message_type is not None:
                left.append(field.message_type)
        tables[message.full_name] = fields
    return tables


def _held(field: Any) -> _Values | _Messages | None:
    if field.message_type is not None:
        return _Messages(str(field.message_type.full_name), field.is_repeated)
    if field.enum_type is not None:
        names = frozenset(field.enum_type.values_by_name)
        return _Values("a value of its list", _is_one_of(names), field.is_repeated)
    match field.cpp_type:
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return _Values("a number", _is_float, field.is_repeated)
        case field.CPPTYPE_INT32 | field.CPPTYPE_INT64:
            return _Values("an integer", _is_integer, field.is_repeated)
        case field.CPPTYPE_UINT32 | field.CPPTYPE_UINT64:
            return _Values("an integer", _is_unsigned, field.is_repeated)
        case _ if field.type == field.TYPE_BYTES:
            return _Values("base64", _is_base64, field.is_repeated)
        case _:
            return None


@lru_cache(maxsize=8)
def _tables_of(root: Any) -> dict[str, _Fields]:
    return _tables(root)


def value_fault(document: dict[str, Any], root: Any) -> str | None:
    """Return what is wrong with the first value that is not what a request has in its place; None if all are.

    `root` is the descriptor of the request's message. Ids are in base64 here. Lists and objects may be null.
    """
    tables = _tables_of(root)
    left: list[tuple[Any, str]] = [(document, str(root.full_name))]
    while left:
        found, message = left.pop()
        if isinstance(found, list):
            left.extend((one, message) for one in found)
            continue
        if not isinstance(found, dict):
            continue
        fields = tables[message]
        for name, value in found.items():
            held = fields.get(name)
            if held is None:
                continue
            if isinstance(held, _Messages):
                if not held.holds(value):
                    return f"{name} is {_shown(value)}, which is {'no list' if held.is_list else 'no object'}"
                if held.is_list and (stray := next(filter(held.is_stray, value or ()), None)) is not None:
                    return f"{name} has {_shown(stray)}, which is no object"
                left.append((value, held.name))
                continue
            if not held.is_list:
                value = (value,)
            for one in value if isinstance(value, list | tuple) else ():
                if not held.is_one(one):
                    return f"{name} is {_shown(one)}, which is not {held.named}"
    return None


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)[:60]
