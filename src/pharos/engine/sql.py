"""The only place where values become SQL text, and where the tenant's fence is printed.

Statements are put together here, of Pharos' own words (columns, tables) and of conditions; what users name
(labels, tenants, patterns) becomes text in these functions and nowhere else. `Statement` and `Condition` are
types of their own so that a bare string cannot be run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.labels import METRIC_NAME, ORIGINAL_TENANT_LABEL, TENANT_LABEL, Matcher, MatchOp

LAST_DAY: Final = 73_000
"""The last day that is worth a condition: a date holds few more."""

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, made by this module and nowhere else (`tests/test_contracts.py`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Condition:
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


def since(start_ms: int) -> Condition:
    """Return that `ts` is this time or a later one."""
    return Condition(f"ts >= fromUnixTimestamp64Milli({int(start_ms)})")


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
