"""Who looks after an alert: acknowledgements by people, in bulk, and by links in messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from msgspec import Struct

from pharos.alert import ALERT_NAME
from pharos.alerting import escalate, links
from pharos.alerting.content import ACKNOWLEDGED
from pharos.alerting.content import told as told_content
from pharos.alerting.held import Held, Why
from pharos.alerting.oncall import reach
from pharos.errors import Kind, PharosError
from pharos.labels import labels_of
from pharos.notify.channels.calling import short_key
from pharos.state import Unit, Writing, acknowledgements, alerts, escalations, outbox, timeline
from pharos.state.acknowledgements import Acknowledgement, NewAcknowledgement
from pharos.state.outbox import Owed, Place
from pharos.state.tenants import require_open
from pharos.state.timeline import Step

BULK_MOST: Final = 5_000
TAKES_ACKNOWLEDGEMENTS: Final = frozenset({"pagerduty", "opsgenie"})
"""The kinds of integrations that are told."""
_LINE_MOST: Final = 300
"""Characters by which a link tells of an alert."""


def held_by(unit: Unit, tenant: str, fingerprints: Sequence[str]) -> Mapping[str, Held]:
    """Return what holds repeats back, for those of the alerts that are acknowledged now."""
    return {
        fingerprint: Held(Why.ACKNOWLEDGED, one.id, one.name or one.who, one.expires_ms or 0)
        for fingerprint, one in acknowledgements.acknowledged(unit, tenant, fingerprints).items()
    }


def acknowledge(
    unit: Writing, tenant_id: str, fingerprints: Sequence[str], new: NewAcknowledgement
) -> tuple[Acknowledgement, ...]:
    """Have the unit's author look after alerts; return it.

    Raises PharosError: MISSING for an alert that there is not, INVALID for an expiry that is over, TOO_LARGE.
    """
    if len(fingerprints) > BULK_MOST:
        raise PharosError(Kind.TOO_LARGE, f"at most {BULK_MOST} alerts are acknowledged at once")
    known = alerts.find(unit, tenant_id, fingerprints)
    for fingerprint in fingerprints:
        if fingerprint not in known and not _fires(unit, tenant_id, fingerprint):
            raise PharosError(Kind.MISSING, f"there is no alert {fingerprint[:80]!r} that fires")
    return _acknowledge(unit, tenant_id, [(one, "") for one in fingerprints], new)


def _fires(unit: Unit, tenant_id: str, fingerprint: str) -> bool:
    found = timeline.last_step(unit, tenant_id, fingerprint, (Step.FIRING, Step.RESOLVED))
    return found is not None and found.step is Step.FIRING


def acknowledge_group(
    unit: Writing, tenant_id: str, group_key: str, new: NewAcknowledgement
) -> tuple[Acknowledgement, ...]:
    """Have the unit's author look after the alerts of a group that people were told of and that fire; return
    it.

    Raises PharosError(MISSING) where there is none.
    """
    found = alerts_of_group(unit, tenant_id, group_key)
    if not found:
        raise PharosError(Kind.MISSING, "no alert of that group fires any more")
    return _acknowledge(unit, tenant_id, [(one, group_key) for one in found], new)


def _acknowledge(
    unit: Writing, tenant_id: str, targets: Sequence[tuple[str, str]], new: NewAcknowledgement
) -> tuple[Acknowledgement, ...]:
    made = acknowledgements.acknowledge(unit, tenant_id, targets, new)
    _owe(unit, tenant_id, frozenset(fingerprint for fingerprint, _ in targets), new.by)
    return made


def _owe(unit: Writing, tenant_id: str, fingerprints: frozenset[str], by: str) -> None:
    """Owe it to those who keep incidents of their own that somebody looks after all of a group.

    Not to where it was said: they know.
    """
    waiting = [one for one in outbox.list_all(unit, tenant_id, outbox.OWED) if not one.purpose]
    told = outbox.list_groups_told(unit, tenant_id)
    concerned = {one.place: one.marks.open for one in told}
    concerned |= {one.place: one.marks.open for one in waiting}
    rows: list[Owed] = []
    for place, still_open in concerned.items():
        kind = place[3].partition("[")[0]
        if kind not in TAKES_ACKNOWLEDGEMENTS or kind == by or fingerprints.isdisjoint(still_open):
            continue
        content = _content(unit, place, still_open)
        if content is not None:
            rows.append(Owed(*place, content, purpose=ACKNOWLEDGED))
    outbox.add(unit, rows)


def _content(unit: Unit, place: Place, still_open: Sequence[str]) -> dict[str, Any] | None:
    """Return what is told of a group of which everything is looked after; None while anything is not."""
    tenant_id, group_key = place[:2]
    kept = alerts.find(unit, tenant_id, still_open)
    firing = [alert for alert in kept.values() if not alert.is_resolved_at(unit.now_ms)]
    names = [alert.fingerprint for alert in firing]
    if not firing or len(acknowledgements.acknowledged(unit, tenant_id, names)) < len(names):
        return None
    routed = timeline.last_step(unit, tenant_id, names[0], (Step.ROUTED,), group_key)
    group = labels_of(routed.detail.get("group_labels", {})) if routed is not None else ()
    content = told_content(((alert, False) for alert in firing), group, (), unit.now_ms, ACKNOWLEDGED)
    return {**content.document(), "thread": {}}


def alerts_of_group(unit: Unit, tenant_id: str, group_key: str) -> tuple[str, ...]:
    """Return the alerts of a group that people were told of, or are about to be, and that fire."""
    group = [(tenant_id, group_key)]
    told = {name for one in outbox.list_told(unit, group).values() for name in one.marks.open}
    told |= {name for one in outbox.list_owed(unit, group).values() for name in one.marks.open}
    escalation = escalations.open_escalation(unit, tenant_id, group_key)
    if escalation is not None:
        run = escalate.read_run(escalation.run)
        told |= {name for name, state in run.alerts.items() if state != escalate.RESOLVED}
    kept = alerts.find(unit, tenant_id, sorted(told))
    return tuple(
        name
        for name in sorted(told)
        if (not kept[name].is_resolved_at(unit.now_ms) if name in kept else _fires(unit, tenant_id, name))
    )


def groups_called(unit: Unit, hashed: str) -> list[tuple[str, str]]:
    """Return (tenant, key) of the groups that people were told of and that PagerDuty calls so.

    Raises PharosError(DENIED) where a tenant of theirs is closed.
    """
    told = {(one.tenant_id, one.group_key) for one in outbox.list_groups_told(unit)}
    found = sorted(group for group in told if short_key(*group) == hashed)
    for tenant_id, _ in found:
        require_open(unit, tenant_id)
    return found


# -- links --


class Asked(Struct, frozen=True):
    """What a link asks for."""

    link: links.Link
    alerts: tuple[str, ...]
    """Those that would be acknowledged, each in a line: its labels, and what is said of it."""
    is_used: bool


def key_of(unit: Unit) -> bytes:
    """Return the key that signs links. Raises PharosError(DENIED) where none was ever made."""
    key = acknowledgements.signing_key(unit, links.KEY_NAME)
    if key is None:
        raise PharosError(Kind.DENIED, "this link is not one of ours")
    return key


def make_key(unit: Writing, chance: Random) -> bytes:
    """Return the key that signs links, made if there is none."""
    made = chance.getrandbits(8 * links.KEY_BYTES).to_bytes(links.KEY_BYTES, "big")
    return acknowledgements.make_signing_key(unit, links.KEY_NAME, made)


def look(unit: Unit, token: str) -> Asked:
    """Return what a link asks for. Raises PharosError(DENIED) for one that is not good, or no more."""
    link = _read_link(unit, token)
    found = alerts_of_group(unit, link.tenant, link.group_key)
    kept = alerts.find(unit, link.tenant, found)
    gone = timeline.labels_of_alerts(unit, link.tenant, [name for name in found if name not in kept])
    told = {name: _told(dict(alert.labels), dict(alert.annotations)) for name, alert in kept.items()}
    told |= {name: _told(labels, {}) for name, labels in gone.items()}
    lines = tuple(told.get(name) or name for name in found)
    return Asked(link, lines, acknowledgements.is_used(unit, link.nonce))


def _told(labels: Mapping[str, str], said: Mapping[str, str]) -> str:
    """Return a line about an alert, by which whoever reads it tells it from others of its name."""
    others = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != ALERT_NAME)
    summary = said.get("summary") or said.get("description") or ""
    parts = (labels.get(ALERT_NAME, ""), f"({others})" if others else "", summary)
    line = " ".join(" ".join(part for part in parts if part).split())
    return line if len(line) <= _LINE_MOST else f"{line[: _LINE_MOST - 1]}…"


def follow(unit: Writing, token: str, new: NewAcknowledgement) -> tuple[Acknowledgement, ...]:
    """Do what a link asks for, once; return it. Raises PharosError: DENIED, MISSING when nothing fires any
    more."""
    link = _read_link(unit, token)
    acknowledgements.use_link(unit, link.nonce, link.expires_ms)
    return acknowledge_group(unit, link.tenant, link.group_key, new)


def _read_link(unit: Unit, token: str) -> links.Link:
    link = links.read_link(token, key_of(unit), unit.now_ms)
    require_open(unit, link.tenant)
    return link


def name_of(link: links.Link) -> str:
    """Return as whom a link acknowledges: the person whom the message was for, or whoever read it."""
    return reach.person_of(link.to) or f"a reader of {link.to}"
