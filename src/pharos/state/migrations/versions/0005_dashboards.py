"""Dashboards with their versions, folders, who may what in them, and links."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "dashboards",
        *map(_text, ("tenant_id", "uid")),
        _number("number"),
        *map(_text, ("title", "description", "tags", "folder")),
        *map(_number, ("panels", "version", "created_ms")),
        _text("created_name"),
        _number("updated_ms"),
        _text("updated_name"),
        _number("deleted_ms"),
        sa.PrimaryKeyConstraint("tenant_id", "uid", name="pk_dashboards"),
        _of_tenant("dashboards"),
    )
    op.create_index("ix_dashboards_tenant_id_number", "dashboards", ["tenant_id", "number"], unique=True)
    op.create_table(
        "dashboard_versions",
        *map(_text, ("tenant_id", "uid")),
        _number("version"),
        *map(_text, ("document", "inputs", "message", "who", "who_name")),
        *map(_number, ("at_ms", "restored_from")),
        sa.Column("is_deletion", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "uid", "version", name="pk_dashboard_versions"),
        _of_tenant("dashboard_versions"),
    )
    op.create_table(
        "dashboard_folders",
        *map(_text, ("tenant_id", "uid", "title", "parent")),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("tenant_id", "uid", name="pk_dashboard_folders"),
        _of_tenant("dashboard_folders"),
    )
    op.create_table(
        "dashboard_permissions",
        *map(_text, ("tenant_id", "folder", "subject", "permission")),
        sa.PrimaryKeyConstraint("tenant_id", "folder", "subject", name="pk_dashboard_permissions"),
        _of_tenant("dashboard_permissions"),
    )
    _shares()


def _shares() -> None:
    op.create_table(
        "dashboard_shares",
        *map(_text, ("id", "tenant_id", "uid", "kind", "name", "token_hash", "asked", "document", "answer")),
        sa.Column("is_public", sa.Boolean, nullable=False),
        *map(_text, ("who", "who_name")),
        *map(_number, ("created_ms", "expires_ms")),
        sa.PrimaryKeyConstraint("id", name="pk_dashboard_shares"),
        _of_tenant("dashboard_shares"),
    )
    op.create_index("ix_dashboard_shares_token_hash", "dashboard_shares", ["token_hash"], unique=True)
    op.create_index("ix_dashboard_shares_tenant_id_uid", "dashboard_shares", ["tenant_id", "uid"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id")
