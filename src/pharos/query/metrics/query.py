"""A query as it was asked: its text, read once, and what was accepted of its times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine.changes import Changes
from pharos.promql.language.ast import Expr
from pharos.promql.language.parse import parse

SUBQUERY_STEP_MS: Final = 60_000
ARRIVAL_WAIT_S: Final = 5.0
"""The longest that a query waits for accepted samples of the past to be stored."""


class Query(Struct, frozen=True):
    """An expression that was checked, and how it was written."""

    text: str
    expr: Expr


def parse_query(text: str) -> Query:
    """Return the query of `text`. Raises PharosError(INVALID) with upstream's message."""
    return Query(text, parse(text))


async def arrived(
    changes: Changes, scope: Scope, spans: Sequence[tuple[int, int]], wait_s: float = ARRIVAL_WAIT_S
) -> bool:
    """Wait for what was accepted of the past in these times, so that who loads history finds it.

    Return whether all of it is stored by now: a store that is that slow is not waited for.
    """
    is_stored = True
    if spans:
        least, most = min(first for first, _ in spans), max(last for _, last in spans)
        for tenant in scope.tenants:
            is_stored &= await changes.arrivals.until_stored(tenant, least, most, wait_s)
    return is_stored
