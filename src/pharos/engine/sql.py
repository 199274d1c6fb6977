"""The only place where values become SQL text, and where the tenant's fence is printed.

Statements are put together here, of Pharos' own words (columns, tables) and of conditions; what users name
(labels, tenants, patterns) becomes text in these functions and nowhere else. `Statement` and `Condition` are
types of their own so that a bare string cannot be run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.labels import METRIC_NAME, ORIGINAL_TENANT_LABEL, TENANT_LABEL, Matcher, MatchOp

_LAST_S: Final = (1 << 32) - 1
LAST_DAY: Final = 73_000
"""The last day that is worth a condition: a date holds few more."""

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORT: Final = 3
_WORD: Final = 32
_DIGIT: Final = re.compile("[0-9]")
_PAIRS: Final = (
    "arrayMap(p -> concat(p.1, '\\0', p.2),"
    f" arrayFilter(p -> length(p.2) <= {_SHORT} OR (length(p.2) <= {_WORD} AND NOT match(p.2, '[0-9]')),"
    " arrayZip(mapKeys(attributes), mapValues(attributes))))"
)
"""Of what the index `pairs` is made, to the letter (schema/0007_log_pairs.sql)."""


class Statement(Struct, frozen=True):
    """One SQL statement, made by this module and nowhere else (`tests/test_contracts.py`)."""

    text: str


class Condition(Struct, frozen=True):
    """What rows must meet, made by this module and nowhere else."""

    text: str


ENGINE_VERSION: Final = Statement("SELECT version() AS version")


def string(value: str) -> str:
    """Return `value` as a string literal (ClickHouse syntax, section String literals).

    Lone surrogates stand for bytes that are no UTF-8 (PEP 383) and become those bytes, which no stored
    text has.
    """
    text = value.translate(_ESCAPES)
    if not text.isascii():
        text = _SURROGATE.sub(_byte_escapes, text)
    return f"'{text}'"


def _byte_escapes(found: re.Match[str]) -> str:
    code = ord(found[0])
    raw = bytes([code & 0xFF]) if 0xDC80 <= code <= 0xDCFF else found[0].encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def integers(values: NDArray[np.integer] | Iterable[int]) -> str:
    """Return a parenthesised list of integer literals."""
    numbers: list[int] = values.tolist() if isinstance(values, np.ndarray) else [int(v) for v in values]
    return f"({', '.join(map(str, numbers))})"


def identifier(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def regex(pattern: str) -> str:
    """Return an anchored pattern literal for `match`, whose dot takes newlines as Prometheus' does."""
    return string(f"^(?:{pattern})$")


def label_of(name: str) -> str:
    """Return the column of a label's value in the tables that have `metric` and `labels`."""
    return "metric" if name == METRIC_NAME else f"labels[{string(name)}]"


def across_label_of(name: str) -> str:
    """Return the column of a label's value where several tenants are read at once."""
    if name == TENANT_LABEL:
        return "tenant"
    return label_of(TENANT_LABEL if name == ORIGINAL_TENANT_LABEL else name)


def equal(column: str, value: str | int) -> Condition:
    """Return that a column has this value."""
    return Condition(f"{column} = {string(value) if isinstance(value, str) else int(value)}")


def differs(column: str, value: str) -> Condition:
    """Return that a column has another value than this."""
    return Condition(f"{column} != {string(value)}")


def between(column: str, first: int, last: int) -> Condition:
    """Return that a number is in a range, both ends included."""
    return Condition(
        f"{column} BETWEEN {int(first)} AND {int(last)}" if first != last else f"{column} = {int(first)}"
    )


def among(column: str, values: NDArray[np.integer] | Sequence[int]) -> Condition:
    """Return that a number is one of these, of which there is at least one."""
    return Condition(
        f"{column} = {int(values[0])}" if len(values) == 1 else f"{column} IN {integers(values)}"
    )


def among_texts(column: str, values: Iterable[str]) -> Condition:
    """Return that a text is one of these, of which there is at least one."""
    return Condition(f"{column} IN ({', '.join(map(string, values))})")


