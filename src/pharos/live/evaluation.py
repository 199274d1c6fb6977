"""What each stream is evaluated by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.live.boards import Boards, BoardSource
from pharos.live.custom import Encode, QuerySource
from pharos.live.filters import Filters
from pharos.live.groups import Source
from pharos.live.news import log_source, trace_source
from pharos.live.protocol import members_of
from pharos.live.refusal import Code, RefusedError
from pharos.live.streams import Language, Stream
from pharos.promql.language.ast import ValueType
from pharos.promql.language.check import type_of
from pharos.query.events.log_search import LogSearch
from pharos.query.events.traces import Traces
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query, parse_query
from pharos.search.tree import Tree
from pharos.search.words import parse_search
from pharos.state.timeline import Step

_INLINE: Final = 1_000
"""Longer queries are read on a thread."""
_STEPS: Final = frozenset(step.value for step in Step)


@lru_cache(maxsize=1_000)
def _promql(text: str) -> Query:
    """Return a query whose answer is one value a series. Raises PharosError(INVALID)."""
    query = parse_query(text)
    if type_of(query.expr) is ValueType.MATRIX:
        raise RefusedError(
            Code.BAD_QUERY,
            "a range vector has many values a series, and an update has one",
            hint="put a function around it, such as rate() or max_over_time()",
        )
    return query


@lru_cache(maxsize=1_000)
def _search(text: str) -> Tree:
    return parse_search(text)


def _read(stream: Stream) -> None:
    try:
        match stream.language:
            case Language.PROMQL:
                _promql(stream.query)
            case Language.LOGS | Language.TRACES:
                _search(stream.query)
            case Language.EVENTS:
                _require_steps(stream.query)
    except RefusedError:
        raise
    except PharosError as exc:
        raise RefusedError(Code.BAD_QUERY, exc.message, hint=exc.hint) from exc


def _require_steps(text: str) -> None:
    for word in text.replace(",", " ").split():
        if word not in _STEPS:
            hint = f"one of {', '.join(sorted(_STEPS))}"
            raise RefusedError(Code.BAD_QUERY, f"there is no step {word[:40]!r}", hint=hint)


class _NoSteps(Struct, frozen=True):
    """What a newcomer to a stream of events is sent: nothing has happened since it came."""

    sequence: int = 0
    size_bytes: int = 20

    def members(self, filters: Filters) -> bytes:
        del filters
        return members_of({"events": []})


class _StepSource(Struct, frozen=True):
    """Waits: events are told when they happen, not when somebody looks."""

    async def next(self) -> None:
        return

    async def first(self, resume_from: int) -> _NoSteps:
        del resume_from
        return _NoSteps()


class Evaluation(Struct, frozen=True):
    """Evaluates streams by what answers queries."""

    boards: Boards
    metrics: Metrics
    logs: LogSearch
    traces: Traces
    encode: Encode
    clock: Clock

    async def check(self, stream: Stream) -> None:
        """Raise RefusedError(BAD_QUERY) for a query that is none."""
        if stream.board:
            return
        if len(stream.query) > _INLINE:
            await asyncio.to_thread(_read, stream)
        else:
            _read(stream)

    def source(self, scope: Scope, stream: Stream) -> Source:
        """Return what evaluates a stream whose query was checked."""
        if stream.board:
            return BoardSource(self.boards, stream.board, scope)
        match stream.language:
            case Language.PROMQL:
                return QuerySource(self.metrics, scope, _promql(stream.query), self.encode, self.clock)
            case Language.LOGS:
                return log_source(self.logs, scope, _search(stream.query), self.clock)
            case Language.TRACES:
                return trace_source(self.traces, scope, _search(stream.query), self.clock)
            case Language.EVENTS:
                return _StepSource()

    async def dashboard_data(self, scope: Scope) -> Mapping[str, Any]:
        """Return what is told of everything. Raises PharosError."""
        return await self.boards.everything(scope)
