"""A document becomes settings: read, placed beside its file, checked, each fault told with its line."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import (
    ValidationError,
)

from pharos.config.sections import Settings
from pharos.config.written import (
    shown,
    split_address,
)
from pharos.document import (
    FAULTS_MAX,
    FaultsError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Value,
    did_you_mean,
    load_document,
)
from pharos.errors import Kind, PharosError
from pharos.named_file import read_named

_FILE_MAX_BYTES: Final = 1 << 20


def load_settings(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Return the settings of the file at `path` (None: defaults) with `overrides` (None values: not given).

    They can be read again, with the same overrides. Raises PharosError that names file, line and key of every
    fault, up to 100, one a line, sorted by line.
    """
    root = None if path is None else load_document(read_named(path, _FILE_MAX_BYTES), str(path))
    document = {} if root is None else _plain(root)
    if path is not None:
        _place_paths(document, path.parent)
    for key, value in overrides.items():
        section = document.get(key)
        if isinstance(value, dict):
            named = {name: one for name, one in value.items() if one is not None}
            if named:
                document[key] = {**section, **named} if isinstance(section, dict) else named
        elif value is not None:
            document[key] = value
    try:
        settings = Settings.model_validate(document)
    except ValidationError as exc:
        # Not all of them: each is looked for in the document, which may have a hundred thousand.
        told = sorted(_placed(root, error) for error in exc.errors()[:FAULTS_MAX])
        faults = [PharosError(Kind.INVALID, message) for _, message in told]
        if exc.error_count() > FAULTS_MAX:
            faults.append(PharosError(Kind.INVALID, f"{path or 'settings'}: and more"))
        raise FaultsError(tuple(faults)) from exc
    if path is not None:
        settings.reread_by(partial(load_settings, path, overrides))
    return settings


def _place_paths(document: dict[str, Any], folder: Path) -> None:
    """Let every path of a file count from that file, wherever Pharos is started."""
    places: list[tuple[Any, tuple[str, ...]]] = [
        (document, ("data", "prometheus", "alertmanager")),
        (document.get("sampling"), ("strategies",)),
        (document.get("tls"), ("cert", "key", "client_ca")),
        (document.get("oncall"), ("slack_signing_secret_file", "pagerduty_signing_secret_file")),
        (document.get("heartbeat"), ("url_file",)),
        (document.get("forward"), ("shared_key_file",)),
    ]
    providers = document.get("providers")
    places += [(one, ("client_secret_file",)) for one in (providers if isinstance(providers, list) else ())]
    shown = document.get("dashboards")
    folders = shown.get("folders") if isinstance(shown, dict) else None
    places += [(one, ("path",)) for one in (folders if isinstance(folders, list) else ())]
    found = document.get("actions")
    clusters = found.get("clusters") if isinstance(found, dict) else None
    named = clusters.values() if isinstance(clusters, dict) else ()
    places += [(one, ("token_file", "ca_file")) for one in named]
    for section, keys in places:
        for key in keys if isinstance(section, dict) else ():
            if isinstance(section.get(key), str):
                section[key] = str(folder / section[key])
    sources = document.get("files")
    lists = [(one, "paths") for one in (sources if isinstance(sources, list) else ())]
    own = [(document, key) for key in ("rules", "slos", "checks", "rollouts")]
    for of, key in (*own, (document.get("oncall"), "files"), *lists):
        if isinstance(of, dict) and isinstance(of.get(key), list):
            of[key] = [str(folder / one) if isinstance(one, str) else one for one in of[key]]


def check_prometheus(path: Path | None, settings: Settings) -> None:
    """Raise PharosError(INVALID) that names file and line when the settings' prometheus.yml cannot be read.

    `path` is the file that the settings came from, None when there was none.
    """
    if settings.prometheus is None:
        return
    try:
        read_named(settings.prometheus)
    except PharosError as exc:
        where = "settings"
        if path is not None:
            for name, line, value in load_document(read_named(path, _FILE_MAX_BYTES), str(path)).pairs():
                if name == "prometheus" and path.parent / value.text() == settings.prometheus:
                    where = f"{path}:{line}"
        raise PharosError(exc.kind, f"{where}: prometheus: {exc}") from exc


def _plain(root: Value) -> dict[str, Any]:
    """Return a document's mapping as lists, mappings and texts, of which the settings make what they are.

    Raises PharosError(INVALID) for another document, and for a key that is there twice.
    """
    if root.is_null():
        return {}
    if not isinstance(root.node, Mapping):
        raise root.fault("a mapping of settings is expected")
    return {name: _plain_value(value) for name, _, value in root.pairs()}


def _plain_value(value: Value) -> Any:
    if isinstance(value.node, Mapping):
        return _plain(value)
    if isinstance(value.node, Sequence):
        return [_plain_value(one) for one in value.items()]
    return None if value.is_null() else value.text()


def _placed(root: Value | None, error: Any) -> tuple[int, str]:
    """Return (line, message) of a fault."""
    keys = tuple(map(str, error["loc"]))
    line, name = 0, "settings"
    if root is not None:
        line = _line(root.node, keys)
        name = f"{root.source.name}:{line}" if line else root.source.name
    return line, f"{name}: {'.'.join(keys)}: {_sentence(keys, error)}"


def _line(node: Node, keys: tuple[str, ...]) -> int:
    """Return the line of a setting, as far as the document has it; 0 if it has nothing of it."""
    line = 0
    for key in keys:
        if isinstance(node, Sequence) and key.isdecimal():
            node = node.items[int(key)]
            line = node.line
        elif isinstance(node, Mapping):
            pairs = zip(node.nodes[::2], node.nodes[1::2], strict=True)
            found = [pair for pair in pairs if isinstance(pair[0], Scalar) and pair[0].text == key]
            if not found:
                break
            line, node = found[0][0].line, found[0][1]
    return line


_EXPECTED: Final = {
    "bool": "expected true or false",
    "int": "expected a whole number",
    "string": "expected text",
    "path": "expected text",
    "tuple": "expected a list",
    "model": "expected a mapping",
    "dict": "expected a mapping",
}
_MISFITS: Final = {
    "missing": "it is missing",
    "too_short": "must not be empty",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
}


def _sentence(keys: tuple[str, ...], error: Any) -> str:
    """Return what is wrong in our own words: pydantic's are for programmers."""
    kind = error["type"]
    if kind == "setting":
        return str(error["msg"])
    if kind == "extra_forbidden":
        return f"there is no such setting{did_you_mean(keys[-1], _section_of(keys).model_fields)}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{words} {error['ctx'][bound]}, is {shown(error['input'])}"
    if kind == "string_pattern_mismatch":
        return f"must match {error['ctx']['pattern']}, got {shown(error['input'])}"
    if kind in _MISFITS:
        return f"{_MISFITS[kind]}, got {shown(error['input'])}" if kind != "missing" else _MISFITS[kind]
    expected = _EXPECTED.get(kind.partition("_")[0], "not understood")
    return f"{expected}, got {shown(error['input'])}"


def _section_of(keys: tuple[str, ...]) -> Any:
    """Return the section that a setting stands in."""
    section: Any = Settings
    for key in keys[:-1]:
        if get_origin(section) is dict:
            section = get_args(section)[1]
        elif get_origin(section) is tuple:
            section = get_args(section)[0]
        else:
            section = section.model_fields[key].annotation
    return section


def external_url(settings: Settings) -> str:
    """Return how people reach the server, as far as is known; empty where its port is not known yet."""
    host, port = split_address(settings.listen)
    if settings.url or not port:
        return settings.url
    scheme = "http" if settings.tls.cert is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
