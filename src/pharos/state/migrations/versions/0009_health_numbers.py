"""How checks stand is numbered as it is written, for servers that share a database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None

_TABLE = "health_states"


def upgrade() -> None:
    """Add the number."""
    with op.batch_alter_table(_TABLE) as table:
        table.add_column(sa.Column("number", sa.BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("number", server_default=None)
    op.create_index(f"ix_{_TABLE}_number", _TABLE, ["number"])
