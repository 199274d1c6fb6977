"""Who is told next when nobody reacts: policies, and what each step of an escalation is.

An escalation is for one group of alerts. It tells level after level, each after the time-out of the one
before, until enough people have acknowledged, all alerts are over, or all levels were told as often as the
policy says. All of it are functions of the policy, of how far it is, and of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import AfterValidator, Field, model_validator

from pharos.alert import SEVERITY
from pharos.alerting.matchers import matches_all, parse_matcher
from pharos.alerting.oncall.schedule import Name, Part, read_part
from pharos.errors import PharosError
from pharos.gotext.durations import format_duration, parse_duration

_DAY_MS: Final = 86_400_000
HORIZON_MS: Final = 31 * _DAY_MS
"""No step is due later than this."""
FINAL: Final = "final"


def _matcher(value: str) -> str:
    try:
        parse_matcher(value)
    except PharosError as exc:
        raise ValueError(exc.message) from exc
    return value


def _duration(value: str) -> str:
    try:
        found_ms = parse_duration(value)
    except PharosError as exc:
        raise ValueError(exc.message) from exc
    if not 0 <= found_ms <= HORIZON_MS:
        raise ValueError("at most 31d")
    return value


MatcherText = Annotated[str, AfterValidator(_matcher), Field(max_length=1000)]
Duration = Annotated[str, AfterValidator(_duration)]


class Target(Part):
    """Who is told: exactly one of these."""

    schedule: Name | None = None
    """Who is on call by it at that time."""
    person: Name | None = None
    receiver: Name | None = None
    """Of alertmanager.yml."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.schedule, self.person, self.receiver)) != 1:
            raise ValueError("a target is one of schedule, person, receiver")
        return self

    def __str__(self) -> str:
        if self.schedule is not None:
            return f"schedule {self.schedule}"
        return f"person {self.person}" if self.person is not None else f"receiver {self.receiver}"


Targets = Annotated[tuple[Target, ...], Field(max_length=50)]


class Level(Part):
    """Those who are told together, and how long they have."""

    name: str = Field(default="", max_length=100)
    organisation: str = Field(default="", max_length=100)
    """Whose people they are, where a chain goes from one to another: a team, a council."""
    targets: Annotated[Targets, Field(min_length=1)]
    timeout: Duration = "15m"
    """After this the next level is told."""
    quorum: int = Field(default=1, ge=1, le=100)
    """So many of the level's people must acknowledge."""
    members: tuple[Name, ...] = Field(default=(), max_length=200)
    """Whose acknowledgement counts; without any, that of everybody who was told, and with a quorum of one,
    of anybody."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.members and self.quorum > len(set(self.members)):
            raise ValueError(f"a quorum of {self.quorum} among {len(set(self.members))} members")
        return self

    @property
    def timeout_ms(self) -> int:
        """How long its people have."""
        return parse_duration(self.timeout)


class Policy(Part):
    """Which alerts are escalated, and how."""

    matchers: tuple[MatcherText, ...] = Field(default=(), max_length=50)
    """As alertmanager.yml has them; all must hold."""
    severities: tuple[Name, ...] = Field(default=(), max_length=20)
    """Any of them; without one, all."""
    order: int = Field(default=100, ge=0, le=1_000_000)
    """The policy with the least one counts of those that match; then the first by name."""
    levels: tuple[Level, ...] = Field(min_length=1, max_length=20)
    repeat: int = Field(default=0, ge=0, le=100)
    """How often all levels are told again."""
    final: Targets = ()
    """Who is told when the last level has not reacted."""
    description: str = Field(default="", max_length=2000)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels is escalated by it."""
        if self.severities and labels.get(SEVERITY, "") not in self.severities:
            return False
        return matches_all(map(parse_matcher, self.matchers), labels)

    def level_name(self, level: int) -> str:
        """Return what a level is called."""
        if level >= len(self.levels):
            return FINAL
        one = self.levels[level]
        return one.name or f"level {level + 1}"


