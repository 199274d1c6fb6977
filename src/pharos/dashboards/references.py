"""References to variables in texts, and the forms that values take there.

Names, forms and escapes are those of Grafana (docs: Variable syntax; `templating/template_srv.ts`,
`variables/formatRegistry`).
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.dashboards.dates import date_form

REFERENCE: Final = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:}]+))?(?::([^}]+))?\}")
_OF_VALUES: Final = ("__field", "__data", "__value", "__series", "__cell", "__row")
"""What is about one value that is drawn, which only the page knows."""
_REGEX_CHARS: Final = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_PROMETHEUS_CHARS: Final = re.compile(r"[$^*{}\[\]'+?.()|]")
_LUCENE_CHARS: Final = re.compile(r"([!*+\-=<>\s&|()\[\]{}^~?:\\/\"])")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DEEPEST: Final = 3
"""So many times values are looked through for references in turn."""


class Value(Struct, frozen=True):
    """What a variable has."""

    values: tuple[str, ...]
    texts: tuple[str, ...] = ()
    is_list: bool = False
    """Whether several could be chosen, so that one alone is escaped too."""
    is_multi: bool = False
    """Whether several are chosen, or could be: one alone is a list of one where a form tells lists apart."""
    is_all: bool = False
    all_value: str = ""
    """What stands for all, in place of a list of them."""
    query: str = ""
    """How it stands in an address: `var-name=value`, joined."""

    @property
    def shown(self) -> str:
        """How people read it."""
        return " + ".join(self.texts or self.values)


Form = Callable[[Sequence[str], "Value", str], str]
"""Returns how values stand in a text: of the values, the whole, and the variable's name."""


def names_in(found: Any) -> list[str]:
    """Return the names that any text of a JSON refers to, each once."""
    names: dict[str, None] = {}
    for said in _texts(found):
        for match in REFERENCE.finditer(said):
            names.setdefault(match[1] or match[2] or match[4], None)
    return list(names)


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for one in found.values():
            yield from _texts(one)
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _texts(one)


def prometheus_form(values: Sequence[str], value: Value, _: str) -> str:
    """Return values as a query of Prometheus or Loki takes them within quotes."""
    if not value.is_list:
        return values[0].replace("\\", "\\\\").replace("'", "\\\\'") if values else ""
    escaped = [prometheus_escape(one) for one in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")" if escaped else ""


def prometheus_escape(said: str) -> str:
    """Return a text as it stands in a regular expression within quotes of PromQL."""
    return _PROMETHEUS_CHARS.sub(lambda found: "\\\\" + found[0], said.replace("\\", "\\\\\\\\"))


def pipe_form(values: Sequence[str], _value: Value, _: str) -> str:
    """Return values with bars between them."""
    return "|".join(values)


def text_form(_values: Sequence[str], value: Value, _: str) -> str:
    """Return values as people read them."""
    return value.shown


def glob_form(values: Sequence[str], _value: Value, _: str) -> str:
    """Return a value alone as it is, several in braces."""
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}" if values else ""


def _regex(values: Sequence[str], _value: Value, _: str) -> str:
    escaped = [_REGEX_CHARS.sub(r"\\\g<0>", one) for one in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")" if escaped else ""


def _distributed(values: Sequence[str], _value: Value, name: str) -> str:
    return ",".join(one if not place else f"{name}={one}" for place, one in enumerate(values))


def _quoted(mark: str) -> Form:
    def form(values: Sequence[str], _value: Value, _: str) -> str:
        return ",".join(mark + one.replace(mark, "\\" + mark) + mark for one in values)

    return form


def _lucene(values: Sequence[str], value: Value, _: str) -> str:
    # A sign of a number is none of Lucene's.
    escaped = [one if _NUMBER.fullmatch(one) else _LUCENE_CHARS.sub(r"\\\1", one) for one in values]
    if not escaped:
        return "__empty__" if value.is_multi else ""
    return escaped[0] if not value.is_multi else "(" + " OR ".join(f'"{one}"' for one in escaped) + ")"


def _json(values: Sequence[str], value: Value, _: str) -> str:
    if not value.is_multi:
        return values[0] if values else ""
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))


def _sql(values: Sequence[str], _value: Value, _: str) -> str:
    return ",".join("'" + one.replace("'", "''").replace('"', '\\"') + "'" for one in values)


