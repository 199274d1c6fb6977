"""What one may not see is left out and named; what takes too long leaves the rest as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.api.traces.span_memory import MemoryTraces
from tests.span_rows import rows_of

from pharos.access import ALL, LOCAL, Scope
from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest, resource_of, span
from pharos.query.metrics.query import parse_query
from pharos.related.find import Bounds, Finder
from pharos.related.subject import AlertAsked, LineAsked, SeriesAsked, Sources, SpanAsked
from pharos.state import State, open_state

_TRACE = bytes(15) + b"\x0a"
_SPAN = SpanAsked(_TRACE.hex())
_NS = 10**9


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.db", SystemClock(), Random(1)) as opened:
        yield opened


def _traces() -> Any:
    request = EventRequest()
    # Of no resource: nothing else is asked of the store about it.
    request.add(
        resource_of([]),
        span("lone", trace_id=_TRACE, span_id=bytes(7) + b"\x01", start_ns=_NS, end_ns=2 * _NS),
    )
    return MemoryTraces(rows_of(request.body()))


class _Never:
    """A store of logs that does not answer."""

    async def nearest(self, *_: object) -> object:
        return await asyncio.Event().wait()


class _Failing:
    """A store of logs that cannot answer."""

    async def nearest(self, *_: object) -> object:
        raise PharosError(Kind.UNAVAILABLE, "not now")


def _finder(state: State, logs: Any = None) -> Finder:
    metrics: Any = None
    catalog: Any = None
    return Finder(Sources(logs, _traces(), metrics, catalog, state, lambda _: [], lambda _: {}))


async def test_signals_that_one_may_not_see_are_named(state: State) -> None:
    scope = Scope("default", LOCAL, frozenset({"traces.view"}))
    found = await _finder(state).find(scope, _SPAN, Bounds())
    signals = ("logs", "traces", "series", "alerts", "starts", "changes")
    lacking = {name: getattr(found, name).lacks for name in signals}
    assert lacking == {
        "logs": "logs.view",
        "traces": "",
        "series": "metrics.view",
        "alerts": "alerts.view",
        "starts": "metrics.view",
        "changes": "audit.view",
    }


@pytest.mark.parametrize(
    ("asked", "permission"),
    [
        (_SPAN, "traces.view"),
        (LineAsked(1, 1), "logs.view"),
        (AlertAsked("ab"), "alerts.view"),
        (SeriesAsked(parse_query("up"), (), 1), "metrics.view"),
    ],
)
async def test_who_may_not_see_a_thing_may_not_ask_about_it(
    state: State, asked: Any, permission: str
) -> None:
    with pytest.raises(PharosError, match=f"lacks the permission {permission}") as refused:
        await _finder(state).find(Scope("default", LOCAL, ALL - {permission}), asked, Bounds())
    assert refused.value.kind is Kind.DENIED


async def test_a_signal_that_takes_too_long_says_so(state: State) -> None:
    scope = Scope("default", LOCAL, frozenset({"traces.view", "logs.view"}))
    found = await _finder(state, _Never()).find(scope, _SPAN, Bounds(time_s=0.01))
    assert found.logs.failure == "it took longer than 0.01s"


async def test_a_signal_that_fails_leaves_the_others_as_they_are(state: State) -> None:
    scope = Scope("default", LOCAL, ALL - {"metrics.view"})
    found = await _finder(state, _Failing()).find(scope, _SPAN, Bounds())
    assert found.logs.failure == "not now"
    assert (found.alerts.failure, found.changes.failure) == ("", "")


async def test_only_one_tenant_is_asked_about(state: State) -> None:
    with pytest.raises(PharosError, match="only one tenant"):
        await _finder(state).find(Scope("a|b", LOCAL, ALL), _SPAN, Bounds())
