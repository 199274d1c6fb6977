"""Tail sampling: traces that no rule keeps are deleted, some minutes after the last of their spans came.

A trace is decided about when it is whole, by what the store holds of it: an error anywhere in it, the time it
took, the services it went through. Nothing waits in memory, spans are found as soon as they are stored, and
whatever a crash interrupts is done again with the same result. A span that comes later is decided about in
its own time, by the same hash of the trace's id; one of a trace that was kept finds that trace, and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from pharos.access import Scope, upkeep
from pharos.engine import Controlled
from pharos.engine.keys import EVENT_BUCKET_NS
from pharos.engine.sql import (
    Condition,
    between,
    both,
    delete,
    fixed,
    insert_rows,
    is_match,
    received_within,
    select,
    select_everywhere,
    within,
)
from pharos.sampling import SHARE_BITS, WHOLE, Names, Sampling, TraceRule, bar_of
from pharos.telemetry import DROPPED

_NS: Final = 1_000_000_000
_PAST_S: Final = 86_400
_AHEAD_S: Final = 3_600
"""Spans of times farther than that from when they came are let be: to look for them reads everything."""
_SLICE_S: Final = 600
"""So much of what came is decided about at once."""
_ERROR: Final = 2
_CHOSEN: Final = "unsampled_traces"
_FORGET: Final = fixed("TRUNCATE TABLE unsampled_traces")
_HASH: Final = f"bitShiftRight(intHash64(reinterpretAsUInt64(substring(trace_id, 9, 8))), {64 - SHARE_BITS})"
"""Also in `ingest.events.log_sampling`, so that a trace's records are kept where its spans are."""


class Received(Struct, frozen=True):
    """A time in which spans came, in seconds since 1970; its end is not in it."""

    first_s: int
    until_s: int

    def slices(self) -> list[Received]:
        """Return it in parts that are decided about at once."""
        starts = range(self.first_s, self.until_s, _SLICE_S)
        return [Received(start, min(start + _SLICE_S, self.until_s)) for start in starts]


def drop_unsampled(
    session: Controlled, rules: Sampling, received: Received, label_of: Callable[[str], str]
) -> int:
    """Delete all spans of traces that rules do not keep and whose last span came in that time.

    `label_of` returns what a tenant is called in the server's metrics. Returns the number of spans.
    """
    found = session.query(select_everywhere("DISTINCT tenant", "span_origins"), purpose="sampling")
    dropped = 0
    for tenant in found["tenant"].to_pylist():
        own = rules.traces_of(tenant)
        if all(rule.share >= 1 for rule in own):
            continue
        for one in received.slices():
            count = _drop(session, upkeep(tenant), _Question(own, rules.slow_ms, one))
            if count:
                DROPPED.labels("spans", label_of(tenant), "sampling").inc(count)
            dropped += count
    return dropped


class _Question(Struct, frozen=True):
    """What is asked about the traces of a tenant."""

    rules: Sequence[TraceRule]
    slow_ms: int
    received: Received

    def is_unsampled(self) -> str:
        """Return that a trace, a group of spans, is not kept."""
        parts = [
            f"max(received) < toDateTime({self.received.until_s}, 'UTC')",
            f"countIf(status = {_ERROR}) = 0",
            f"{_HASH} >= {self._bar()}",
        ]
        if self.slow_ms:
            start = "toUnixTimestamp64Nano(ts)"
            took = f"max({start} + greatest(duration, 0)) - min({start})"
            parts.append(f"{took} < {self.slow_ms * 1_000_000}")
        return " AND ".join(parts)

    def _bar(self) -> str:
        """Return below which number the hash of a kept trace is: that of the first rule that fits a span."""
        cases = [f"countIf({_fits(rule).text}) > 0, {bar_of(rule.share)}" for rule in self.rules]
        return f"multiIf({', '.join(cases)}, {WHOLE})"


def _fits(rule: TraceRule) -> Condition:
    return both(
        *(_is_named("service", rule.services)),
        *(_is_named("name", rule.operations)),
    )


def _is_named(column: str, names: Names) -> tuple[Condition, ...]:
    return (is_match(column, f"(?s:{names.expression})"),) if names.patterns else ()


def _drop(session: Controlled, scope: Scope, question: _Question) -> int:
    received = question.received
    came = received_within(received.first_s, received.until_s)
    times = "toUnixTimestamp64Nano(min(first)) AS low, toUnixTimestamp64Nano(max(last)) AS high, count() AS n"
    row = session.query(select(scope, times, "traces", came), purpose="sampling").to_pylist()[0]
    if not row["n"]:
        return 0
    low = max(row["low"], (received.first_s - _PAST_S) * _NS) // EVENT_BUCKET_NS
    high = min(row["high"], (received.until_s + _AHEAD_S) * _NS) // EVENT_BUCKET_NS
    then = between("b", low, high)
    unsampled = select(
        scope,
        "tenant, trace_id",
        "spans",
        within("trace_id", select(scope, "trace_id", "traces", came)),
        key=(then,),
        tail=f"GROUP BY tenant, trace_id HAVING {question.is_unsampled()}",
    )
    session.execute(_FORGET.text)
    session.execute(insert_rows(_CHOSEN, unsampled).text)
    # What comes at this very moment was not looked at: its time is yet to be decided about.
    chosen = both(
        received_within(0, received.until_s), within("trace_id", select(scope, "trace_id", _CHOSEN))
    )
    counted = session.query(select(scope, "count() AS n", "spans", then, chosen), purpose="sampling")
    count = int(counted["n"][0].as_py())
    if count:
        session.execute(delete(scope, "spans", then, chosen).text)
        session.execute(delete(scope, "traces", chosen).text)
    session.execute(_FORGET.text)
    return count
