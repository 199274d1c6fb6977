"""How checks of health stand, their days and changes, and where heartbeats come in."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "health_states",
        *map(_text, ("tenant_id", "name", "document")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_health_states"),
    )
    op.create_table(
        "health_days",
        *map(_text, ("tenant_id", "name")),
        *map(_number, ("day", "up_ms", "down_ms")),
        sa.PrimaryKeyConstraint("tenant_id", "name", "day", name="pk_health_days"),
    )
    op.create_table(
        "health_changes",
        *map(_text, ("id", "tenant_id", "name")),
        _number("at_ms"),
        *map(_text, ("was", "became", "reason")),
        sa.PrimaryKeyConstraint("id", name="pk_health_changes"),
    )
    for columns in (["tenant_id", "at_ms"], ["tenant_id", "name", "at_ms"], ["at_ms"]):
        op.create_index(f"ix_health_changes_{'_'.join(columns)}", "health_changes", columns)
    op.create_table(
        "health_addresses",
        *map(_text, ("tenant_id", "name", "token_hash")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_health_addresses"),
    )
    op.create_index("ix_health_addresses_token_hash", "health_addresses", ["token_hash"], unique=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
