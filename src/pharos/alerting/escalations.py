"""Escalations over the state: begun, continued and ended by what the timeline says, step by step as time
goes by.

What a step of the timeline makes of an escalation is kept together with the place up to which the timeline
was followed, and what a level is told together with how far the escalation is: whenever the process is
killed, it goes on where it was, and no level is told twice or passed over.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alert import SEVERITY, Alert
from pharos.alerting import escalate
from pharos.alerting.acknowledge import TAKES_ACKNOWLEDGEMENTS
from pharos.alerting.config import AlertingConfig, Receiver
from pharos.alerting.content import ACKNOWLEDGED
from pharos.alerting.content import told as told_content
from pharos.alerting.escalate import (
    Exhausted,
    Policy,
    Reached,
    Run,
    Status,
    Target,
    Tell,
    Vote,
    read_policy,
    read_run,
)
from pharos.alerting.oncall import reach
from pharos.alerting.voters import voter_of
from pharos.errors import Kind, PharosError
from pharos.labels import Labels, labels_of
from pharos.state import (
    PHAROS,
    State,
    Unit,
    Writing,
    alerts,
    audit,
    documents,
    escalations,
    followers,
    outbox,
    timeline,
)
from pharos.state.documents import Defined
from pharos.state.escalations import Escalation
from pharos.state.outbox import Owed
from pharos.state.timeline import Entry, Step

_LOG = logging.getLogger(__name__)

FOLLOWER: Final = "escalation"
_BATCH: Final = 200
_DUE: Final = 20
_AGAIN_MS: Final = 60_000
"""So many steps of the timeline, and of escalations, in one transaction: others write between them."""
_STATES: Final = (Step.FIRING, Step.RESOLVED)  # UNKNOWN is none: what the alert was goes on, or is over.
_STEPS_MOST: Final = 20
"""Levels without a time-out are told at once, so many in one go."""
_RESOLVED: Final = "resolved"

Configs = Callable[[str], AlertingConfig | None]
"""The configuration of a tenant; None where it has none."""


class _Open(Struct):
    """An escalation as it becomes in one transaction."""

    found: Escalation
    policy: Policy
    run: Run
    is_new: bool = False
    before: Run | None = None


class _Tenant(Struct):
    """What is known of a tenant in one transaction."""

    kept: dict[str, Escalation]
    """By key of the group."""
    policies: dict[str, tuple[int, Policy, Mapping[str, Any]]]
    states: dict[str, Entry]
    """Whether alerts fire, by fingerprint: the newest step that says so, of those that are told of."""
    open: dict[str, _Open] = field(default_factory=dict)
    """Those that were looked at, as they become."""
    changed: set[str] = field(default_factory=set)

    def of_group(self, key: str) -> _Open | None:
        """Return the escalation of a group; None without one."""
        if key not in self.open and key in self.kept:
            one = _opened(self.kept[key])
            if one is not None:
                self.open[key] = one
        return self.open.get(key)

    def of_alert(self, fingerprint: str) -> list[_Open]:
        """Return the escalations that an alert is among."""
        found = [one for one in self.open.values() if fingerprint in one.run.alerts]
        keys = [
            key
            for key, one in self.kept.items()
            if key not in self.open and fingerprint in one.run.get("alerts", ())
        ]
        return [*found, *filter(None, map(self.of_group, keys))]


class Escalations:
    """All tenants' escalations; its functions run in transactions of the state."""

    def __init__(self, state: State, configs: Configs) -> None:
        self._state = state
        self._configs = configs

    async def round(self) -> bool:
        """Do what is due, and return whether more may be. Raises PharosError(UNAVAILABLE) and has done
        nothing."""
        if not await self._state.read(self._has_work):
            return False
        return await self._state.write(self._work, PHAROS)

    def _has_work(self, unit: Unit) -> bool:
        place = followers.place_of(unit, FOLLOWER)
        is_behind = place is None or timeline.newest_number(unit) > place
        return is_behind or bool(escalations.due_escalations(unit, escalate.HORIZON_MS, 1))

    def _work(self, unit: Writing) -> bool:
        is_more = self.follow(unit)
        return self.step(unit) or is_more

    # -- what the timeline says --

    def follow(self, unit: Writing) -> bool:
        """Act upon the next steps of the timeline; return whether there are more."""
        place = followers.begin(unit, FOLLOWER)
        entries = timeline.since(unit, place, _BATCH)
        if not entries:
            return False
        tenants: dict[str, _Tenant] = {}
        for entry in entries:
            if entry.step in _HANDLERS:
                tenant = tenants.get(entry.tenant_id)
                if tenant is None:
                    tenant = tenants[entry.tenant_id] = _tenant(unit, entry.tenant_id, entries)
                _HANDLERS[entry.step](unit, tenant, entry)
        for tenant in tenants.values():
            for key in sorted(tenant.changed):
                _alone(unit, partial(self._keep, one=tenant.open[key]))
        followers.move(unit, FOLLOWER, entries[-1].number)
        return len(entries) == _BATCH

    def _keep(self, unit: Writing, one: _Open) -> None:
        """Keep what became of an escalation; who keeps incidents is told that somebody looks after it."""
        was = one.before.status if one.before is not None else None
        _keep(unit, one)
        if one.run.status is Status.ACKNOWLEDGED and was is not Status.ACKNOWLEDGED:
            self._tell(unit, one, one.run.receivers, ACKNOWLEDGED)

    # -- what time brings --

    def step(self, unit: Writing) -> bool:
        """Make the steps that are due; return whether there may be more."""
        due = escalations.due_escalations(unit, escalate.HORIZON_MS, _DUE)
        for found in due:
            if not _alone(unit, partial(self._step, found=found)):
                # It holds up no other one, and is tried again.
                escalations.put_escalation(unit, replace(found, due_ms=unit.now_ms + _AGAIN_MS))
        return len(due) == _DUE

    def _step(self, unit: Writing, found: Escalation) -> None:
        one = _opened(found)
        if one is None:
            raise PharosError(Kind.INVALID, f"the escalation {found.id} cannot be read")
        is_over = one.run.status is Status.RESOLVED
        if is_over:
            self._tell(unit, one, one.run.receivers, _RESOLVED)
            _audit(unit, one, _RESOLVED, {"votes": list(one.run.voters(unit.now_ms))})
        else:
            self._advance(unit, one)
        _put(unit, one, is_over=is_over)

    def _advance(self, unit: Writing, one: _Open) -> None:
        for _ in range(_STEPS_MOST):
            step = escalate.next_step(one.policy, one.run, unit.now_ms)
            if isinstance(step, Tell):
                reached = self._reached(unit, one, step.targets)
                receivers, missing = self._tell(unit, one, reached.receivers, f"{step.round}.{step.level}")
                reached = replace(reached, receivers=receivers, missing=(*reached.missing, *missing))
                one.run = escalate.after_step(one.run, step, reached)
                _note_told(unit, one, step, reached)
            elif isinstance(step, Exhausted):
                one.run = escalate.after_step(one.run, step, Reached())
                _audit(unit, one, "exhausted", {"round": one.run.round})
            else:
                break
        one.run, late = escalate.take_due(one.run, unit.now_ms)
        if late:
            self._tell(unit, one, late, f"{one.run.round}.{one.run.level}.later")
            _note(unit, one, {"later": True, "receivers": list(late), "people": _people(late)})

    def _reached(self, unit: Unit, one: _Open, targets: Iterable[Target]) -> Reached:
        """Return whom the targets of a level mean now."""
        people: list[str] = []
        receivers: list[str] = []
        missing: list[str] = []
        for target in targets:
            if target.receiver is not None:
                receivers.append(target.receiver)
            elif target.person is not None:
                people.append(target.person)
            elif target.schedule is not None:
                found, why = _on_call(unit, one.found.tenant_id, target.schedule)
                people += found
                missing += why
        later: list[tuple[int, str]] = []
        severity = _severity(unit, one)
        for person in dict.fromkeys(people):
            contacts = [
                contact
                for contact in reach.contacts_of(unit, one.found.tenant_id, person)
                if reach.is_severe_enough(severity, contact.min_severity)
            ]
            if not contacts:
                missing.append(f"{person} has no contact for alerts of this severity")
            for contact in contacts:
                if contact.after_ms > 0:
                    later.append((unit.now_ms + contact.after_ms, reach.name_of(contact)))
                else:
                    receivers.append(reach.name_of(contact))
        return Reached(
            tuple(dict.fromkeys(people)), tuple(dict.fromkeys(receivers)), tuple(later), tuple(missing)
        )

    # -- telling --

    def _tell(
        self, unit: Writing, one: _Open, receivers: Iterable[str], what: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Owe a message to receivers; return (those that there are, why others are not told)."""
        config = self._configs(one.found.tenant_id)
        content = _content(unit, one, is_over=what == _RESOLVED)
        if what == ACKNOWLEDGED:
            content["reason"] = ACKNOWLEDGED
        rows: list[Owed] = []
        told: list[str] = []
        missing: list[str] = []
        for name in receivers:
            receiver = _receiver(unit, one.found.tenant_id, name, config)
            if isinstance(receiver, str):
                missing.append(receiver)
                continue
            told.append(name)
            rows += [
                Owed(
                    one.found.tenant_id,
                    one.found.group_key,
                    name,
                    f"{integration.kind}[{integration.index}]",
                    content,
                    purpose=f"escalation:{one.found.id}:{what}",
                )
                for integration in receiver.integrations
                if what != _RESOLVED or integration.send_resolved
                if what != ACKNOWLEDGED or integration.kind in TAKES_ACKNOWLEDGEMENTS
            ]
        outbox.add(unit, rows)
        return tuple(told), tuple(missing)


# -- the timeline's steps --


def _tenant(unit: Unit, tenant_id: str, entries: Iterable[Entry]) -> _Tenant:
    kept = {one.group_key: one for one in escalations.open_of_tenant(unit, tenant_id)}
    policies = {}
    for name, number, document in _defined(unit, tenant_id):
        try:
            policies[name] = (number, _policy(document, name), document)
        except PharosError as exc:
            _LOG.error("the tenant %s has an escalation that cannot be read: %s", tenant_id, exc)
    states: dict[str, Entry] = {}
    if kept or policies:
        ours = (one for one in entries if one.tenant_id == tenant_id and one.step is Step.QUEUED)
        states = timeline.last_steps(unit, tenant_id, sorted({one.fingerprint for one in ours}), _STATES)
    return _Tenant(kept, policies, states)


def _defined(unit: Unit, tenant_id: str) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Yield (name, version, document) of a tenant's policies: its own, and those of simple conditions."""
    for version in documents.list_documents(unit, Defined.ESCALATION, tenant_id):
        yield version.name, version.version, version.document or {}
    for version in documents.list_documents(unit, Defined.CONDITION, tenant_id):
        said = (version.document or {}).get("escalation")
        if isinstance(said, dict):
            document = escalate.policy_of_condition(version.name, said)
            yield f"condition {version.name}", version.version, document


def _opened(found: Escalation) -> _Open | None:
    try:
        run = read_run(found.run)
        return _Open(found, _policy(found.document, found.policy), run, before=run)
    except (PharosError, KeyError) as exc:
        _LOG.error("an escalation of the tenant %s cannot be read: %s", found.tenant_id, exc)
        return None


def _policy(document: Mapping[str, Any], name: str) -> Policy:
    return _policy_of(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), name)


