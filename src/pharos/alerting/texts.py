"""Whether what receivers are told to say can be said: templates that nobody runs before a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pharos.alerting.config import AlertingConfig
from pharos.errors import PharosError
from pharos.notify.template import Templates

_OPENING: Final = "{{"


def bad_texts(config: AlertingConfig, templates: Templates) -> list[str]:
    """Return what is wrong with the templates in receivers' settings, each with where it stands.

    Such a text keeps no configuration from being taken, as with Alertmanager: its messages say what failed.
    """
    found = []
    for receiver in config.receivers.values():
        for integration in receiver.integrations:
            where = f"receiver {receiver.name!r}: {integration.kind}_configs[{integration.index}]"
            for place, text in _texts(integration.values, where):
                try:
                    templates.check(text)
                except PharosError as error:
                    found.append(f"{place}: {error.message}")
    return found


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _OPENING in value:
            yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{place}: {name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{place}[{number}]")
