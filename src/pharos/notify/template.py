"""What channels say: Go templates over a message, with Alertmanager's data, functions and default templates.

A text that a receiver's configuration has is a template of its own, which knows the templates of the files
that the configuration names, and ours. Its result is text as it is, or HTML that no value can break.
"""

from __future__ import annotations

import glob
import importlib.resources
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate import Function, Limits, Value
from pharos.gotemplate import Templates as TemplateSet
from pharos.gotemplate.values import TEXT, Record, Table
from pharos.notify.message import Message
from pharos.notify.template_data import data_of
from pharos.notify.template_functions import FUNCTIONS, at_time

_LIMITS: Final = Limits(steps=2_000_000, characters=16 * 1024 * 1024)
_KEPT: Final = 1000
"""How many texts are kept parsed."""
_KEPT_LENGTH: Final = 65_536
_MAX_FILE: Final = 1024 * 1024
_ROUTE_DEPTH: Final = 5


@cache
def _defaults() -> TemplateSet:
    found = TemplateSet(
        {**FUNCTIONS, **at_time(0), "routeLabels": Function(lambda _name: "", (TEXT,))}, _LIMITS
    )
    folder = importlib.resources.files("pharos.notify") / "defaults"
    for name in ("default.tmpl", "email.tmpl"):
        found = found.reading(name, (folder / name).read_text("utf-8"))
    return found


class Templates:
    """The default templates, and those of some files, which come before them."""

    def __init__(self, templates: TemplateSet | None = None) -> None:
        self._templates = templates or _defaults()
        self._parsed: OrderedDict[tuple[str, bool], TemplateSet] = OrderedDict()

    @staticmethod
    def load(paths: Iterable[str | Path]) -> Templates:
        """Return the templates of all files that some paths or globs name, in the order of their names.

        A glob that names no file is no fault. Raises PharosError: INVALID with place and reason for a file
        that is no template, MISSING for one that cannot be read.
        """
        found = _defaults()
        for pattern in paths:
            for path in sorted(glob.glob(str(pattern))):  # noqa: PTH207 - a glob may be absolute
                found = found.reading(Path(path).name, _read(path))
        return Templates(found)

    @staticmethod
    def of(texts: Mapping[str, str]) -> Templates:
        """Return the templates of texts by the names of their files, in that order. Raises
        PharosError(INVALID).
        """
        found = _defaults()
        for name in sorted(texts):
            found = found.reading(name, texts[name])
        return Templates(found)

    def names(self) -> list[str]:
        """Return what the templates are called."""
        return self._templates.names()

    def is_other(self, name: str, than: Templates) -> bool:
        """Return whether a template is not the one that `than` has by this name."""
        return self._templates.tree(name) is not than._templates.tree(name)

    def check(self, source: str) -> None:
        """Raise PharosError(INVALID) for a text that is no template, or uses one that there is not."""
        missing = self._of(source, is_html=False).missing("")
        if missing:
            raise PharosError(Kind.INVALID, f"there is no template {', '.join(map(repr, missing))}")

    def text(self, source: str, message: Message) -> str:
        """Return what a template says of a message. Raises PharosError: INVALID, or LIMITED for too much."""
        return self.expand(source, data_of(message), message.now_ms)

    def html(self, source: str, message: Message) -> str:
        """Return the same as HTML, in which all that the message says is escaped for where it stands."""
        return self.expand(source, data_of(message), message.now_ms, is_html=True)

    def expand(self, source: str, data: Value, now_ms: int, *, is_html: bool = False) -> str:
        """Return what a template says of data; `now_ms` is what `now` and `since` take for the time."""
        if not source:
            return ""
        return self._run(self._of(source, is_html=is_html), data, now_ms, ())

    def _run(self, templates: TemplateSet, data: Value, now_ms: int, route_names: tuple[str, ...]) -> str:
        def route_label(name: str) -> str:
            labels = _route_labels(data)
            text = labels.entries.get(name, "") if labels is not None else ""
            if not isinstance(text, str) or "{{" not in text:
                return str(text or "")
            if name in route_names or len(route_names) >= _ROUTE_DEPTH:
                raise PharosError(Kind.INVALID, f"the route's label {name!r} refers to itself")
            return self._run(self._of(text, is_html=False), data, now_ms, (*route_names, name))

        functions = {**at_time(now_ms), "routeLabels": Function(route_label, (TEXT,))}
        return templates.expand("", data, functions)

    def _of(self, source: str, *, is_html: bool) -> TemplateSet:
        key = (source, is_html)
        found = self._parsed.get(key)
        if found is None:
            found = self._templates.reading("", source)
            if is_html:
                found = found.escaping("")
            if len(source) > _KEPT_LENGTH:
                return found
            self._parsed[key] = found
            while len(self._parsed) > _KEPT:
                self._parsed.popitem(last=False)
        return found


def _route_labels(data: Value) -> Table | None:
    found = data.fields.get("RouteLabels") if isinstance(data, Record) else None
    return found if isinstance(found, Table) else None


def _read(path: str) -> str:
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise PharosError(Kind.MISSING, f"{path}: cannot read the templates: {error.strerror}") from error
    if len(raw) > _MAX_FILE:
        raise PharosError(Kind.TOO_LARGE, f"{path}: templates of more than {_MAX_FILE} bytes")
    return raw.decode("utf-8", "surrogateescape")
