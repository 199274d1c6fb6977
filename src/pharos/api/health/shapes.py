"""What is said of checks and components."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from pharos.api.native.answers import Body, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.health.check import AnyCheck
from pharos.health.components import ComponentHealth, Health
from pharos.health.days import Cell, Day, uptime
from pharos.health.looking import Outcome
from pharos.health.watched import Declaration, Watched
from pharos.state.health import ChangeRow

_REASON = Field(default="", max_length=1000)


class CheckBody(Body):
    """A check to be kept."""

    check: dict[str, Any]
    """As in a file of checks."""
    version: int | None = Field(default=None, ge=0)
    """The version that is to be changed (0: there is none); another one is refused."""
    reason: str = _REASON


class TrialBody(Body):
    """A check to be made once."""

    check: dict[str, Any]


class ComponentBody(Body):
    """A component to be kept."""

    title: str = ""
    part_of: str = ""
    severity: Literal["critical", "warning"] = "critical"
    match: dict[str, str] = Field(default={}, max_length=20)
    version: int | None = Field(default=None, ge=0)
    reason: str = _REASON


class ReasonShape(Shape):
    """Why a component is not healthy."""

    check: str
    health: Health
    text: str


class ComponentShape(Shape):
    """How a component is."""

    name: str
    title: str
    part_of: str
    health: Health
    since: str | None
    reasons: list[ReasonShape]
    checks: list[str]
    parts: list[str]
    strip: list[float | None]
    """The part of each of the last 90 days in which it was up, today last; null where nobody measured."""
    uptime: float | None
    source: Literal["file", "kept", "named"]
    """Where it is declared; `named`: checks name it."""
    version: int


class SystemShape(Shape):
    """How all components are together."""

    health: Health
    since: str | None
    reasons: list[ReasonShape]
    components: dict[str, Health]
    """Those that are a part of nothing else."""
    checks: dict[str, int]
    """How many are up, down, unknown, and in maintenance."""


class CheckShape(Shape):
    """A check and how it stands."""

    name: str
    title: str
    type: str
    target: str
    component: str
    labels: dict[str, str]
    severity: str
    interval_ms: int
    depends_on: list[str]
    enabled: bool
    state: Literal["up", "down", "unknown"]
    since: str | None
    reason: str
    because: str
    failures: int
    looked: str | None
    duration_ms: float | None
    maintenance: str
    """Why it is in maintenance; empty where it is not."""
    certificate_days: float | None
    uptime: float | None
    """The part of the measured time of 90 days in which it was up."""
    strip: list[float | None]
    recent_ms: list[float | None]
    """How long the last looks took, the newest last; null for one that failed."""
    source: Literal["file", "kept"]
    file: str
    version: int


class CellShape(Shape):
    """A day."""

    day: str
    uptime: float | None
    coverage: float


class ChangeShape(Shape):
    """That a check became something else."""

    check: str
    at: str
    was: str
    became: str
    reason: str


class RunShape(Shape):
    """What came of a look."""

    at: str
    up: bool
    known: bool
    reason: str
    duration_ms: float
    facts: dict[str, float]


class BeatsShape(Shape):
    """What was heard of a heartbeat."""

    heard: str | None
    started: str | None
    failed: str | None
    exit_code: int
    has_address: bool


class CheckDetailShape(CheckShape):
    """A check with its history."""

    definition: dict[str, Any]
    """Without its secrets."""
    days: list[CellShape]
    changes: list[ChangeShape]
    runs: list[RunShape]
    """The last looks, the newest first."""
    beats: BeatsShape | None
    updated: str | None
    updated_by: str


class AddressShape(Shape):
    """Where a heartbeat comes in; told once."""

    path: str
    url: str


class CheckVersionShape(Shape):
    """What a check was from one change to the next."""

    version: int
    check: dict[str, Any] | None
    updated: str
    updated_by: str
    reason: str


def target_of(check: AnyCheck) -> str:
    """Return what a check looks at, in a word."""
    for name in ("url", "query", "command_matches", "path"):
        value = getattr(check, name, None)
        if isinstance(value, str):
            return f"{check.record} {value}" if check.type == "dns" else value
    if check.type == "heartbeat":
        return ""
    port = getattr(check, "port", None)
    host = str(getattr(check, "host", ""))
    return host if port is None else f"{host}:{port}"


def shown_time(at_ms: int) -> str | None:
    """Return a time in words; None for never."""
    return rfc3339(at_ms) if at_ms else None


def milliseconds(seconds: float) -> float:
    """Return a length of time, to a hundredth of a millisecond."""
    return round(seconds * 1000, 2)


def strip_of(found: Iterable[Cell]) -> list[float | None]:
    """Return the uptime of days, to a ten-thousandth that never makes a whole of what was not."""
    return [None if one.uptime is None else int(one.uptime * 10_000) / 10_000 for one in found]


def uptime_of(days: Iterable[Day]) -> float | None:
    """Return the uptime of all of some days, to a millionth, not rounded up."""
    found = uptime(days)
    return None if found is None else int(found * 1_000_000) / 1_000_000


def run_shape(one: Outcome) -> RunShape:
    """Return what came of a look."""
    return RunShape(
        at=rfc3339(one.at_ms),
        up=one.is_good,
        known=not one.is_unknown,
        reason=one.reason,
        duration_ms=milliseconds(one.duration_s),
        facts=dict(one.facts),
    )


def change_shape(one: ChangeRow) -> ChangeShape:
    """Return a change."""
    return ChangeShape(
        check=one.name, at=rfc3339(one.at_ms), was=one.was, became=one.became, reason=one.reason
    )


def beats_shape(watched: Watched, *, has_address: bool) -> BeatsShape:
    """Return what was heard of a heartbeat."""
    beats = watched.beats
    return BeatsShape(
        heard=shown_time(beats.heard_ms),
        started=shown_time(beats.started_ms),
        failed=shown_time(beats.failed_ms),
        exit_code=beats.exit_code,
        has_address=has_address,
    )


def check_shape(
    declared: Declaration, watched: Watched | None, strip: list[Cell], maintenance: str
) -> CheckShape:
    """Return a check and how it stands; `watched` is None for one that is switched off."""
    check, last = declared.check, watched.last if watched else None
    standing = watched.standing if watched else None
    return CheckShape(
        name=check.name,
        title=check.title,
        type=check.type,
        target=target_of(check),
        component=check.component,
        labels=dict(check.labels),
        severity=check.severity,
        interval_ms=check.interval_ms,
        depends_on=list(check.depends_on),
        enabled=check.enabled,
        state=standing.state.value if standing else "unknown",
        since=shown_time(standing.since_ms) if standing else None,
        reason=standing.reason if standing else "switched off",
        because=standing.because if standing else "",
        failures=standing.failures if standing else 0,
        looked=shown_time(standing.last_ms) if standing else None,
        duration_ms=milliseconds(last.duration_s) if last else None,
        maintenance=maintenance,
        certificate_days=last.facts.get("certificate_expiry_days") if last else None,
        uptime=uptime_of(watched.days.known.values()) if watched else None,
        strip=strip_of(strip),
        recent_ms=[
            milliseconds(one.duration_s) if one.is_good else None
            for one in (watched.recent if watched else ())
        ],
        source="file" if declared.file else "kept",
        file=declared.file,
        version=declared.version,
    )


def component_shape(
    one: ComponentHealth, strip: list[Cell], days: Iterable[Day], source: str, version: int
) -> ComponentShape:
    """Return how a component is."""
    return ComponentShape(
        name=one.name,
        title=one.title,
        part_of=one.part_of,
        health=one.health,
        since=shown_time(one.since_ms),
        reasons=reasons_of(one),
        checks=list(one.checks),
        parts=list(one.parts),
        strip=strip_of(strip),
        uptime=uptime_of(days),
        source="file" if source == "file" else "kept" if source == "kept" else "named",
        version=version,
    )


def reasons_of(one: ComponentHealth) -> list[ReasonShape]:
    """Return why a component is not healthy."""
    return [ReasonShape(check=reason.check, health=reason.health, text=reason.text) for reason in one.reasons]
