"""What people ask of running flows (start, pause, resume, retry, abort), and what the engine answered.

A row is written before anything is sent: what was asked is known whatever happens afterwards, and is never
sent twice by itself. How long it is waited for stands in it, so that a control which nobody answers is over
in time without anybody noting so.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Index, Table, and_, delete, func, insert, or_, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Family, Words, tenant_reference
from pharos.state.unit import Unit, Writing

flow_controls: Final = Table(
    "flow_controls",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("workflow", Words, nullable=False),
    Column("run_id", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("idempotency_key", Words, nullable=False),
    Column("parameters", Words, nullable=False),
    Column("way", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Index("uq_flow_controls_tenant_id_idempotency_key", "tenant_id", "idempotency_key", unique=True),
    Index(None, "tenant_id", "workflow", "status", "created_ms"),
    Index(None, "tenant_id", "run_id", "created_ms"),
    Index(None, "tenant_id", "created_ms"),
)

OPEN_MOST: Final = 1_000
"""Controls of a tenant that may wait for an answer at a time."""
KEPT_MS: Final = 90 * 86_400_000
"""So long what was asked is kept; the audit log keeps it for ever."""


class FlowAction(StrEnum):
    """What can be asked of a flow; the permission is `flows.` and this."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    ABORT = "abort"


class Way(StrEnum):
    """How an engine hears of it."""

    URL = "url"
    """It is called."""
    QUEUE = "queue"
    """It asks."""


class ControlStatus(StrEnum):
    """How it stands with a control."""

    WAITING = "waiting"
    """The engine has not asked for it yet."""
    SENT = "sent"
    """The engine has it, and has said nothing."""
    ACCEPTED = "accepted"
    """The engine will do it."""
    DONE = "done"
    REFUSED = "refused"
    """The engine does not do it, and says why."""
    FAILED = "failed"
    """The engine could not be reached, or could not do it."""
    EXPIRED = "expired"
    """Nothing was heard in time. Whether it was done is not known, unless it was never handed out."""


OPEN: Final = (ControlStatus.WAITING, ControlStatus.SENT, ControlStatus.ACCEPTED)
ANSWERS: Final = (ControlStatus.ACCEPTED, ControlStatus.DONE, ControlStatus.REFUSED, ControlStatus.FAILED)
"""What an engine may say."""


class Control(Struct, frozen=True):
    """Something that somebody asked of a flow."""

    id: str
    tenant_id: str
    workflow: str
    run_id: str
    """Empty for a start."""
    action: FlowAction
    idempotency_key: str
    parameters: str
    """What the engine is told besides, as the inputs of a start: a JSON object, its keys in order."""
    way: Way
    status: ControlStatus
    message: str
    """What the engine said, or why it could not be asked."""
    who: str
    who_name: str
    reason: str
    created_ms: int
    due_ms: int
    """Until then an answer counts."""
    lease_ms: int
    """Until then nobody else is handed it."""
    ended_ms: int | None

    def asks_the_same(self, other: Control) -> bool:
        """Return whether two controls ask for the same."""
        return (self.workflow, self.run_id, self.action, self.parameters) == (
            other.workflow,
            other.run_id,
            other.action,
            other.parameters,
        )


def _control(row: Any, now_ms: int) -> Control:
    fields = dict(zip((column.name for column in flow_controls.c), row, strict=True))
    status = ControlStatus(fields["status"])
    if status in OPEN and fields["due_ms"] <= now_ms:
        status, fields["ended_ms"] = ControlStatus.EXPIRED, fields["due_ms"]
        said = "the engine did not ask for it" if fields["lease_ms"] == 0 else "the engine did not answer"
        fields["message"] = f"{said} in time"
    return Control(
        **{**fields, "status": status, "action": FlowAction(fields["action"]), "way": Way(fields["way"])}
    )


def add_control(unit: Writing, new: Control) -> tuple[Control, bool]:
    """Keep what is asked; return it and whether it is new: one with the same key is returned as it stands.

    Raises PharosError: CONFLICT where the key was used for something else, LIMITED where too much is open.
    """
    where = (
        flow_controls.c.tenant_id == new.tenant_id,
        flow_controls.c.idempotency_key == new.idempotency_key,
    )
    found = unit.row(select(*flow_controls.c).where(*where))
    if found is not None:
        before = _control(found, unit.now_ms)
        if not before.asks_the_same(new):
            raise PharosError(
                Kind.CONFLICT,
                f"the idempotency key {new.idempotency_key[:80]!r} was used for something else",
                hint="use a new key for each thing that is asked",
            )
        return before, False
    of_tenant = flow_controls.c.tenant_id == new.tenant_id
    is_open = and_(flow_controls.c.status.in_([one.value for one in OPEN]), _is_due(unit))
    count = unit.row(select(func.count()).select_from(flow_controls).where(of_tenant, is_open))
    if count is not None and count[0] >= OPEN_MOST:
        raise PharosError(
            Kind.LIMITED,
            f"{OPEN_MOST} controls wait for an answer already",
            hint="does the engine ask for them?",
        )
    unit.execute(delete(flow_controls).where(of_tenant, flow_controls.c.created_ms < unit.now_ms - KEPT_MS))
    unit.execute(insert(flow_controls).values(asdict(new)))
    told = {"workflow": new.workflow, "run": new.run_id, "control": new.id, "parameters": new.parameters}
    append(unit, Event(f"flow.{new.action}", _object_of(new), new.tenant_id, None, told))
    unit.changed(Family.FLOWS)
    return new, True


