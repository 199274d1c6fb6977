"""Alerts: what happened to them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"{'uq' if unique else 'ix'}_{table}_{'_'.join(columns)}", table, columns, unique=unique)


def upgrade() -> None:
    """Make the tables."""
    _timeline()
    _alerts()
    _silences()
    _outbox()
    _documents()
    _oncall()
    _acknowledgements()
    _escalations()
    _responses()
    _rules()
    _heartbeats()


def _timeline() -> None:
    op.create_table(
        "timeline",
        *map(_text, ("id", "tenant_id", "fingerprint", "group_key")),
        *map(_number, ("at_ms", "number")),
        *map(_text, ("step", "detail")),
        sa.PrimaryKeyConstraint("id", name="pk_timeline"),
    )
    _index("timeline", "tenant_id", "fingerprint", "at_ms")
    _index("timeline", "tenant_id", "at_ms")
    _index("timeline", "at_ms")
    _index("timeline", "number")


def _alerts() -> None:
    op.create_table(
        "alerts",
        *map(_text, ("tenant_id", "fingerprint", "labels", "annotations", "generator_url")),
        *map(_number, ("starts_ms", "ends_ms", "updated_ms", "received_ms", "revision")),
        sa.Column("is_timed_out", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "fingerprint", name="pk_alerts"),
    )
    _index("alerts", "revision")


def _silences() -> None:
    op.create_table(
        "silences",
        *map(_text, ("id", "tenant_id", "matchers", "created_by", "comment", "receiver", "who")),
        *map(_number, ("starts_ms", "ends_ms", "updated_ms", "remind_ms", "reminded_ms")),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
    )
    _index("silences", "tenant_id", "ends_ms")
    _index("silences", "ends_ms")


def _outbox() -> None:
    place = ("tenant_id", "group_key", "receiver", "integration", "purpose")
    op.create_table(
        "outbox",
        _text("id"),
        *map(_text, place),
        *map(_text, ("status", "content", "marks", "error", "lease_by")),
        *map(_number, ("created_ms", "due_ms", "tries", "tried_ms", "lease_ms")),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    _index("outbox", *place, unique=True)
    _index("outbox", "status", "due_ms")
    op.create_table(
        "told",
        *map(_text, place[:-1]),
        *map(_text, ("firing", "resolved", "open", "thread")),
        *map(_number, ("at_ms",)),
        sa.PrimaryKeyConstraint(*place[:-1], name="pk_told"),
    )


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id")


def _documents() -> None:
    key = ("tenant_id", "kind", "name")
    op.create_table(
        "documents",
        *map(_text, key),
        _number("version"),
        _text("document", nullable=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        *map(_text, ("who", "who_name", "reason")),
        _number("at_ms"),
        sa.PrimaryKeyConstraint(*key, "version", name="pk_documents"),
        _of_tenant("documents"),
    )
    _index("documents", "kind", "is_current")


def _oncall() -> None:
    op.create_table(
        "oncall_overrides",
        *map(_text, ("id", "tenant_id", "schedule")),
        *map(_number, ("start_ms", "end_ms")),
        *map(_text, ("people", "reason", "who")),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_oncall_overrides"),
        _of_tenant("oncall_overrides"),
    )
    op.create_table(
        "oncall_swaps",
        *map(_text, ("id", "tenant_id", "schedule")),
        *map(_number, ("start_ms", "end_ms")),
        *map(_text, ("giver", "taker", "reason", "who")),
        _number("created_ms"),
        _number("taken_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_oncall_swaps"),
        _of_tenant("oncall_swaps"),
    )
    for table in ("oncall_overrides", "oncall_swaps"):
        _index(table, "tenant_id", "schedule", "end_ms")
    op.create_table(
        "oncall_contacts",
        *map(_text, ("id", "tenant_id", "person", "person_key", "kind", "address")),
        _number("after_ms"),
        _text("min_severity"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_oncall_contacts"),
        _of_tenant("oncall_contacts"),
    )
    _index("oncall_contacts", "tenant_id", "person_key")
    op.create_table(
        "oncall_feeds",
        *map(_text, ("hash", "tenant_id", "schedule", "person", "id", "who")),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("hash", name="pk_oncall_feeds"),
        _of_tenant("oncall_feeds"),
    )
    _index("oncall_feeds", "tenant_id", "schedule")


def _acknowledgements() -> None:
    op.create_table(
        "acknowledgements",
        *map(_text, ("id", "tenant_id", "fingerprint", "group_key", "who", "name", "comment", "by")),
        _number("created_ms"),
        *(_number(name, nullable=True) for name in ("expires_ms", "ended_ms")),
        _text("ended_why"),
        sa.PrimaryKeyConstraint("id", name="pk_acknowledgements"),
        _of_tenant("acknowledgements"),
    )
    _index("acknowledgements", "tenant_id", "fingerprint", "ended_ms")
    _index("acknowledgements", "ended_ms", "expires_ms")
    op.create_table(
        "signing_keys",
        *map(_text, ("name", "key")),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("name", name="pk_signing_keys"),
    )
    op.create_table(
        "used_alert_links",
        _text("nonce"),
        _number("expires_ms"),
        sa.PrimaryKeyConstraint("nonce", name="pk_used_alert_links"),
    )
    _index("used_alert_links", "expires_ms")


def _escalations() -> None:
    op.create_table(
        "followers",
        _text("name"),
        _number("number"),
        sa.PrimaryKeyConstraint("name", name="pk_followers"),
    )
    op.create_table(
        "escalations",
        *map(_text, ("id", "tenant_id", "group_key", "policy")),
        _number("version"),
        *map(_text, ("document", "status")),
        _number("due_ms", nullable=True),
        _text("run"),
        _number("started_ms"),
        _number("ended_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
        _of_tenant("escalations"),
    )
    _index("escalations", "ended_ms", "due_ms")
    _index("escalations", "tenant_id", "group_key", "ended_ms")


def _responses() -> None:
    op.create_table(
        "responses",
        *map(_text, ("id", "tenant_id", "action")),
        _number("version"),
        *map(_text, ("document", "fingerprint", "group_key")),
        _number("transition"),
        *map(_text, ("step", "labels", "status", "evidence", "outcome", "decided_who", "decided_name")),
        _number("created_ms"),
        *(_number(name, nullable=True) for name in ("started_ms", "ended_ms")),
        _number("lease_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_responses"),
        _of_tenant("responses"),
    )
    _index("responses", "tenant_id", "action", "transition", unique=True)
    _index("responses", "status", "created_ms")
    _index("responses", "tenant_id", "action", "started_ms")
    _index("responses", "tenant_id", "created_ms")


def _rules() -> None:
    op.create_table(
        "rule_alerts",
        *map(
            _text,
            ("tenant_id", "rule_group", "rule", "fingerprint", "labels", "annotations", "state", "value"),
        ),
        *map(_number, ("active_ms", "fired_ms", "resolved_ms", "gone_ms", "at_ms")),
        sa.PrimaryKeyConstraint("tenant_id", "rule_group", "rule", "fingerprint", name="pk_rule_alerts"),
    )


def _heartbeats() -> None:
    op.create_table(
        "heartbeats",
        *map(_text, ("tenant_id", "name", "severity")),
        *map(_number, ("within_ms", "beaten_ms")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_heartbeats"),
    )
