"""JSON as Go's encoding/json writes values of templates."""

from __future__ import annotations

import json
import math
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate.moments import Time
from pharos.gotemplate.values import Budget, Items, Record, Table, Value
from pharos.gotext.numbers import format_json
from pharos.gotext.times import format_rfc3339

_ESCAPED: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_MAX_DEPTH: Final = 50


def to_json(budget: Budget, value: Value, depth: int = 0) -> str:
    """Return `value` as JSON that may stand in a page. Raises PharosError for NaN and for too much."""
    budget.step()
    if depth > _MAX_DEPTH:
        raise PharosError(Kind.LIMITED, f"a value is nested more than {_MAX_DEPTH} deep")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            if not math.isfinite(value):
                raise PharosError(Kind.INVALID, f"json: unsupported value: {value}")
            return format_json(value).replace("e-0", "e-")
        case str():
            budget.make(len(value))
            return _text(value)
        case Time():
            return f'"{format_rfc3339(value.moment)}"'
        case Items():
            return "[" + ",".join(to_json(budget, item, depth + 1) for item in value.items) + "]"
        case Table():
            if value.is_nil:
                return "null"
            pairs = value.pairs()
        case Record():
            named = ((value.json_names.get(name, name), field) for name, field in value.fields.items())
            pairs = [(name, field) for name, field in named if name]
        case _:
            raise PharosError(Kind.INVALID, f"json: unsupported type: {value.type_name}")
    budget.make(sum(len(name) for name, _ in pairs))
    return "{" + ",".join(f"{_text(name)}:{to_json(budget, item, depth + 1)}" for name, item in pairs) + "}"


def _text(text: str) -> str:
    whole = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).translate(_ESCAPED)
