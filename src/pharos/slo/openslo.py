"""Specifications of OpenSLO: v1, v1beta1, v1alpha and v2alpha, as objects that name one another.

All objects of the files that are read together are taken first (`Objects`), then objectives are made of the
SLOs (`openslo_objectives`). A reference to an object that is not there is a fault, unless the files hold
several objects and no SLI among them: those are a piece of something larger, and the reference is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from pharos.document import Fields, Value
from pharos.errors import PharosError
from pharos.gotext.times import load_zone
from pharos.slo.objective import (
    DAY_MS,
    Alert,
    Alerting,
    Budgeting,
    Calendar,
    Language,
    Objective,
)
from pharos.slo.openslo_alerts import AlertReader
from pharos.slo.openslo_durations import UNITS_MS, duration_ms
from pharos.slo.openslo_indicators import OPS, IndicatorReader, is_of_sloth
from pharos.slo.openslo_objects import KINDS, Objects, check_object
from pharos.slo.targets import exact_percent

VERSIONS: Final = ("openslo/v1", "openslo/v1beta1", "openslo/v1alpha", "openslo.com/v2alpha")
_OLD: Final = "openslo/v1alpha"
_METHODS: Final = MappingProxyType(
    {
        "Occurrences": Budgeting.OCCURRENCES,
        "Timeslices": Budgeting.TIMESLICES,
        "RatioTimeslices": Budgeting.RATIO_TIMESLICES,
    }
)
_NAMED_UNITS: Final = MappingProxyType(
    {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
)
_MONTHS: Final = MappingProxyType({"M": 1, "Q": 3, "Y": 12})
_MOST_UNITS: Final = 1_000_000
_BURN: Final = "ErrorBudgetBurn"
_MINUTE_MS: Final = 60_000


def take_object(value: Value, objects: Objects) -> None:
    """Add an object to those that are known; what is wrong with its form is noted."""
    fields = Fields(value, "an object of OpenSLO")
    version = fields.read("apiVersion", Value.text, "")
    kind = fields.read("kind", Value.text, "")
    if version not in VERSIONS:
        value.source.faults.append(value.fault(f"apiVersion {version!r} is not one of {', '.join(VERSIONS)}"))
        return
    if kind not in KINDS:
        value.source.faults.append(value.fault(f"kind {kind!r} is not one of {', '.join(KINDS)}"))
        return
    check_object(value, kind)
    objects.add(kind, value)


def openslo_objectives(objects: Objects, period_ms: int) -> Iterator[Objective]:
    """Yield the objectives of all SLOs; `period_ms` is for those that name no window.

    What is wrong is noted with the source of each.
    """
    objects.check_references()
    for value in objects.of_kind("SLI"):
        value.source.attempt(partial(IndicatorReader(objects, "", "").check, value), None)
    for value in objects.of_kind("AlertCondition"):
        AlertReader(objects).check(value)
    for value in objects.of_kind("BudgetAdjustment"):
        message = "a budget is not adjusted by a file: say when it was as maintenance, which no budget counts"
        value.source.note(value.line, message)
    for value in objects.of_kind("SLO"):
        source, before = value.source, len(value.source.faults)
        nothing: list[Objective] = []
        reader = _SloReader(value, objects, period_ms)
        found = source.attempt(reader.objectives, nothing)
        if len(source.faults) == before:
            yield from found


class _Window(Struct, frozen=True):
    """The window of an SLO."""

    period_ms: int
    calendar: Calendar | None = None


class _SloReader(Struct):
    """Makes the objectives of one SLO."""

    value: Value
    objects: Objects
    period_ms: int
    name: str = ""
    service: str = ""
    version: str = ""
    listed: list[Value] = field(default_factory=list)

    def objectives(self) -> list[Objective]:
        """Return an objective for each that the SLO lists."""
        fields = Fields(self.value, "an SLO")
        self.version = fields.read("apiVersion", Value.text, "")
        self.name = _name_of(fields)
        spec = fields.take("spec")
        if spec is None:
            raise self.value.fault("spec must be set")
        inner = Fields(spec, "spec")
        self.service = inner.read("service", Value.text, "") or inner.read("serviceRef", Value.text, "")
        self.listed = spec.source.attempt(lambda: _listed(inner, "objectives"), [])
        if not self.service:
            raise spec.fault("spec.service must be set")
        window = _window(inner, self.period_ms)
        budgeting = _budgeting(inner)
        shared = self._indicator(inner)
        alerting = AlertReader(self.objects).alerting(inner)
        description = inner.read("description", Value.text, "")
        found: list[Objective] = []
        for place, value in enumerate(self.listed):
            made = self._objective(place, value, shared, window, budgeting)
            if made is not None:
                found.append(_told(made, description, alerting))
        return found

    def _indicator(self, fields: Fields) -> Value | str | None:
        given = [name for name in ("indicator", "sli", "indicatorRef", "sliRef") if fields.has(name)]
        if len(given) > 1:
            raise fields.value.fault(f"{fields.value.path}: {' and '.join(given)} are there, and one counts")
        for name in ("indicator", "sli"):
            value = fields.take(name)
            if value is not None:
                return value
        for name in ("indicatorRef", "sliRef"):
            if named := fields.read(name, Value.text, ""):
                return self.objects.find("SLI", named) or named
        return None

    def _objective(
        self, place: int, value: Value, shared: Value | str | None, window: _Window, budgeting: Budgeting
    ) -> Objective | None:
        fields = Fields(value, "an objective")
        percent, ratio = _target(fields, value)
        own, op = self._indicator(fields), Fields(value, "an objective").take("op")
        if op is not None and op.text() not in OPS:
            raise op.fault(f"{op.path}: expected one of {', '.join(OPS)}, got {op.text()!r}")
        reader = IndicatorReader(self.objects, self.service, self.name)
        series = fields.take("ratioMetrics")
        if series is not None:
            indicator = reader.old_ratio(series)
        else:
            chosen = own if own is not None else shared
            if chosen is None:
                raise value.fault(f"{value.path}: an indicator must be set here, or in spec.indicator")
            indicator = reader.indicator(chosen, fields, value)
        if indicator is None:
            return None
        slices = _slices(fields, value, budgeting, percent)
        is_sloths = series is not None and is_of_sloth(series, indicator)
        self._check_window(value, window, is_sloths=is_sloths)
        many = len(self.listed) > 1 or self.version == _OLD
        name = f"{self.name}-{place}" if many else self.name
        return Objective(
            name=name,
            language=Language.OPENSLO,
            target_percent=percent,
            target=ratio,
            period_ms=window.period_ms,
            indicator=indicator,
            service=self.service,
            specification=self.version,
            calendar=window.calendar,
            budgeting=budgeting,
            slice_ms=slices[0],
            slice_target=slices[1],
            alerting=Alerting() if is_sloths else _workbook(name),
            file=value.source.name,
            line=value.line,
        )

    def _check_window(self, value: Value, window: _Window, *, is_sloths: bool) -> None:
        """Refuse what Sloth refuses: rules of its form are made for one period, which is said when they
        are."""
        if is_sloths and window.period_ms != self.period_ms:
            days = f"{window.period_ms // DAY_MS}d"
            message = f"the window is {days}, and the rules are to be made for {self.period_ms // DAY_MS}d"
            raise value.fault(f"{message}: Sloth's rules have one period, say --period {days}")


def _workbook(slo: str) -> Alerting:
    alert = Alert(_BURN, (("slo", slo),))
    return Alerting(alert, alert)


def _told(made: Objective, description: str, alerting: Alerting | None) -> Objective:
    has_alerts = made.alerting.page is not None
    chosen = alerting if alerting is not None and has_alerts else made.alerting
    return replace(made, description=description, alerting=chosen)


def _name_of(fields: Fields) -> str:
    value = fields.take("metadata")
    if value is None:
        raise fields.value.fault("metadata.name must be set")
    name = Fields(value, "metadata").read("name", Value.text, "")
    if not name:
        raise value.fault("metadata.name must be set")
    return name.replace(" ", "-")


def _listed(fields: Fields, name: str) -> list[Value]:
    value = fields.take(name)
    return [] if value is None else value.items()


def _target(fields: Fields, value: Value) -> tuple[float, str]:
    ratio, percent = fields.take("target"), fields.take("targetPercent")
    if (ratio is None) == (percent is None):
        raise value.fault(f"{value.path}: one of target and targetPercent must be set, such as target: 0.999")
    if ratio is not None:
        return exact_percent(ratio, is_percent=False)
    assert percent is not None  # noqa: S101 - one of both is there
    return exact_percent(percent, is_percent=True)


def _budgeting(fields: Fields) -> Budgeting:
    value = fields.take("budgetingMethod")
    if value is None:
        # Optional in v2alpha, and with Sloth.
        return Budgeting.OCCURRENCES
    found = _METHODS.get(value.text())
    if found is None:
        raise value.fault(f"{value.path}: {value.text()!r} is not one of {', '.join(_METHODS)}")
    return found


def _slices(fields: Fields, value: Value, budgeting: Budgeting, percent: float) -> tuple[int, float]:
    window, target = fields.take("timeSliceWindow"), fields.take("timeSliceTarget")
    if budgeting is Budgeting.OCCURRENCES:
        return 0, 0.0
    slice_ms = _MINUTE_MS if window is None else duration_ms(window)
    if target is not None:
        number = target.number()
        if not 0 < number <= 1:
            raise target.fault(
                f"{target.path}: expected a ratio above 0 and at most 1, got {target.text()!r}"
            )
        return slice_ms, number
    if budgeting is Budgeting.TIMESLICES:
        message = f"{value.path}.timeSliceTarget is not set: a slice is good where it meets the target itself"
        value.source.note(value.line, message)
    return slice_ms, percent / 100


def _window(fields: Fields, default_ms: int) -> _Window:
    windows = _listed(fields, "timeWindow") or _listed(fields, "timeWindows")
    if not windows:
        return _Window(default_ms)
    if len(windows) > 1:
        raise windows[1].fault("only one time window is possible")
    value = windows[0]
    inner = Fields(value, "a time window")
    start = _start(inner)
    duration = inner.take("duration")
    if duration is not None:
        text = duration.text()
        if text == "1m" and start is not None:
            # OpenSLO's own examples mean a month; a budget of one minute is none.
            told = f"{duration.path}: 1m is read as a month: a month is 1M, and 1m a minute"
            value.source.note(duration.line, told)
            return _Window(UNITS_MS["M"], Calendar(start, 1))
        period_ms = duration_ms(duration)
        count, letter = int(text[:-1]), text[-1]
    else:
        unit, count = inner.read("unit", Value.text, ""), inner.read("count", Value.whole, 0)
        letter = _NAMED_UNITS.get(unit.lower(), "")
        if not letter or not 0 < count < _MOST_UNITS:
            message = "a window has a duration such as 30d, or a unit such as Day and a count"
            raise value.fault(f"{value.path}: {message}")
        period_ms = count * UNITS_MS[letter]
    return _Window(period_ms, None if start is None else Calendar(start, count * _MONTHS.get(letter, 0)))


def _start(fields: Fields) -> datetime | None:
    rolling, value = fields.take("isRolling"), fields.take("calendar")
    is_rolling = rolling is not None and rolling.boolean()
    if value is None:
        if rolling is not None and not is_rolling:
            raise rolling.fault(f"{rolling.path}: a window that does not roll needs a calendar")
        return None
    if is_rolling:
        raise value.fault(f"{value.path}: a window that rolls has no calendar")
    inner = Fields(value, "calendar")
    start, zone = inner.read("startTime", Value.text, ""), inner.read("timeZone", Value.text, "") or "UTC"
    try:
        return datetime.strptime(start, "%Y-%m-%d %H:%M:%S").replace(tzinfo=load_zone(zone))
    except (ValueError, PharosError):
        message = "expected startTime such as 2026-01-01 00:00:00, and timeZone such as Europe/Vienna"
        raise value.fault(f"{value.path}: {message}; got {start!r} and {zone!r}") from None
