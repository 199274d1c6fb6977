"""What one integration of a receiver is to be told of a group now, and why: a function of what is so.

It is Alertmanager's: who was not told of a firing alert is told, who was is told when it is over, and again
after the repeat interval. Two things are more than that. What is muted when it ends is told of as resolved to
those who were told that it fires. And a notification that could not be delivered for long is replaced by what
is so then, which still tells of all that it told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from pharos.alert import Alert
from pharos.alerting.held import Held
from pharos.state.outbox import Marks


class Seen(Struct, frozen=True):
    """An alert of a group as it is when the group is about to be told of."""

    alert: Alert
    is_resolved: bool
    held: Held | None = None
    """What holds it back; None for nothing."""

    @property
    def fingerprint(self) -> str:
        """What it is called."""
        return self.alert.fingerprint


class Reason(StrEnum):
    """Why somebody is told now."""

    FIRST = "first"
    ADDED = "added"
    SOME_RESOLVED = "some_resolved"
    ALL_RESOLVED = "all_resolved"
    REPEAT = "repeat"


class Act(StrEnum):
    """What is done."""

    NOTHING = "nothing"
    """Nothing is news."""
    WAIT = "wait"
    """What was decided before is on its way still."""
    TELL = "tell"
    NOTE = "note"
    """It counts as told: the receiver wants to hear of no resolved alerts."""
    CANCEL = "cancel"
    """What is owed is not any more: all of it is held back now."""
    HOLD = "hold"
    """It would be repeated, and is not, since somebody looks after it."""


class Before(Struct, frozen=True):
    """What was told, and what is owed."""

    told: Marks | None = None
    told_ms: int = 0
    owed: Marks | None = None
    """Of a notification that is not delivered yet and is tried again by itself."""
    owed_ms: int = 0


class Terms(Struct, frozen=True):
    """How an integration is told. Times are milliseconds."""

    send_resolved: bool
    repeat_ms: int
    patience_ms: int
    """So long what is owed stays as it is."""


class Verdict(Struct, frozen=True):
    """What is done, and what is told then."""

    act: Act
    reason: Reason | None = None
    told: tuple[Seen, ...] = ()
    marks: Marks = field(default_factory=Marks)
    held: Held | None = None
    """What holds a repeat back."""


def decide(
    group: Sequence[Seen], before: Before, terms: Terms, now_ms: int, acknowledged: Mapping[str, Held]
) -> Verdict:
    """Return what is to be done; `group` is in the order of telling."""
    is_owed = before.owed is not None
    if is_owed and now_ms - before.owed_ms < terms.patience_ms:
        return Verdict(Act.WAIT)
    told = before.told or Marks()
    owed_firing = before.owed.firing if before.owed else ()
    still_open = {*told.open, *owed_firing}
    firing = [one for one in group if not one.is_resolved and one.held is None]
    resolved = [
        one for one in group if one.is_resolved and (one.held is None or one.fingerprint in still_open)
    ]
    told_resolved = frozenset(told.resolved)
    news = [one for one in resolved if one.fingerprint not in told_resolved]
    # Senders repeat an end for a quarter of an hour: what was told as over before is no reason to tell again.
    fresh = [one for one in news if one.fingerprint in still_open or one.alert.ends_ms > before.told_ms]
    # One that fired again and ended meanwhile is no news, and goes along with what is.
    unheard = [one for one in resolved if one in news or one.alert.ends_ms > before.told_ms]
    verdict = _tell(group, firing, resolved, unheard if terms.send_resolved else (), frozenset(told.open))
    reason = _reason(firing, fresh, before, terms, still_open, now_ms)
    if is_owed:
        return _instead(verdict, before.owed or Marks(), reason, group)
    if reason is None:
        return Verdict(Act.NOTHING)
    if reason is Reason.REPEAT:
        holding = [acknowledged.get(one.fingerprint) for one in firing]
        if all(holding):
            return Verdict(Act.HOLD, reason, tuple(firing), held=holding[0])
    return Verdict(verdict.act, reason, verdict.told, verdict.marks)


def _reason(
    firing: Sequence[Seen],
    news: Sequence[Seen],
    before: Before,
    terms: Terms,
    still_open: set[str],
    now_ms: int,
) -> Reason | None:
    told = before.told
    if told is None:
        if firing:
            return Reason.FIRST
        return Reason.ALL_RESOLVED if any(one.fingerprint in still_open for one in news) else None
    if not {one.fingerprint for one in firing} <= set(told.firing):
        return Reason.ADDED
    if not firing:
        return Reason.ALL_RESOLVED if any(one.fingerprint in still_open for one in news) else None
    if terms.send_resolved and news:
        return Reason.SOME_RESOLVED
    return Reason.REPEAT if now_ms - before.told_ms > terms.repeat_ms else None


def _tell(
    group: Sequence[Seen],
    firing: Sequence[Seen],
    resolved: Sequence[Seen],
    news: Sequence[Seen],
    was_open: frozenset[str],
) -> Verdict:
    shown = {id(one) for one in (*firing, *news)}
    over = {one.fingerprint for one in resolved}
    here = {one.fingerprint for one in group}
    marks = Marks(
        tuple(one.fingerprint for one in firing),
        tuple(one.fingerprint for one in resolved),
        tuple(sorted(((was_open & here) | {one.fingerprint for one in firing}) - over)),
    )
    content = tuple(one for one in group if id(one) in shown)
    return Verdict(Act.TELL if content else Act.NOTE, None, content, marks)


def _instead(verdict: Verdict, owed: Marks, reason: Reason | None, group: Sequence[Seen]) -> Verdict:
    """Return what takes the place of what is owed for long."""
    if (verdict.marks.firing, verdict.marks.resolved) == (owed.firing, owed.resolved):
        return Verdict(Act.WAIT)
    held = {one.fingerprint for one in group if one.held is not None and not one.is_resolved}
    shown = {one.fingerprint for one in verdict.told}
    if not verdict.told and set(owed.firing) and set(owed.firing) <= held:
        return Verdict(Act.CANCEL)
    if reason is None or verdict.act is not Act.TELL or not set(owed.firing) <= shown | held:
        return Verdict(Act.WAIT)
    return Verdict(Act.TELL, reason, verdict.told, verdict.marks)
