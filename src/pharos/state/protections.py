"""Protected policies: which changes nobody may make alone."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, delete, func, insert, select

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Family, Words, tenant_reference
from pharos.state.unit import Unit, Writing

protections: Final = Table(
    "protections",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("policy", Words, nullable=False),
    tenant_reference(nullable=True),
    Column("approvals", Integer, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("lasts_ms", BigInteger, nullable=False),
    Column("reasons", Boolean, nullable=False),
    Column("set_ms", BigInteger, nullable=False),
)
Index(
    "uq_protections_policy_tenant_id",
    protections.c.policy,
    func.coalesce(protections.c.tenant_id, ""),
    unique=True,
)


class Protection(Struct, frozen=True):
    """What a change of a policy needs."""

    policy: str
    """`roles`, `limits`, `retention`."""
    tenant_id: str | None
    """Of which tenant; None for all that have none of their own, and for the whole server."""
    approvals: int
    """So many must approve,"""
    percent: int
    """and so many of a hundred of those who may."""
    lasts_ms: int
    """A proposal expires after this time."""
    reasons: bool
    """Whether votes need a reason; proposals always do."""

    @property
    def words(self) -> str:
        """Return what is needed, for a sentence."""
        people = "the approval of 1 other person" if self.approvals == 1 else f"{self.approvals} approvals"
        return f"{people} and of {self.percent} % of those who may" if self.percent else people

    def needed(self, may: int) -> int:
        """Return how many must approve where so many may."""
        return max(self.approvals, -(-self.percent * may // 100))


_PROTECTION: Final = tuple(column for column in protections.c if column.name not in {"id", "set_ms"})


def protection(unit: Unit, policy: str, tenant_id: str | None) -> Protection | None:
    """Return what a change of a policy needs in a tenant, or of the whole server (None); None for nothing."""
    of_all = protections.c.tenant_id.is_(None)
    where = of_all if tenant_id is None else of_all | (protections.c.tenant_id == tenant_id)
    rows = unit.rows(select(*_PROTECTION).where(protections.c.policy == policy, where))
    # A tenant's own comes before the one of all.
    found = sorted((Protection(*row) for row in rows), key=lambda one: one.tenant_id is None)
    return found[0] if found else None


def list_protections(unit: Unit) -> tuple[Protection, ...]:
    """Return all protections, by policy and tenant."""
    found = [Protection(*row) for row in unit.rows(select(*_PROTECTION))]
    return tuple(sorted(found, key=lambda one: (one.policy, one.tenant_id or "")))


def require_unprotected(unit: Writing, policy: str, tenant_id: str | None) -> None:
    """Raise PharosError(DENIED) that says how, when the unit's author may not change a policy directly.

    A proposal that reached its quorum may, and what nobody here decides: Pharos itself, and what an identity
    provider says of its people.
    """
    if unit.is_decided or unit.author.who == "pharos" or unit.author.who.startswith("provider:"):
        return
    rule = protection(unit, policy, tenant_id)
    if rule is not None:
        raise PharosError(
            Kind.DENIED,
            f"the policy {policy!r} is protected: a change needs {rule.words}",
            hint="propose it: POST /api/proposals",
        )


def set_protection(unit: Writing, new: Protection) -> None:
    """Protect a policy, or say anew what its changes need.

    Raises PharosError(DENIED) when it is protected, and the unit's author alone may not change that.
    """
    require_unprotected(unit, new.policy, new.tenant_id)
    before = _drop(unit, new.policy, new.tenant_id)
    unit.execute(insert(protections).values(id=unit.new_id(), set_ms=unit.now_ms, **asdict(new)))
    told = None if before is None else asdict(before)
    append(unit, Event("protection.set", f"policy:{new.policy}", new.tenant_id or "", told, asdict(new)))
    unit.changed(Family.POLICIES)


def drop_protection(
    unit: Writing, policy: str, tenant_id: str | None, *, lifted_past: int | None = None
) -> None:
    """Let a policy be changed without a proposal.

    `lifted_past` is for an emergency: so many could have approved it, and none was asked, which the audit log
    tells. Raises PharosError: MISSING when the policy is not protected there, DENIED.
    """
    if lifted_past is None:
        require_unprotected(unit, policy, tenant_id)
    before = _drop(unit, policy, tenant_id)
    if before is None:
        raise PharosError(Kind.MISSING, f"the policy {policy!r} is not protected there")
    action, after = "protection.drop", None
    if lifted_past is not None:
        action, after = "protection.lift", {"could_approve": lifted_past}
    append(unit, Event(action, f"policy:{policy}", tenant_id or "", asdict(before), after))
    unit.changed(Family.POLICIES)


def _drop(unit: Writing, policy: str, tenant_id: str | None) -> Protection | None:
    of_tenant = (
        protections.c.tenant_id.is_(None) if tenant_id is None else protections.c.tenant_id == tenant_id
    )
    where = (protections.c.policy == policy, of_tenant)
    found = unit.row(select(*_PROTECTION).where(*where))
    unit.execute(delete(protections).where(*where))
    return None if found is None else Protection(*found)
