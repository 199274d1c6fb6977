"""Objectives as people define them here: a form's fields, read into the one model.

An indicator is a ratio of events, a latency that a share of events keeps, a threshold that a value stays
within, or the time that something is available. All but thresholds can be told apart by labels: each workflow
or journey has a budget of its own then, and its own alerts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.document import Fields, Value, plain_document
from pharos.errors import PharosError
from pharos.gotext.times import load_zone
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.promql.language.ast import Paren, VectorSelector
from pharos.promql.language.parse import parse
from pharos.slo.objective import (
    DAY_MS,
    Adjustments,
    Alert,
    Alerting,
    BoolGauge,
    Calendar,
    Events,
    GoodEvents,
    Indicator,
    Intervals,
    Language,
    Latency,
    NativeLatency,
    Objective,
    RatioOfSeries,
    Threshold,
    as_labels,
    has_window,
)
from pharos.slo.openslo_durations import UNITS_MS
from pharos.slo.queries import checked_query, selector_of
from pharos.slo.specification import groups_of, why_not_run
from pharos.slo.targets import exact_ratio
from pharos.slo.windows import Design

SPECIFICATION: Final = "pharos/v1"
TYPES: Final = ("ratio", "latency", "threshold", "availability")
_OPERATORS: Final = ("<", "<=", ">", ">=")
_ALERT: Final = "ErrorBudgetBurn"
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN: Final = re.compile(r"__.*|slo|slo_id|sloth_.*|le")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_BUCKET: Final = "_bucket"
_LEAST_MS, _MOST_MS = 3_600_000, 400 * DAY_MS
_MOST_MONTHS: Final = 12
_MOST_BY: Final = 4
_ROLLING: Final[tuple[int, Calendar | None]] = (30 * DAY_MS, None)
_LEAST_EVERY_MS, _MOST_EVERY_MS = 1_000, 600_000


class Definition(Struct, frozen=True):
    """An objective as somebody defined it."""

    objective: Objective
    design: Design = Design.WORKBOOK
    counts_maintenance: bool = False
    """Whether times of maintenance count, too."""


def read_definition(document: Mapping[str, Any], name: str) -> Definition:
    """Return an objective that is read from JSON. Raises FaultsError with everything that is wrong."""
    root = plain_document(dict(document), f"objective {name!r}")
    made = root.source.attempt(lambda: _definition(Fields(root, "an objective"), name), None)
    root.source.raise_faults()
    assert made is not None  # noqa: S101 - what fails is noted, and was raised
    return made


def _definition(fields: Fields, name: str) -> Definition | None:
    root = fields.value
    faults = root.source.faults
    if not _PLAIN.fullmatch(name):
        faults.append(
            root.fault(f"{name[:60]!r} is no name of an objective: letters, digits, dots and dashes")
        )
    service = fields.read("service", Value.text, "")
    if not _PLAIN.fullmatch(service):
        faults.append(root.fault("service must be set: letters, digits, dots and dashes, such as checkout"))
    percent, ratio = _target(fields)
    period_ms, calendar = fields.attempt(_window, _ROLLING)
    by = _by(fields)
    indicator = _indicator(fields, by)
    labels = {key: value for key, value in fields.group("labels").items() if value}
    for key in labels:
        if not _LABEL.fullmatch(key) or _TAKEN.fullmatch(key) or key in by:
            faults.append(root.fault(f"labels.{key[:60]}: no name of a label, or one that is taken"))
    has_alerts = fields.read("alerts", Value.boolean, default=True)
    design = fields.read("design", _design, Design.WORKBOOK)
    counts = fields.read("counts_maintenance", Value.boolean, default=False)
    description = fields.read("description", Value.text, "")
    every_ms = fields.read("interval", Value.duration_ms, 0)
    if every_ms and not _LEAST_EVERY_MS <= every_ms <= _MOST_EVERY_MS:
        faults.append(root.fault("interval: it is looked at every 1s to 10m"))
    fields.done()
    if indicator is None or faults:
        return None
    objective = Objective(
        name=name,
        language=Language.PHAROS,
        target_percent=percent,
        target=ratio,
        period_ms=period_ms,
        indicator=indicator,
        service=service,
        description=description,
        specification=SPECIFICATION,
        calendar=calendar,
        labels=as_labels(labels),
        alerting=_alerting(f"{service}-{name}", name) if has_alerts else Alerting(),
        adjustments=Adjustments(intervals=Intervals(every_ms, every_ms, every_ms)),
    )
    reason = why_not_run(objective, groups_of(objective))
    if reason:
        faults.append(root.fault(reason))
        return None
    return Definition(objective, design, counts)


def _alerting(objective: str, name: str) -> Alerting:
    def alert(severity: str) -> Alert:
        return Alert(_ALERT, (("severity", severity), ("slo", name), ("slo_id", objective)))

    return Alerting(alert("critical"), alert("warning"))


def _target(fields: Fields) -> tuple[float, str]:
    value, owner = fields.take("target"), fields.value
    if value is None:
        owner.source.faults.append(owner.fault("target must be set, in percent, such as 99.9"))
        return 0.0, ""
    return owner.source.attempt(lambda: exact_ratio(value), (0.0, ""))


def _window(fields: Fields) -> tuple[int, Calendar | None]:
    """Return how long the window is, and where it begins if it does not roll."""
    value = fields.take("calendar")
    if value is None:
        period = fields.take("window")
        return (30 * DAY_MS if period is None else _bounded(period, period.duration_ms())), None
    fields.take("window")
    inner = Fields(value, "calendar")
    months = inner.read("months", Value.whole, 0)
    days = inner.read("days", Value.whole, 0)
    if (months > 0) == (days > 0) or months > _MOST_MONTHS:
        raise value.fault(f"calendar: one of months (1 to {_MOST_MONTHS}) and days must be set")
    start, zone = inner.read("start", Value.text, ""), inner.read("zone", Value.text, "") or "UTC"
    inner.done()
    try:
        begins = datetime.strptime(start, "%Y-%m-%d").replace(tzinfo=load_zone(zone))
    except (ValueError, PharosError):
        message = "expected start such as 2026-01-01, and zone such as Europe/Vienna"
        raise value.fault(f"calendar: {message}; got {start[:40]!r} and {zone[:60]!r}") from None
    period_ms = months * UNITS_MS["M"] if months else _bounded(value, days * DAY_MS)
    return period_ms, Calendar(begins, months)


def _bounded(value: Value, period_ms: int) -> int:
    if not _LEAST_MS <= period_ms <= _MOST_MS:
        raise value.fault(f"{value.path}: a window is from 1h to 400d")
    return period_ms


def _design(value: Value) -> Design:
    if value.text() not in set(Design):
        raise value.fault(f"{value.path}: expected one of {', '.join(Design)}, got {value.text()[:40]!r}")
    return Design(value.text())


def _by(fields: Fields) -> tuple[str, ...]:
    nothing: tuple[str, ...] = ()
    by = fields.read("by", Value.texts, nothing)
    owner = fields.value
    if len(by) > _MOST_BY or any(not _LABEL.fullmatch(one) or _TAKEN.fullmatch(one) for one in by):
        owner.source.faults.append(owner.fault(f"by: at most {_MOST_BY} names of labels, such as workflow"))
    return tuple(dict.fromkeys(by))


def _indicator(fields: Fields, by: tuple[str, ...]) -> Indicator | None:
    value, owner = fields.take("indicator"), fields.value
    if value is None:
        owner.source.faults.append(owner.fault("indicator must be set"))
        return None
    inner = Fields(value, "indicator")
    kind = inner.read("type", Value.text, "")
    if kind not in TYPES:
        owner.source.faults.append(value.fault(f"indicator.type: expected one of {', '.join(TYPES)}"))
        return None
    found = {"ratio": _ratio, "latency": _latency, "threshold": _threshold, "availability": _available}[kind](
        inner
    )
    inner.done()
    if not by or found is None:
        return found
    if isinstance(found, RatioOfSeries | Latency | NativeLatency | BoolGauge):
        return replace(found, grouping=by)
    message = "by: of metrics alone, not of queries with {{.window}} or thresholds, budgets are kept by label"
    owner.source.faults.append(owner.fault(message))
    return None


def _ratio(fields: Fields) -> Indicator | None:
    owner = fields.value
    names = ("errors", "good", "total")
    given = {name: value for name in names if (value := fields.take(name)) is not None}
    if "total" not in given or len(given) != 2:
        owner.source.faults.append(owner.fault("indicator: total, and one of errors and good must be set"))
        return None
    part = "errors" if "errors" in given else "good"
    if not any(_is_query(value) for value in given.values()):
        found = {name: selector_of(value, owner, name) for name, value in given.items()}
        if None in found.values():
            return None
        return RatioOfSeries(found.get("errors"), found["total"], found.get("good"))
    one, total = (checked_query(given[name], owner, name, needs_window=True) for name in (part, "total"))
    if not one or not total:
        return None
    return Events(one, total) if part == "errors" else GoodEvents(one, total)


def _is_query(value: Value) -> bool:
    """Return whether this is a query with its window, or something that is no metric."""
    text = value.text()
    if has_window(text):
        return True
    try:
        found = parse(text)
    except PharosError:
        return False
    while isinstance(found, Paren):
        found = found.expr
    return not isinstance(found, VectorSelector)


def _latency(fields: Fields) -> Indicator | None:
    metric = selector_of(fields.take("metric"), fields.value, "metric")
    at_most = fields.take("at_most")
    if at_most is None:
        raise fields.value.fault("indicator.at_most must be set, in the unit of the metric, such as 0.5")
    bound = at_most.number()
    if not 0 < bound < float("inf"):
        raise at_most.fault(f"indicator.at_most: expected a number above 0, got {at_most.text()[:40]!r}")
    if metric is None:
        return None
    if not (metric.name or "").endswith(_BUCKET):
        return NativeLatency(metric, bound)
    if any(one.name == "le" for one in metric.matchers):
        raise fields.value.fault("indicator.metric: leave le out, at_most says it")
    count = _renamed(metric, (metric.name or "").removesuffix(_BUCKET) + "_count")
    return Latency(dataclasses.replace(metric, matchers=(*metric.matchers, _bound(bound))), count)


def _bound(bound: float) -> Matcher:
    """Return the matcher of a bucket: client libraries write 1 as `1` or as `1.0`."""
    text = f"{bound:.12g}"
    if text.isdigit():
        return Matcher("le", MatchOp.REGEX, rf"{text}(\.0)?")
    return Matcher("le", MatchOp.EQUAL, text)


def _renamed(metric: VectorSelector, name: str) -> VectorSelector:
    matchers = tuple(
        Matcher(METRIC_NAME, MatchOp.EQUAL, name) if one.name == METRIC_NAME else one
        for one in metric.matchers
    )
    return dataclasses.replace(metric, name=name, matchers=matchers)


def _threshold(fields: Fields) -> Indicator | None:
    query = checked_query(fields.take("query"), fields.value, "query", needs_window=False)
    op, value = fields.read("op", Value.text, ""), fields.take("value")
    if op not in _OPERATORS:
        raise fields.value.fault(f"indicator.op: expected one of {', '.join(_OPERATORS)}, which is good")
    if value is None:
        raise fields.value.fault("indicator.value must be set")
    return Threshold(query, op, value.number()) if query else None


def _available(fields: Fields) -> Indicator | None:
    metric = selector_of(fields.take("metric"), fields.value, "metric")
    return None if metric is None else BoolGauge(metric)
