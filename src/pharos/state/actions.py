"""Automatic responses that wait, run, or have run: one row for each transition of an alert and action.

A row goes to `running` in a transaction of its own before anything is done, and never back: where the process
ends meanwhile, nobody knows how far it came, and it is not done again (`interrupted`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Index, Table, delete, func, insert, or_, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Document, Family, Words, tenant_reference
from pharos.state.timeline import Entry, Step
from pharos.state.timeline import append as append_steps
from pharos.state.unit import Unit, Writing

responses: Final = Table(
    "responses",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("action", Words, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("document", Document, nullable=False),
    Column("fingerprint", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("transition", BigInteger, nullable=False),
    Column("step", Words, nullable=False),
    Column("labels", Document, nullable=False),
    Column("status", Words, nullable=False),
    Column("evidence", Document, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("decided_who", Words, nullable=False),
    Column("decided_name", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("lease_ms", BigInteger, nullable=False),
    Index("uq_responses_tenant_id_action_transition", "tenant_id", "action", "transition", unique=True),
    Index(None, "status", "created_ms"),
    Index(None, "tenant_id", "action", "started_ms"),
    Index(None, "tenant_id", "created_ms"),
)


class ResponseStatus(StrEnum):
    """How it stands with a response."""

    WAITING = "waiting"
    """Somebody must approve it."""
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The process ended meanwhile; how far it came is not known."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Nobody approved it in time."""
    SKIPPED = "skipped"
    """It ran a short while ago: its cooldown goes on."""
    REHEARSED = "rehearsed"
    """A dry run: what would have been done is kept, and was not done."""


ENDED: Final = frozenset(ResponseStatus) - {
    ResponseStatus.WAITING,
    ResponseStatus.READY,
    ResponseStatus.RUNNING,
}


class Response(Struct, frozen=True):
    """An action for one transition of one alert."""

    id: str
    tenant_id: str
    action: str
    version: int
    document: Mapping[str, Any]
    """The action as it was defined then."""
    fingerprint: str
    group_key: str
    transition: int
    """The number of the step in the timeline."""
    step: str
    labels: Mapping[str, str]
    status: ResponseStatus
    evidence: tuple[Mapping[str, Any], ...]
    """What was asked before, and answered."""
    outcome: str
    decided_who: str
    decided_name: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    lease_ms: int


def _response(row: Any) -> Response:
    fields = dict(zip((column.name for column in responses.c), row, strict=True))
    return Response(
        **{**fields, "status": ResponseStatus(fields["status"]), "evidence": tuple(fields["evidence"])}
    )


def add_response(unit: Writing, new: Response) -> None:
    """Keep a response, unless there is one for the same transition and action."""
    where = (
        responses.c.tenant_id == new.tenant_id,
        responses.c.action == new.action,
        responses.c.transition == new.transition,
    )
    if unit.row(select(responses.c.id).where(*where)) is not None:
        return
    values = asdict(new)
    unit.execute(insert(responses).values({**values, "evidence": list(new.evidence)}))
    if new.status in ENDED:
        _tell(unit, new)
    elif new.status is ResponseStatus.WAITING:
        # Who reads the alert's story at night must see that it waits for them.
        told = {"action": new.action, "response": new.id, "status": new.status.value}
        append_steps(unit, [_step(unit, new, told)])


def last_started_ms(unit: Unit, tenant_id: str, action: str) -> int | None:
    """Return when an action ran last, or became ready to; None where it never did."""
    is_counted = responses.c.status.in_(
        [
            status.value
            for status in ResponseStatus
            if status not in {ResponseStatus.SKIPPED, ResponseStatus.REJECTED, ResponseStatus.EXPIRED}
        ]
    )
    where = (responses.c.tenant_id == tenant_id, responses.c.action == action, is_counted)
    found = unit.row(
        select(func.max(func.coalesce(responses.c.started_ms, responses.c.created_ms))).where(*where)
    )
    return None if found is None else found[0]


