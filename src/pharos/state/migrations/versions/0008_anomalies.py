"""Anomalies that were found, and what people say of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "anomalies",
        *map(_text, ("tenant_id", "id", "watch", "labels", "severity")),
        *map(_number, ("start_ms", "end_ms")),
        *map(_text, ("score", "confidence", "value", "lower", "upper", "mark", "who", "who_name")),
        _number("marked_ms"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_anomalies"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_anomalies_tenant_id"),
    )
    op.create_index("ix_anomalies_tenant_id_start_ms", "anomalies", ["tenant_id", "start_ms"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
