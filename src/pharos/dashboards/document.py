"""What people bring as a dashboard, in whichever wrapping: the JSON, and what must be chosen for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import yaml
from msgspec import Struct, field

from pharos.dashboards.reading import Json, mapping, mappings, text, texts
from pharos.errors import Kind, PharosError

MOST_BYTES: Final = 4 << 20
"""Of a dashboard's JSON."""
_DEEPEST: Final = 100
UID: Final = re.compile(r"[a-zA-Z0-9_-]{1,100}\Z")
"""What a dashboard or a folder may be called in addresses; Grafana itself makes up to 40."""
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_V2: Final = "dashboard.grafana.app/"


class Format(StrEnum):
    """The two languages that dashboards are written in."""

    CLASSIC = "classic"
    V2 = "v2"


class Input(Struct, frozen=True):
    """What somebody must choose at an import (`__inputs`)."""

    name: str
    type: str
    """`datasource`, or `constant`."""
    label: str
    description: str
    plugin: str
    value: str

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "type": self.type,
            "label": self.label,
            "description": self.description,
            "plugin": self.plugin,
            "value": self.value,
        }


class Brought(Struct, frozen=True):
    """A dashboard as somebody brought it."""

    document: Json
    """As it came, without what it was wrapped in."""
    format: Format
    uid: str
    """Its own; empty if it has none that can be used."""
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = field(default=())
    schema: str = ""
    folder_title: str = ""
    """Of the folder that it lay in, where the wrapping says so."""

    @property
    def spec(self) -> Json:
        """The part that says what is shown."""
        return spec_of(self.document)


def parse_text(said: str) -> Any:
    """Return what a text holds, JSON or YAML. Raises PharosError(INVALID, TOO_LARGE)."""
    if len(said.encode("utf-8", "replace")) > MOST_BYTES:
        raise PharosError(Kind.TOO_LARGE, f"the dashboard is larger than {MOST_BYTES >> 20} MB")
    head = said.lstrip("\ufeff \t\r\n")
    try:
        if head.startswith(("{", "[")):
            return json.loads(head, parse_constant=_refuse_constant)
        return yaml.load(said, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except json.JSONDecodeError as exc:
        raise PharosError(
            Kind.INVALID, f"line {exc.lineno}, column {exc.colno}: not JSON: {exc.msg}"
        ) from exc
    except RecursionError as exc:
        raise too_deep() from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise PharosError(Kind.INVALID, f"neither JSON nor YAML: {str(exc)[:300]}") from exc


def too_deep() -> PharosError:
    """Return the fault of a document with more in one another than anybody writes."""
    return PharosError(Kind.INVALID, f"the dashboard is nested more than {_DEEPEST} deep")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


class _PlainLoader(yaml.SafeLoader):
    """Reads no dates, which JSON does not have, and follows no aliases, of which a bomb can be made."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node. Raises YAMLError for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not followed here")
        return super().compose_node(parent, index)


_PlainLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith((":timestamp", ":merge", ":value"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def written(document: Mapping[str, Any]) -> str:
    """Return a document as text: two spaces, keys in their order. Raises PharosError(INVALID, TOO_LARGE)."""
    try:
        said = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as exc:
        raise PharosError(Kind.INVALID, f"the dashboard cannot be kept as JSON: {exc}") from exc
    if len(said) > MOST_BYTES:
        raise PharosError(Kind.TOO_LARGE, f"the dashboard is larger than {MOST_BYTES >> 20} MB")
    return said


def unwrap(found: Any) -> Brought:
    """Return the dashboard in what somebody brought.

    It may be bare, in `{"dashboard": …}` with a `meta`, or a resource with `apiVersion` and `spec`, of the
    classic or of the second schema. Raises PharosError(INVALID) for what is none of these.
    """
    if not isinstance(found, dict):
        raise PharosError(Kind.INVALID, "a dashboard is a JSON object", hint="export it from Grafana as JSON")
    _require_shallow(found)
    _require_texts(found)
    folder_title = text(mapping(found.get("meta")).get("folderTitle"))
    if isinstance(found.get("dashboard"), dict):
        found = found["dashboard"]
    spec = spec_of(found)
    if "apiVersion" in found and not text(found["apiVersion"]).startswith(_V2):
        raise PharosError(
            Kind.INVALID,
            f"a resource of {text(found['apiVersion'])[:80]!r} is no dashboard",
            hint=f"take the JSON out of it, or a resource of {_V2}",
        )
    is_second = isinstance(spec.get("elements"), dict)
    if not is_second and not any(name in spec for name in ("panels", "rows", "title", "templating")):
        raise PharosError(
            Kind.INVALID,
            "this JSON is no dashboard: it has neither panels nor rows nor elements",
            hint="export the dashboard from Grafana as JSON, whole",
        )
    name = text(mapping(found.get("metadata")).get("name")) if spec is not found else ""
    uid = text(spec.get("uid")) or name
    schema = text(found.get("apiVersion")).removeprefix(_V2) or text(spec.get("schemaVersion")) or "unknown"
    return Brought(
        document=found,
        format=Format.V2 if is_second else Format.CLASSIC,
        uid=uid if UID.match(uid) else "",
        title=text(spec.get("title")).strip()[:500] or "Untitled",
        description=text(spec.get("description")),
        tags=tuple(dict.fromkeys(texts(spec.get("tags")))),
        inputs=tuple(map(_input, mappings(found.get("__inputs")))),
        schema=schema,
        folder_title=folder_title,
    )


def spec_of(document: Json) -> Json:
    """Return what a document says to show: all of it, or the `spec` of a resource."""
    spec = document.get("spec")
    return spec if "apiVersion" in document and isinstance(spec, dict) else document


def _input(one: Json) -> Input:
    return Input(
        name=text(one.get("name")),
        type=text(one.get("type")),
        label=text(one.get("label")),
        description=text(one.get("description")),
        plugin=text(one.get("pluginId")),
        value=text(one.get("value")),
    )


def uid_of_title(title: str) -> str:
    """Return a uid that a title suggests; `dashboard` where it suggests none."""
    return _UNFIT.sub("-", title.lower()).strip("-")[:40].strip("-") or "dashboard"


def require_uid(uid: str) -> str:
    """Return a uid. Raises PharosError(INVALID) for one that cannot stand in an address."""
    if not UID.match(uid):
        raise PharosError(Kind.INVALID, f"{uid[:120]!r} is no uid", hint="up to 100 letters, digits, - and _")
    return uid


def _require_texts(found: Any) -> None:
    """Raise PharosError(INVALID) for half a character, which nothing could show or keep."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise PharosError(Kind.INVALID, "a text of the dashboard holds half a character") from exc


def _require_shallow(found: Any) -> None:
    """Raise PharosError(INVALID) for what is nested so deep that nobody could go through it."""
    level = [found]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise too_deep()
