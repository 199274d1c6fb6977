"""What labels and annotations of alerting rules say: Go templates with Prometheus' functions.

`$labels`, `$value`, `$externalLabels` and `$externalURL` stand for what one series of the answer has. A text
is parsed once and kept; what fails when it is run becomes the text itself, so that the alert fires anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from pharos.errors import PharosError
from pharos.gotemplate import Function, Limits, Templates, Value
from pharos.gotemplate.builtins import escape_query, fault
from pharos.gotemplate.library import SHARED, capital, four, shrunk, to_real
from pharos.gotemplate.moments import Duration, time_of_seconds
from pharos.gotemplate.values import ANY, TEXT, Budget, Items, Kindred, Record, Table
from pharos.gotext.durations import parse_duration
from pharos.labels import Labels

_DEFINITIONS: Final = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_VARIABLES: Final = ("$labels", "$externalLabels", "$externalURL", "$value")
_LIMITS: Final = Limits(steps=100_000, characters=1024 * 1024)
_KEPT_LENGTH: Final = 16_384
_QUERY_STEPS: Final = 2_000
"""What a query counts for: fifty of them are more than a template may do."""
_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_WORD_START: Final = re.compile(r"(?:^|(?<=[\x00-/:-@\[-^`{-\x7f\s]))[^\W\d_]")
_ADDRESS: Final = re.compile(r"(?:\[(?P<quoted>[^\[\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[^:\[\]]*)")

Query = Callable[[str], Sequence[tuple[Labels, float]]]
"""Answers an instant query with labels and values; raises PharosError."""


class Sample(Record):
    """A series of a query's answer."""

    __slots__ = ()


_SAMPLE: Final = Kindred("*template.sample", (Sample,))
_SAMPLES: Final = Kindred("template.queryResult", (Items,), is_nilable=True, of="*template.sample")


class Around:
    """What templates are told besides the series: the same for all of one evaluation."""

    __slots__ = ("external_labels", "external_url", "functions")

    def __init__(
        self, query: Query, now_ms: int = 0, external_labels: Labels = (), external_url: str = ""
    ) -> None:
        self.external_labels = Table(dict(external_labels), "string")
        self.external_url = external_url
        self.functions = _functions_of(query, now_ms, external_url)


def check_template(text: str, name: str = "") -> None:
    """Raise PharosError(INVALID) for what is no template: bad syntax, unknown functions and variables."""
    _parsed(text, name)


def expand(text: str, labels: Mapping[str, str], value: float | str, around: Around, name: str = "") -> str:
    """Return what a template says of a series; a histogram's value is its text.

    `name` is the alert's, for messages. What goes wrong is said in the text itself, as Prometheus does.
    """
    data = Record(
        "struct { Labels map[string]string; ExternalLabels map[string]string;"
        " ExternalURL string; Value interface {} }",
        {
            "Labels": Table(labels, "string"),
            "ExternalLabels": around.external_labels,
            "ExternalURL": around.external_url,
            "Value": value,
        },
    )
    title = _title(name)
    try:
        templates = _parsed(text, name)
    except PharosError as error:
        return f"<error expanding template: error parsing template {title}: {error.message}>"
    try:
        return templates.expand(
            title, data, around.functions, zip(_VARIABLES, data.fields.values(), strict=True)
        )
    except PharosError as error:
        return f"<error expanding template: error executing template {title}: {error.message}>"


def _title(name: str) -> str:
    return f"__alert_{name}"


def _parsed(text: str, name: str) -> Templates:
    return _kept(text, name) if len(text) <= _KEPT_LENGTH else _read(text, name)


@lru_cache(maxsize=4096)
def _kept(text: str, name: str) -> Templates:
    return _read(text, name)


def _read(text: str, name: str) -> Templates:
    return _EMPTY.reading(_title(name), _DEFINITIONS + text, skipped=len(_VARIABLES))


# --- functions


def _functions_of(query: Query, now_ms: int, external_url: str) -> dict[str, Function]:
    """Return the functions that depend on when and where a template is run."""

    def ask(budget: Budget, text: str) -> Items:
        budget.step(_QUERY_STEPS)
        found = query(text)
        budget.step(len(found))
        return Items(tuple(_sample(labels, value) for labels, value in found), "*template.sample")

    return {
        "query": Function(ask, (TEXT,), spends=True),
        "now": Function(lambda: now_ms / 1000),
        "externalURL": Function(lambda: external_url),
        "pathPrefix": Function(lambda: urlsplit(external_url).path),
    }


def _sample(labels: Labels, value: float) -> Sample:
    return Sample("template.sample", {"Labels": Table(dict(labels), "string"), "Value": value})


