"""Why somebody was told of an alert, or was not: its timeline in sentences, and one that sums them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from pharos.alert import ALERT_NAME, shown_labels
from pharos.alerting.matchers import Matchers, matches_all
from pharos.alerting.oncall.reach import person_of
from pharos.gotext.durations import format_duration
from pharos.notify.restraint import HELD_BACK
from pharos.state.acknowledgements import SAID_OVER
from pharos.state.timeline import Entry, Step

_REASONS: Final = {
    "first": "it is new",
    "added": "alerts came into its group",
    "some_resolved": "some alerts of its group are over",
    "all_resolved": "all alerts of its group are over",
    "repeat": "it was told of long ago and still fires",
    "escalation": "nobody has reacted",
    "reminder": "a silence is about to end",
    "test": "somebody tries the receiver",
}
_HELD: Final = {
    "silenced": "it is silenced by the silence {source}",
    "inhibited": "another alert, {source}, inhibits it",
    "muted": "the route is silent in the time interval {source}",
    "inactive": "the route speaks only in the time intervals {source}",
    "maintenance": "the maintenance {source} goes on",
    "dependency": "what it depends on has failed: {source}",
    "acknowledged": "somebody looks after it, so it is not repeated",
}
_SECOND_MS: Final = 1000
_STATES: Final = (Step.FIRING, Step.RESOLVED, Step.PENDING, Step.UNKNOWN)
_TRIED: Final = (Step.SENT, Step.NOT_SENT, Step.DEAD, Step.QUEUED)
_SETTLED: Final = "acknowledged"
"""Of an escalation that tells nobody any more, since enough people look after its alerts."""
_WAITING: Final = "waiting"
"""Of a response that somebody has to approve."""
_BY: Final = {"link": " by the link in a message", "slack": " in Slack", "pagerduty": " in PagerDuty"}


class Line(Struct, frozen=True):
    """One step, told."""

    at_ms: int
    step: str
    text: str
    detail: Mapping[str, Any]
    group_key: str


class Story(Struct, frozen=True):
    """What happened to an alert, and what that comes to at one time."""

    fingerprint: str
    name: str
    labels: Mapping[str, str]
    is_paged: bool
    verdict: str
    lines: tuple[Line, ...]


def shown_time(at_ms: int) -> str:
    """Return a time for people."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def sentence(entry: Entry) -> str:
    """Return a step as a sentence without an end."""
    return _SENTENCES[entry.step](entry.detail)


def tell(entries: Iterable[Entry]) -> tuple[Line, ...]:
    """Return steps as sentences."""
    return tuple(
        Line(entry.at_ms, entry.step.value, sentence(entry), entry.detail, entry.group_key)
        for entry in entries
    )


def stories(
    entries: Sequence[Entry], at_ms: int, around_ms: int, matchers: Matchers = (), who: str = ""
) -> tuple[Story, ...]:
    """Return the story of each alert of steps that are in order, and what it comes to at a time.

    Told within `around_ms` of it counts as told at it. `who` is a receiver or a person: only what they were
    told counts. Alerts that did not fire, nor were about to, are left out unless matchers ask for them.
    """
    by_alert: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.fingerprint:
            by_alert.setdefault(entry.fingerprint, []).append(entry)
    found = []
    for fingerprint, steps in by_alert.items():
        labels = labels_of(steps)
        if not matches_all(matchers, labels):
            continue
        is_paged, text = verdict(steps, at_ms, around_ms, who)
        if not matchers and not is_paged and not _was_there(steps, at_ms):
            continue
        name = labels.get(ALERT_NAME, fingerprint)
        found.append(Story(fingerprint, name, labels, is_paged, text, tell(steps)))
    return tuple(sorted(found, key=lambda one: (not one.is_paged, one.name, one.fingerprint)))


def labels_of(entries: Iterable[Entry]) -> Mapping[str, str]:
    """Return the labels of an alert, as its steps tell them last."""
    found: Mapping[str, str] = {}
    for entry in entries:
        found = entry.detail.get("labels") or found
    return found


def verdict(entries: Sequence[Entry], at_ms: int, around_ms: int, who: str = "") -> tuple[bool, str]:
    """Return (whether somebody was told that an alert fires at a time, why or why not)."""
    upto = [entry for entry in entries if entry.at_ms <= at_ms + around_ms]
    sent = [
        entry
        for entry in upto
        if entry.step is Step.SENT and entry.detail.get("status") != "resolved" and _is_to(entry, who)
    ]
    near = [entry for entry in sent if entry.at_ms >= at_ms - around_ms]
    if near:
        told = ", ".join(dict.fromkeys(_receiver(entry.detail) for entry in near))
        why = _REASONS.get(str(near[0].detail.get("reason", "")), "it was due")
        return True, f"{told} was told at {shown_time(near[0].at_ms)}, because {why}"
    whom = f"{who} was not told" if who else "nobody was told"
    return False, f"{whom}: {_why_not(upto, sent, at_ms - around_ms, who)}"


