"""Value mappings, thresholds and overrides, in the forms of all versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pharos.dashboards.reading import Json, flag, mapping, mappings, number, text, texts, whole

_VALUE, _RANGE = 1, 2
_NULLS: Final = frozenset({"null", "N/A"})


def modern_field_config(found: Json) -> Json:
    """Return a field configuration with mappings of the newest form, and both its parts."""
    defaults = dict(mapping(found.get("defaults")))
    if "mappings" in defaults:
        defaults["mappings"] = modern_mappings(mappings(defaults["mappings"]))
    overrides = []
    for one in mappings(found.get("overrides")):
        properties = [
            {**each, "value": modern_mappings(mappings(each.get("value")))}
            if each.get("id") == "mappings"
            else each
            for each in mappings(one.get("properties"))
        ]
        overrides.append({**one, "properties": properties})
    return {**found, "defaults": defaults, "overrides": overrides}


def modern_mappings(found: Sequence[Json]) -> list[Json]:
    """Return value mappings in the newest form; those that have it stay as they are."""
    values: dict[str, Json] = {}
    modern: list[Json] = []
    for place, one in enumerate(found):
        kind = one.get("type")
        if isinstance(kind, str):
            modern.append(one)
            continue
        result: Json = {"text": text(one.get("text")), "index": place}
        if one.get("color"):
            result["color"] = one["color"]
        if kind == _RANGE or ("from" in one and kind != _VALUE):
            modern.append(_range(one.get("from"), one.get("to"), result))
            continue
        value = text(one.get("value"))
        if value in _NULLS:
            modern.append({"type": "special", "options": {"match": "null", "result": result}})
        elif value:
            values[value] = result
    return [{"type": "value", "options": values}, *modern] if values else modern


def _range(low: Any, high: Any, result: Json) -> Json:
    if text(low) in _NULLS and text(high) in _NULLS:
        return {"type": "special", "options": {"match": "null", "result": result}}
    return {"type": "range", "options": {"from": number(low), "to": number(high), "result": result}}


def old_mappings(panel: Json) -> list[Json]:
    """Return the mappings that a panel of the oldest kinds has: of values, or of ranges."""
    chosen = whole(panel.get("mappingType"), _VALUE)
    if chosen == _RANGE:
        said = [{**one, "type": _RANGE} for one in mappings(panel.get("rangeMaps"))]
    else:
        said = [{**one, "type": _VALUE} for one in mappings(panel.get("valueMaps"))]
    return modern_mappings(said)


def threshold_steps(said: Any, colors: Any) -> list[Json]:
    """Return the steps of thresholds that are written as a list of numbers beside a list of colours."""
    parts = texts(said) if isinstance(said, list) else text(said).split(",")
    limits = [limit for limit in map(number, parts) if limit is not None]
    named = texts(colors)
    if not named:
        return []
    steps: list[Json] = [{"color": named[0], "value": None}]
    for place, limit in enumerate(limits, 1):
        steps.append({"color": named[min(place, len(named) - 1)], "value": limit})
    return steps


def matcher_of(name: str) -> Json:
    """Return what matches the series that a name, or a pattern between slashes, stands for."""
    if len(name) > 1 and name.startswith("/"):
        return {"id": "byRegexp", "options": name}
    return {"id": "byName", "options": name}


def override(matcher: Json, properties: dict[str, Any]) -> Json:
    """Return an override of some properties."""
    return {
        "matcher": matcher,
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def axis_bounds(axis: Json) -> Json:
    """Return unit, label and bounds that an axis of the oldest kinds has."""
    found: Json = {}
    unit = text(axis.get("format"))
    if unit and unit != "none":
        found["unit"] = unit
    for name in ("min", "max", "decimals"):
        bound = number(axis.get(name))
        if bound is not None:
            found[name] = bound
    if text(axis.get("label")):
        found["custom.axisLabel"] = text(axis["label"])
    base = whole(axis.get("logBase"), 1)
    if base > 1:
        found["custom.scaleDistribution"] = {"type": "log", "log": base}
    if axis.get("show") is False or (axis.get("show") is not None and not flag(axis["show"])):
        found["custom.axisPlacement"] = "hidden"
    return found


def put_properties(defaults: Json, found: Json) -> None:
    """Set properties, named as in overrides, in the defaults of a field configuration."""
    custom = defaults.setdefault("custom", {})
    for name, value in found.items():
        if name.startswith("custom."):
            custom[name.removeprefix("custom.")] = value
        else:
            defaults[name] = value
