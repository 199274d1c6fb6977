"""Events that a dashboard marks: of queries, and of alerts."""

from __future__ import annotations

import itertools
import re
from typing import Any, Final

import numpy as np

from pharos.access import Scope
from pharos.dashboards.answer.asked import Asked, stepped
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.logs import answer_logs
from pharos.dashboards.expand import Seen
from pharos.dashboards.faults import shown_error
from pharos.dashboards.model import Annotations
from pharos.dashboards.reading import Json, flag, items, text
from pharos.dashboards.references import References, prometheus_form
from pharos.dashboards.sources import Asks, refused, source_of
from pharos.dashboards.times import SCRAPE_MS, Steps, parse_interval, steps_of
from pharos.errors import Kind, PharosError
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.query.metrics.query import parse_query
from pharos.search.tree import All
from pharos.search.window import Window
from pharos.state.timeline import Entry, Step, list_steps

_LABEL: Final = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_LEAST_STEP_MS: Final = 60_000
_MOST_EVENTS: Final = 1_000
_MOST_STEPS: Final = 500
_POINTS: Final = 1_000
_DEPLOY_STEPS: Final = 240
_NS: Final = 1_000_000
_SERVICE_FIELD: Final = "resource.service.name"
_VERSION_FIELD: Final = "resource.service.version"


async def answer_annotations(doors: Doors, scope: Scope, asked: Asked, seen: Seen, one: Annotations) -> Json:
    """Return the line of one kind of events."""
    line: Json = {
        "kind": "annotations",
        "name": one.name,
        "color": one.color,
        "hide": one.is_hidden,
        "panels": one.shown_panels(),
        "events": [],
        "error": None,
    }
    try:
        line["events"] = (await _events(doors, scope, asked, seen, one))[:_MOST_EVENTS]
    except PharosError as exc:
        line["error"] = shown_error(exc)
    return line


async def _events(doors: Doors, scope: Scope, asked: Asked, seen: Seen, one: Annotations) -> list[Json]:
    source = source_of({**one.target, "datasource": one.datasource}, None, asked.model)
    steps = steps_of(asked.span, _POINTS, "", text(one.target.get("step")))
    names = stepped(seen.references(), steps, asked.span)
    match source.asks:
        case Asks.METRICS:
            return await _of_metrics(doors, scope, asked, names, one)
        case Asks.LOGS:
            return await _of_logs(doors, scope, asked, names, one, steps)
        case Asks.OWN:
            return await _of_own(doors, scope, asked, one)
        case _:
            message, hint = refused(source.plugin)
            raise PharosError(Kind.UNSUPPORTED, message, hint=hint)


def _filled_labels(template: str, labels: dict[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), template)