def within(column: str, rows: Statement) -> Condition:
    """Return that a value is one of those that a statement of one column returns."""
    return Condition(f"{column} IN ({rows.text})")


def days(first: int, last: int) -> Condition:
    """Return that `day` is in a range of days since 1970; an end that no date can hold bounds nothing."""
    bounds = []
    if first >= 0:
        bounds.append(f"day >= toDate32({min(int(first), LAST_DAY)})")
    if last <= LAST_DAY:
        bounds.append(f"day <= toDate32({max(int(last), 0)})")
    return Condition(" AND ".join(bounds) or "1")


def times(start_ms: int, end_ms: int) -> Condition:
    """Return that `ts` is in a range, both ends included."""
    return Condition(
        f"ts BETWEEN fromUnixTimestamp64Milli({int(start_ms)}) AND fromUnixTimestamp64Milli({int(end_ms)})"
    )


def within_ms(column: str, start_ms: int, end_ms: int) -> Condition:
    """Return that a time in milliseconds is in a range, its end not included."""
    first, last = (f"fromUnixTimestamp64Milli({_within(time)}, 'UTC')" for time in (start_ms, end_ms))
    return Condition(f"{column} >= {first} AND {column} < {last}")


def before_place(time: str, text: str, at_ms: int, name: str) -> Condition:
    """Return that a row lies before a place in the order of a time in milliseconds and a text."""
    at = f"fromUnixTimestamp64Milli({_within(at_ms)}, 'UTC')"
    return Condition(f"{time} <= {at} AND ({time}, {text}) < ({at}, {string(name)})")


def since(start_ms: int) -> Condition:
    """Return that `ts` is this time or a later one."""
    return Condition(f"ts >= fromUnixTimestamp64Milli({int(start_ms)})")


def times_ns(start_ns: int, end_ns: int) -> Condition:
    """Return that `ts` of an event is in a range, its end not included."""
    first, last = (f"fromUnixTimestamp64Nano({_within(time)}, 'UTC')" for time in (start_ns, end_ns))
    return Condition(f"ts >= {first} AND ts < {last}")


def received_within(first_s: int, until_s: int) -> Condition:
    """Return that an event was received in a range of seconds, its end not included."""
    first, until = (f"toDateTime({min(max(int(time), 0), _LAST_S)}, 'UTC')" for time in (first_s, until_s))
    return Condition(f"received >= {first} AND received < {until}")


def _within(time_ns: int) -> int:
    """Return a time that 64 bits hold: before and after these there is nothing."""
    return min(max(int(time_ns), -(1 << 63)), (1 << 63) - 1)


def attribute_of(name: str, column: str = "attributes") -> str:
    """Return the column of an attribute's value, empty for rows that do not have it."""
    return f"{column}[{string(name)}]"


def has_key(column: str, name: str) -> Condition:
    """Return that a map has a key."""
    return Condition(f"mapContains({column}, {string(name)})")


def is_paired(value: str) -> bool:
    """Return whether rows are found by an attribute's value in the index of pairs (`has_pair`)."""
    size = len(value.encode("utf-8", "surrogatepass"))
    return 0 < size <= _SHORT or (size <= _WORD and size > 0 and _DIGIT.search(value) is None)


def has_pair(name: str, value: str) -> Condition:
    """Return that a log record has an attribute with a value that is paired, which an index answers alone."""
    return Condition(f"has({_PAIRS}, {string(name + chr(0) + value)})")


def number_of(column: str) -> str:
    """Return the column of a text's value as a number, NULL for what is none."""
    return f"toFloat64OrNull({column})"


def numeric(column: str, kind: str) -> str:
    """Return the column of an attribute's value as a number, NULL where its kind is that of no number."""
    return f"if({kind} IN ('i', 'd'), {number_of(column)}, NULL)"


def translated(column: str, values: Mapping[int, str]) -> str:
    """Return the column of the texts that stand for numbers, empty for a number that has none."""
    if not values:
        return "''"
    texts = ", ".join(map(string, values.values()))
    return f"transform({column}, [{', '.join(map(str, map(int, values)))}], [{texts}], '')"


