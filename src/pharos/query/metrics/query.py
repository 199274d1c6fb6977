"""A query as it was asked: its text, read once."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from pharos.promql.language.ast import Expr
from pharos.promql.language.parse import parse

SUBQUERY_STEP_MS: Final = 60_000


class Query(Struct, frozen=True):
    """An expression that was checked, and how it was written."""

    text: str
    expr: Expr


def parse_query(text: str) -> Query:
    """Return the query of `text`. Raises PharosError(INVALID) with upstream's message."""
    return Query(text, parse(text))