async def _of_metrics(
    doors: Doors, scope: Scope, asked: Asked, names: References, one: Annotations
) -> list[Json]:
    """Return an event for each stretch of steps at which a series has a value that is not 0."""
    require_permission(scope, "metrics.view")
    expr = names.filled(text(one.target.get("expr")) or text(one.target.get("query")), prometheus_form)
    if not expr.strip():
        return []
    step = parse_interval(names.filled(text(one.target.get("step"))), _LEAST_STEP_MS)
    step = max(step, SCRAPE_MS // 15, -(-asked.span.length_ms // _POINTS))
    times = Times(asked.span.start_ms // step * step, asked.span.end_ms // step * step, step)
    uses_value = flag(one.target.get("useValueForTime"))

    def events(answer: Answer) -> list[Json]:
        moments = answer.times_ms.tolist()
        found: list[Json] = []
        for row, pairs in enumerate(answer.labels[:_MOST_EVENTS]):
            labels = dict(pairs)
            values = answer.values[row]
            there = answer.present[row] & (values != 0) & ~np.isnan(values)
            said = _told(one.target, labels, names)
            if uses_value:
                found += [
                    {**said, "time": int(at), "end": None}
                    for at in np.unique(values[there]).tolist()
                    if asked.span.start_ms <= at <= asked.span.end_ms
                ]
                continue
            found += [
                {**said, "time": moments[a], "end": moments[b] if b > a else None}
                for a, b in _stretches(there)
            ]
        return sorted(found, key=lambda event: event["time"])

    return await doors.metrics.evaluate(scope, parse_query(expr), times, events)


def _stretches(there: Any) -> list[tuple[int, int]]:
    """Return the first and last place of each run of what is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], there.astype(np.int8), [0]))))
    return [(begin, end - 1) for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def _told(target: Json, labels: dict[str, str], names: References) -> Json:
    title = names.filled(text(target.get("titleFormat")))
    told = names.filled(text(target.get("textFormat")))
    keys = [key.strip() for key in text(target.get("tagKeys")).split(",") if key.strip()]
    return {
        "title": _filled_labels(title, labels) if title else labels.get("__name__", ""),
        "text": _filled_labels(told, labels),
        "tags": [labels[key] for key in keys if labels.get(key)],
    }


async def _of_logs(
    doors: Doors, scope: Scope, asked: Asked, names: References, one: Annotations, steps: Steps
) -> list[Json]:
    expr = names.filled(text(one.target.get("expr")), prometheus_form)
    answered = await answer_logs(
        doors, scope, {"expr": expr, "refId": "A", "maxLines": 200}, asked.span, steps
    )
    found: list[Json] = []
    for frame in answered.frames:
        shown = frame.shown()
        if shown["shape"] != "logs":
            continue
        for at, line, labels in zip(shown["times_ns"], shown["lines"], shown["labels"], strict=True):
            said = _told(one.target, labels, names)
            event = {**said, "text": said["text"] or line, "time": int(at) // 1_000_000, "end": None}
            found.append(event)
    return found[::-1]


async def _of_own(doors: Doors, scope: Scope, asked: Asked, one: Annotations) -> list[Json]:
    """Return what Pharos itself knows of: alerts and deployments, where the tags name them.

    What Grafana marks of itself here are notes that people make in it, of which there are none.
    """
    tags = {text(tag).lower() for tag in items(one.target.get("tags"))}
    found: list[Json] = []
    if tags & {"alert", "alerts"}:
        found += await _alerts(doors, scope, asked)
    if tags & {"deploy", "deploys", "deployment"}:
        found += await _deployments(doors, scope, asked)
    return sorted(found, key=lambda event: event["time"])


async def _alerts(doors: Doors, scope: Scope, asked: Asked) -> list[Json]:
    """Return when alerts fired and were resolved."""
    require_permission(scope, "alerts.view")
    tenant, span = scope.alone().tenant, asked.span
    steps = await doors.state.read(
        lambda unit: list_steps(
            unit, tenant, since_ms=span.start_ms, until_ms=span.end_ms + 1, limit=_MOST_STEPS
        )
    )
    return [_alert_event(step) for step in steps if step.step in {Step.FIRING, Step.RESOLVED}]


async def _deployments(doors: Doors, scope: Scope, asked: Asked) -> list[Json]:
    """Return when the first spans of a version of a service came, where another version was there before."""
    require_permission(scope, "traces.view")
    span = asked.span
    step_ms = max(span.length_ms // _DEPLOY_STEPS, 1_000)
    window = Window(span.start_ms * _NS, span.end_ms * _NS + 1)
    rates = await doors.traces.rates(scope, window, All(), step_ms * _NS, [_SERVICE_FIELD, _VERSION_FIELD])
    first: dict[str, dict[str, int]] = {}
    for rate in rates:
        service, version = rate.values
        if version:
            versions = first.setdefault(service, {})
            versions[version] = min(versions.get(version, rate.step), rate.step)
    found = []
    for service, versions in first.items():
        in_order = sorted(versions.items(), key=lambda pair: pair[1])
        for (before, earlier), (version, step) in itertools.pairwise(in_order):
            if step > earlier:
                said = {
                    "title": f"{service} {version}",
                    "text": f"{before} was there before",
                    "tags": ["deploy"],
                }
                found.append({**said, "time": span.start_ms + step * step_ms, "end": None})
    return found


def _alert_event(step: Entry) -> Json:
    labels = step.detail.get("labels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    name = labels.get("alertname") or step.fingerprint
    return {
        "time": step.at_ms,
        "end": None,
        "title": f"{name} {step.step.value}",
        "text": text(step.detail.get("summary")),
        "tags": [step.step.value],
    }