def chosen(condition: Condition, column: str, other: str) -> str:
    """Return one column where a condition is met, and another one elsewhere."""
    return f"if({condition.text}, {column}, {other})"


def compares(column: str, operator: str, value: float) -> Condition:
    """Return that a number compares so with another, by an operator of SQL; NULL compares with nothing."""
    if operator not in _ORDERS:
        raise ValueError(f"{operator} is no operator of order")
    return Condition(f"ifNull({column} {operator} {float(value)!r}, 0)")


_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_WILD: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def holds(column: str, text: str) -> Condition:
    """Return that a text holds another one somewhere."""
    return Condition(f"{column} LIKE {string('%' + text.translate(_WILD) + '%')}")


def mentions(column: str, text: str) -> Condition:
    """Return that a text holds another one somewhere, whether its letters are small or not."""
    return Condition(f"positionCaseInsensitiveUTF8({column}, {string(text)}) > 0")


def letters_of(column: str) -> str:
    """Return a text in small letters with spaces for its digits: what the index of words is made of."""
    return f"translate(lower({column}), '0123456789', '{' ' * 10}')"


def has_token(column: str, token: str) -> Condition:
    """Return that a text has a token: a run of letters and digits of ASCII, and of all that is not ASCII."""
    return Condition(f"hasToken({column}, {string(token)})")


def holds_match(column: str, pattern: str) -> Condition:
    """Return that a text matches a pattern of RE2 somewhere; the dot takes no line break."""
    return Condition(f"match({column}, {string(f'(?-s){pattern}')})")


def is_match(column: str, pattern: str) -> Condition:
    """Return that a text as a whole matches a pattern of RE2; the dot takes no line break."""
    return Condition(f"match({column}, {string(f'^(?-s:{pattern})$')})")


def same_bytes(column: str, value: bytes) -> Condition:
    """Return that a string of fixed size is these bytes."""
    return Condition(f"{column} = unhex({string(value.hex())})")


def among_bytes(column: str, values: Sequence[bytes]) -> Condition:
    """Return that a string of fixed size is one of these, of which there is at least one."""
    if len(values) == 1:
        return same_bytes(column, values[0])
    # An alternative of comparisons says the same, and takes the engine longer to plan and to look up.
    texts = ", ".join(f"unhex('{value.hex()}')" for value in values)
    return Condition(f"{column} IN ({texts})")


def one_in(column: str, share: int) -> Condition:
    """Return that a row's value belongs to the one of `share` equal parts of all values that is looked at."""
    return Condition(f"cityHash64({column}) % {int(share)} = 0")


def negated(condition: Condition) -> Condition:
    """Return that a condition is not met."""
    return Condition(f"NOT ({condition.text})")


def never() -> Condition:
    """Return that no row is wanted."""
    return Condition("0")


def any_element(column: str, condition: Condition) -> Condition:
    """Return that any element of an array meets a condition, in which it is called `x`."""
    return Condition(f"arrayExists(x -> {condition.text}, {column})")


def matches(matcher: Matcher) -> Condition:
    """Return the condition of one matcher over the columns `metric` and `labels` of the series table."""
    return _matched(label_of(matcher.name), matcher)


def across_matches(matcher: Matcher) -> Condition:
    """Return the same where several tenants are read at once."""
    return _matched(across_label_of(matcher.name), matcher)


def _matched(column: str, matcher: Matcher) -> Condition:
    match matcher.op:
        case MatchOp.EQUAL:
            return Condition(f"{column} = {string(matcher.value)}")
        case MatchOp.NOT_EQUAL:
            return Condition(f"{column} != {string(matcher.value)}")
        case MatchOp.REGEX:
            return Condition(f"match({column}, {regex(matcher.value)})")
        case MatchOp.NOT_REGEX:
            return Condition(f"NOT match({column}, {regex(matcher.value)})")


def both(*conditions: Condition) -> Condition:
    """Return that all of the conditions are met; of none, that nothing is asked."""
    return Condition(_joined(conditions) or "1")


def either(conditions: Iterable[Condition]) -> Condition:
    """Return that any of the conditions is met; there is at least one."""
    return Condition(" OR ".join(f"({one.text})" for one in conditions))


