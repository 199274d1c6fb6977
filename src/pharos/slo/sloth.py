"""Specifications of Sloth: `version: prometheus/v1`, and the objects of its Kubernetes controller.

What is refused is what Sloth refuses. Fields that it does not know it overlooks, and so they are noticed
here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.document import Fields, Value, did_you_mean
from pharos.labels import METRIC_NAME
from pharos.slo.objective import (
    Alert,
    Alerting,
    ErrorRatio,
    Events,
    Indicator,
    Intervals,
    Language,
    Objective,
    as_labels,
)
from pharos.slo.queries import checked_query
from pharos.slo.sloth_plugins import Chain, Plugin, adjustments_of, sli_of_plugin
from pharos.slo.targets import exact_ratio

VERSION: Final = "prometheus/v1"
API_VERSION: Final = "sloth.slok.dev/v1"
KIND: Final = "PrometheusServiceLevel"
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SNAKE: Final = MappingProxyType(
    {
        "error_query": "error_query",
        "total_query": "total_query",
        "error_ratio_query": "error_ratio_query",
        "page_alert": "page_alert",
        "ticket_alert": "ticket_alert",
        "slo_plugins": "slo_plugins",
    }
)
_CAMEL: Final = MappingProxyType(
    {
        "error_query": "errorQuery",
        "total_query": "totalQuery",
        "error_ratio_query": "errorRatioQuery",
        "page_alert": "pageAlert",
        "ticket_alert": "ticketAlert",
        "slo_plugins": "sloPlugins",
    }
)


class _Service(Struct, frozen=True):
    """What all objectives of a document share."""

    name: str
    labels: dict[str, str]
    chain: Chain
    period_ms: int
    words: Mapping[str, str]
    specification: str


def read_sloth(root: Value, period_ms: int) -> Iterator[Objective]:
    """Yield the objectives of a document, made for a period; what is wrong is noted with its source."""
    fields = Fields(root, "a specification of Sloth")
    if fields.take("apiVersion") is None:
        fields.take("version")
        yield from _service(fields, period_ms, _SNAKE, VERSION)
        return
    for name in ("kind", "metadata", "status"):
        fields.take(name)
    spec = fields.take("spec")
    _notice_left(fields)
    if spec is None:
        root.source.faults.append(root.fault("spec must be set"))
        return
    yield from _service(Fields(spec, "spec"), period_ms, _CAMEL, API_VERSION)


def _service(
    fields: Fields, period_ms: int, words: Mapping[str, str], specification: str
) -> Iterator[Objective]:
    owner = fields.value
    name = _named(fields, "service")
    labels = _labels(fields, "labels")
    chain = _chain(fields, words["slo_plugins"])
    listed = fields.take("slos")
    _notice_left(fields)
    nothing: list[Value] = []
    if listed is None or not owner.source.attempt(listed.items, nothing):
        owner.source.faults.append((listed or owner).fault("slos: at least one objective is required"))
        return
    service = _Service(name, labels, chain, period_ms, words, specification)
    for found in listed.each(lambda value: _objective(value, service)):
        if found is not None:
            yield found


def _objective(value: Value, service: _Service) -> Objective | None:
    source = value.source
    before = len(source.faults)
    fields = Fields(value, "an objective")
    name = _named(fields, "name")
    target = fields.take("objective")
    percent, ratio = (0.0, "") if target is None else source.attempt(lambda: exact_ratio(target), (0.0, ""))
    if target is None:
        source.faults.append(value.fault(f"{value.path}.objective must be set, in percent, such as 99.9"))
    labels = {**service.labels, **_labels(fields, "labels")}
    indicator = _indicator(fields, service, labels, name)
    alerting = _alerting(fields, service.words)
    own = _chain(fields, "plugins")
    intervals = fields.read("interval", _intervals, Intervals())
    found = Objective(
        name=name,
        language=Language.SLOTH,
        target_percent=percent,
        target=ratio,
        period_ms=service.period_ms,
        indicator=indicator or ErrorRatio(""),
        service=service.name,
        description=fields.read("description", Value.text, ""),
        specification=service.specification,
        labels=as_labels(labels),
        alerting=alerting,
        is_checked=not service.chain.is_unchecked,
        file=value.source.name,
        line=value.line,
    )
    info = _labels(fields, "infoLabels") or _labels(fields, "info_labels")
    _notice_left(fields)
    adjusted = adjustments_of(service.chain, own, found.indicator)
    if not adjusted.is_waiting and any(one and one.for_ms for one in (alerting.page, alerting.ticket)):
        message = "`for` is overlooked without the plugin sloth.dev/contrib/alert_for/v1"
        source.note(value.line, f"{value.path}.alerting: {message}")
    if info:
        more = ("sloth_slo_info", as_labels(info))
        adjusted = replace(adjusted, info_labels=(*adjusted.info_labels, more))
    if intervals != Intervals():
        adjusted = replace(adjusted, intervals=intervals)
    return dataclasses.replace(found, adjustments=adjusted) if len(source.faults) == before else None


def _named(fields: Fields, name: str) -> str:
    value = fields.take(name)
    owner = value or fields.value
    text = "" if value is None else owner.source.attempt(value.text, "")
    path = f"{fields.value.path}.{name}" if fields.value.path else name
    if not text:
        owner.source.faults.append(owner.fault(f"{path} must be set"))
    elif _NAME.fullmatch(text) is None:
        rule = "it begins and ends with a letter or a digit, and has letters, digits and `.`, `_`, `-`"
        owner.source.faults.append(owner.fault(f"{path}: {text!r} is no name: {rule}"))
    return text


def _labels(fields: Fields, name: str) -> dict[str, str]:
    value = fields.take(name)
    if value is None:
        return {}
    nothing: dict[str, str] = {}
    found = value.source.attempt(value.group, nothing)
    for label, text in found.items():
        if not label or label == METRIC_NAME or not text:
            value.source.faults.append(
                value.fault(f"{value.path}.{label}: invalid label, or one without a value")
            )
    return found


def _indicator(fields: Fields, service: _Service, labels: Mapping[str, str], name: str) -> Indicator | None:
    value = fields.take("sli")
    owner = fields.value
    if value is None:
        owner.source.faults.append(
            owner.fault(f"{owner.path}.sli must be set: one of events, raw and plugin")
        )
        return None
    inner = Fields(value, "sli")
    kinds = {name: found for name in ("events", "raw", "plugin") if (found := inner.take(name)) is not None}
    _notice_left(inner)
    if len(kinds) != 1:
        found_names = f"there are {', '.join(kinds)}" if kinds else "there is none"
        message = f"{value.path}: exactly one of events, raw and plugin is needed, {found_names}"
        owner.source.faults.append(value.fault(message))
        return None
    ((kind, one),) = kinds.items()
    needs_window = not service.chain.is_unchecked
    if kind == "plugin":
        return sli_of_plugin(one, labels, name, service.name)
    parts = Fields(one, kind)
    words = service.words
    if kind == "raw":
        ratio = _query(parts, words["error_ratio_query"], service)
        _notice_left(parts)
        return ErrorRatio(ratio)
    bad, total = (_query(parts, words[name], service) for name in ("error_query", "total_query"))
    _notice_left(parts)
    if bad and bad == total and needs_window:
        one.source.faults.append(
            one.fault(f"{one.path}: the queries of errors and of all events are the same")
        )
    return Events(bad, total)


def _query(fields: Fields, name: str, service: _Service) -> str:
    value = fields.take(name)
    if service.chain.is_unchecked and value is not None:
        return value.text()
    return checked_query(value, fields.value, name, needs_window=True)


def _alerting(fields: Fields, words: Mapping[str, str]) -> Alerting:
    value = fields.take("alerting")
    owner = value or fields.value
    if value is None:
        message = "alerting.name must be set, or page_alert and ticket_alert disabled"
        owner.source.faults.append(owner.fault(f"{owner.path}.{message}"))
        return Alerting()
    inner = Fields(value, "alerting")
    name = inner.read("name", Value.text, "")
    labels, annotations = _labels(inner, "labels"), _labels(inner, "annotations")
    page = _alert(inner, words["page_alert"], name, labels, annotations)
    ticket = _alert(inner, words["ticket_alert"], name, labels, annotations)
    _notice_left(inner)
    if not name and (page or ticket):
        message = f"{value.path}.name must be set: it is what the alerts are called"
        owner.source.faults.append(value.fault(message))
    return Alerting(page, ticket)


def _alert(
    fields: Fields, key: str, name: str, labels: dict[str, str], annotations: dict[str, str]
) -> Alert | None:
    value = fields.take(key)
    if value is None:
        return Alert(name, as_labels(labels), as_labels(annotations))
    inner = Fields(value, key)
    is_disabled = inner.read("disable", Value.boolean, default=False)
    if is_disabled:
        # What is not used may be anything.
        for unused in ("labels", "annotations", "for"):
            inner.take(unused)
    own = _labels(inner, "labels"), _labels(inner, "annotations")
    for_ms = inner.read("for", Value.duration_ms, 0)
    _notice_left(inner)
    if is_disabled:
        return None
    return Alert(name, as_labels({**labels, **own[0]}), as_labels({**annotations, **own[1]}), for_ms)


def _intervals(value: Value) -> Intervals:
    inner = Fields(value, "interval")
    every = inner.read("all", Value.duration_ms, 0)
    found = Intervals(
        inner.read("slierror", Value.duration_ms, every),
        inner.read("metadata", Value.duration_ms, every),
        inner.read("alert", Value.duration_ms, every),
    )
    _notice_left(inner)
    return found


def _chain(fields: Fields, name: str) -> Chain:
    value = fields.take(name)
    if value is None:
        return Chain()
    inner = Fields(value, name)
    overrides = inner.read("overridePrevious", Value.boolean, default=False)
    plugins = inner.each("chain", _plugin)
    _notice_left(inner)
    if overrides and not plugins:
        value.source.faults.append(
            value.fault(f"{value.path}: overridePrevious is set and no plugin is named")
        )
    return Chain(plugins, is_override=overrides)


def _plugin(value: Value) -> Plugin:
    inner = Fields(value, "a plugin")
    name = inner.read("id", Value.text, "")
    if not name:
        value.source.faults.append(value.fault(f"{value.path}.id must be set"))
    found = Plugin(name, inner.read("priority", Value.integer, 0), inner.take("config"), value)
    _notice_left(inner)
    return found


def _notice_left(fields: Fields) -> None:
    """Note what nobody took, which Sloth overlooks."""
    known = (*_SNAKE.values(), *_CAMEL.values(), "labels", "annotations", "alerting", "objective", "disable")
    source = fields.value.source
    for name, line, _ in fields.left():
        source.note(
            line, f"the field {name} is overlooked: Sloth knows none of that name here{_near(name, known)}"
        )


def _near(name: str, known: tuple[str, ...]) -> str:
    return did_you_mean(name, [one for one in known if one != name])
