"""Groups are told of: what is owed to whom is decided and kept in one transaction.

It is decided there and not before, so that of several processes on one database, which know the same alerts,
one decides to tell and the others find that it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alerting.alerts import Known
from pharos.alerting.config import Integration, Receiver
from pharos.alerting.content import told as told_content
from pharos.alerting.group import Group, Moment
from pharos.alerting.held import Acknowledged, Held
from pharos.alerting.pipeline import Act, Before, Seen, Terms, Verdict, decide
from pharos.state import Writing, outbox
from pharos.state.alerts import heard_of
from pharos.state.outbox import Owed, Place, Told
from pharos.state.timeline import Entry, Step, append

_PATIENCE_MS = 10_000
"""What is owed stays as it is for a group's interval, and at least so long."""
_GIVEN_UP_MS = 86_400_000
"""An alert that is over for so long is let go of, even if nobody could be told."""


class Flush(Struct, frozen=True):
    """A group that is to be told of, as it is at that moment."""

    group: Group
    receiver: Receiver
    known: Sequence[Known]
    seen: Sequence[Seen]
    moment: Moment
    held_before: Mapping[str, Held]

    @property
    def name(self) -> tuple[str, str]:
        """The tenant and the key of the group."""
        return self.group.tenant, self.group.key


class Flushed(Struct):
    """What came of it."""

    owed: list[Owed] = field(default_factory=list)
    cancelled: list[Owed] = field(default_factory=list)
    settled: list[tuple[Flush, frozenset[str]]] = field(default_factory=list)
    """Groups with the alerts that are over, as everybody who is to be told was."""
    stale: list[tuple[Flush, frozenset[str]]] = field(default_factory=list)
    """Groups of which another process knows more, with the alerts that it saw the end of: not decided."""


def place_of(flush: Flush, integration: Integration) -> Place:
    """Return what a group's notification to an integration is called."""
    return *flush.name, flush.receiver.name, integration_name(integration)


def integration_name(integration: Integration) -> str:
    """Return what an integration is called among those of its receiver."""
    return f"{integration.kind}[{integration.index}]"


def flush_all(
    unit: Writing,
    flushes: Sequence[Flush],
    acknowledged: Acknowledged,
    lease_by: str,
    *,
    is_shared: bool = False,
) -> Flushed:
    """Decide about groups, and keep what is owed; leased to whoever is called `lease_by`.

    `is_shared` says that other processes may know more than this one.
    """
    flushed = Flushed()
    if is_shared:
        flushed.stale = _stale(unit, flushes)
        left = {id(flush) for flush, _ in flushed.stale}
        flushes = [flush for flush in flushes if id(flush) not in left]
    names = [flush.name for flush in flushes]
    told, owed = outbox.list_told(unit, names), outbox.list_owed(unit, names)
    held = _acknowledged(unit, flushes, acknowledged)
    entries: list[Entry] = []
    notes: list[Told] = []
    rows: list[Owed] = []
    for flush in flushes:
        entries += held_entries(flush)
        done = _done(flush, told, owed)
        if done:
            flushed.settled.append((flush, done))
            flush = _without(flush, done)
        is_settled = True
        for integration in flush.receiver.integrations:
            place = place_of(flush, integration)
            before = told.get(place)
            verdict = _decide(flush, integration, before, owed.get(place), held)
            is_settled &= verdict.act not in {Act.TELL, Act.WAIT}
            match verdict.act:
                case Act.TELL:
                    rows.append(_owed(flush, place, verdict, before))
                    entries += _queued(flush, place, verdict)
                case Act.NOTE:
                    thread = before.thread if before else {}
                    notes.append(Told(*place, verdict.marks, flush.moment.steady_ms, thread))
                case Act.CANCEL:
                    flushed.cancelled.append(owed[place])
                case Act.HOLD if verdict.held is not None:
                    entries += _repeat_held(flush, verdict, verdict.held, before)
        if is_settled or _is_given_up(flush):
            over = frozenset(one.fingerprint for one in flush.seen if one.is_resolved)
            flushed.settled.append((flush, over))
    outbox.cancel(unit, [one.id for one in flushed.cancelled])
    outbox.note_told(unit, notes)
    flushed.owed += outbox.add(unit, rows, lease_by)
    append(unit, entries)
    return flushed


def _done(flush: Flush, told: Mapping[Place, Told], owed: Mapping[Place, Owed]) -> frozenset[str]:
    """Return the alerts that are over since before everybody was told so last."""
    places = [place_of(flush, one) for one in flush.receiver.integrations]
    if any(place not in told or place in owed for place in places):
        return frozenset()
    at_ms = min((told[place].at_ms for place in places), default=0)
    each_heard = [frozenset(told[place].marks.resolved) for place in places]
    return frozenset(
        one.fingerprint
        for one in flush.seen
        if one.is_resolved
        and one.alert.ends_ms <= at_ms
        and all(one.fingerprint in heard for heard in each_heard)
    )


def _without(flush: Flush, fingerprints: frozenset[str]) -> Flush:
    """Return a group without some of its alerts."""
    left = [
        (known, one)
        for known, one in zip(flush.known, flush.seen, strict=True)
        if one.fingerprint not in fingerprints
    ]
    return replace(flush, known=[known for known, _ in left], seen=[one for _, one in left])