def _braced(values: Sequence[str], value: Value, name: str) -> str:
    return "{" + ",".join(values) + "}" if value.is_multi else glob_form(values, value, name)


def _percent(values: Sequence[str], value: Value, name: str) -> str:
    return urllib.parse.quote(_braced(values, value, name), safe="")


def _uri(said: str) -> str:
    return urllib.parse.quote(said, safe=";,/?:@&=+$-_.~#")


def address_form(values: Sequence[str], value: Value, name: str) -> str:
    """Return values as a part of an address, a list of one as what is in it."""
    return _uri(glob_form(values, value, name))


def _custom_param(values: Sequence[str], name: str, arguments: Sequence[str]) -> str:
    called, before = (*arguments, "", "")[:2]
    key = urllib.parse.quote(called or name, safe="")
    start = urllib.parse.quote(before, safe="")
    return "&".join(f"{key}={start}{urllib.parse.quote(one, safe='')}" for one in values)


FORMS: Final[Mapping[str, Form]] = {
    "glob": glob_form,
    "raw": lambda values, _value, _: ",".join(values),
    "csv": lambda values, _value, _: ",".join(values),
    "pipe": pipe_form,
    "regex": _regex,
    "text": text_form,
    "distributed": _distributed,
    "singlequote": _quoted("'"),
    "doublequote": _quoted('"'),
    "sqlstring": _sql,
    "lucene": _lucene,
    "json": _json,
    "html": lambda values, _value, _: "".join(_HTML.get(c, c) for c in ", ".join(values)),
    "percentencode": _percent,
    "uriencode": lambda values, value, name: _uri(_braced(values, value, name)),
    "queryparam": lambda _values, value, _: value.query,
}


class References(Struct, frozen=True):
    """What names stand for, in one place of a dashboard."""

    known: Mapping[str, Value]
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What is built in, by name."""
    zone: tzinfo = UTC
    """In which dates are written."""

    def filled(self, said: str, form: Form = glob_form) -> str:
        """Return a text with its references replaced; `form` is for those that name none.

        What is not known stays as it is written.
        """
        for _ in range(_DEEPEST):
            if "$" not in said and "[[" not in said:
                break
            before, said = said, REFERENCE.sub(lambda found: self._one(found, form), said)
            if said == before:
                break
        return said

    def filled_in(self, found: Any, form: Form = text_form) -> Any:
        """Return a JSON with the references in all its texts replaced."""
        if isinstance(found, str):
            return self.filled(found, form)
        if isinstance(found, dict):
            return {name: self.filled_in(one, form) for name, one in found.items()}
        if isinstance(found, list):
            return [self.filled_in(one, form) for one in found]
        return found

    def _one(self, found: re.Match[str], form: Form) -> str:
        name = found[1] or found[2] or found[4]
        asked, *arguments = (found[3] or found[6] or "").split(":")
        if name.startswith(_OF_VALUES):
            return found[0]
        if name in self.fixed:
            return self._fixed(name, found[5] or "", found[6] or "")
        value = self.known.get(name)
        if value is None:
            return found[0]
        if value.is_all and value.all_value and asked not in {"text", "queryparam"}:
            # Written by hand to be a part of a query: it is not escaped.
            return (
                urllib.parse.quote(value.all_value, safe="") if asked == "percentencode" else value.all_value
            )
        if (
            asked == "regex"
            and form is prometheus_form
            and found.string.count("`", 0, found.start()) % 2 == 0
        ):
            # Within quotes of PromQL a backslash is written twice, which Grafana leaves to whoever writes it.
            value = replace(value, is_list=True)
            asked = ""
        if asked == "date":
            return date_form(value.values[0] if len(value.values) == 1 else "", arguments, self.zone)
        if asked == "join":
            return (arguments[0] if arguments else ",").join(value.values)
        if asked == "customqueryparam":
            return _custom_param(value.values, name, arguments)
        # As a glob where nobody knows the form.
        chosen = FORMS.get(asked, glob_form) if asked else form
        return chosen(value.values, value, name)

    def _fixed(self, name: str, path: str, asked: str) -> str:
        """Return what a built-in name stands for; times can be asked for in other forms."""
        for one in (f"{name}.{path}:{asked}", f"{name}:{asked}", f"{name}.{path}"):
            if one in self.fixed:
                return self.fixed[one]
        how, *arguments = asked.split(":")
        return date_form(self.fixed[name], arguments, self.zone) if how == "date" else self.fixed[name]
