"""What people ask of running flows."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TABLE: Final = "flow_controls"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in (
                *("id", "tenant_id", "workflow", "run_id", "action", "idempotency_key", "parameters"),
                *("way", "status", "message", "who", "who_name", "reason"),
            )
        ),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_ms", "due_ms", "lease_ms")),
        sa.Column("ended_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{_TABLE}_tenant_id"),
    )
    key = ["tenant_id", "idempotency_key"]
    op.create_index(f"uq_{_TABLE}_tenant_id_idempotency_key", _TABLE, key, unique=True)
    for columns in (
        ["tenant_id", "workflow", "status", "created_ms"],
        ["tenant_id", "run_id", "created_ms"],
        ["tenant_id", "created_ms"],
    ):
        op.create_index(f"ix_{_TABLE}_{'_'.join(columns)}", _TABLE, columns)
