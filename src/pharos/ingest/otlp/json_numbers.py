"""Which numbers a JSON body of OTLP may hold: those that the decoder of the OpenTelemetry Collector takes.

The reader of protobuf's JSON takes more: `true` for 1, `"5.0"` and `5.0` for an integer, spaces, underscores
and digits of other scripts, null for "not there". Nobody measured what such a value says. After
`pdata/internal/json`: ReadFloat64, ReadInt64, ReadUint64, ReadEnumValue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

from pharos.errors import PharosError
from pharos.gotext.numbers import parse_float

_SIGNED: Final = re.compile(r"[+-]?[0-9]+")
_UNSIGNED: Final = re.compile(r"[0-9]+")


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


def _is_one_of(names: frozenset[str]) -> Callable[[Any], bool]:
    def is_word(value: Any) -> bool:
        return value in names if isinstance(value, str) else _is_integer(value)

    return is_word


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a field of a number, or of a list of them, takes."""

    named: str
    is_number: Callable[[Any], bool]
    is_list: bool = False


_Fields = Mapping[str, "_Numbers | str"]
"""Field name -> the numbers that it holds, or the full name of the message that it holds."""


def _tables(root: Any) -> dict[str, _Fields]:
    """Return the fields of numbers and of messages of each message that `root`, a descriptor, leads to."""
    tables: dict[str, _Fields] = {}
    left = [root]
    while left:
        message = left.pop()
        if message.full_name in tables:
            continue
        fields: dict[str, _Numbers | str] = {}
        for field in message.fields:
            held = _held(field)
            if held is not None:
                fields[field.name] = fields[field.camelcase_name] = held
            if field.message_type is not None:
                left.append(field.message_type)
        tables[message.full_name] = fields
    return tables


def _held(field: Any) -> _Numbers | str | None:
    if field.message_type is not None:
        return str(field.message_type.full_name)
    if field.enum_type is not None:
        names = frozenset(field.enum_type.values_by_name)
        return _Numbers("a value of its list", _is_one_of(names), field.is_repeated)
    match field.cpp_type:
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return _Numbers("a number", _is_float, field.is_repeated)
        case field.CPPTYPE_INT32 | field.CPPTYPE_INT64:
            return _Numbers("an integer", _is_integer, field.is_repeated)
        case field.CPPTYPE_UINT32 | field.CPPTYPE_UINT64:
            return _Numbers("an integer", _is_unsigned, field.is_repeated)
        case _:
            return None


_ROOT: Final = metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR
_TABLES: Final = _tables(_ROOT)


def number_fault(document: dict[str, Any]) -> str | None:
    """Return what is wrong with the first value that is no number where a request has one; None if all are.

    A list may be null. What is no list and no object where one belongs is left to the reader.
    """
    left: list[tuple[Any, str]] = [(document, str(_ROOT.full_name))]
    while left:
        found, message = left.pop()
        if isinstance(found, list):
            left.extend((one, message) for one in found)
            continue
        if not isinstance(found, dict):
            continue
        fields = _TABLES[message]
        for name, value in found.items():
            held = fields.get(name)
            if held is None:
                continue
            if isinstance(held, str):
                left.append((value, held))
                continue
            if not held.is_list:
                value = (value,)
            for one in value if isinstance(value, list | tuple) else ():
                if not held.is_number(one):
                    return f"{name} is {_shown(one)}, which is not {held.named}"
    return None


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)[:60]