def _is_due(unit: Unit) -> Any:
    return flow_controls.c.due_ms > unit.now_ms


def _object_of(control: Control) -> str:
    return f"run:{control.run_id}" if control.run_id else f"workflow:{control.workflow}"


def get_control(unit: Unit, tenant_id: str, control_id: str) -> Control:
    """Return what was asked, and how it stands. Raises PharosError(MISSING)."""
    where = (flow_controls.c.tenant_id == tenant_id, flow_controls.c.id == control_id)
    row = unit.the_row(select(*flow_controls.c).where(*where), f"control {control_id[:80]!r}")
    return _control(row, unit.now_ms)


def list_controls(
    unit: Unit, tenant_id: str, *, run_id: str | None = None, workflow: str | None = None, limit: int = 100
) -> tuple[Control, ...]:
    """Return what was asked of a run, of a workflow or of all flows of a tenant, the newest first."""
    statement = select(*flow_controls.c).where(flow_controls.c.tenant_id == tenant_id)
    if run_id is not None:
        statement = statement.where(flow_controls.c.run_id == run_id)
    if workflow is not None:
        statement = statement.where(flow_controls.c.workflow == workflow)
    rows = unit.rows(
        statement.order_by(flow_controls.c.created_ms.desc(), flow_controls.c.id.desc()).limit(limit)
    )
    return tuple(_control(row, unit.now_ms) for row in rows)


def _queued(unit: Unit, tenant_id: str, workflows: Sequence[str]) -> list[Any]:
    of = flow_controls.c
    where: list[Any] = [
        of.tenant_id == tenant_id,
        of.way == Way.QUEUE.value,
        of.due_ms > unit.now_ms,
        or_(
            of.status == ControlStatus.WAITING.value,
            and_(of.status == ControlStatus.SENT.value, of.lease_ms <= unit.now_ms),
        ),
    ]
    if workflows:
        where.append(of.workflow.in_(list(workflows)))
    return where


def has_queued(unit: Unit, tenant_id: str, workflows: Sequence[str]) -> bool:
    """Return whether `take_controls` would hand out anything."""
    where = _queued(unit, tenant_id, workflows)
    return unit.row(select(flow_controls.c.id).where(*where).limit(1)) is not None


def take_controls(
    unit: Writing, tenant_id: str, workflows: Sequence[str], limit: int, lease_ms: int
) -> tuple[Control, ...]:
    """Hand out what waits in the queue of these workflows (of all, without any), the oldest first.

    What was handed out before and not answered within its lease is handed out again, by the same id.
    """
    of = flow_controls.c
    where = _queued(unit, tenant_id, workflows)
    rows = unit.rows(select(*of).where(*where).order_by(of.created_ms, of.id).limit(limit))
    ids = [_control(row, unit.now_ms).id for row in rows]
    if not ids:
        return ()
    values = {"status": ControlStatus.SENT.value, "lease_ms": unit.now_ms + lease_ms}
    unit.execute(update(flow_controls).where(of.id.in_(ids)).values(values))
    unit.changed(Family.FLOWS)
    return tuple(get_control(unit, tenant_id, control_id) for control_id in ids)


def answer_control(
    unit: Writing, tenant_id: str, control_id: str, status: ControlStatus, message: str
) -> Control:
    """Keep what the engine says of a control; the same said again changes nothing.

    Raises PharosError: MISSING, CONFLICT for one that has ended otherwise.
    """
    before = get_control(unit, tenant_id, control_id)
    if before.status is status:
        return before
    if before.status not in OPEN:
        raise PharosError(
            Kind.CONFLICT,
            f"the control {control_id} has ended: {before.status}",
            hint="nothing more is to be said of it",
        )
    ended_ms = None if status in OPEN else unit.now_ms
    values = {"status": status.value, "message": message, "ended_ms": ended_ms}
    unit.execute(update(flow_controls).where(flow_controls.c.id == control_id).values(values))
    told = {"status": status.value, "message": message}
    append(unit, Event("flow.answer", _object_of(before), tenant_id, {"control": control_id}, told))
    unit.changed(Family.FLOWS)
    return get_control(unit, tenant_id, control_id)


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all that was asked of a tenant's flows; return how much."""
    return unit.execute(delete(flow_controls).where(flow_controls.c.tenant_id == tenant_id))