def _is_to(entry: Entry, who: str) -> bool:
    receiver = str(entry.detail.get("receiver", ""))
    return not who or who in {receiver, person_of(receiver)}


def _why_not(upto: Sequence[Entry], sent: Sequence[Entry], since_ms: int, who: str) -> str:
    """Return why somebody was not told, of the steps up to then, and of those that told them before."""
    unknown = _last(upto, *_STATES)
    if unknown is not None and unknown.step is Step.UNKNOWN:
        # What it was before goes on, or is over: that its rule says nothing is no state in which one is told.
        before = [entry for entry in upto if entry.step is not Step.UNKNOWN]
        return f"{_why_not(before, sent, since_ms, who)}; at {shown_time(unknown.at_ms)} {sentence(unknown)}"
    last = unknown
    if last is not None and last.step is Step.RESOLVED and last.at_ms >= since_ms:
        # It fired at about that time: that it is over by now is not why.
        before = [entry for entry in upto if entry.number < last.number]
        was = _last(before, *_STATES)
        if was is not None and was.step is not Step.RESOLVED:
            return f"{_why_not(before, sent, since_ms, who)}; it is over since {shown_time(last.at_ms)}"
    if last is None or last.step is Step.RESOLVED:
        over = "" if last is None else f" since {shown_time(last.at_ms)}"
        return f"it did not fire{over}"
    if last.step is Step.PENDING:
        return f"since {shown_time(last.at_ms)} its condition held, not yet for long enough to fire"
    since = [entry for entry in upto if entry.number >= last.number]
    routed = [entry for entry in since if entry.step is Step.ROUTED]
    mine = [entry for entry in routed if _is_to(entry, who)]
    # Who is told by an escalation alone is kept from it by what holds back whom it begins with.
    held = _last([one for one in since if not mine or _is_to(one, who)], Step.HELD, Step.RELEASED)
    if held is not None and held.step is Step.HELD:
        return f"{_held(held.detail)} (since {shown_time(held.at_ms)})"
    looked_after = _last(since, Step.ACKNOWLEDGED, Step.UNACKNOWLEDGED)
    if looked_after is not None and looked_after.step is Step.ACKNOWLEDGED:
        return f"at {shown_time(looked_after.at_ms)} {sentence(looked_after)}"
    tried = _last([one for one in since if _is_to(one, who)], *_TRIED)
    if tried is not None and tried.step is not Step.SENT:
        return f"at {shown_time(tried.at_ms)} {sentence(tried)}"
    if sent and sent[-1].number >= last.number:
        told = _receiver(sent[-1].detail)
        return f"{told} knew since {shown_time(sent[-1].at_ms)}, and it was not time to repeat it"
    if not routed:
        return "no route took it"
    if mine:
        return f"its group waited for others to come ({sentence(mine[-1])})"
    escalated = _last(since, Step.ESCALATED)
    by = f", and {sentence(escalated)} (at {shown_time(escalated.at_ms)})" if escalated is not None else ""
    return f"{sentence(routed[-1])}{by}"


def _last(entries: Sequence[Entry], *steps: Step) -> Entry | None:
    return next((entry for entry in reversed(entries) if entry.step in steps), None)


def _was_there(entries: Sequence[Entry], at_ms: int) -> bool:
    upto = [entry for entry in entries if entry.at_ms <= at_ms]
    last = _last(upto, Step.FIRING, Step.RESOLVED, Step.PENDING)
    return last is not None and last.step is not Step.RESOLVED


# -- sentences --


def _receiver(detail: Mapping[str, Any]) -> str:
    name = str(detail.get("receiver", "somebody"))
    integration = str(detail.get("integration", ""))
    whom = person_of(name) or name
    return f"{whom} ({integration})" if integration else whom


def _with_value(detail: Mapping[str, Any]) -> str:
    return f" (value {detail['value']})" if detail.get("value") not in {None, ""} else ""


def _fires(detail: Mapping[str, Any]) -> str:
    return f"{shown_labels(detail.get('labels', {})) or 'it'} fires{_with_value(detail)}"


def _unknown(detail: Mapping[str, Any]) -> str:
    why = detail.get("error") or detail.get("reason")
    return f"its rule says nothing any more{f': {why}' if why else ''}"


def _routed(detail: Mapping[str, Any]) -> str:
    group = shown_labels(detail.get("group_labels", {}))
    by = f" by the route {detail['route']}" if detail.get("route") else ""
    return f"it goes to {detail.get('receiver', 'nobody')}{by}, in the group {group or '{}'}"


def _held(detail: Mapping[str, Any]) -> str:
    reason = str(detail.get("reason", ""))
    source = shown_labels(detail.get("alert", {})) or detail.get("source", "")
    text = _HELD.get(reason, f"it is held back ({reason})").format(source=source)
    by = f", made by {detail['by']}" if detail.get("by") else ""
    until = f", until {shown_time(detail['until_ms'])}" if detail.get("until_ms") else ""
    return f"{text}{by}{until}"


