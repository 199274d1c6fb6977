"""Links under which a dashboard is shown to others, and snapshots: what it showed at one time.

The token of a link is kept as its hash alone.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Index, Table, delete, func, insert, select

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Family, Words, tenant_reference
from pharos.state.tenants import require_living
from pharos.state.unit import Unit, Writing

dashboard_shares: Final = Table(
    "dashboard_shares",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("uid", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("token_hash", Words, nullable=False),
    Column("asked", Words, nullable=False),
    Column("document", Words, nullable=False),
    Column("answer", Words, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index(None, "token_hash", unique=True),
    Index(None, "tenant_id", "uid"),
)
MOST_SHARES: Final = 500
"""That a tenant can have."""


class Share(Struct, frozen=True):
    """A link."""

    id: str
    tenant_id: str
    uid: str
    kind: str
    """`live`, or `snapshot`."""
    name: str
    token_hash: str
    asked: str
    """What is asked when it is opened: a JSON object."""
    is_public: bool
    """Whether it is answered to who has no identity."""
    who: str
    who_name: str
    created_ms: int
    expires_ms: int
    """0 for never."""
    document: str = ""
    """Of a snapshot: the dashboard's JSON as it was."""
    answer: str = ""
    """Of a snapshot: what was answered, packed, as text."""


_LISTED: Final = tuple(
    dashboard_shares.c[name]
    for name in (
        "id",
        "tenant_id",
        "uid",
        "kind",
        "name",
        "token_hash",
        "asked",
        "is_public",
        "who",
        "who_name",
        "created_ms",
        "expires_ms",
    )
)


def add_share(unit: Writing, share: Share) -> Share:
    """Keep a link; return it with its id, author and time. Raises PharosError(LIMITED) for too many."""
    require_living(unit, share.tenant_id)
    table = dashboard_shares.c
    unit.execute(delete(dashboard_shares).where(table.expires_ms > 0, table.expires_ms <= unit.now_ms))
    counted = select(func.count()).select_from(dashboard_shares)
    found = unit.row(counted.where(dashboard_shares.c.tenant_id == share.tenant_id))
    if found is not None and found[0] >= MOST_SHARES:
        raise PharosError(
            Kind.LIMITED, f"a tenant has {MOST_SHARES} links at most", hint="take away some that nobody needs"
        )
    identifier = unit.new_id()
    unit.execute(
        insert(dashboard_shares).values(
            id=identifier,
            tenant_id=share.tenant_id,
            uid=share.uid,
            kind=share.kind,
            name=share.name,
            token_hash=share.token_hash,
            asked=share.asked,
            document=share.document,
            answer=share.answer,
            is_public=share.is_public,
            who=unit.author.who,
            who_name=unit.author.name,
            created_ms=unit.now_ms,
            expires_ms=share.expires_ms,
        )
    )
    told = {"kind": share.kind, "dashboard": share.uid, "public": share.is_public}
    append(unit, Event("share.create", f"share:{identifier}", share.tenant_id, after=told))
    unit.changed(Family.DASHBOARDS)
    return get_share(unit, share.tenant_id, identifier)


def list_shares(unit: Unit, tenant_id: str, uid: str = "") -> tuple[Share, ...]:
    """Return a tenant's links, or those to one dashboard, without what was answered, the newest first."""
    statement = select(*_LISTED).where(dashboard_shares.c.tenant_id == tenant_id)
    if uid:
        statement = statement.where(dashboard_shares.c.uid == uid)
    return tuple(Share(*row) for row in unit.rows(statement.order_by(dashboard_shares.c.created_ms.desc())))


def get_share(unit: Unit, tenant_id: str, share_id: str) -> Share:
    """Return a link, without what was answered. Raises PharosError(MISSING)."""
    same = dashboard_shares.c.tenant_id == tenant_id, dashboard_shares.c.id == share_id
    return Share(*unit.the_row(select(*_LISTED).where(*same), f"link {share_id[:80]!r}"))


def share_by_token(unit: Unit, token_hash: str) -> Share | None:
    """Return the link of a token, which is not over; None for none."""
    table = dashboard_shares.c
    living = (table.expires_ms == 0) | (table.expires_ms > unit.now_ms)
    columns = (*_LISTED, table.document, table.answer)
    row = unit.row(select(*columns).where(table.token_hash == token_hash, living))
    return None if row is None else Share(*row)


def drop_share(unit: Writing, tenant_id: str, share_id: str) -> Share:
    """Take a link away; return what it was. Raises PharosError(MISSING)."""
    before = get_share(unit, tenant_id, share_id)
    unit.execute(delete(dashboard_shares).where(dashboard_shares.c.id == share_id))
    told: dict[str, Any] = {"kind": before.kind, "dashboard": before.uid, "public": before.is_public}
    append(unit, Event("share.delete", f"share:{share_id}", tenant_id, told))
    unit.changed(Family.DASHBOARDS)
    return before


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all links of a tenant; return how many there were."""
    return unit.execute(delete(dashboard_shares).where(dashboard_shares.c.tenant_id == tenant_id))