def _label(name: str, sample: Value) -> Value:
    labels = sample.fields["Labels"] if isinstance(sample, Sample) else None
    return labels.entries.get(name, "") if isinstance(labels, Table) else ""


def _first(found: Items | None) -> Value:
    if found is None or not found.items:
        raise fault("first() called on vector with no elements")
    return found.items[0]


def _sorted(name: str, found: Items | None) -> Items:
    samples = [one for one in found.items if isinstance(one, Sample)] if found else []
    return Items(tuple(sorted(samples, key=lambda one: str(_label(name, one)))), "*template.sample")


def _title_case(text: str) -> str:
    return _WORD_START.sub(lambda found: capital(found[0]), text)


def _humanize(value: Value) -> str:
    number = to_real(value)
    if number == 0 or number != number or abs(number) == float("inf"):
        return four(number)
    if abs(number) < 1:
        number, prefix = shrunk(number)
        return four(number) + prefix
    return _scaled(number, 1000, _LARGE)


def _humanize_1024(value: Value) -> str:
    number = to_real(value)
    if not 1 < abs(number) < float("inf"):
        return four(number)
    return _scaled(number, 1024, tuple(f"{one}i" for one in _LARGE))


def _scaled(number: float, base: int, prefixes: Sequence[str]) -> str:
    prefix = ""
    for one in prefixes:
        if abs(number) < base:
            break
        prefix, number = one, number / base
    return four(number) + prefix


def _humanize_timestamp(value: Value) -> str:
    number = to_real(value)
    if number != number or abs(number) == float("inf"):
        return four(number)
    time = time_of_seconds(number)
    return str(time.methods["String"].call(time))


def _to_duration(value: Value) -> Duration:
    ns = to_real(value) * 1e9
    if not abs(ns) < 2.0**63:
        raise fault(f"{four(ns)} ns are no duration")
    return Duration(int(ns))


def _split(address: str) -> tuple[str, str] | None:
    """Return host and port; None for what is not `host:port` or `[host]:port`."""
    found = _ADDRESS.fullmatch(address)
    return None if found is None else (found["quoted"] or found["host"] or "", found["port"])


def _strip_port(address: str) -> str:
    """Return the host of `host:port`; what is no such thing as it is."""
    parts = _split(address)
    return address if parts is None else parts[0]


def _strip_domain(address: str) -> str:
    """Return the first part of a host's name, its port kept; an IP address as it is."""
    host, port = _split(address) or (address, "")
    if "%" not in host and _is_ip(host):
        return address
    first = host.split(".", 1)[0]
    if not port:
        return first
    return f"[{first}]:{port}" if ":" in first else f"{first}:{port}"


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _link(tab: int) -> Function:
    return Function(lambda text: f"/graph?g0.expr={escape_query(text)}&g0.tab={tab}", (TEXT,))


_NOWHERE: Final = _functions_of(lambda _text: (), 0, "")
_EMPTY: Final = Templates(
    {
        **SHARED,
        **_NOWHERE,
        "first": Function(_first, (_SAMPLES,)),
        "label": Function(_label, (TEXT, _SAMPLE)),
        "value": Function(lambda sample: sample.fields["Value"], (_SAMPLE,)),
        "strvalue": Function(lambda sample: _label("__value__", sample), (_SAMPLE,)),
        "sortByLabel": Function(_sorted, (TEXT, _SAMPLES)),
        "args": Function(lambda *values: Table({f"arg{i}": one for i, one in enumerate(values)}), (), ANY),
        "title": Function(_title_case, (TEXT,)),
        "graphLink": _link(0),
        "tableLink": _link(1),
        "stripPort": Function(_strip_port, (TEXT,)),
        "stripDomain": Function(_strip_domain, (TEXT,)),
        "humanize": Function(_humanize, (ANY,)),
        "humanize1024": Function(_humanize_1024, (ANY,)),
        "humanizePercentage": Function(lambda value: f"{four(to_real(value) * 100)}%", (ANY,)),
        "humanizeTimestamp": Function(_humanize_timestamp, (ANY,)),
        "toTime": Function(lambda value: time_of_seconds(to_real(value)), (ANY,)),
        "toDuration": Function(_to_duration, (ANY,)),
        "parseDuration": Function(lambda text: parse_duration(text) / 1000, (TEXT,)),
        "parseDurationTime": Function(lambda text: Duration(parse_duration(text) * 1_000_000), (TEXT,)),
        "urlQueryEscape": Function(escape_query, (TEXT,)),
    },
    _LIMITS,
)
