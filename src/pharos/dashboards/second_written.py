"""Classic words written into a document of the second schema: what they do not change stays to the letter.

The reverse of `second`'s `classic_...`. Each function is given what stood there before, and returns exactly
that where the classic words say the same as before.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

from pharos.dashboards.reading import Json, flag, mapping, text, whole
from pharos.dashboards.second import (
    classic_annotation,
    classic_source,
    classic_target,
    classic_transformation,
    classic_variable,
)

_KINDS: Final = {
    "query": "QueryVariable",
    "custom": "CustomVariable",
    "textbox": "TextVariable",
    "constant": "ConstantVariable",
    "interval": "IntervalVariable",
    "datasource": "DatasourceVariable",
    "adhoc": "AdhocVariable",
    "groupby": "GroupByVariable",
    "switch": "SwitchVariable",
}
_HIDDEN: Final = ("dontHide", "hideLabel", "hideVariable")
_REFRESH: Final = ("never", "onDashboardLoad", "onTimeRangeChanged")
_SORTS: Final = (
    "disabled",
    "alphabeticalAsc",
    "alphabeticalDesc",
    "numericalAsc",
    "numericalDesc",
    "alphabeticalCaseInsensitiveAsc",
    "alphabeticalCaseInsensitiveDesc",
    "naturalAsc",
    "naturalDesc",
)
_WORDS: Final = {"hide": _HIDDEN, "refresh": _REFRESH, "sort": _SORTS}
_OF_ANNOTATION: Final = frozenset(
    {"name", "enable", "hide", "iconColor", "builtIn", "filter", "mappings", "placement"}
)
_OF_TARGET: Final = frozenset({"refId", "hide", "datasource"})
_LEGACY: Final = "__legacyStringValue"


def second_variables(said: Sequence[Json], before: Sequence[Json]) -> list[Json]:
    """Return variables, each beside the one that it was: of its name, or else at its place."""
    named = {_name(one): one for one in before}
    return [
        _variable(one, named.get(text(one.get("name"))) or _at(before, place, said))
        for place, one in enumerate(said)
    ]


def second_annotations(said: Sequence[Json], before: Sequence[Json]) -> list[Json]:
    """Return annotations, each beside the one that it was."""
    named = {_name(one): one for one in before}
    return [
        _annotation(one, named.get(text(one.get("name"))) or _at(before, place, said))
        for place, one in enumerate(said)
    ]


def second_targets(said: Sequence[Json], before: Sequence[Json]) -> list[Json]:
    """Return queries, each beside the one of its letter."""
    lettered = {text(mapping(one.get("spec")).get("refId")): one for one in before}
    return [_target(one, lettered.get(text(one.get("refId")))) for one in said]


def second_transformations(said: Sequence[Json], before: Sequence[Json]) -> list[Json]:
    """Return transformations: those that are as before to the letter, the others anew."""
    left = list(before)
    found = []
    for one in said:
        same = next((each for each in left if classic_transformation(each) == one), None)
        if same is not None:
            left.remove(same)
            found.append(same)
            continue
        spec = {name: value for name, value in one.items() if name != "id"}
        found.append({"kind": "Transformation", "group": text(one.get("id")), "spec": spec})
    return found


def _name(one: Json) -> str:
    return text(mapping(one.get("spec")).get("name"))


def _at(before: Sequence[Json], place: int, said: Sequence[Json]) -> Json | None:
    """Return what stood at a place, if nothing said has its name: then it was given another."""
    if place >= len(before) or len(before) != len(said):
        return None
    name = _name(before[place])
    return None if any(text(one.get("name")) == name for one in said) else before[place]


def _changed(was: Json, said: Json) -> Json:
    """Return what is said otherwise than it was."""
    return {name: value for name, value in said.items() if name not in was or was[name] != value}


def _put_source(query: Json, spec: Json, source: Any) -> None:
    """Write the data source of a query as its version of the schema does."""
    kind, name = text(mapping(source).get("type")), text(mapping(source).get("uid")) or text(source)
    if "group" in query or text(query.get("kind")) == "DataQuery":
        query["group"] = kind
        query.pop("datasource", None)
        if name:
            query["datasource"] = {"name": name}
    else:
        query["kind"] = kind
        spec["datasource"] = {"type": kind, "uid": name}


def _new_query() -> Json:
    return {"kind": "DataQuery", "group": "", "version": "v0", "spec": {}}


def _variable(said: Json, before: Json | None) -> Json:
    kind = _KINDS.get(text(said.get("type")), "CustomVariable")
    if before is None or text(before.get("kind")) != kind:
        found: Json = {"kind": kind, "spec": {}}
        was: Json = {}
        if kind == "AdhocVariable":
            found["group"] = ""
    else:
        was = classic_variable(before)
        if was == said:
            return before
        found = copy.deepcopy(before)
    spec = found["spec"]
    for name in was:
        if name not in said:
            spec.pop(name, None)
    query = mapping(spec.get("query")) or _new_query()
    for name, value in _changed(was, said).items():
        if name == "type":
            continue
        if name in _WORDS:
            words = _WORDS[name]
            spec[name] = words[min(max(whole(2 if value is True else value), 0), len(words) - 1)]
        elif name == "datasource":
            if kind == "QueryVariable":
                _put_source(query, spec, value)
                spec["query"] = query
            else:
                _put_source(found, spec, value)
        elif name == "query" and kind == "QueryVariable":
            query["spec"] = value if isinstance(value, dict) else {_LEGACY: text(value)}
            spec["query"] = query
        elif name == "query" and kind == "DatasourceVariable":
            spec["pluginId"] = text(value)
        elif name == "current" and kind == "SwitchVariable":
            spec["current"] = text(mapping(value).get("value"))
        else:
            spec[name] = value
    return found


def _opened(kind: str, before: Json | None) -> tuple[Json, Json, Json]:
    """Return what holds a query, a copy or a new one, with its query and what that asks for."""
    found: Json = {"kind": kind, "spec": {}} if before is None else copy.deepcopy(before)
    query = found["spec"]["query"] = mapping(found["spec"].get("query")) or _new_query()
    asked = query["spec"] = mapping(query.get("spec"))
    return found, query, asked


def _annotation(said: Json, before: Json | None) -> Json:
    was: Json = {} if before is None else classic_annotation(before)
    if before is not None and was == said:
        return before
    found, query, asked = _opened("AnnotationQuery", before)
    spec = found["spec"]
    legacy = mapping(spec.get("legacyOptions"))
    for name in was:
        if name not in said:
            for holder in (spec, asked, legacy):
                holder.pop(name, None)
    for name, value in _changed(was, said).items():
        if name == "datasource":
            _put_source(query, spec, value)
        elif name in _OF_ANNOTATION:
            spec[name] = value
        elif name in legacy:
            legacy[name] = value
        else:
            asked[name] = value
    return found


def _target(said: Json, before: Json | None) -> Json:
    was: Json = {"datasource": None} if before is None else classic_target(before)
    if before is not None and was == said:
        return before
    found, query, asked = _opened("PanelQuery", before)
    spec = found["spec"]
    for name in was:
        if name not in said and name not in _OF_TARGET:
            asked.pop(name, None)
    for name, value in _changed(was, said).items():
        if name not in _OF_TARGET:
            asked[name] = value
    spec["refId"], spec["hidden"] = text(said.get("refId")), flag(said.get("hide"))
    if said.get("datasource") is not None and said.get("datasource") != classic_source(
        query, mapping(spec.get("datasource"))
    ):
        _put_source(query, spec, said["datasource"])
    return found
