"""What `pharos check` says of the templates of an alertmanager.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pharos.alerting.config import AlertingConfig
from pharos.alerting.texts import bad_texts
from pharos.errors import PharosError
from pharos.gotemplate import Limits
from pharos.gotemplate import Templates as TemplateSet
from pharos.http_options import SecretText
from pharos.notify.template import Templates


def notices_of(path: Path, config: AlertingConfig) -> list[str]:
    """Return which texts of receivers could not be said, which fails only when they are.

    Raises PharosError(INVALID) for files that are no templates, and for what upstream reads when it loads
    the file.
    """
    # Upstream knows none of its own functions then.
    plain = TemplateSet({}, Limits())
    for place, text in _early(config):
        try:
            plain.reading("", text)
        except PharosError as exc:
            raise PharosError(exc.kind, f"{path}: {place}: invalid template syntax") from exc
    return bad_texts(config, Templates.load(config.templates))


def _early(config: AlertingConfig) -> Iterator[tuple[str, str]]:
    for receiver in config.receivers.values():
        for one in receiver.integrations:
            place = f"receiver {receiver.name!r}, {one.kind}_configs[{one.index}]"
            url = one.values.get("url") if one.kind == "webhook" else None
            if isinstance(url, SecretText) and "{{" in url.inline.reveal():
                yield f"{place}: url", url.inline.reveal()
            for responder in one.values.get("responders") or ():
                if "{{" in responder["type"]:
                    yield f"{place}: responders", responder["type"]
