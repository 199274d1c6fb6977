"""Which levels of escalations would have been told: one chain for each group, as `escalations` has it.

Everybody whose acknowledgement is asked for gives it at the same time, or nobody ever does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

from msgspec import Struct, field

from pharos.alerting import escalate
from pharos.alerting.escalate import Policy, Reached, Run, Status, Tell, Vote
from pharos.labels import Labels

_STEPS_MAX: Final = 1_000
"""Levels of one group, at most: one may have no time-out and be repeated."""


class What(IntEnum):
    """What happens to an alert; of what happens at once, in this order."""

    RESOLVED = 0
    HELD = 1
    RELEASED = 2
    TOLD = 3
    ACKNOWLEDGED = 4


class Event(Struct, frozen=True, order=True):
    """Something that an escalation answers."""

    at_ms: int
    what: What
    fingerprint: str
    labels: Labels = ()


class Escalated(Struct, frozen=True):
    """A level of an escalation that would have been told."""

    at_ms: int
    policy: str
    level: str
    labels: Labels
    """What the alerts that fire have in common."""


class _Chain(Struct):
    name: str
    policy: Policy
    run: Run
    votes: tuple[str, ...]
    """Who must acknowledge, so that every level has its quorum."""
    labels: dict[str, Labels] = field(default_factory=dict)


def escalated(
    policies: Mapping[str, Policy], by_group: Mapping[str, Sequence[Event]], end_ms: int
) -> list[Escalated]:
    """Return the levels that would have been told until the end, of what happened in each group, by time."""
    if not policies:
        return []
    found = [one for events in by_group.values() for one in _of_group(policies, sorted(events), end_ms)]
    return sorted(found, key=lambda one: one.at_ms)


def _of_group(policies: Mapping[str, Policy], events: Iterable[Event], end_ms: int) -> Iterator[Escalated]:
    chain: _Chain | None = None
    left = _STEPS_MAX
    for event in events:
        if event.at_ms > end_ms:
            break
        if chain is not None:
            # What is due at the same time comes after: it may be over, or one alert of several.
            told = list(_steps(chain, event.at_ms - 1, left))
            left -= len(told)
            yield from told
        if chain is None and event.what is What.TOLD:
            chain = _begun(policies, event)
        if chain is not None:
            _apply(chain, event)
            if chain.run.status is Status.RESOLVED:
                chain = None
    if chain is not None:
        yield from _steps(chain, end_ms, left)


def _begun(policies: Mapping[str, Policy], event: Event) -> _Chain | None:
    name = escalate.choose(policies, dict(event.labels))
    if name is None:
        return None
    levels = policies[name].levels
    members = [member for level in levels for member in level.members]
    others = [f"somebody {number}" for number in range(max(level.quorum for level in levels))]
    return _Chain(name, policies[name], Run(due_ms=event.at_ms), (*dict.fromkeys(members), *others))


def _apply(chain: _Chain, event: Event) -> None:
    run, policy, fingerprint, at_ms = chain.run, chain.policy, event.fingerprint, event.at_ms
    match event.what:
        case What.TOLD:
            chain.labels[fingerprint] = event.labels
            chain.run = escalate.fires(run, fingerprint, at_ms)
        case What.RESOLVED:
            chain.run = escalate.resolved(run, policy, fingerprint, at_ms)
        case What.HELD:
            chain.run = escalate.held(run, policy, fingerprint, at_ms)
        case What.RELEASED:
            chain.run = escalate.released(run, fingerprint, at_ms)
        case What.ACKNOWLEDGED:
            for who in chain.votes:
                chain.run = escalate.acknowledged(chain.run, policy, fingerprint, Vote(who), at_ms)


def _steps(chain: _Chain, until_ms: int, most: int) -> Iterator[Escalated]:
    for _ in range(most):
        at_ms = chain.run.due_ms
        step = escalate.next_step(chain.policy, chain.run, at_ms)
        if at_ms > until_ms or not isinstance(step, Tell):
            break
        yield Escalated(at_ms, chain.name, chain.policy.level_name(step.level), _common(chain))
        chain.run = escalate.after_step(chain.run, step, Reached())


def _common(chain: _Chain) -> Labels:
    states = chain.run.alerts
    firing = [labels for name, labels in chain.labels.items() if states.get(name) == escalate.FIRING]
    if not firing:
        return ()
    return tuple(pair for pair in firing[0] if all(pair in labels for labels in firing[1:]))