@lru_cache(maxsize=256)
def _policy_of(text: bytes, name: str) -> Policy:
    return read_policy(orjson.loads(text), name)


def _queued(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    """A notification is owed: an escalation begins, or has a new alert."""
    one = tenant.of_group(entry.group_key)
    if not entry.fingerprint or (one is None and not tenant.policies):
        return
    state = tenant.states.get(entry.fingerprint)
    if state is None or state.step is Step.RESOLVED:
        return
    if one is None:
        one = _begun(unit, tenant, entry, state.detail.get("labels", {}))
    if one is not None:
        _become(tenant, one, escalate.fires(one.run, entry.fingerprint, unit.now_ms))


def _begun(unit: Writing, tenant: _Tenant, entry: Entry, labels: Mapping[str, str]) -> _Open | None:
    name = escalate.choose({name: policy for name, (_, policy, _) in tenant.policies.items()}, labels)
    if name is None:
        return None
    version, policy, document = tenant.policies[name]
    run = Run(due_ms=unit.now_ms)
    found = Escalation(
        unit.new_id(),
        entry.tenant_id,
        entry.group_key,
        name,
        version,
        document,
        run.status.value,
        run.due_ms,
        run.document(),
        unit.now_ms,
        None,
    )
    one = tenant.open[entry.group_key] = _Open(found, policy, run, is_new=True)
    return one


def _resolved(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    for one in tenant.of_alert(entry.fingerprint):
        _become(tenant, one, escalate.resolved(one.run, one.policy, entry.fingerprint, unit.now_ms))


def _acknowledged(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    concerned = tenant.of_alert(entry.fingerprint)
    if not concerned:
        return
    who = voter_of(unit, entry.tenant_id, entry.detail)
    vote = Vote(who, entry.detail.get("expires_ms") or 0)
    for one in concerned:
        _become(tenant, one, escalate.acknowledged(one.run, one.policy, entry.fingerprint, vote, unit.now_ms))
        _note_vote(unit, one, entry.fingerprint, who)


def _unacknowledged(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    for one in tenant.of_alert(entry.fingerprint):
        _become(tenant, one, escalate.unacknowledged(one.run, entry.fingerprint, unit.now_ms))


def _become(tenant: _Tenant, one: _Open, run: Run) -> None:
    if run is one.run:
        return
    one.run = run
    tenant.changed.add(one.found.group_key)


def _held(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    one = tenant.of_group(entry.group_key)
    if one is not None and entry.detail.get("reason") != "acknowledged":
        _become(tenant, one, escalate.held(one.run, one.policy, entry.fingerprint, unit.now_ms))


def _released(unit: Writing, tenant: _Tenant, entry: Entry) -> None:
    one = tenant.of_group(entry.group_key)
    if one is not None:
        _become(tenant, one, escalate.released(one.run, entry.fingerprint, unit.now_ms))


_HANDLERS: Final = {
    Step.HELD: _held,
    Step.RELEASED: _released,
    Step.QUEUED: _queued,
    Step.RESOLVED: _resolved,
    Step.ACKNOWLEDGED: _acknowledged,
    Step.UNACKNOWLEDGED: _unacknowledged,
}


# -- what is kept and told --


def _alone(unit: Writing, do: Callable[[Writing], None]) -> bool:
    """Do something, all of it or nothing, and return whether it could be; what could not holds up nothing
    else.

    Raises PharosError(UNAVAILABLE), which is nobody's fault.
    """
    try:
        unit.attempt(do)
    except PharosError as exc:
        if exc.kind is Kind.UNAVAILABLE:
            raise
        _LOG.error("an escalation cannot go on now: %s", exc)
        return False
    return True


def _keep(unit: Writing, one: _Open) -> None:
    """Keep what became of an escalation."""
    was_new = one.is_new
    _put(unit, one)
    if one.before is not None and one.before.status is one.run.status:
        return
    if one.run.status is Status.TELLING and was_new:
        return
    if one.run.status is not Status.RESOLVED:
        _audit(unit, one, one.run.status.value, {"votes": list(one.run.voters(unit.now_ms))})


def _put(unit: Writing, one: _Open, *, is_over: bool = False) -> None:
    is_waiting = escalate.is_waiting(one.run) or one.run.status is Status.RESOLVED
    due_ms = unit.now_ms if one.run.status is Status.RESOLVED else escalate.due_ms(one.run)
    after = replace(
        one.found,
        status=one.run.status.value,
        due_ms=due_ms if is_waiting and not is_over else None,
        run=one.run.document(),
        ended_ms=unit.now_ms if is_over else None,
    )
    if one.is_new:
        escalations.add_escalation(unit, after)
        _audit(unit, one, "begin", {"alerts": sorted(one.run.alerts)})
        one.is_new = False
    else:
        escalations.put_escalation(unit, after)


def _audit(unit: Writing, one: _Open, what: str, more: Mapping[str, Any]) -> None:
    told = {"escalation": one.found.id, "group_key": one.found.group_key, **more}
    event = audit.Event(
        f"escalation.{what}", f"escalation:{one.found.policy}", one.found.tenant_id, after=told
    )
    audit.append(unit, event)


def _note_told(unit: Writing, one: _Open, step: Tell, reached: Reached) -> None:
    level = one.policy.levels[step.level] if step.level < len(one.policy.levels) else None
    detail = {
        "level": step.level + 1,
        "level_name": one.policy.level_name(step.level),
        "organisation": level.organisation if level is not None else "",
        "round": step.round,
        "targets": [str(target) for target in step.targets],
        "people": list(reached.people),
        "receivers": list(reached.receivers),
        "missing": list(reached.missing),
        "next_ms": step.due_ms,
        "quorum": level.quorum if level is not None else 1,
    }
    _note(unit, one, detail)
    _audit(unit, one, "tell", detail)


def _note_vote(unit: Writing, one: _Open, fingerprint: str, who: str) -> None:
    """Write into the timeline of an alert how many have acknowledged, where one is not enough."""
    level = max(one.run.level, 0)
    quorum, who_counts = escalate.quorum_of(one.policy, one.run, level)
    if quorum == 1:
        return
    detail = {
        "policy": one.found.policy,
        "escalation": one.found.id,
        "level_name": one.policy.level_name(level),
        "who": who,
        "counts": who_counts is None or who in who_counts,
        "votes": list(escalate.votes_for(one.policy, one.run, level, unit.now_ms)),
        "quorum": quorum,
        "status": one.run.status.value,
    }
    timeline.append(
        unit,
        [Entry(one.found.tenant_id, fingerprint, Step.VOTED, unit.now_ms, detail, one.found.group_key)],
    )


def _note(unit: Writing, one: _Open, detail: Mapping[str, Any]) -> None:
    """Write a step into the timeline of each alert that is not over."""
    told = {"policy": one.found.policy, "escalation": one.found.id, **detail}
    timeline.append(
        unit,
        (
            Entry(one.found.tenant_id, fingerprint, Step.ESCALATED, unit.now_ms, told, one.found.group_key)
            for fingerprint, state in sorted(one.run.alerts.items())
            if state != escalate.RESOLVED
        ),
    )


def _people(receivers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(reach.person_of, receivers))))


def _on_call(unit: Unit, tenant_id: str, schedule: str) -> tuple[list[str], list[str]]:
    """Return (who is on call, what is said if nobody is)."""
    try:
        found = reach.on_call_now(unit, tenant_id, schedule, unit.now_ms)
    except PharosError as exc:
        if exc.kind not in {Kind.MISSING, Kind.INVALID}:
            raise
        return [], [exc.message]
    return (list(found.people), []) if found else ([], [f"nobody is on call by the schedule {schedule}"])


def _receiver(unit: Unit, tenant_id: str, name: str, config: AlertingConfig | None) -> Receiver | str:
    """Return the receiver of a name, or why there is none."""
    if config is None:
        return "nobody can be told: there is no alertmanager.yml"
    if not name.startswith(reach.PREFIX):
        return config.receivers.get(name) or f"alertmanager.yml has no receiver {name}"
    contact = reach.find_contact(unit, tenant_id, name)
    if contact is None:
        return f"{reach.person_of(name)} is not reached so any more"
    try:
        return reach.receiver_of(contact, config)
    except PharosError as exc:
        return exc.message


def _severity(unit: Unit, one: _Open) -> str:
    """Return the severity of the most severe alert of a group."""
    found = [alert.label(SEVERITY) for alert in _alerts(unit, one)]
    ranked = sorted(found, key=lambda name: reach.SEVERITIES.index(name) if name in reach.SEVERITIES else 99)
    return ranked[-1] if ranked else ""


def _alerts(unit: Unit, one: _Open) -> list[Alert]:
    """Return the alerts of a group, as they are kept or as their timeline told of them last."""
    kept = alerts.find(unit, one.found.tenant_id, sorted(one.run.alerts))
    found = []
    for fingerprint in sorted(one.run.alerts):
        alert = kept.get(fingerprint) or _from_timeline(unit, one.found.tenant_id, fingerprint)
        if alert is not None:
            found.append(alert)
    return found


def _from_timeline(unit: Unit, tenant_id: str, fingerprint: str) -> Alert | None:
    entry = timeline.last_step(unit, tenant_id, fingerprint, _STATES)
    if entry is None:
        return None
    annotations = tuple(sorted(entry.detail.get("annotations", {}).items()))
    begins_ms = entry.detail.get("starts_ms", entry.at_ms)
    return Alert(labels_of(entry.detail.get("labels", {})), annotations, begins_ms, updated_ms=entry.at_ms)


def _content(unit: Unit, one: _Open, *, is_over: bool) -> dict[str, Any]:
    told = []
    for alert in _alerts(unit, one):
        ended = one.run.alerts.get(alert.fingerprint) == escalate.RESOLVED
        if is_over and not 0 < alert.ends_ms <= unit.now_ms:
            alert = dataclasses.replace(alert, ends_ms=unit.now_ms)
        if is_over or not ended:
            told.append((alert, is_over))
    reason = "all_resolved" if is_over else "escalation"
    group = _group_labels(unit, one)
    return {**told_content(told, group, (), unit.now_ms, reason).document(), "thread": {}}


def _group_labels(unit: Unit, one: _Open) -> Labels:
    for fingerprint in sorted(one.run.alerts):
        routed = (Step.ROUTED,)
        entry = timeline.last_step(unit, one.found.tenant_id, fingerprint, routed, one.found.group_key)
        if entry is not None:
            return labels_of(entry.detail.get("group_labels", {}))
    return ()
