"""Tags of Tempo's older search, in logfmt, as the TraceQL query that means the same."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.search.traceql.ast import (
    STATUSES,
    Attribute,
    Binary,
    Combined,
    Expression,
    Filter,
    Intrinsic,
    Literal,
    Pipeline,
    Spanset,
    Type,
)

_PAIR: Final = re.compile(r'\s*([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|$)')
_ESCAPE: Final = re.compile(r"\\(.)")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_MOST_TAGS: Final = 100
_INTRINSICS: Final = {
    "name": "name",
    "root.name": "rootName",
    "root.service.name": "rootServiceName",
}


def parse_tags(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a logfmt text. Raises PharosError(INVALID)."""
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        pair = _PAIR.match(text, at)
        if pair is None:
            raise PharosError(
                Kind.INVALID, f"tags, character {at + 1}: no key=value stands here", hint='write key="value"'
            )
        value = pair[3] or "" if pair[2] is None else _ESCAPE.sub(r"\1", pair[2])
        found.append((pair[1], value))
        at = pair.end()
    if len(found) > _MOST_TAGS:
        raise PharosError(Kind.INVALID, f"{len(found)} tags, {_MOST_TAGS} are the most")
    return found


def _condition(key: str, value: str) -> Expression:
    if key in _INTRINSICS:
        return Binary("=", Intrinsic(_INTRINSICS[key]), Literal(value, Type.TEXT))
    if key == "status.code" and value in STATUSES:
        return Binary("=", Intrinsic("status"), Literal(STATUSES[value], Type.STATUS))
    if (key, value) == ("error", "true"):
        return Binary("=", Intrinsic("status"), Literal(STATUSES["error"], Type.STATUS))
    found: Expression = Binary("=", Attribute(key), Literal(value, Type.TEXT))
    if (number := _NUMBER.fullmatch(value)) is not None:
        # The text does not say what it was when it was sent.
        literal = Literal(float(value), Type.FLOAT) if number[1] else Literal(int(value), Type.INTEGER)
        found = Binary("||", found, Binary("=", Attribute(key), literal))
    if value in {"true", "false"}:
        found = Binary("||", found, Binary("=", Attribute(key), Literal(value == "true", Type.BOOL)))
    return found


def query_of(tags: list[tuple[str, str]], least_ns: int | None, most_ns: int | None) -> Pipeline:
    """Return the query for traces that have each tag on some span, and last so long."""
    conditions = [_condition(key, value) for key, value in tags]
    for op, bound_ns in ((">=", least_ns), ("<=", most_ns)):
        if bound_ns is not None:
            conditions.append(Binary(op, Intrinsic("traceDuration"), Literal(bound_ns, Type.DURATION)))
    found: Spanset = Filter(conditions[0] if conditions else None)
    for condition in conditions[1:]:
        found = Combined("&&", found, Filter(condition))
    return Pipeline((found,))
