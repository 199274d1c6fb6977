"""Templates for tests of channels: what stands between braces is looked up, or said as it stands."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from pharos.errors import Kind, PharosError
from pharos.notify.message import Message

_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)


class FakeTemplates:
    """Knows `{{ fail }}`, `{{ template "NAME" . }}` (says NAME), `{{ .CommonLabels.NAME }}` and the like."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._known = dict(known or {})

    def text(self, source: str, message: Message) -> str:
        return _ACTION.sub(lambda found: self._value(found[1], message), source)

    def html(self, source: str, message: Message) -> str:
        return _ACTION.sub(lambda found: html.escape(self._value(found[1], message)), source)

    def _value(self, action: str, message: Message) -> str:
        if action in self._known:
            return self._known[action]
        if action == "fail":
            raise PharosError(Kind.INVALID, "template: fails")
        if named := re.fullmatch(r'template "(.*)" \.', action):
            return self._known.get(named[1], named[1])
        pairs = {
            ".GroupLabels": message.group_labels,
            ".CommonLabels": message.common_labels,
            ".CommonAnnotations": message.common_annotations,
        }
        scope, _, name = action.rpartition(".")
        if scope in pairs:
            return dict(pairs[scope]).get(name, "")
        return {".Status": message.status.value, ".ExternalURL": message.external_url}.get(action, action)
