"""All that a reader asks of a dashboard, answered together: lines as they are ready, cancelled together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from msgspec.structs import replace

from pharos.access import Scope
from pharos.dashboards.answer.annotations import answer_annotations
from pharos.dashboards.answer.asked import Asked, built_in
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.answer.options import options_of
from pharos.dashboards.answer.panels import PanelAnswers
from pharos.dashboards.expand import Seen, expand, filled_link
from pharos.dashboards.model import Panel, Tab, Variable
from pharos.dashboards.reading import Json
from pharos.dashboards.references import References
from pharos.dashboards.variables import Chosen, choose, in_order, needs_asking, own_options, values_of
from pharos.errors import PharosError

_AT_ONCE: Final = 8
"""Panels that are under way at a time."""
Linked = Callable[[Scope, tuple[str, ...]], Awaitable[list[Json]]]
"""Returns the dashboards with some tags that may be seen, for links."""


async def settle_variables(doors: Doors, scope: Scope, asked: Asked) -> dict[str, Chosen]:
    """Return every variable as it is set, those first on which others depend."""
    chosen: dict[str, Chosen] = {}
    for ready in in_order(asked.model.variables):
        settled = await asyncio.gather(*(_settle(doors, scope, asked, one, chosen) for one in ready))
        chosen.update({one.variable.name: one for one in settled})
    return {one.name: chosen[one.name] for one in asked.model.variables}


async def _settle(
    doors: Doors, scope: Scope, asked: Asked, variable: Variable, chosen: Mapping[str, Chosen]
) -> Chosen:
    wanted = asked.variables.get(variable.name)
    is_custom = variable.name in asked.custom
    if not needs_asking(variable):
        return choose(variable, own_options(variable), wanted, asked.span, is_custom=is_custom)
    if not asked.asks_options and isinstance(wanted, list) and wanted and "$__all" not in wanted:
        return choose(variable, (), wanted, asked.span, is_custom=True)
    names = References(values_of(chosen, asked.model), built_in(asked, scope, ""), asked.zone)
    try:
        options = await options_of(doors, scope, variable, names, asked.span, asked.model)
    except PharosError as exc:
        return choose(variable, (), wanted, asked.span, is_custom=True, error=exc)
    return choose(variable, options, wanted, asked.span, is_custom=is_custom)


def seen_by(asked: Asked, scope: Scope, chosen: Mapping[str, Chosen]) -> Seen:
    """Return what a reader sees, of the variables as they are set."""
    query = "&".join(
        one.value().query
        for one in chosen.values()
        if not one.variable.skips_address and one.variable.type != "adhoc"
    )
    return Seen(chosen, values_of(chosen, asked.model), built_in(asked, scope, query), asked.span, asked.zone)


async def all_panels(doors: Doors, scope: Scope, asked: Asked) -> Asked:
    """Return the same question for all panels, those out of sight too, at times that stay what they are."""
    chosen = await settle_variables(doors, scope, asked)
    tabs = expand(asked.model, seen_by(asked, scope, chosen))
    keys = frozenset(panel.key for tab in tabs for row in tab.rows for panel in row.panels)
    return replace(asked, panels=keys)


async def stream(doors: Doors, scope: Scope, asked: Asked, linked: Linked) -> AsyncIterator[Json]:
    """Yield the lines of an answer; what is under way ends with the reader."""
    began_s = doors.clock.monotonic_s()
    span = asked.span
    yield {"kind": "range", "from": span.start_ms, "to": span.end_ms, "now": asked.now_ms}
    chosen = await settle_variables(doors, scope, asked)
    if "variables" in asked.include:
        yield {"kind": "variables", "variables": [one.shown() for one in chosen.values()]}
    seen = seen_by(asked, scope, chosen)
    tabs = expand(asked.model, seen)
    if "layout" in asked.include:
        yield await _layout(scope, asked, seen, tabs, linked)
    answers = PanelAnswers(doors, scope, asked, seen, tabs)
    work: list[Callable[[], Awaitable[Json]]] = []
    if "panels" in asked.include:
        work += [partial(answers.line, panel) for panel in wanted_panels(asked, tabs)]
    if "annotations" in asked.include:
        work += [
            partial(answer_annotations, doors, scope, asked, seen, one)
            for one in asked.model.annotations
            if one.is_enabled
        ]
    async for line in _as_done(work):
        yield line
    yield {
        "kind": "end",
        "took_ms": round((doors.clock.monotonic_s() - began_s) * 1000),
        "queries": answers.asked_count,
        "shared": answers.shared_count,
        "failed": answers.failed_count,
    }


async def _as_done(work: list[Callable[[], Awaitable[Json]]]) -> AsyncIterator[Json]:
    """Yield what each returns, as it is done, some at a time; end all of it with the reader."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def turn(one: Callable[[], Awaitable[Json]]) -> Json:
        # Begun in its turn alone: what has none yet when the reader goes is nothing that was left undone.
        async with turns:
            return await one()

    tasks = [asyncio.create_task(turn(one)) for one in work]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def wanted_panels(asked: Asked, tabs: tuple[Tab, ...]) -> list[Panel]:
    """Return the panels that are asked for: by key, or those in sight."""
    if asked.panels is not None:
        every = [panel for tab in tabs for row in tab.rows for panel in row.panels]
        return [panel for panel in every if panel.key in asked.panels]
    open_tab = next((tab for tab in tabs if tab.key == asked.tab), tabs[0] if tabs else None)
    if open_tab is None:
        return []
    return [
        panel
        for row in open_tab.rows
        if not asked.collapsed.get(row.key, row.is_collapsed)
        for panel in row.panels
    ]


async def _layout(scope: Scope, asked: Asked, seen: Seen, tabs: tuple[Tab, ...], linked: Linked) -> Json:
    names = seen.references()
    links = []
    for link in asked.model.links:
        filled = filled_link(link, names)
        if link["type"] == "dashboards":
            filled["dashboards"] = await linked(scope, tuple(link["tags"]))
        links.append(filled)
    return {
        "kind": "layout",
        "title": names.filled(asked.model.title),
        "tabs": [tab.shown() for tab in tabs],
        "links": links,
    }