def last_begun_ms(unit: Unit, tenant_id: str, action: str) -> int | None:
    """Return when an action began last, now if it is about to; None where it never did."""
    of = (responses.c.tenant_id == tenant_id, responses.c.action == action)
    begins = responses.c.status.in_([ResponseStatus.READY.value, ResponseStatus.RUNNING.value])
    if unit.row(select(responses.c.id).where(*of, begins).limit(1)) is not None:
        return unit.now_ms
    found = unit.row(select(func.max(responses.c.started_ms)).where(*of))
    return None if found is None else found[0]


def list_waiting(
    unit: Unit, tenant_id: str | None = None, fingerprint: str | None = None, limit: int = 1000
) -> tuple[Response, ...]:
    """Return what waits for approval, of all tenants and alerts or of one, the oldest first."""
    where = [responses.c.status == ResponseStatus.WAITING.value]
    if tenant_id is not None:
        where.append(responses.c.tenant_id == tenant_id)
    if fingerprint is not None:
        where.append(responses.c.fingerprint == fingerprint)
    order = (responses.c.created_ms, responses.c.id)
    rows = unit.rows(select(*responses.c).where(*where).order_by(*order).limit(limit))
    return tuple(map(_response, rows))


def get_response(unit: Unit, tenant_id: str, response_id: str) -> Response:
    """Return a response. Raises PharosError(MISSING)."""
    where = (responses.c.tenant_id == tenant_id, responses.c.id == response_id)
    return _response(unit.the_row(select(*responses.c).where(*where), f"response {response_id!r}"))


def list_responses(
    unit: Unit, tenant_id: str, status: ResponseStatus | None = None, limit: int = 200
) -> tuple[Response, ...]:
    """Return a tenant's responses, the newest first."""
    statement = select(*responses.c).where(responses.c.tenant_id == tenant_id)
    if status is not None:
        statement = statement.where(responses.c.status == status.value)
    rows = unit.rows(statement.order_by(responses.c.created_ms.desc(), responses.c.id).limit(limit))
    return tuple(map(_response, rows))


def decide(unit: Writing, tenant_id: str, response_id: str, *, approves: bool) -> Response:
    """Have the unit's author approve or reject a response that waits; return it.

    Raises PharosError: MISSING, CONFLICT when it waits no more.
    """
    before = get_response(unit, tenant_id, response_id)
    if before.status is not ResponseStatus.WAITING:
        by = f", decided by {before.decided_name}" if before.decided_name else ""
        raise PharosError(Kind.CONFLICT, f"the response waits for nobody: it is {before.status}{by}")
    status = ResponseStatus.READY if approves else ResponseStatus.REJECTED
    values: dict[str, Any] = {
        "status": status.value,
        "decided_who": unit.author.who,
        "decided_name": unit.author.name,
    }
    if not approves:
        values |= {"ended_ms": unit.now_ms, "outcome": unit.author.reason}
    unit.execute(update(responses).where(responses.c.id == response_id).values(values))
    found = get_response(unit, tenant_id, response_id)
    verb = "approve" if approves else "reject"
    append(unit, Event(f"response.{verb}", f"action:{found.action}", tenant_id, after={"response": found.id}))
    unit.changed(Family.TIMELINE)
    if not approves:
        _tell(unit, found)
    return found


def claim(unit: Writing, lease_ms: int) -> Response | None:
    """Return the response that is ready for longest, now `running`; None where none is."""
    where = responses.c.status == ResponseStatus.READY.value
    row = unit.row(
        select(*responses.c).where(where).order_by(responses.c.created_ms, responses.c.id).limit(1)
    )
    if row is None:
        return None
    found = _response(row)
    values = {
        "status": ResponseStatus.RUNNING.value,
        "started_ms": unit.now_ms,
        "lease_ms": unit.now_ms + lease_ms,
    }
    unit.execute(update(responses).where(responses.c.id == found.id).values(values))
    return get_response(unit, found.tenant_id, found.id)


