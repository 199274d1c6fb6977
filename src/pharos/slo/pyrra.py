"""Specifications of Pyrra: `ServiceLevelObjective` of pyrra.dev/v1alpha1, one or a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pharos.document import Fields, Value
from pharos.labels import Labels, MatchOp
from pharos.promql.language.ast import VectorSelector
from pharos.slo.objective import (
    Alert,
    Alerting,
    BoolGauge,
    Indicator,
    Language,
    Latency,
    NativeLatency,
    Objective,
    RatioOfSeries,
    as_labels,
)
from pharos.slo.queries import selector_of
from pharos.slo.targets import exact_ratio

API_VERSION: Final = "pyrra.dev/v1alpha1"
KIND: Final = "ServiceLevelObjective"
_PREFIX: Final = "pyrra.dev/"
"""Labels and annotations of the object that begin so are on its rules."""
_BURN: Final = "ErrorBudgetBurn"
_ABSENT: Final = "SLOMetricAbsent"
_SEVERITIES: Final = ("fastBurn", "mediumBurn", "slowBurn", "longTermBurn", "absent")
_BURN_RATE_TYPES: Final = ("", "static", "dynamic")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+]?Inf")
_MS: Final = 1000


def read_pyrra(root: Value) -> Iterator[Objective]:
    """Yield the objective of an object; what is wrong is noted with its source."""
    source, before = root.source, len(root.source.faults)
    fields = Fields(root, "a ServiceLevelObjective")
    for name in ("apiVersion", "kind", "status"):
        fields.take(name)
    name, labels, annotations = _metadata(fields)
    spec = fields.take("spec")
    _notice_left(fields)
    if spec is None:
        source.faults.append(root.fault("spec must be set"))
        return
    inner = Fields(spec, "spec")
    percent, ratio = _target(inner)
    window = inner.take("window")
    period_ms = 0 if window is None else source.attempt(window.duration_ms, -1)
    if not period_ms:
        source.faults.append((window or spec).fault("spec.window must be set, such as 28d or 4w"))
    indicator = _indicator(inner)
    alerting = _alerting(inner)
    is_coarse = inner.read("performanceOverAccuracy", Value.boolean, default=False)
    description = inner.read("description", Value.text, "")
    for unused in ("partial_response_strategy", "ruleOutput"):
        inner.take(unused)
    _notice_left(inner)
    if indicator is None or len(source.faults) > before:
        return
    yield Objective(
        name=name,
        language=Language.PYRRA,
        target_percent=percent,
        target=ratio,
        period_ms=period_ms,
        indicator=indicator,
        description=description,
        specification=API_VERSION,
        labels=labels,
        annotations=annotations,
        alerting=alerting,
        is_coarse=is_coarse,
        file=root.source.name,
        line=root.line,
    )


def _metadata(fields: Fields) -> tuple[str, Labels, Labels]:
    value = fields.take("metadata")
    if value is None:
        fields.value.source.faults.append(fields.value.fault("metadata.name must be set"))
        return "", (), ()
    inner = Fields(value, "metadata")
    name = inner.read("name", Value.text, "")
    if not name:
        value.source.faults.append(value.fault("metadata.name must be set"))
    kept = [_propagated(inner.group(one)) for one in ("labels", "annotations")]
    return name, kept[0], kept[1]


def _propagated(found: dict[str, str]) -> Labels:
    return as_labels({key[len(_PREFIX) :]: text for key, text in found.items() if key.startswith(_PREFIX)})


def _target(fields: Fields) -> tuple[float, str]:
    value = fields.take("target")
    owner = fields.value
    if value is None:
        owner.source.faults.append(owner.fault("spec.target must be set, in percent, such as 99.9"))
        return 0.0, ""
    percent, ratio = owner.source.attempt(lambda: exact_ratio(value), (0.0, ""))
    if 0 < percent < 1:
        owner.source.note(
            value.line, f"spec.target is in percent: {value.text()} is far below 1 in a hundred"
        )
    return percent, ratio


def _indicator(fields: Fields) -> Indicator | None:
    value = fields.take("indicator")
    owner = value or fields.value
    kinds = {}
    if value is not None:
        inner = Fields(value, "indicator")
        kinds = {name: one for name in _READERS if (one := inner.take(name)) is not None}
        _notice_left(inner)
    if len(kinds) != 1:
        message = f"spec.indicator: exactly one of {', '.join(_READERS)} must be set"
        owner.source.faults.append(owner.fault(message))
        return None
    ((kind, one),) = kinds.items()
    parts = Fields(one, kind)
    found = _READERS[kind](parts)
    _notice_left(parts)
    return found


def _metric(fields: Fields, name: str, *, is_needed: bool = True) -> VectorSelector | None:
    value = fields.take(name)
    if value is None:
        if is_needed:
            owner = fields.value
            owner.source.faults.append(owner.fault(f"{owner.path}.{name}.metric must be set"))
        return None
    inner = Fields(value, name)
    found = selector_of(inner.take("metric"), value, "metric")
    _notice_left(inner)
    return found


def _grouping(fields: Fields) -> tuple[str, ...]:
    nothing: tuple[str, ...] = ()
    return fields.read("grouping", Value.texts, nothing)


def _ratio(fields: Fields) -> Indicator | None:
    has_success = fields.has("success")
    errors = _metric(fields, "errors", is_needed=not has_success)
    total = _metric(fields, "total", is_needed=not (has_success and errors is not None))
    success = _metric(fields, "success", is_needed=False)
    grouping = _grouping(fields)
    given = [one for one in (errors, total, success) if one is not None]
    if has_success and len(given) > 2:
        message = f"{fields.value.path}: two of errors, total and success say it all"
        fields.value.source.faults.append(fields.value.fault(message))
    return RatioOfSeries(errors, total, success, grouping) if len(given) > 1 else None


def _latency(fields: Fields) -> Indicator | None:
    success, total = _metric(fields, "success"), _metric(fields, "total")
    grouping = _grouping(fields)
    if success is None or total is None:
        return None
    bounds = [one for one in success.matchers if one.name == "le"]
    is_bound = bool(bounds) and (
        bounds[0].op is not MatchOp.EQUAL or _FLOAT.fullmatch(bounds[0].value) is not None
    )
    if not is_bound:
        owner = fields.value
        message = f'{owner.path}.success.metric needs a bound in seconds: le="0.5"'
        owner.source.faults.append(owner.fault(message))
    return Latency(success, total, grouping)


def _native(fields: Fields) -> Indicator | None:
    total, latency_ms = _metric(fields, "total"), fields.read("latency", Value.duration_ms, 0)
    if not latency_ms:
        owner = fields.value
        owner.source.faults.append(owner.fault(f"{owner.path}.latency must be set, such as 200ms"))
    grouping = _grouping(fields)
    return None if total is None else NativeLatency(total, latency_ms / _MS, grouping)


def _bool_gauge(fields: Fields) -> Indicator | None:
    metric = selector_of(fields.take("metric"), fields.value, "metric")
    grouping = _grouping(fields)
    return None if metric is None else BoolGauge(metric, grouping)


_READERS: Final = {
    "ratio": _ratio,
    "latency": _latency,
    "latencyNative": _native,
    "bool_gauge": _bool_gauge,
}


def _alerting(fields: Fields) -> Alerting:
    value = fields.take("alerting")
    if value is None:
        return Alerting(Alert(_BURN), Alert(_BURN), Alert(_ABSENT))
    inner = Fields(value, "alerting")
    is_disabled = inner.read("disabled", Value.boolean, default=False)
    has_burnrates = inner.read("burnrates", Value.boolean, default=True) and not is_disabled
    has_absent = inner.read("absent", Value.boolean, default=True)
    burn = Alert(inner.read("name", Value.text, "") or _BURN)
    absent = Alert(inner.read("absentName", Value.text, "") or _ABSENT)
    kind = inner.take("burnRateType")
    type_of_burn = "" if kind is None else kind.source.attempt(kind.text, "")
    if kind is not None and type_of_burn not in _BURN_RATE_TYPES:
        message = f"spec.alerting.burnRateType is static or dynamic, not {type_of_burn!r}"
        kind.source.faults.append(kind.fault(message))
    severities = inner.take("severities")
    named: tuple[str, ...] = ()
    if severities is not None:
        parts = Fields(severities, "severities")
        named = tuple(parts.read(one, Value.text, "") for one in _SEVERITIES)
        _notice_left(parts)
    _notice_left(inner)
    return Alerting(
        burn if has_burnrates else None,
        burn if has_burnrates else None,
        absent if has_absent else None,
        severities=named,
        is_dynamic=type_of_burn == "dynamic",
    )


def _notice_left(fields: Fields) -> None:
    """Note what nobody took, which Kubernetes drops."""
    for name, line, _ in fields.left():
        fields.value.source.note(line, f"the field {name} is overlooked: Pyrra knows none of that name here")
