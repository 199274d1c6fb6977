"""Leases: which of several processes evaluates a group of rules."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rule_holders",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("beaten_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rule_holders"),
    )
    op.create_table(
        "rule_leases",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("tenant_id", "rule_group", "holder")),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "rule_group", name="pk_rule_leases"),
    )
