"""Spans of even steps of time, as a canary is judged by them: how many, how many failed, how long they took.

It blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.query.events.counting import buckets_of
from pharos.query.events.span_conditions import SpanConditions
from pharos.query.events.spans import SpanStore
from pharos.search.traceql.ast import Expression
from pharos.search.window import Window

_ERROR: Final = "status = 2"
_LOGARITHM: Final = "log(greatest(duration, 1) / 1e6)"
"""Of milliseconds."""
_MOST_STEPS: Final = 100_000


class SpanStep(Struct, frozen=True):
    """Spans that began within one step."""

    number: int
    """From the window's start, 0 for the first."""
    spans: int
    errors: int
    logarithms: float
    """Sum of the logarithms of durations in milliseconds, of the spans that did not fail."""
    squares: float
    """Sum of the squares of these."""


def span_steps(
    store: SpanStore,
    session: Session,
    scope: Scope,
    where: Expression | None,
    window: Window,
    step_ns: int,
) -> list[SpanStep]:
    """Return the steps that have spans of which a condition holds, by number.

    Raises PharosError: INVALID and TOO_LARGE for the condition, and as `Session.query`.
    """
    makes = SpanConditions(store.everything(session, scope, window).known.origins)
    number = f"intDiv(toUnixTimestamp64Nano(ts) - {int(window.start_ns)}, {int(step_ns)})"
    statement = sql.select(
        scope,
        f"{number} AS step, toInt64(count()) AS n, toInt64(countIf({_ERROR})) AS errors,"
        f" toFloat64(sumIf({_LOGARITHM}, NOT ({_ERROR}))) AS logarithms,"
        f" toFloat64(sumIf(pow({_LOGARITHM}, 2), NOT ({_ERROR}))) AS squares",
        "spans",
        buckets_of(window),
        sql.times_ns(window.start_ns, window.end_ns),
        makes.condition(where),
        tail="GROUP BY step ORDER BY step",
        limit=_MOST_STEPS,
    )
    rows = session.query(statement, purpose="span_steps").to_pylist()
    return [SpanStep(row["step"], row["n"], row["errors"], row["logarithms"], row["squares"]) for row in rows]