def _queued(detail: Mapping[str, Any]) -> str:
    reason = str(detail.get("reason", ""))
    why = _REASONS.get(reason, reason or "it is due")
    return f"a message to {_receiver(detail)} is owed, because {why}"


def _sent(detail: Mapping[str, Any]) -> str:
    answer = f": {detail['answer']}" if detail.get("answer") else ""
    attempt = detail.get("attempt", 1)
    return f"{_receiver(detail)} took the message{f' at try {attempt}' if attempt != 1 else ''}{answer}"


def _not_sent(detail: Mapping[str, Any]) -> str:
    wait_ms = detail.get("retry_ms") or 0
    wait_ms = round(wait_ms, -3) if wait_ms > _SECOND_MS else wait_ms
    wait = f"; the next try is in {format_duration(wait_ms)}" if wait_ms else ""
    attempt, error = detail.get("attempt", 1), str(detail.get("error", ""))
    if error.startswith(HELD_BACK):
        return f"{_receiver(detail)} is not told, by its settings: {error}{wait}"
    return f"{_receiver(detail)} did not take the message at try {attempt}: {error}{wait}"


def _dead(detail: Mapping[str, Any]) -> str:
    return f"{_receiver(detail)} did not take the message, and no try follows: {detail.get('error', '')}"


def _acknowledged(detail: Mapping[str, Any]) -> str:
    until = f" until {shown_time(detail['expires_ms'])}" if detail.get("expires_ms") else ""
    comment = f": {detail['comment']}" if detail.get("comment") else ""
    who = detail.get("name") or detail.get("who") or "somebody"
    if detail.get("by") == SAID_OVER:
        return f"{who} says that it is over, whatever its rule finds{comment}"
    return f"{who} looks after it{_BY.get(str(detail.get('by')), '')}{until}{comment}"


def _unacknowledged(detail: Mapping[str, Any]) -> str:
    whose = detail.get("was") or "somebody"
    if detail.get("why") == "ran out":
        return f"the acknowledgement of {whose} ran out"
    return f"{detail.get('name') or 'somebody'} took the acknowledgement of {whose} back"


def _escalated(detail: Mapping[str, Any]) -> str:
    if detail.get("later"):
        return f"nobody had reacted, and {', '.join(detail.get('people', []))} is told in another way"
    whom = [*detail.get("people", []), *(name for name in detail.get("receivers", []) if not person_of(name))]
    organisation = f" of {detail['organisation']}" if detail.get("organisation") else ""
    missing = f"; {'; '.join(detail['missing'])}" if detail.get("missing") else ""
    again = f" for the {detail['round'] + 1}. time" if detail.get("round") else ""
    level = f"{detail.get('level_name', '')}{organisation}{again}"
    return f"the escalation {detail.get('policy', '')} tells {level}: {', '.join(whom) or 'nobody'}{missing}"


def _voted(detail: Mapping[str, Any]) -> str:
    votes, level = detail.get("votes", []), detail.get("level_name", "")
    of = f"{len(votes)} of {detail.get('quorum', 1)} acknowledgements of {level}{_among(votes)}"
    beside = (
        "" if detail.get("counts", True) else f"; {detail.get('who', 'somebody')} is none of those who count"
    )
    ends = "ends" if detail.get("status") == _SETTLED else "goes on"
    return f"the escalation {detail.get('policy', '')} has {of}, and {ends}{beside}"


def _among(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _acted(detail: Mapping[str, Any]) -> str:
    if detail.get("status") == _WAITING:
        return f"the action {detail.get('action', '')} waits for approval"
    outcome = f": {detail['outcome']}" if detail.get("outcome") else ""
    by = f", approved by {detail['approved_by']}" if detail.get("approved_by") else ""
    return f"the action {detail.get('action', '')} is {detail.get('status', '')}{by}{outcome}"


_SENTENCES: Final[Mapping[Step, Callable[[Mapping[str, Any]], str]]] = {
    Step.PENDING: lambda detail: f"its condition holds{_with_value(detail)}, not yet for long enough",
    Step.FIRING: _fires,
    Step.RESOLVED: lambda _: "it is over",
    Step.UNKNOWN: _unknown,
    Step.ROUTED: _routed,
    Step.HELD: lambda detail: f"{detail.get('receiver', 'nobody')} is not told: {_held(detail)}",
    Step.RELEASED: lambda detail: f"no longer so for {detail.get('receiver', 'it')}: {_held(detail)}",
    Step.QUEUED: _queued,
    Step.SENT: _sent,
    Step.NOT_SENT: _not_sent,
    Step.DEAD: _dead,
    Step.ACKNOWLEDGED: _acknowledged,
    Step.UNACKNOWLEDGED: _unacknowledged,
    Step.ESCALATED: _escalated,
    Step.VOTED: _voted,
    Step.ACTED: _acted,
    Step.NOTED: lambda detail: f"{detail.get('name', 'somebody')} notes: {detail.get('text', '')}",
}
