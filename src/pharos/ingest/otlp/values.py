"""The text of an attribute's value: label values are strings, attributes may be anything.

After AsString of the OpenTelemetry Collector's pdata, which Prometheus uses: numbers as in JavaScript, bytes
in base64, lists and maps as JSON with sorted keys.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from pharos.gotext.numbers import format_f, format_json


def _json_text(value: Any) -> str:
    """Return an AnyValue inside of a list or map as JSON. Raises ValueError for a number that JSON lacks."""
    match value.WhichOneof("value"):
        case "string_value":
            return json.dumps(value.string_value, ensure_ascii=False)
        case "double_value" if not math.isfinite(value.double_value):
            raise ValueError("JSON has no such number")
        case "bytes_value":
            return json.dumps(base64.b64encode(value.bytes_value).decode())
        case "array_value":
            return f"[{','.join(_json_text(one) for one in value.array_value.values)}]"
        case "kvlist_value":
            pairs = {pair.key: pair.value for pair in value.kvlist_value.values}
            texts = (
                f"{json.dumps(key, ensure_ascii=False)}:{_json_text(pairs[key])}" for key in sorted(pairs)
            )
            return f"{{{','.join(texts)}}}"
        case "bool_value" | "int_value" | "double_value":
            return value_text(value)
        case _:
            return "null"


def value_text(value: Any) -> str:
    """Return the text of an `opentelemetry.proto.common.v1.AnyValue`; empty if it has no value."""
    match value.WhichOneof("value"):
        case "string_value":
            return str(value.string_value)
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "int_value":
            return str(value.int_value)
        case "double_value":
            number = value.double_value
            if math.isfinite(number):
                return format_json(number).replace("e-0", "e-")
            return f"json: unsupported value: {format_f(number)}"
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "array_value" | "kvlist_value":
            try:
                return _json_text(value)
            except ValueError:
                return ""
        case _:
            return ""