def has_ready(unit: Unit) -> bool:
    """Return whether `claim` would return anything."""
    where = responses.c.status == ResponseStatus.READY.value
    return unit.row(select(responses.c.id).where(where).limit(1)) is not None


def keep_evidence(unit: Writing, response_id: str, evidence: Sequence[Mapping[str, Any]]) -> None:
    """Keep what was found before a response is carried out, after what was found before it was approved."""
    where = responses.c.id == response_id
    before = unit.row(select(responses.c.evidence).where(where))
    found = [{**one, "at_ms": unit.now_ms} for one in evidence]
    values = {"evidence": [*(before[0] if before else ()), *found]}
    unit.execute(update(responses).where(where).values(values))
    unit.changed(Family.TIMELINE)


def end_response(unit: Writing, found: Response, status: ResponseStatus, outcome: str) -> Response:
    """Keep how a response ended; return it."""
    values = {"status": status.value, "ended_ms": unit.now_ms, "outcome": outcome}
    unit.execute(update(responses).where(responses.c.id == found.id).values(values))
    after = get_response(unit, found.tenant_id, found.id)
    _tell(unit, after)
    return after


def end_overdue(unit: Writing, waits_ms: int) -> tuple[Response, ...]:
    """End responses that nobody approved in time, and those whose process is gone; return them."""
    before = overdue(unit, waits_ms)
    ends = {
        ResponseStatus.WAITING: (ResponseStatus.EXPIRED, "nobody approved it in time"),
        ResponseStatus.RUNNING: (ResponseStatus.INTERRUPTED, "the server ended while it ran"),
    }
    return tuple(end_response(unit, one, *ends[one.status]) for one in before)


def overdue(unit: Unit, waits_ms: int) -> tuple[Response, ...]:
    """Return what `end_overdue` would end."""
    waits = (responses.c.status == ResponseStatus.WAITING.value) & (
        responses.c.created_ms <= unit.now_ms - waits_ms
    )
    runs = (responses.c.status == ResponseStatus.RUNNING.value) & (responses.c.lease_ms <= unit.now_ms)
    rows = unit.rows(select(*responses.c).where(or_(waits, runs)).order_by(responses.c.created_ms).limit(100))
    return tuple(map(_response, rows))


def next_overdue_ms(unit: Unit, waits_ms: int) -> int | None:
    """Return when `end_overdue` would end something, should nothing else happen; None for never."""
    waits = select(func.min(responses.c.created_ms)).where(responses.c.status == ResponseStatus.WAITING.value)
    runs = select(func.min(responses.c.lease_ms)).where(responses.c.status == ResponseStatus.RUNNING.value)
    found = [
        row[0] + more_ms
        for row, more_ms in ((unit.row(waits), waits_ms), (unit.row(runs), 0))
        if row is not None and row[0] is not None
    ]
    return min(found, default=None)


def _tell(unit: Writing, ended: Response) -> None:
    """Write how a response ended into the alert's timeline and the audit log."""
    told: dict[str, Any] = {
        "action": ended.action,
        "response": ended.id,
        "status": ended.status.value,
        "outcome": ended.outcome,
        "approved_by": ended.decided_name,
    }
    append_steps(unit, [_step(unit, ended, told)])
    append(unit, Event("response.end", f"action:{ended.action}", ended.tenant_id, after=told))


def _step(unit: Writing, of: Response, told: Mapping[str, Any]) -> Entry:
    return Entry(of.tenant_id, of.fingerprint, Step.ACTED, unit.now_ms, told, of.group_key)


def drop_ended(unit: Writing, before_ms: int) -> int:
    """Take away responses that ended before a time; return how many."""
    return unit.execute(delete(responses).where(responses.c.ended_ms < before_ms))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all responses of a tenant; return how many."""
    return unit.execute(delete(responses).where(responses.c.tenant_id == tenant_id))
