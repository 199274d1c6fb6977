"""How much there is: lines and bytes of streams, by label and over time, and the templates of lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.warned import warnings_of
from pharos.api.loki.answers import bare, seconds_of, success
from pharos.api.loki.parameters import NS, duration_ns, limit_of, parse_time_ns, steps_of, window_of
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.labels import Labels
from pharos.query.events.log_queries import LEVEL_LABEL, SERVICE_LABEL, Check, LogQueries
from pharos.search.logql.ast import Logs
from pharos.search.logql.grid import Steps
from pharos.search.logql.line import Line
from pharos.search.logql.lower import lower, select_streams
from pharos.search.logql.parse import parse_logs
from pharos.search.logql.source import Count, Source, Stream
from pharos.search.logql.stages import compile_stages, run, wanted_labels
from pharos.search.patterns import Pattern, Patterns, new_since
from pharos.search.tree import Origins
from pharos.search.window import Window

T = TypeVar("T")

_MAX_STEPS: Final = 11_000
_PATTERN_LINES: Final = 200_000
"""Of more lines than this the newest are looked at."""
_PATTERN_STEP_NS: Final = 10 * NS
_MAX_PATTERNS: Final = 1_000
_PAGE: Final = 10_000


class VolumesApi(Struct, frozen=True):
    """`index/stats`, `index/volume`, `index/volume_range` and `patterns`."""

    logs: LogQueries
    clock: Clock

    async def stats(self, parameters: Parameters, request: Request) -> Response:
        """Return how many streams, lines and bytes a selector has; there are no chunks here."""
        window, query = await self._asked(parameters)

        def work(source: Source, check: Check) -> dict[str, int]:  # noqa: ARG001
            counts = _counts(source, window, query, max(window.end_ns - window.start_ns, 1))
            return {
                "streams": len({one.stream.id for one in counts}),
                "chunks": 0,
                "entries": sum(one.lines for one in counts),
                "bytes": sum(one.bytes for one in counts),
            }

        return bare(await self._ask(request, window, ("stats", window, parameters.first("query")), work))

    async def volume(self, parameters: Parameters, request: Request) -> Response:
        """Return bytes by series or by label, the largest first."""
        window, query = await self._asked(parameters)
        step = max(window.end_ns - window.start_ns, 1)
        totals = await self._volumes(parameters, request, window, query, step)
        at = window.end_ns / NS
        result = [
            {"metric": dict(labels), "value": [at, str(sum(amounts.values()))]}
            for labels, amounts in _largest(totals, limit_of(parameters))
        ]
        return success({"resultType": "vector", "result": result}, warnings_of(request))

    async def volume_range(self, parameters: Parameters, request: Request) -> Response:
        """Return bytes by series or by label at each step."""
        window, query = await self._asked(parameters)
        steps = steps_of(parameters, window)
        if steps.count > _MAX_STEPS:
            raise PharosError(
                Kind.INVALID,
                f"exceeded maximum resolution of {_MAX_STEPS:,} points",
                hint="increase the step",
            )
        totals = await self._volumes(parameters, request, window, query, steps.step_ns)
        times = seconds_of(Steps(window.start_ns, window.end_ns, steps.step_ns))
        result = [
            {
                "metric": dict(labels),
                "values": [[times[at], str(amount)] for at, amount in sorted(amounts.items())],
            }
            for labels, amounts in _largest(totals, limit_of(parameters))
        ]
        return success({"resultType": "matrix", "result": result}, warnings_of(request))

    async def _volumes(
        self, parameters: Parameters, request: Request, window: Window, query: Logs, step_ns: int
    ) -> dict[Labels, dict[int, int]]:
        aggregate = parameters.first("aggregateBy") or "series"
        if aggregate not in {"series", "labels"}:
            raise PharosError(
                Kind.INVALID, f"aggregateBy: {quote(aggregate[:40])} is none", hint="series or labels"
            )
        targets = [name for name in parameters.first("targetLabels").split(",") if name]
        names = targets or [one.name for one in query.matchers]

        def labels_of(stream: Stream) -> list[Labels]:
            if aggregate == "labels":
                return [((name, ""),) for name in stream.labels if not targets or name in targets]
            return [tuple(sorted({(name, stream.labels[name]) for name in names if name in stream.labels}))]

        def work(source: Source, check: Check) -> dict[Labels, dict[int, int]]:  # noqa: ARG001
            found: dict[Labels, dict[int, int]] = {}
            for one in _counts(source, window, query, step_ns):
                for labels in labels_of(one.stream):
                    amounts = found.setdefault(labels, {})
                    amounts[one.bucket] = amounts.get(one.bucket, 0) + one.bytes
            return found

        asked = ("volume", window, step_ns, tuple(parameters.pairs))
        return await self._ask(request, window, asked, work)

    async def _asked(self, parameters: Parameters) -> tuple[Window, Logs]:
        window = window_of(parameters, self.clock.now_ns())
        text = parameters.first("query")
        if text.strip() in {"", "{}"}:
            text = f'{{{SERVICE_LABEL}=~".+"}}'
        return window, await off_loop(len(text), partial(parse_logs, text))

    async def _ask(
        self, request: Request, window: Window, asked: Any, work: Callable[[Source, Check], T]
    ) -> T:
        logs = self.logs.telling(warnings_of(request))
        return await while_connected(request, logs.ask(scope_of(request), asked, work, window=window))

    # --- templates

    async def patterns(self, parameters: Parameters, request: Request) -> Response:
        """Return the templates of lines, with how many lines each has at each step.

        `new_since` leaves out those of which there are older lines in the range.
        """
        window, query = await self._asked(parameters)
        text = parameters.first("step")
        step = duration_ns("step", text) if text else _PATTERN_STEP_NS
        if step <= 0:
            raise PharosError(Kind.INVALID, "step must be positive", hint="such as 10s")
        since_text = parameters.first("new_since")
        since = parse_time_ns(since_text, "new_since") if since_text else 0

        def work(source: Source, check: Check) -> list[dict[str, Any]]:
            found = new_since(_mined(source, window, query, step, check), since)
            return [_shown(one, window.start_ns, step) for one in found[:_MAX_PATTERNS]]

        asked = ("patterns", window, parameters.first("query"))
        return success(await self._ask(request, window, asked, work), warnings_of(request))


def _counts(source: Source, window: Window, query: Logs, bucket_ns: int) -> Sequence[Count]:
    streams = select_streams(source.streams(window), query.matchers)
    if not streams or window.end_ns <= window.start_ns:
        return ()
    tree = Origins(tuple(stream.id for stream in streams))
    return [one for one in source.counts(window, tree, bucket_ns, (), with_bytes=True) if one.lines]


def _largest(totals: dict[Labels, dict[int, int]], limit: int) -> list[tuple[Labels, dict[int, int]]]:
    return sorted(totals.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))[:limit]


def _mined(source: Source, window: Window, query: Logs, step_ns: int, check: Check) -> list[Pattern]:
    """Return the templates of the newest lines of a window."""
    patterns = Patterns(window.start_ns, step_ns)
    streams = select_streams(source.streams(window), query.matchers)
    if not streams:
        return []
    lowered = lower(streams, query.stages, source.metadata_fields)
    steps = compile_stages(lowered.rest)
    labels = wanted_labels(lowered.rest, [LEVEL_LABEL])
    seen = 0
    for page in source.entries(window, lowered.tree, newest_first=True, page=_PAGE, labels=labels):
        check()
        for entry in page:
            line = Line(entry)
            if run(steps, line):
                patterns.add(line.text, entry.ts_ns, line.get(LEVEL_LABEL) or "")
        seen += len(page)
        if seen >= _PATTERN_LINES:
            break
    return patterns.found()


def _shown(pattern: Pattern, start_ns: int, step_ns: int) -> dict[str, Any]:
    samples = [[(start_ns + step * step_ns) // NS, count] for step, count in sorted(pattern.by_step.items())]
    shown: dict[str, Any] = {"pattern": pattern.template, "samples": samples}
    if pattern.level:
        shown["level"] = pattern.level
    return shown
