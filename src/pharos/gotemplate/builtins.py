"""The functions that every template has (text/template's own). `and` and `or` are the evaluator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

from pharos.errors import Kind, PharosError
from pharos.gotemplate.printing import sprint, sprintf, sprintln
from pharos.gotemplate.values import (
    ANY,
    TEXT,
    Budget,
    Compound,
    Function,
    Items,
    Marked,
    Record,
    Table,
    Value,
    decoded,
    encoded,
    is_true,
    length,
    type_name,
)

_HTML: Final = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


def fault(message: str) -> PharosError:
    """Return what a function says of its arguments, to be raised."""
    return PharosError(Kind.INVALID, message)


# --- comparisons


def _kind(value: Value) -> str:
    """Return how a value compares: `truth`, `whole`, `real` or `text`; empty for what has no order."""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int):
        return "whole"
    if isinstance(value, float):
        return "real"
    return "text" if isinstance(value, str) else ""


def _equal(one: Value, *others: Value) -> bool:
    if not others:
        raise fault("missing argument for comparison")
    return any(_is_same(one, other) for other in others)


def _is_same(one: Value, other: Value) -> bool:
    kinds = _kind(one), _kind(other)
    if one is None or other is None:
        if kinds == ("", "") and (_is_nil(one) or _is_nil(other)):
            return _is_nil(one) == _is_nil(other)
        return False
    if kinds[0] != kinds[1]:
        raise fault("incompatible types for comparison")
    if kinds[0]:
        return one == other
    if not (_is_comparable(one) and _is_comparable(other)):
        raise fault(f"non-comparable type {type_name(other)}")
    if isinstance(one, Record) and isinstance(other, Record):
        return one.fields == other.fields
    return one == other


def _is_comparable(value: Value) -> bool:
    """Return whether Go compares values of this type: lists and maps, and what holds them, it does not."""
    if isinstance(value, Record):
        return all(map(_is_comparable, value.fields.values()))
    return not isinstance(value, Items | Table)


def _is_nil(value: Value) -> bool:
    return value is None or (isinstance(value, Table) and value.is_nil)


def _less(one: Value, other: Value) -> bool:
    kinds = _kind(one), _kind(other)
    if "" in kinds:
        raise fault("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise fault("incompatible types for comparison")
    if kinds[0] == "truth":
        raise fault("invalid type for comparison")
    if kinds[0] == "text":
        return encoded(str(one)) < encoded(str(other))
    return one < other  # type: ignore[operator]  # two numbers of one kind


def _less_or_equal(one: Value, other: Value) -> bool:
    return _less(one, other) or _is_same(one, other)


# --- parts


def _place(index: Value, longest: int) -> int:
    """Return an index into what has `longest` items, its end included."""
    if index is None:
        raise fault("cannot index slice/array with nil")
    if isinstance(index, bool) or not isinstance(index, int):
        raise fault(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= index <= longest:
        raise fault(f"index out of range: {int(index)}")
    return int(index)


def _index(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise fault("index of untyped nil")
    for index in indexes:
        item = _item(item, index)
    return item


def _item(item: Value, index: Value) -> Value:
    if item is None:
        raise fault("index of nil pointer")
    if isinstance(item, Table):
        if index is None:
            raise fault("value is nil; should be of type string")
        if type(index) is not str:
            raise fault(f"value has type {type_name(index)}; should be string")
        return item.entries.get(index, item.zero())
    row: bytes | tuple[Value, ...]
    if isinstance(item, str):
        row = encoded(item)
    elif isinstance(item, Items):
        row = item.items
    else:
        raise fault(f"can't index item of type {type_name(item)}")
    at = _place(index, len(row))
    if at == len(row):
        raise fault(f"reflect: {'string' if isinstance(item, str) else 'slice'} index out of range")
    return row[at]


def _slice(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise fault("slice of untyped nil")
    if len(indexes) > 3:
        raise fault(f"too many slice indexes: {len(indexes)}")
    longest = length(item)
    if isinstance(item, Table) or longest is None:
        raise fault(f"can't slice item of type {type_name(item)}")
    if isinstance(item, str) and len(indexes) == 3:
        raise fault("cannot 3-index slice a string")
    places = [_place(index, longest) for index in indexes]
    low, high = [*places[:2], *(0, longest)[len(places) :]]
    if low > high:
        raise fault(f"invalid slice index: {low} > {high}")
    if len(places) == 3 and high > places[2]:
        raise fault(f"invalid slice index: {high} > {places[2]}")
    if isinstance(item, Items):
        return Items(item.items[low:high], item.of)
    return decoded(encoded(str(item))[low:high])


def _len(item: Value) -> int:
    if item is None:
        raise fault("len of nil pointer")
    found = length(item)
    if found is None:
        raise fault(f"len of type {type_name(item)}")
    return found


# --- texts


def escape_html(text: str) -> str:
    """Return `text` with what means something in HTML written as entities."""
    return text.translate(_HTML)


def escape_js(text: str) -> str:
    r"""Return `text` as it stands between quotes in JavaScript; what means something there is `\u003C`."""
    if text.isalnum() and text.isascii():
        return text
    return "".join(_js_char(char) for char in text)


def _js_char(char: str) -> str:
    known = _JS.get(char)
    if known is not None:
        return known
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return "\\uFFFD"
    if code < 0x20 or (code >= 0x7F and not char.isprintable()):
        return f"\\u{code:04X}"
    return char


def escape_query(text: str) -> str:
    """Return `text` as it stands in the query of an address."""
    return quote_plus(encoded(text), safe="-_.~")


def joined(budget: Budget, values: tuple[Value, ...]) -> str:
    """Return the values as one text, as `print` does; nil is `<no value>`."""
    if len(values) == 1 and isinstance(values[0], str):
        return str(values[0])
    return sprint(budget, tuple("<no value>" if value is None else value for value in values))


def _html(budget: Budget, *values: Value) -> str:
    return _made(budget, escape_html(joined(budget, values)))


def _js(budget: Budget, *values: Value) -> str:
    return _made(budget, escape_js(joined(budget, values)))


def _urlquery(budget: Budget, *values: Value) -> str:
    return _made(budget, escape_query(joined(budget, values)))


def _made(budget: Budget, text: str) -> str:
    budget.make(len(text))
    return text


def _call(function: Value, *_arguments: Value) -> Value:
    """Refuse: no value of a template is a function."""
    if function is None:
        raise fault("call of nil")
    if isinstance(function, Compound | Marked):
        raise fault(f"non-function of type {function.type_name}")
    raise fault(f"non-function of type {type_name(function)}")


BUILTINS: Final[Mapping[str, Function]] = {
    "and": Function(lambda *values: values[-1], (ANY,), ANY),
    "or": Function(lambda *values: values[-1], (ANY,), ANY),
    "not": Function(lambda value: not is_true(value), (ANY,)),
    "eq": Function(_equal, (ANY,), ANY),
    "ne": Function(lambda one, other: not _is_same(one, other), (ANY, ANY)),
    "lt": Function(_less, (ANY, ANY)),
    "le": Function(_less_or_equal, (ANY, ANY)),
    "gt": Function(lambda one, other: not _less_or_equal(one, other), (ANY, ANY)),
    "ge": Function(lambda one, other: not _less(one, other), (ANY, ANY)),
    "index": Function(_index, (ANY,), ANY),
    "slice": Function(_slice, (ANY,), ANY),
    "len": Function(_len, (ANY,)),
    "print": Function(lambda budget, *values: sprint(budget, values), (), ANY, spends=True),
    "println": Function(lambda budget, *values: sprintln(budget, values), (), ANY, spends=True),
    "printf": Function(
        lambda budget, text, *values: sprintf(budget, text, values), (TEXT,), ANY, spends=True
    ),
    "html": Function(_html, (), ANY, spends=True),
    "js": Function(_js, (), ANY, spends=True),
    "urlquery": Function(_urlquery, (), ANY, spends=True),
    "call": Function(_call, (ANY,), ANY),
}
