"""Protected policies, proposals and votes."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "protections",
        *map(_text, ("id", "policy")),
        _text("tenant_id", nullable=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("approvals", "percent")),
        _number("lasts_ms"),
        sa.Column("reasons", sa.Boolean, nullable=False),
        _number("set_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_protections"),
        _of_tenant("protections"),
    )
    somewhere = sa.text("coalesce(tenant_id, '')")
    op.create_index("uq_protections_policy_tenant_id", "protections", ["policy", somewhere], unique=True)
    op.create_table(
        "proposals",
        *map(_text, ("id", "action", "policy")),
        _text("tenant_id", nullable=True),
        _text("change"),
        _text("before", nullable=True),
        *map(_text, ("who", "name", "reason")),
        *map(_number, ("created_ms", "expires_ms")),
        _text("status"),
        _number("decided_ms", nullable=True),
        _text("outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        _of_tenant("proposals"),
    )
    op.create_index("ix_proposals_status_expires_ms", "proposals", ["status", "expires_ms"])
    op.create_index("ix_proposals_tenant_id_created_ms", "proposals", ["tenant_id", "created_ms"])
    op.create_table(
        "votes",
        *map(_text, ("proposal_id", "who", "name")),
        sa.Column("approves", sa.Boolean, nullable=False),
        _text("reason"),
        _number("at_ms"),
        sa.PrimaryKeyConstraint("proposal_id", "who", name="pk_votes"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name="fk_votes_proposal_id"),
    )
