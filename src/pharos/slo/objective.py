"""What an objective is, whichever language it was written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from pharos.labels import Labels
from pharos.promql.language.ast import VectorSelector

DAY_MS: Final = 86_400_000
_WINDOW: Final = re.compile(r"\{\{-? *\.window *-?\}\}")


class Language(StrEnum):
    """What a specification is written in."""

    SLOTH = "sloth"
    PYRRA = "pyrra"
    OPENSLO = "openslo"
    PHAROS = "pharos"
    """Kept here, as a form has it."""


class Budgeting(StrEnum):
    """What the budget is counted in."""

    OCCURRENCES = "occurrences"
    """Events, good or bad."""
    TIMESLICES = "timeslices"
    """Slices of time: bad where their ratio of good events is below the slice's target."""
    RATIO_TIMESLICES = "ratioTimeslices"
    """Slices of time, each as bad as its ratio of bad events."""


class Events(Struct, frozen=True):
    """Two queries with `{{.window}}` in them: bad events and all events."""

    bad: str
    total: str


class GoodEvents(Struct, frozen=True):
    """Two queries with `{{.window}}` in them: good events and all events."""

    good: str
    total: str


class ErrorRatio(Struct, frozen=True):
    """One query with `{{.window}}` in it, whose value is the ratio of bad events."""

    query: str


class Threshold(Struct, frozen=True):
    """A query whose value is good while it stands to `value` as `op` says (`<`, `<=`, `>`, `>=`)."""

    query: str
    op: str
    value: float


class RatioOfSeries(Struct, frozen=True):
    """Counters of bad and of all events; of `success` and one of the others, the third follows."""

    errors: VectorSelector | None
    total: VectorSelector | None
    success: VectorSelector | None = None
    grouping: tuple[str, ...] = ()


class Latency(Struct, frozen=True):
    """A bucket of a classic histogram, whose events were quick enough, and its count."""

    success: VectorSelector
    total: VectorSelector
    grouping: tuple[str, ...] = ()


class NativeLatency(Struct, frozen=True):
    """A native histogram of seconds, and how long an event may last."""

    total: VectorSelector
    latency_s: float
    grouping: tuple[str, ...] = ()


class BoolGauge(Struct, frozen=True):
    """A gauge that is 1 while all is well, and 0 otherwise."""

    metric: VectorSelector
    grouping: tuple[str, ...] = ()


Indicator: TypeAlias = (
    Events | GoodEvents | ErrorRatio | Threshold | RatioOfSeries | Latency | NativeLatency | BoolGauge
)


class Calendar(Struct, frozen=True):
    """Where windows begin that stand still."""

    start: datetime
    """In the zone that it is meant in."""
    months: int = 0
    """How many a window has; 0 for one that has a length of its own."""


class Alert(Struct, frozen=True):
    """What an alert about the budget is called, and what it carries."""

    name: str = ""
    labels: Labels = ()
    annotations: Labels = ()
    for_ms: int = 0


class BurnCondition(Struct, frozen=True):
    """A condition of OpenSLO: the burn rate over one window."""

    name: str
    severity: str
    op: str
    threshold: float
    lookback_ms: int
    after_ms: int


class Alerting(Struct, frozen=True):
    """Which alerts an objective has; None stands for one that is switched off."""

    page: Alert | None = None
    ticket: Alert | None = None
    absent: Alert | None = None
    conditions: tuple[BurnCondition, ...] = ()
    """They stand in the place of pages and tickets."""
    severities: tuple[str, ...] = ()
    """Of the four burn rates, from the fastest, and of what is absent; empty for the usual one."""
    is_dynamic: bool = False
    """Whether burn rates count by the traffic they are of: a share of the whole budget, at any traffic."""


class Intervals(Struct, frozen=True):
    """How often groups of rules are evaluated, in milliseconds; 0 stands for the server's default."""

    sli_ms: int = 0
    metadata_ms: int = 0
    alert_ms: int = 0


class Exhaustion(Struct, frozen=True):
    """An alert that little of the budget is left, which a plugin of Sloth makes."""

    alert: Alert
    threshold: float = 0.0
    """What is left of the budget, as a ratio, at most."""
    selector: Labels = ()
    """Labels by which the budget is chosen, besides those of the objective."""


class Adjustments(Struct, frozen=True):
    """What plugins of Sloth change of its rules."""

    intervals: Intervals = Intervals()
    info_labels: tuple[tuple[str, Labels], ...] = ()
    """By the name of a recorded series, which labels it has more."""
    kept_labels: tuple[str, ...] | None = None
    """Where set, no other labels of the objective's own are on recorded series but `sloth_slo_info`."""
    bare_exempt: tuple[str, ...] = ()
    """Recorded series that keep all of them."""
    is_denominator_corrected: bool = False
    is_unoptimized: bool = False
    has_totals: bool = False
    """Whether how many events there were is recorded too, over each window."""
    exhaustions: tuple[Exhaustion, ...] = ()
    is_waiting: bool = False
    """Whether pages and tickets wait as long as their `for` says."""
    groups: tuple[str, ...] = ("sli", "metadata", "alerts")


@dataclass(frozen=True, slots=True)
class Objective:
    """How good a service has to be over a window of time, and how that is measured."""

    name: str
    language: Language
    target_percent: float
    """As it was written: `99.9`."""
    target: str
    """The same as a ratio, in exact digits: `0.999`."""
    period_ms: int
    indicator: Indicator
    service: str = ""
    description: str = ""
    specification: str = ""
    """The version of the language: `prometheus/v1`."""
    calendar: Calendar | None = None
    """None for a window that rolls."""
    budgeting: Budgeting = Budgeting.OCCURRENCES
    slice_ms: int = 0
    slice_target: float = 0.0
    labels: Labels = ()
    annotations: Labels = ()
    alerting: Alerting = field(default_factory=Alerting)
    adjustments: Adjustments = field(default_factory=Adjustments)
    is_coarse: bool = False
    """Whether sums over the window are made of sums over five minutes: quicker, and less exact."""
    is_checked: bool = True
    """Whether its queries are PromQL; those that a plugin of Sloth lets through may be anything."""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        """What sets it apart from all others of a file."""
        return self.name if self.language is Language.PYRRA else f"{self.service}-{self.name}"

    @property
    def budget(self) -> float:
        """The ratio of events that may be bad."""
        return (100 - self.target_percent) / 100


def has_window(query: str) -> bool:
    """Return whether `{{.window}}` stands in a query."""
    return _WINDOW.search(query) is not None


def over(query: str, window: str) -> str:
    """Return a query with a duration in place of `{{.window}}`."""
    return _WINDOW.sub(lambda _: window, query)


def as_labels(found: Mapping[str, str]) -> Labels:
    """Return labels sorted by name."""
    return tuple(sorted(found.items()))


def merged(*parts: Labels) -> dict[str, str]:
    """Return labels of which later ones win."""
    return {name: value for part in parts for name, value in part}


def grouping_of(objective: Objective) -> tuple[str, ...]:
    """Return the labels by which an objective keeps budgets apart."""
    one = objective.indicator
    if isinstance(one, RatioOfSeries | Latency | NativeLatency | BoolGauge):
        return tuple(sorted(one.grouping))
    return ()
