"""The frames of panels: each target asked where it belongs, what is computed of others computed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from pharos.access import Scope
from pharos.dashboards.answer.asked import Asked, span_of, stepped
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.answer.expressions import compute
from pharos.dashboards.answer.frames import Frame
from pharos.dashboards.answer.logs import answer_logs
from pharos.dashboards.answer.metrics import Answered, MetricTarget, answer_metrics, kinds_of
from pharos.dashboards.answer.traces import answer_traces
from pharos.dashboards.expand import Seen
from pharos.dashboards.faults import shown_error
from pharos.dashboards.model import Panel, Tab
from pharos.dashboards.reading import Json, flag, mapping, text, whole
from pharos.dashboards.references import References, prometheus_form
from pharos.dashboards.sources import Asks, Source, refused, source_of
from pharos.dashboards.times import Span, Steps, steps_of
from pharos.errors import Kind, PharosError

_MOST_TARGETS: Final = 60
_DEEPEST: Final = 3
"""So far panels may show what other panels show that show others."""


class PanelAnswers:
    """Answers the panels of one reader; a panel that another one shows too is asked once."""

    def __init__(self, doors: Doors, scope: Scope, asked: Asked, seen: Seen, tabs: Sequence[Tab]) -> None:
        self._doors = doors
        self._scope = scope
        self._asked = asked
        self._seen = seen
        self._by_id: dict[int, Panel] = {}
        for tab in tabs:
            for row in tab.rows:
                for panel in row.panels:
                    self._by_id.setdefault(panel.id, panel)
        self._known: set[tuple[Any, ...]] = set()
        self.asked_count = 0
        self.shared_count = 0
        self.failed_count = 0

    async def line(self, panel: Panel) -> Json:
        """Return the line of a panel."""
        began_s = self._doors.clock.monotonic_s()
        line: Json = {"kind": "panel", "panel": panel.key, "frames": [], "errors": [], "notices": []}
        span, label = self._asked.span, None
        names = self._seen.references(panel.scoped)
        try:
            span, label = span_of(panel, self._asked, names)
            source = self._shown_panel(panel)
            interval_ms = await self._fill(line, source or panel, span, names, 0)
            line["from_panel"] = None if source is None else source.key
        except PharosError as exc:
            interval_ms = 0
            line["from_panel"] = None
            line["errors"].append(shown_error(exc))
        self.failed_count += len(line["errors"])
        line["frames"] = [frame.shown() for frame in line["frames"]]
        line.update(
            {
                "interval_ms": interval_ms,
                "took_ms": round((self._doors.clock.monotonic_s() - began_s) * 1000),
                "from": span.start_ms,
                "to": span.end_ms,
                "label": label,
            }
        )
        return line

    def _shown_panel(self, panel: Panel, depth: int = 0) -> Panel | None:
        """Return the panel whose data a panel shows; None for one that asks by itself."""
        target = panel.targets[0] if len(panel.targets) == 1 else None
        if target is None or source_of(target, panel, self._asked.model).asks is not Asks.PANEL:
            return None
        found = self._by_id.get(whole(target.get("panelId")))
        if found is None:
            raise PharosError(
                Kind.MISSING, f"the panel {text(target.get('panelId'))!r} that is shown here is not there"
            )
        if depth > _DEEPEST:
            raise PharosError(Kind.INVALID, "the panels that are shown here show one another")
        return self._shown_panel(found, depth + 1) or found

    async def _fill(self, line: Json, panel: Panel, span: Span, names: References, depth: int) -> int:
        """Add the answers of a panel's targets to its line; return its interval in milliseconds."""
        steps = steps_of(span, self._asked.points_of(panel), names.filled(panel.interval))
        targets = panel.targets[:_MOST_TARGETS]
        sources = [source_of(one, panel, self._asked.model) for one in targets]
        feeds = _feeds(targets, sources)
        asked = [
            (one, source)
            for one, source in zip(targets, sources, strict=True)
            if source.asks is not Asks.EXPRESSION
            and (not flag(one.get("hide")) or text(one.get("refId")) in feeds)
        ]
        answered = await asyncio.gather(
            *(self._target(one, source, panel, span, names, depth) for one, source in asked)
        )
        by_ref: dict[str, list[Frame]] = {}
        hidden = {text(one.get("refId")) for one in targets if flag(one.get("hide"))}
        for (one, _), found in zip(asked, answered, strict=True):
            ref = text(one.get("refId"))
            if isinstance(found, PharosError):
                line["errors"].append(shown_error(found, ref))
                continue
            by_ref[ref] = list(found.frames)
            line["notices"] += found.notices
            if ref not in hidden:
                line["frames"] += found.frames
        self._compute(line, targets, sources, by_ref)
        return steps.step_ms

    def _compute(
        self, line: Json, targets: Sequence[Json], sources: Sequence[Source], by_ref: dict[str, list[Frame]]
    ) -> None:
        """Add what is computed of answers, those first of which others are computed."""
        for one, source in zip(targets, sources, strict=True):
            if source.asks is not Asks.EXPRESSION:
                continue
            ref = text(one.get("refId"))
            try:
                by_ref[ref] = compute(one, by_ref)
            except PharosError as exc:
                line["errors"].append(shown_error(exc, ref))
                continue
            if not flag(one.get("hide")):
                line["frames"] += by_ref[ref]

    async def _target(
        self, target: Json, source: Source, panel: Panel, span: Span, names: References, depth: int
    ) -> Answered | PharosError:
        try:
            return await self._answer(target, source, panel, span, names, depth)
        except PharosError as exc:
            return exc

    async def _answer(
        self, target: Json, source: Source, panel: Panel, span: Span, names: References, depth: int
    ) -> Answered:
        least = names.filled(text(target.get("interval")))
        factor = whole(target.get("intervalFactor"), 1)
        steps = steps_of(span, self._asked.points_of(panel), names.filled(panel.interval), least, factor)
        names = stepped(names, steps, span)
        doors, scope = self._doors, self._scope
        match source.asks:
            case Asks.METRICS:
                return await self._metrics(target, panel, names, span, steps)
            case Asks.LOGS:
                filled = {**target, "expr": names.filled(text(target.get("expr")), prometheus_form)}
                self._count(("logs", filled["expr"], span, steps))
                return await answer_logs(doors, scope, filled, span, steps)
            case Asks.TRACES:
                self._count(("traces", text(target.get("query")), span, text(target.get("queryType"))))
                return await answer_traces(doors, scope, names.filled_in(target), span, steps)
            case Asks.PANEL if depth < _DEEPEST:
                return await self._other_panel(target, span, depth)
            case Asks.OWN:
                raise PharosError(
                    Kind.UNSUPPORTED,
                    "invented series and other answers of Grafana itself are not made here",
                    hint="choose a data source",
                )
        message, hint = refused(source.plugin)
        raise PharosError(Kind.UNSUPPORTED, message, hint=hint)

    async def _metrics(
        self, target: Json, panel: Panel, names: References, span: Span, steps: Steps
    ) -> Answered:
        expr = names.filled(text(target.get("expr")), prometheus_form)
        if not expr.strip():
            # A query that nobody has written yet is no fault.
            return Answered(())
        is_range, is_instant = kinds_of(target)
        ref = text(target.get("refId"))
        asked = MetricTarget(
            ref=ref,
            expr=expr,
            legend=names.filled(text(target.get("legendFormat"))),
            format=text(target.get("format")) or "time_series",
            is_range=is_range,
            is_instant=is_instant,
            has_exemplars=flag(target.get("exemplar")) and panel.type == "timeseries",
            value_name="Value" if len(panel.targets) == 1 else f"Value #{ref}",
            filters=self._filters(),
        )
        self._count(("metrics", expr, span, steps.step_ms if is_range else 0, is_instant))
        return await answer_metrics(self._doors, self._scope, asked, span, steps)

    def _filters(self) -> tuple[Json, ...]:
        return tuple(
            one
            for chosen in self._seen.chosen.values()
            if chosen.variable.type == "adhoc" and _filters_metrics(chosen.variable.datasource)
            for one in chosen.filters
        )

    def _count(self, key: tuple[Any, ...]) -> None:
        self.asked_count += 1
        if key in self._known:
            self.shared_count += 1
        self._known.add(key)

    async def _other_panel(self, target: Json, span: Span, depth: int) -> Answered:
        """Return the frames of another panel, as this target's."""
        panel = self._by_id.get(whole(target.get("panelId")))
        if panel is None:
            raise PharosError(Kind.MISSING, f"the panel {text(target.get('panelId'))!r} is not there")
        line: Json = {"frames": [], "errors": [], "notices": []}
        await self._fill(line, panel, span, self._seen.references(panel.scoped), depth + 1)
        ref = text(target.get("refId"))
        return Answered(tuple(replace(one, ref=ref) for one in line["frames"]), tuple(line["notices"]))


def _filters_metrics(datasource: Any) -> bool:
    kind = text(mapping(datasource).get("type"))
    return kind not in {"loki", "tempo"}


def _feeds(targets: Sequence[Json], sources: Sequence[Source]) -> set[str]:
    """Return the letters of all targets that others are computed of."""
    if not any(source.asks is Asks.EXPRESSION for source in sources):
        return set()
    return {text(one.get("refId")) for one in targets}
