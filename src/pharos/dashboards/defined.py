"""Variables, annotations and links of the classic schema."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import asdict

from pharos.dashboards.model import Annotations, Option, Variable
from pharos.dashboards.reading import Json, flag, items, mapping, mappings, number, text, whole
from pharos.dashboards.references import names_in
from pharos.dashboards.report import Report

ALL: Final = "$__all"
"""The value that stands for all values."""
ALL_TEXT: Final = "All"
AUTO: Final = "$__auto"
"""The value of an interval that is chosen by the range."""
KINDS: Final = frozenset(
    {
        "query",
        "custom",
        "interval",
        "datasource",
        "constant",
        "textbox",
        "adhoc",
        "groupby",
        "switch",
        "system",
    }
)
_HIDDEN: Final = {0: "no", 1: "label", 2: "all"}
_COMMA: Final = re.compile(r"(?<!\\),")
_PAIR: Final = re.compile(r"(.+)\s:\s(.+)\Z", re.DOTALL)
_MOST_VARIABLES: Final = 200
_MOST_OPTIONS: Final = 5000


def read_variables(found: Sequence[Json], report: Report) -> tuple[Variable, ...]:
    """Return the variables, each with those that it depends on."""
    seen: dict[str, Variable] = {}
    for one in found[:_MOST_VARIABLES]:
        variable = _variable(one, report)
        if variable.name:
            seen.setdefault(variable.name, variable)
    return tuple(_with_dependencies(one, seen) for one in seen.values())


def _variable(one: Json, report: Report) -> Variable:
    name, kind = text(one.get("name")), text(one.get("type")) or "query"
    if kind not in KINDS:
        report.note(f"the variable {name!r} is of a type that is not known here: {kind[:40]!r}")
    if _is_json(one) and not json_options(text(one.get("query"))):
        report.note(f"the options of the variable {name!r} are no list in JSON")
    current = mapping(one.get("current")) or {"value": one.get("current")}
    hide = one.get("hide")
    auto_count = whole(one.get("auto_count"), 30)
    return Variable(
        name=name,
        type=kind,
        label=text(one.get("label")),
        description=text(one.get("description")),
        hide="all" if hide is True else _HIDDEN.get(whole(hide), "no"),
        is_multi=flag(one.get("multi")),
        has_all=flag(one.get("includeAll")),
        all_value=text(one.get("allValue")),
        query=_query(one),
        datasource=one.get("datasource"),
        regex=text(one.get("regex")),
        sort=min(max(whole(one.get("sort")), 0), 8),
        refresh=min(max(whole(one.get("refresh"), 1), 0), 2),
        current=_values(current.get("value")),
        current_text=_values(current.get("text")),
        options=_options(kind, one),
        auto=flag(one.get("auto")),
        auto_count=min(max(auto_count, 1), 1000),
        auto_min=text(one.get("auto_min")) or "10s",
        allows_custom=one.get("allowCustomValue") is not False,
        skips_address=flag(one.get("skipUrlSync")),
        filters=tuple(mappings(one.get("filters"))) or tuple(mappings(one.get("baseFilters"))),
    )


def _query(one: Json) -> Any:
    query = one.get("query")
    if isinstance(query, dict):
        return query
    return text(query) or text(one.get("definition"))


def _values(found: Any) -> tuple[str, ...]:
    """Return saved values; a text `All` is the value of older versions for all of them."""
    if isinstance(found, bool):
        return ("true" if found else "false",)
    said = [text(one) for one in items(found)] if isinstance(found, list) else [text(found)]
    return tuple(one for one in said if one != "")


def _options(kind: str, one: Json) -> tuple[Option, ...]:
    """Return the options that stand in the definition itself."""
    query = text(one.get("query"))
    if kind == "custom":
        read = json_options if _is_json(one) else custom_options
        found = read(query) or [
            Option(text(option.get("text")), text(option.get("value")))
            for option in mappings(one.get("options"))
            if text(option.get("value")) != ALL
        ]
        return tuple(found[:_MOST_OPTIONS])
    if kind == "interval":
        return tuple(Option(each, each) for each in _durations(query))
    if kind == "switch":
        values = [text(one.get("enabledValue")) or "true", text(one.get("disabledValue")) or "false"]
        saved = [text(option.get("value")) for option in mappings(one.get("options"))]
        values = saved[:2] if len(saved) > 1 and "enabledValue" not in one else values
        return (Option("on", values[0]), Option("off", values[1]))
    return ()


def _is_json(one: Json) -> bool:
    return text(one.get("type")) == "custom" and text(one.get("valuesFormat")) == "json"


def custom_options(query: str) -> list[Option]:
    r"""Return the options of a list: commas part them, `\,` is a comma, `text : value` gives both."""
    found = []
    for part in _COMMA.split(query):
        said = part.strip().replace("\\,", ",")
        pair = _PAIR.match(said)
        if pair is not None:
            found.append(Option(pair[1].strip(), pair[2].strip()))
        elif said:
            found.append(Option(said, said))
    return found


def json_options(query: str) -> list[Option]:
    """Return the options of a list in JSON: of texts, or of objects with `value` and perhaps `text`."""
    try:
        said = json.loads(query)
    except (ValueError, RecursionError):
        return []
    found = []
    for one in items(said):
        value = text(mapping(one).get("value") if isinstance(one, dict) else one).strip()
        shown = text(mapping(one).get("text")).strip() if isinstance(one, dict) else ""
        if value:
            found.append(Option(shown or value, value))
    return found


def _durations(query: str) -> list[str]:
    parts = [part.strip().strip("\"'") for part in _COMMA.split(query)]
    return [part for part in parts if part and part != "auto"][:_MOST_OPTIONS]


def _with_dependencies(one: Variable, known: dict[str, Variable]) -> Variable:
    said = [one.query, one.regex, one.datasource if one.type != "adhoc" else ""]
    names = tuple(name for name in names_in(said) if name in known and name != one.name)
    if not names:
        return one
    return Variable(**{**asdict(one), "depends_on": names})


def read_annotations(found: Sequence[Json]) -> tuple[Annotations, ...]:
    """Return the annotations."""
    return tuple(map(_annotations, found[:100]))


def _annotations(one: Json) -> Annotations:
    only = mapping(one.get("filter"))
    target = {**one, **mapping(one.get("target"))}
    return Annotations(
        name=text(one.get("name")),
        is_enabled=one.get("enable") is not False,
        is_hidden=flag(one.get("hide")),
        color=text(one.get("iconColor")),
        is_builtin=bool(one.get("builtIn")),
        datasource=one.get("datasource"),
        target=target,
        panels=tuple(whole(each) for each in items(only.get("ids")) if number(each) is not None),
        excludes=flag(only.get("exclude")),
    )


def read_links(found: Sequence[Json]) -> tuple[Json, ...]:
    """Return the links of a dashboard."""
    return tuple(
        {
            "title": text(one.get("title")),
            "type": "dashboards" if text(one.get("type")) == "dashboards" else "link",
            "url": text(one.get("url")) or _old_url(one),
            "tags": [text(each) for each in items(one.get("tags"))],
            "icon": text(one.get("icon")),
            "tooltip": text(one.get("tooltip")),
            "as_dropdown": flag(one.get("asDropdown")),
            "target_blank": flag(one.get("targetBlank")),
            "include_vars": flag(one.get("includeVars")),
            "keep_time": flag(one.get("keepTime")),
            "placement": text(one.get("placement")),
        }
        for one in found[:100]
    )


def _old_url(one: Json) -> str:
    path = text(one.get("dashUri"))
    return f"/dashboard/{path}" if path else ""
