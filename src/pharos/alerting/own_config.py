"""A tenant's own configuration of alerting: given over the API, kept with its secrets, and never told with
them.

It is an alertmanager.yml with its templates beside it. Since whoever may write it need not be whoever runs
the server, it may name no files of the server. Where `<secret>` stands for a secret, the one that is kept
at the same place of the same receiver is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.config import MOST_VALUES, AlertingConfig, read_alerting, written
from pharos.document import HIDDEN, HIDDEN_URL, Scalar, Sequence, Value, load_document
from pharos.errors import Kind, PharosError
from pharos.http_options import SecretText, TlsOptions
from pharos.notify.template import Templates

NAME: Final = "alertmanager.yml"
"""What faults call it, and the one name under which it is kept."""
_CONFIG: Final = "config"
_TEMPLATES: Final = "template_files"
_MOST_BYTES: Final = 1 << 20
_FILES_MOST: Final = 100
_NOWHERE: Final = Path("/")

Place: TypeAlias = tuple[str, ...]


class OwnConfig(Struct, frozen=True):
    """A configuration that was looked at, and how it is kept."""

    config: AlertingConfig
    document: Mapping[str, Any]
    """With its secrets."""


def shown_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be said of a kept document; of one that is not good any more, nothing."""
    try:
        shown = read_own(document).config.shown
    except PharosError:
        shown = ""
    return {_CONFIG: shown, _TEMPLATES: dict(document.get(_TEMPLATES) or {})}


def read_own(document: Mapping[str, Any]) -> OwnConfig:
    """Return a kept configuration. Raises FaultsError or PharosError(INVALID)."""
    return take_own(str(document.get(_CONFIG, "")), document.get(_TEMPLATES) or {}, None)


def take_own(text: str, templates: Mapping[str, str], kept: Mapping[str, Any] | None) -> OwnConfig:
    """Return what a tenant gives; `kept` is the document that is there, for secrets that are not written
    again.

    Raises FaultsError with everything that is wrong, PharosError: INVALID, or TOO_LARGE.
    """
    if len(text) > _MOST_BYTES or sum(map(len, templates.values())) > _MOST_BYTES:
        raise PharosError(
            Kind.TOO_LARGE, f"a configuration and its templates have at most {_MOST_BYTES} bytes"
        )
    root = load_document(text, NAME, MOST_VALUES, first_only=True)
    config = read_alerting(root, _NOWHERE)
    if _fill_in(root, kept):
        text = written(root.plain(shows_secrets=True))
        root = load_document(text, NAME, MOST_VALUES, first_only=True)
        config = read_alerting(root, _NOWHERE)
    _check_files(root, config)
    _check_templates(config, templates)
    # Templates are those that come along, each under the name by which the configuration names it.
    config = replace(config, templates=(), template_files=dict(templates))
    return OwnConfig(config, {_CONFIG: text, _TEMPLATES: dict(templates)})


# Secrets that are not written again.


def _fill_in(root: Value, kept: Mapping[str, Any] | None) -> bool:
    """Put kept secrets where `<secret>` stands; return whether there was any. Raises FaultsError for one
    unknown.
    """
    hidden = {place: node for place, node in _secrets(root, ()) if node.text in {HIDDEN, HIDDEN_URL}}
    if not hidden:
        return False
    known: dict[Place, str] = {}
    if kept is not None:
        old = load_document(str(kept.get(_CONFIG, "")), NAME, MOST_VALUES, first_only=True)
        read_alerting(old, _NOWHERE)
        known = {place: node.text for place, node in _secrets(old, ())}
    for place, node in hidden.items():
        if place not in known:
            message = f"{'.'.join(place)}: {HIDDEN} stands for a secret that is kept, and none is: write it"
            root.source.faults.append(root.source.fault(node.line, message))
        else:
            node.text = known[place]
    root.source.raise_faults()
    return True


def _secrets(value: Value, place: Place) -> Iterator[tuple[Place, Scalar]]:
    """Yield every secret and its place, in which a receiver is told by its name."""
    node = value.node
    if isinstance(node, Scalar):
        if value.source.is_secret(node):
            yield place, node
    elif isinstance(node, Sequence):
        for index, inner in enumerate(value.items()):
            yield from _secrets(inner, (*place, _step(inner, index)))
    else:
        for name, _, inner in value.pairs():
            yield from _secrets(inner, (*place, name))


def _step(value: Value, index: int) -> str:
    named = None if isinstance(value.node, (Scalar, Sequence)) else dict(_texts(value)).get("name")
    return f"[{index}]" if named is None else f"[{named}]"


def _texts(value: Value) -> Iterator[tuple[str, str]]:
    return ((name, inner.text()) for name, _, inner in value.pairs() if isinstance(inner.node, Scalar))


# Files of the server.


def _check_files(root: Value, config: AlertingConfig) -> None:
    named = {
        path
        for one in config.receivers.values()
        for path in _paths([dict(i.values) for i in one.integrations])
    }
    named |= set(_paths(dict(config.global_)))
    if named:
        message = "it may not name files of the server: write what they hold"
        raise root.source.fault(1, f"{message} ({', '.join(sorted(named)[:3])})")


def _paths(value: Any) -> Iterator[str]:
    """Yield the files that are named in settings."""
    match value:
        case SecretText():
            if value.path:
                yield value.path
        case TlsOptions():
            yield from (path for path in (value.ca_path, value.cert_path, value.key_path) if path)
        case Mapping():
            if value.get("chat_id_file"):
                yield str(value["chat_id_file"])
            for inner in value.values():
                yield from _paths(inner)
        case list() | tuple():
            for inner in value:
                yield from _paths(inner)
        case Struct():
            for name in value.__struct_fields__:
                yield from _paths(getattr(value, name))


# Templates.


def _check_templates(config: AlertingConfig, templates: Mapping[str, str]) -> None:
    if len(templates) > _FILES_MOST:
        raise PharosError(Kind.INVALID, f"a configuration has at most {_FILES_MOST} files of templates")
    for name in templates:
        if not name or "/" in name or not name.isprintable() or name.startswith("."):
            raise PharosError(Kind.INVALID, f"not a name of a file of templates: {name[:100]!r}")
    for pattern in config.templates:
        name = Path(pattern).name
        if "*" not in name and name not in templates:
            raise PharosError(Kind.INVALID, f"{NAME}: templates: there is no {name!r} among template_files")
    found = Templates.of(templates)
    for receiver in config.receivers.values():
        for one in receiver.integrations:
            for text in _templates(dict(one.values)):
                try:
                    found.check(text)
                except PharosError as exc:
                    raise PharosError(
                        exc.kind,
                        f"{NAME}: receiver {receiver.name!r}, {one.kind}_configs[{one.index}]: {exc}",
                    ) from exc


def _templates(value: Any) -> Iterator[str]:
    match value:
        case str():
            if "{{" in value:
                yield value
        case Mapping():
            for inner in value.values():
                yield from _templates(inner)
        case list() | tuple():
            for inner in value:
                yield from _templates(inner)
