"""Users, tokens, sessions, roles, tenants with limits and usage, and the audit log."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ORIGIN: Final = "0" * 64


def upgrade() -> None:
    """Make the tables, and the tenant of whoever names none."""
    _make_log()
    _make_tenants()
    _make_users()
    _make_what_opens()
    _make_roles()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, autoincrement=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _of_user(table: str, column: str = "user_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["users.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id")


def _unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=f"uq_{table}_{column}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _make_log() -> None:
    op.create_table(
        "audit",
        *map(_number, ("number", "time_ms")),
        *map(_text, ("who", "name", "tenant", "action", "object")),
        *(_text(name, nullable=True) for name in ("before", "after")),
        *map(_text, ("reason", "request_id", "previous", "hash")),
        _key("audit", "number"),
    )
    for columns in (("time_ms",), ("tenant", "number"), ("who", "number"), ("object", "number")):
        _index("audit", *columns)
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        _number("number"),
        _text("hash"),
        _key("audit_head", "id"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": _ORIGIN}])
    op.create_table("revisions", _text("family"), _number("revision"), _key("revisions", "family"))
    _forbid_changes()


def _forbid_changes() -> None:
    said = "the audit log is only ever added to"
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit"
                f" BEGIN SELECT RAISE(ABORT, '{said}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_added_to() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{said}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_added_to()"
    )


def _make_tenants() -> None:
    tenants = op.create_table(
        "tenants",
        *map(_text, ("id", "name", "color")),
        _number("created_ms"),
        *(_number(name, nullable=True) for name in ("suspended_ms", "deleting_ms", "deleted_ms")),
        _key("tenants", "id"),
    )
    first = {"id": "default", "name": "default", "color": "#808080"}
    op.bulk_insert(tenants, [{**first, "created_ms": context.config.attributes["now_ms"]}])
    op.create_table(
        "limits",
        _text("tenant_id"),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        _number("set_ms"),
        _text("who"),
        _text("bounds"),
        _key("limits", "tenant_id", "version"),
        _of_tenant("limits"),
    )
    key = ("tenant_id", "hour_ms", "measure", "token_id", "metric")
    op.create_table(
        "usage",
        _text("tenant_id"),
        _number("hour_ms"),
        *map(_text, ("measure", "token_id", "metric")),
        _number("amount"),
        _key("usage", *key),
    )
    _index("usage", "hour_ms")


def _make_users() -> None:
    op.create_table(
        "users",
        *map(_text, ("id", "name", "name_key", "display_name", "email")),
        _text("password_hash", nullable=True),
        sa.Column("must_change", sa.Boolean, nullable=False),
        _number("created_ms"),
        _number("disabled_ms", nullable=True),
        _key("users", "id"),
        _unique("users", "name_key"),
    )
    op.create_table(
        "identities",
        *map(_text, ("issuer", "subject", "user_id")),
        _number("linked_ms"),
        _key("identities", "issuer", "subject"),
        _of_user("identities"),
    )
    _index("identities", "user_id")
    op.create_table(
        "links",
        *map(_text, ("id", "hash", "purpose")),
        _text("user_id", nullable=True),
        _text("content"),
        *map(_number, ("created_ms", "expires_ms")),
        _number("used_ms", nullable=True),
        _key("links", "id"),
        _unique("links", "hash"),
        _of_user("links"),
    )
    _index("links", "user_id")


def _make_what_opens() -> None:
    op.create_table(
        "sessions",
        *map(_text, ("id", "hash", "user_id")),
        *map(_number, ("created_ms", "seen_ms", "expires_ms")),
        *map(_text, ("user_agent", "address")),
        _number("revoked_ms", nullable=True),
        _key("sessions", "id"),
        _unique("sessions", "hash"),
        _of_user("sessions"),
    )
    _index("sessions", "user_id")
    _index("sessions", "expires_ms")
    op.create_table(
        "tokens",
        *map(_text, ("id", "name", "prefix", "hash")),
        *(_text(name, nullable=True) for name in ("owner_id", "tenant_id")),
        _text("roles"),
        _text("permissions", nullable=True),
        _number("created_ms"),
        *(_number(name, nullable=True) for name in ("expires_ms", "used_ms", "revoked_ms")),
        _text("rotated_from", nullable=True),
        _key("tokens", "id"),
        _unique("tokens", "hash"),
        _of_user("tokens", "owner_id"),
        _of_tenant("tokens"),
    )
    _index("tokens", "owner_id")
    _index("tokens", "tenant_id")


def _make_roles() -> None:
    op.create_table(
        "roles",
        _text("id"),
        _text("tenant_id", nullable=True),
        *map(_text, ("name", "description", "permissions")),
        _number("created_ms"),
        _key("roles", "id"),
        _of_tenant("roles"),
    )
    somewhere = sa.text("coalesce(tenant_id, '')")
    op.create_index("uq_roles_tenant_id_name", "roles", [somewhere, "name"], unique=True)
    op.create_table(
        "memberships",
        *map(_text, ("id", "user_id")),
        _text("tenant_id", nullable=True),
        _text("role"),
        _number("since_ms"),
        _key("memberships", "id"),
        _of_user("memberships"),
        _of_tenant("memberships"),
    )
    _index("memberships", "tenant_id")
    name = "uq_memberships_user_id_tenant_id_role"
    op.create_index(name, "memberships", ["user_id", somewhere, "role"], unique=True)