def _stale(unit: Writing, flushes: Sequence[Flush]) -> list[tuple[Flush, frozenset[str]]]:
    """Return the groups with alerts that fire as far as we know, and of which there is news in the state."""
    by_tenant: dict[str, list[str]] = {}
    for flush in flushes:
        firing = (one.fingerprint for one in flush.seen if not one.is_resolved)
        by_tenant.setdefault(flush.group.tenant, []).extend(firing)
    heard = {tenant: heard_of(unit, tenant, some) for tenant, some in by_tenant.items()}
    found = []
    for flush in flushes:
        known = heard[flush.group.tenant]
        firing_here = [one for one in flush.seen if not one.is_resolved]
        gone = frozenset(one.fingerprint for one in firing_here if one.fingerprint not in known)
        if gone or any(known[one.fingerprint] > one.alert.updated_ms for one in firing_here):
            found.append((flush, gone))
    return found


def _acknowledged(
    unit: Writing, flushes: Iterable[Flush], acknowledged: Acknowledged
) -> dict[str, Mapping[str, Held]]:
    by_tenant: dict[str, list[str]] = {}
    for flush in flushes:
        firing = (one.fingerprint for one in flush.seen if not one.is_resolved)
        by_tenant.setdefault(flush.group.tenant, []).extend(firing)
    return {tenant: acknowledged(unit, tenant, some) for tenant, some in by_tenant.items()}


def _decide(
    flush: Flush,
    integration: Integration,
    told: Told | None,
    owed: Owed | None,
    acknowledged: Mapping[str, Mapping[str, Held]],
) -> Verdict:
    route, is_waiting = flush.group.route, owed is not None and owed.status == outbox.OWED
    before = Before(
        told=told.marks if told else None,
        told_ms=told.at_ms if told else 0,
        owed=owed.marks if owed and is_waiting else None,
        # A clock that was set back makes nothing wait.
        owed_ms=min(owed.content["now_ms"], flush.moment.steady_ms) if owed and is_waiting else 0,
    )
    terms = Terms(
        integration.send_resolved, route.repeat_interval_ms, max(route.group_interval_ms, _PATIENCE_MS)
    )
    return decide(flush.seen, before, terms, flush.moment.steady_ms, acknowledged[flush.group.tenant])


def _owed(flush: Flush, place: Place, verdict: Verdict, before: Told | None) -> Owed:
    group = flush.group
    content = told_content(
        ((one.alert, one.is_resolved) for one in verdict.told),
        group.labels,
        tuple(sorted(group.route.labels.items())),
        flush.moment.steady_ms,
        verdict.reason.value if verdict.reason else "",
    ).document()
    # Where an earlier one stands, so that this one goes on there.
    thread = dict(before.thread) if before else {}
    return Owed(*place, {**content, "thread": thread}, verdict.marks)


def _is_given_up(flush: Flush) -> bool:
    over = [known for known, seen in zip(flush.known, flush.seen, strict=True) if seen.is_resolved]
    if not over:
        return False
    return all(flush.moment.now_s - known.until_s > _GIVEN_UP_MS / 1000 for known in over)


def _queued(flush: Flush, place: Place, verdict: Verdict) -> list[Entry]:
    detail = {"receiver": place[2], "integration": place[3], "reason": str(verdict.reason or "")}
    return [_entry(flush, one.fingerprint, Step.QUEUED, detail) for one in verdict.told]


def _repeat_held(flush: Flush, verdict: Verdict, held: Held, before: Told | None) -> list[Entry]:
    """Tell once for each repeat that is held back."""
    interval_ms = flush.group.route.group_interval_ms
    waited_ms = flush.moment.steady_ms - (before.at_ms if before else 0)
    if waited_ms % flush.group.route.repeat_interval_ms > interval_ms:
        return []
    detail = {**held.shown(), "receiver": flush.receiver.name}
    return [_entry(flush, one.fingerprint, Step.HELD, detail) for one in verdict.told]


def held_entries(flush: Flush) -> list[Entry]:
    """Return what is told of alerts that are held back now and were not, or the other way."""
    entries = []
    for one in flush.seen:
        before = flush.held_before.get(one.fingerprint)
        receiver = {"receiver": flush.receiver.name}
        if one.held is not None and (
            before is None or (before.why, before.source) != (one.held.why, one.held.source)
        ):
            entries.append(_entry(flush, one.fingerprint, Step.HELD, {**one.held.shown(), **receiver}))
        elif one.held is None and before is not None:
            entries.append(_entry(flush, one.fingerprint, Step.RELEASED, {**before.shown(), **receiver}))
    return entries


def _entry(flush: Flush, fingerprint: str, step: Step, detail: Mapping[str, Any]) -> Entry:
    return Entry(flush.group.tenant, fingerprint, step, flush.moment.now_ms, detail, flush.group.key)


def some_at_a_time(flushes: Sequence[Flush], most: int) -> Iterable[Sequence[Flush]]:
    """Yield groups some at a time, never more alerts than `most` but for one group alone."""
    begin, count = 0, 0
    cuts = [0]
    for at, flush in enumerate(flushes):
        if at > begin and count + len(flush.seen) + 1 > most:
            cuts.append(at)
            begin, count = at, 0
        count += len(flush.seen) + 1
    for first, last in pairwise([*cuts, len(flushes)]):
        yield flushes[first:last]
