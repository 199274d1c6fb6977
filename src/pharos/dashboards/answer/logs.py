"""Targets that ask logs: lines, or numbers of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.access import Scope
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.frames import Frame, OtherFrame, SeriesFrame, Ticks
from pharos.dashboards.answer.legend import legends
from pharos.dashboards.answer.metrics import MOST_SERIES, Answered, table, warned
from pharos.dashboards.reading import Json, flag, text, whole
from pharos.dashboards.times import Span, Steps, parse_interval
from pharos.search.logql.ast import Logs
from pharos.search.logql.evaluate import Asked, evaluate_metric, select_lines, time_of
from pharos.search.logql.grid import Column, Grid
from pharos.search.logql.grid import Steps as LogSteps
from pharos.search.logql.parse import parse_query
from pharos.search.logql.source import Source
from pharos.search.window import Window

_NS: Final = 1_000_000
_DEFAULT_LINES: Final = 1_000
_MOST_LINES: Final = 5_000


async def answer_logs(doors: Doors, scope: Scope, target: Json, span: Span, steps: Steps) -> Answered:
    """Return the frames of a target. Raises PharosError."""
    require_permission(scope, "logs.view")
    expr, ref = text(target.get("expr")), text(target.get("refId"))
    if not expr.strip():
        return Answered(())
    query = parse_query(expr)
    window = Window(span.start_ms * _NS, span.end_ms * _NS + 1)
    warnings: list[str] = []
    logs = doors.logs.telling(warnings)
    if isinstance(query, Logs):
        limit = min(max(whole(target.get("maxLines"), _DEFAULT_LINES), 1), _MOST_LINES)
        newest_first = text(target.get("direction")) != "forward"
        asked = Asked(window, limit, newest_first)

        def lines(source: Source, check: Any) -> Frame:
            found = select_lines(source, query, asked, check)
            return OtherFrame(
                ref,
                "logs",
                {
                    "times_ns": [str(one.ts_ns) for one in found],
                    "lines": [one.text for one in found],
                    "labels": [one.labels() for one in found],
                    "limited": len(found) >= limit,
                },
            )

        frame = await logs.ask(scope, ("lines", expr, asked), lines, window=window)
        return Answered((frame,), tuple(warned(ref, warnings)))
    is_instant = flag(target.get("instant")) or text(target.get("queryType")) == "instant"
    step_ms = max(parse_interval(text(target.get("step")), steps.step_ms), 1)
    start_ms, end_ms = span.start_ms // step_ms * step_ms, span.end_ms // step_ms * step_ms
    moments = LogSteps(start_ms * _NS, end_ms * _NS, step_ms * _NS)
    if is_instant:
        moments = LogSteps(span.end_ms * _NS, span.end_ms * _NS)

    def numbers(source: Source, check: Any) -> Frame:
        found = evaluate_metric(source, query, moments, check=check)
        frame = _series(ref, found, moments, text(target.get("legendFormat")), expr)
        return table(frame, "Value") if text(target.get("format")) == "table" else frame

    frame = await logs.ask(scope, ("numbers", expr, moments), numbers, window=time_of(query, moments))
    return Answered((frame,), tuple(warned(ref, warnings)))


def _series(ref: str, found: Grid | float, moments: LogSteps, legend: str, expr: str) -> SeriesFrame:
    count = moments.count
    if isinstance(found, float):
        found = Grid({(): Column(np.full(count, found), np.ones(count, dtype=bool))})
    pairs = sorted(found.series.items(), key=lambda pair: pair[0])[:MOST_SERIES]
    labels = [dict(one) for one, _ in pairs]
    shape = (len(pairs), count)
    values = np.stack([one.values for _, one in pairs]) if pairs else np.zeros(shape)
    present = np.stack([one.present for _, one in pairs]) if pairs else np.zeros(shape, np.bool_)
    return SeriesFrame(
        ref=ref,
        ticks=Ticks(moments.start_ns // _NS, max(moments.step_ns // _NS, 1), count),
        names=legends(legend, labels, expr),
        labels=labels,
        values=np.ascontiguousarray(values, np.float64),
        present=np.ascontiguousarray(present),
    )