def read_policy(document: Mapping[str, Any], name: str) -> Policy:
    """Return a policy read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(Policy, document, f"escalation {name!r}")


def policy_of_condition(condition: str, escalation: Mapping[str, Any]) -> dict[str, Any]:
    """Return as a policy what a simple condition says of escalation: `levels`, which are receivers, and
    `timeouts` in milliseconds.
    """
    names = [str(one) for one in escalation.get("levels") or ()]
    timeouts = [int(one) for one in escalation.get("timeouts") or ()]
    levels = []
    for number, name in enumerate(names):
        level: dict[str, Any] = {"name": name, "targets": [{"receiver": name}]}
        if number < len(timeouts):
            level["timeout"] = format_duration(timeouts[number])
        levels.append(level)
    return {"matchers": [f'condition="{condition}"'], "order": 0, "levels": levels}


def choose(policies: Mapping[str, Policy], labels: Mapping[str, str]) -> str | None:
    """Return the name of the policy that counts for an alert; None without any."""
    matching = [(one.order, name) for name, one in policies.items() if one.matches(labels)]
    return min(matching)[1] if matching else None


# -- how far it is --


class Status(StrEnum):
    """How it stands with an escalation."""

    TELLING = "telling"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    HELD = "held"
    """Every alert is held back: silenced, inhibited, or by the calendar."""
    EXHAUSTED = "exhausted"
    """All were told, and nobody reacted."""


FIRING: Final = "firing"
ACKNOWLEDGED: Final = "acknowledged"
HELD: Final = "held"
RESOLVED: Final = "resolved"


class Vote(Struct, frozen=True):
    """That somebody acknowledges an alert."""

    who: str
    until_ms: int = 0
    """When it runs out; 0 for never."""


class Run(Struct, frozen=True):
    """How far an escalation is."""

    status: Status = Status.TELLING
    round: int = 0
    level: int = -1
    """The level that was told last; -1 before the first."""
    due_ms: int = 0
    alerts: Mapping[str, str] = field(default_factory=dict)
    """By fingerprint: `firing`, `acknowledged`, `held`, `resolved`."""
    votes: Mapping[str, tuple[Vote, ...]] = field(default_factory=dict)
    """Who has acknowledged since it began, or began anew, by fingerprint; one vote of each, the newest."""
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """People who were told, by number of the level."""
    receivers: tuple[str, ...] = ()
    """All who were told, as the outbox calls them: they are told when it is over."""
    later: tuple[tuple[int, str], ...] = ()
    """(When, receiver) of people of the last level who want to be told so only if nobody has reacted."""

    def voters(self, now_ms: int) -> tuple[str, ...]:
        """Return whose votes count at a time, each once, whatever number of alerts they have acknowledged."""
        standing = (one for some in self.votes.values() for one in some if not 0 < one.until_ms <= now_ms)
        return tuple(dict.fromkeys(one.who for one in standing))

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "status": self.status.value,
            "round": self.round,
            "level": self.level,
            "due_ms": self.due_ms,
            "alerts": dict(self.alerts),
            "votes": {alert: [[one.who, one.until_ms] for one in some] for alert, some in self.votes.items()},
            "told": {level: list(people) for level, people in self.told.items()},
            "receivers": list(self.receivers),
            "later": [list(one) for one in self.later],
        }


def read_run(document: Mapping[str, Any]) -> Run:
    """Return what `Run.document` made."""
    return Run(
        Status(document["status"]),
        document["round"],
        document["level"],
        document["due_ms"],
        dict(document["alerts"]),
        _read_votes(document["votes"]),
        {level: tuple(people) for level, people in document["told"].items()},
        tuple(document["receivers"]),
        tuple((when_ms, receiver) for when_ms, receiver in document["later"]),
    )


def _read_votes(document: Mapping[str, Any] | list[str]) -> dict[str, tuple[Vote, ...]]:
    if isinstance(document, list):
        # As earlier versions kept them: without the alerts that they were about.
        return {"": tuple(map(Vote, document))} if document else {}
    return {alert: tuple(Vote(who, until_ms) for who, until_ms in some) for alert, some in document.items()}


# -- what happens to it --


def fires(run: Run, fingerprint: str, now_ms: int) -> Run:
    """Return what becomes of it when an alert of the group is told of: a new one begins it anew."""
    if run.alerts.get(fingerprint) in {FIRING, ACKNOWLEDGED}:
        return run
    run = _without_votes(run, fingerprint)
    alerts = {**run.alerts, fingerprint: FIRING}
    if run.status is Status.TELLING:
        return replace(run, alerts=alerts)
    return _anew(run, alerts, now_ms)


def acknowledged(run: Run, policy: Policy, fingerprint: str, vote: Vote, now_ms: int) -> Run:
    """Return what becomes of it when somebody acknowledges an alert."""
    if run.alerts.get(fingerprint, RESOLVED) == RESOLVED:
        return run
    # Of one that is held back too: whoever looks after it does so when it is not.
    others = (one for one in run.votes.get(fingerprint, ()) if one.who != vote.who)
    votes = {**run.votes, fingerprint: (*others, vote)}
    after = replace(run, alerts={**run.alerts, fingerprint: ACKNOWLEDGED}, votes=votes)
    return _settled(after, policy, now_ms)


def unacknowledged(run: Run, fingerprint: str, now_ms: int) -> Run:
    """Return what becomes of it when an acknowledgement is taken back or runs out: it begins anew.

    Nobody looks after the alert then, so that no vote of before counts for it.
    """
    if run.alerts.get(fingerprint) != ACKNOWLEDGED:
        return run
    run = _without_votes(run, fingerprint)
    alerts = {**run.alerts, fingerprint: FIRING}
    if run.status is not Status.ACKNOWLEDGED:
        return replace(run, alerts=alerts)
    return _anew(run, alerts, now_ms)


def held(run: Run, policy: Policy, fingerprint: str, now_ms: int) -> Run:
    """Return what becomes of it when an alert is held back."""
    if run.alerts.get(fingerprint) != FIRING:
        return run
    return _settled(replace(run, alerts={**run.alerts, fingerprint: HELD}), policy, now_ms)


def released(run: Run, fingerprint: str, now_ms: int) -> Run:
    """Return what becomes of it when nothing holds an alert back any more: it begins anew."""
    if run.alerts.get(fingerprint) != HELD:
        return run
    alerts = {**run.alerts, fingerprint: FIRING}
    if run.status in {Status.TELLING, Status.EXHAUSTED}:
        return replace(run, alerts=alerts)
    return _anew(run, alerts, now_ms)


def resolved(run: Run, policy: Policy, fingerprint: str, now_ms: int) -> Run:
    """Return what becomes of it when an alert is over."""
    if fingerprint not in run.alerts:
        return run
    alerts = {**run.alerts, fingerprint: RESOLVED}
    if all(state == RESOLVED for state in alerts.values()):
        return replace(run, alerts=alerts, status=Status.RESOLVED, due_ms=now_ms, later=())
    return _settled(replace(run, alerts=alerts), policy, now_ms)


def _anew(run: Run, alerts: Mapping[str, str], now_ms: int) -> Run:
    return replace(
        run,
        status=Status.TELLING,
        round=0,
        level=-1,
        due_ms=now_ms,
        alerts=alerts,
        votes={},
        told={},
        later=(),
    )


def _without_votes(run: Run, fingerprint: str) -> Run:
    return replace(run, votes={alert: some for alert, some in run.votes.items() if alert != fingerprint})


def _settled(run: Run, policy: Policy, now_ms: int) -> Run:
    """Return it held, or acknowledged by enough people of a level that was told, where every alert is."""
    if run.status in {Status.ACKNOWLEDGED, Status.RESOLVED} or FIRING in run.alerts.values():
        return run
    if ACKNOWLEDGED not in run.alerts.values():
        is_held = run.status is Status.TELLING and HELD in run.alerts.values()
        return replace(run, status=Status.HELD, due_ms=now_ms, later=()) if is_held else run
    told = range(max(run.level, 0) + 1)
    if not any(has_quorum(policy, run, level, now_ms) for level in told):
        return run
    return replace(run, status=Status.ACKNOWLEDGED, due_ms=now_ms, later=())


def has_quorum(policy: Policy, run: Run, level: int, now_ms: int) -> bool:
    """Return whether enough people of a level have acknowledged."""
    wanted, _ = quorum_of(policy, run, level)
    return len(votes_for(policy, run, level, now_ms)) >= wanted


def votes_for(policy: Policy, run: Run, level: int, now_ms: int) -> tuple[str, ...]:
    """Return who has acknowledged of those whose acknowledgement counts for a level."""
    _, who_counts = quorum_of(policy, run, level)
    return tuple(name for name in run.voters(now_ms) if who_counts is None or name in who_counts)


def quorum_of(policy: Policy, run: Run, level: int) -> tuple[int, frozenset[str] | None]:
    """Return how many people of a level must acknowledge, and whose acknowledgement counts; None: of all."""
    if level >= len(policy.levels):
        return 1, None
    one = policy.levels[level]
    if one.members:
        return one.quorum, frozenset(one.members)
    told = frozenset(run.told.get(str(level), ()))
    if one.quorum == 1 or not told:
        return one.quorum, None
    # Where fewer were on call than must agree, all of them are enough.
    return min(one.quorum, len(told)), told


# -- what is next --


class Tell(Struct, frozen=True):
    """Tell a level, whose number is that of the levels where it is the final one."""

    level: int
    round: int
    targets: tuple[Target, ...]
    due_ms: int
    """When the step after it is due."""
    is_last: bool = False


class Wait(Struct, frozen=True):
    """Nothing is due before a time; None: before something happens."""

    until_ms: int | None = None


class Exhausted(Struct, frozen=True):
    """Everybody was told."""


def next_step(policy: Policy, run: Run, now_ms: int) -> Tell | Wait | Exhausted:
    """Return what is to be done now.

    A step that comes late, because nobody was there to make it, moves the following ones: nobody is passed
    over, and everybody has their time. A time that is farther away than any can be was set by a clock that
    is wrong.
    """
    if run.status is not Status.TELLING:
        return Wait()
    if not _is_due(run.due_ms, now_ms):
        return Wait(run.due_ms)
    level, round_number = run.level + 1, run.round
    if level == len(policy.levels) and round_number < policy.repeat:
        level, round_number = 0, round_number + 1
    if level < len(policy.levels):
        due_ms = now_ms + policy.levels[level].timeout_ms
        return Tell(level, round_number, policy.levels[level].targets, due_ms)
    if level == len(policy.levels) and policy.final:
        return Tell(level, round_number, policy.final, now_ms, is_last=True)
    return Exhausted()


def following(policy: Policy, run: Run, now_ms: int) -> Tell | None:
    """Return who is told next, should nobody acknowledge; None where nobody is."""
    step = next_step(policy, replace(run, due_ms=now_ms), now_ms)
    return step if isinstance(step, Tell) else None


class Reached(Struct, frozen=True):
    """Whom the targets of a level mean at the time at which it is told."""

    people: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    """Who are told at once, as the outbox calls them."""
    later: tuple[tuple[int, str], ...] = ()
    """(When, receiver) of those who are told if nobody has reacted by then."""
    missing: tuple[str, ...] = ()
    """What is said of targets that nobody is behind: `nobody is on call by primary`."""


def take_due(run: Run, now_ms: int) -> tuple[Run, tuple[str, ...]]:
    """Return (how far it is, whom to tell) once those are told who wanted to be told by now."""
    is_over = run.status in {Status.ACKNOWLEDGED, Status.RESOLVED, Status.HELD}
    due = [] if is_over else [name for when_ms, name in run.later if _is_due(when_ms, now_ms)]
    if not due:
        return run, ()
    later = tuple(one for one in run.later if one[1] not in due)
    receivers = tuple(dict.fromkeys([*run.receivers, *due]))
    return replace(run, later=later, receivers=receivers), tuple(due)


def _is_due(when_ms: int, now_ms: int) -> bool:
    return not now_ms < when_ms <= now_ms + HORIZON_MS


def due_ms(run: Run) -> int:
    """Return when something is to be done next, if nothing happens."""
    step = [run.due_ms] if run.status is Status.TELLING else []
    return min([*step, *(when_ms for when_ms, _ in run.later)], default=0)


def is_waiting(run: Run) -> bool:
    """Return whether anything is to be done by itself."""
    return run.status is Status.TELLING or bool(run.later)


def after_step(run: Run, step: Tell | Wait | Exhausted, reached: Reached) -> Run:
    """Return how far it is once a step is made, at which these were told."""
    if isinstance(step, Wait):
        return run
    if isinstance(step, Exhausted):
        return replace(run, status=Status.EXHAUSTED)
    return replace(
        run,
        status=Status.EXHAUSTED if step.is_last else Status.TELLING,
        level=step.level,
        round=step.round,
        due_ms=step.due_ms,
        told={**run.told, str(step.level): reached.people},
        receivers=tuple(dict.fromkeys([*run.receivers, *reached.receivers])),
        later=(*run.later, *reached.later),
    )