def _joined(conditions: Iterable[Condition]) -> str:
    return " AND ".join(f"({one.text})" for one in conditions)


def _fence(scope: Scope) -> Condition:
    """Return that a row is of the scope's tenants: the first condition of every statement about telemetry."""
    if scope.is_several:
        return Condition(f"tenant IN ({', '.join(map(string, scope.tenants))})")
    return Condition(f"tenant = {string(scope.tenant)}")


def select(
    scope: Scope,
    columns: str,
    table: str,
    *where: Condition,
    key: Sequence[Condition] = (),
    tail: str = "",
    limit: int = 0,
) -> Statement:
    """Return the statement that reads a table's rows of the scope that meet the conditions.

    Those of `key` are looked at before any other column is read. `columns`, `table` and `tail` (GROUP BY and
    what follows) are Pharos' own words; `limit` is the most rows, 0 for all.
    """
    first = both(_fence(scope), *key) if key else _fence(scope)
    rest = _joined(where if key else (first, *where))
    clauses = [f"SELECT {columns} FROM {table}"]
    if key:
        clauses.append(f"PREWHERE {first.text}")
    if rest:
        clauses.append(f"WHERE {rest}")
    return _ended(clauses, tail, limit)


def select_from(rows: Statement, columns: str, *, tail: str = "", limit: int = 0) -> Statement:
    """Return the statement that reads what another one returns."""
    return _ended([f"SELECT {columns} FROM ({rows.text})"], tail, limit)


def united(*parts: Statement) -> Statement:
    """Return the statement that reads the rows of some others, which have the same columns."""
    return Statement(" UNION ALL ".join(one.text for one in parts))


def select_joined(
    left: Statement, right: Statement, columns: str, *, on: Sequence[str], tail: str = ""
) -> Statement:
    """Return the statement that reads rows of two others of which the columns `on` are the same.

    Where they do not fit into memory the engine puts them aside in parts.
    """
    joined = (
        f"SELECT {columns} FROM ({left.text}) AS l INNER JOIN ({right.text}) AS r USING ({', '.join(on)})"
    )
    settings = "SETTINGS join_algorithm = 'grace_hash'"
    return Statement(" ".join(filter(None, (joined, tail, settings))))


def kind_of(name: str) -> str:
    """Return the column of the letter of an attribute's kind: see `query.events.rows.ValueKind`."""
    return f"if(kinds = '', 's', substring(kinds, indexOf(mapKeys(attributes), {string(name)}), 1))"


def select_everywhere(columns: str, table: str, *, tail: str = "") -> Statement:
    """Return the statement that reads a table without a fence: for the store's own upkeep alone."""
    return _ended([f"SELECT {columns} FROM {identifier(table)}"], tail, 0)


def delete(scope: Scope, table: str, *where: Condition) -> Statement:
    """Return the statement that masks a table's rows of the scope that meet the conditions, and waits.

    Raises PharosError(INVALID) for a scope of several tenants.
    """
    rows = _joined((_fence(scope.alone()), *where))
    return Statement(f"DELETE FROM {table} WHERE {rows} SETTINGS lightweight_deletes_sync=2")


def insert(table: str, *values: str | int) -> Statement:
    """Return the statement that adds one row to a table."""
    row = ", ".join(string(value) if isinstance(value, str) else str(int(value)) for value in values)
    return Statement(f"INSERT INTO {identifier(table)} VALUES ({row})")


def insert_rows(table: str, rows: Statement) -> Statement:
    """Return the statement that adds to a table what another one returns."""
    return Statement(f"INSERT INTO {identifier(table)} {rows.text}")


def alter(table: str, change: str) -> Statement:
    """Return the statement that changes a table; `change` is Pharos' own words."""
    return Statement(f"ALTER TABLE {identifier(table)} {change}")


def fixed(text: str) -> Statement:
    """Return a statement without any value, as it stands in the source."""
    return Statement(text)


def _ended(clauses: list[str], tail: str, limit: int) -> Statement:
    if tail:
        clauses.append(tail)
    if limit:
        clauses.append(f"LIMIT {int(limit)}")
    return Statement(" ".join(clauses))
