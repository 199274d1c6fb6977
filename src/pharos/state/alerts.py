"""Alerts as they were taken: one row each, from its first post until all that is owed about it was told.

Whoever posted one was answered after its row was committed. Other processes on the same database read what
changed by its revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Index, Table, delete, select

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.state.tables import METADATA, Document, Family, Words, revisions
from pharos.state.unit import Found, Unit, Writing

alerts: Final = Table(
    "alerts",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("fingerprint", Words, primary_key=True),
    Column("labels", Document, nullable=False),
    Column("annotations", Document, nullable=False),
    Column("generator_url", Words, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("is_timed_out", Boolean, nullable=False),
    Index(None, "revision"),
)

_KEYS_AT_ONCE: Final = 500


class Kept(Struct, frozen=True):
    """An alert of a tenant."""

    tenant_id: str
    alert: Alert
    received_ms: int
    """When it was first heard of, since it was over last."""


_SHOWN: Final = (
    alerts.c.tenant_id,
    alerts.c.labels,
    alerts.c.annotations,
    alerts.c.starts_ms,
    alerts.c.ends_ms,
    alerts.c.updated_ms,
    alerts.c.generator_url,
    alerts.c.is_timed_out,
    alerts.c.received_ms,
)


def put(unit: Writing, rows: Iterable[Kept]) -> int:
    """Keep alerts, each in the place of the one with its labels; return the revision that they got."""
    revision = newest_revision(unit) + 1
    unit.upsert(
        alerts,
        [
            {
                "tenant_id": row.tenant_id,
                "fingerprint": row.alert.fingerprint,
                "labels": row.alert.labels,
                "annotations": row.alert.annotations,
                "generator_url": row.alert.generator_url,
                "starts_ms": row.alert.starts_ms,
                "ends_ms": row.alert.ends_ms,
                "updated_ms": row.alert.updated_ms,
                "received_ms": row.received_ms,
                "revision": revision,
                "is_timed_out": row.alert.is_timed_out,
            }
            for row in rows
        ],
    )
    unit.changed(Family.ALERTS)
    return revision


def newest_revision(unit: Unit) -> int:
    """Return how often alerts were changed."""
    found = unit.row(select(revisions.c.revision).where(revisions.c.family == Family.ALERTS.value))
    return 0 if found is None else int(found[0])


def list_since(unit: Unit, revision: int) -> tuple[Kept, ...]:
    """Return the alerts of all tenants that changed after a revision; all of them for -1."""
    return tuple(map(_kept, unit.rows(select(*_SHOWN).where(alerts.c.revision > revision))))


def find(unit: Unit, tenant_id: str, fingerprints: Sequence[str]) -> dict[str, Alert]:
    """Return those of some alerts of a tenant that are kept, by fingerprint."""
    found: dict[str, Alert] = {}
    for first in range(0, len(fingerprints), _KEYS_AT_ONCE):
        some = alerts.c.fingerprint.in_(fingerprints[first : first + _KEYS_AT_ONCE])
        rows = unit.rows(select(*_SHOWN).where(alerts.c.tenant_id == tenant_id, some))
        found |= {kept.alert.fingerprint: kept.alert for kept in map(_kept, rows)}
    return found


def heard_of(unit: Unit, tenant_id: str, fingerprints: Sequence[str]) -> dict[str, int]:
    """Return when alerts were heard of last, by fingerprint; one that is over and told is left out."""
    found: dict[str, int] = {}
    for first in range(0, len(fingerprints), _KEYS_AT_ONCE):
        some = fingerprints[first : first + _KEYS_AT_ONCE]
        where = (alerts.c.tenant_id == tenant_id, alerts.c.fingerprint.in_(some))
        found |= {
            row[0]: row[1]
            for row in unit.rows(select(alerts.c.fingerprint, alerts.c.updated_ms).where(*where))
        }
    return found


def drop(unit: Writing, tenant_id: str, done: Sequence[Alert]) -> int:
    """Take alerts away that nothing is owed about, unless they changed meanwhile; return how many."""
    count = 0
    for first in range(0, len(done), _KEYS_AT_ONCE):
        some = {alert.fingerprint: alert.updated_ms for alert in done[first : first + _KEYS_AT_ONCE]}
        where = (alerts.c.tenant_id == tenant_id, alerts.c.fingerprint.in_(list(some)))
        found = unit.rows(select(alerts.c.fingerprint, alerts.c.updated_ms).where(*where))
        same = [fingerprint for fingerprint, updated_ms in found if some[fingerprint] == updated_ms]
        if same:
            gone = delete(alerts).where(alerts.c.tenant_id == tenant_id, alerts.c.fingerprint.in_(same))
            count += unit.execute(gone)
    return count


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all alerts of a tenant; return how many."""
    unit.changed(Family.ALERTS)
    return unit.execute(delete(alerts).where(alerts.c.tenant_id == tenant_id))


def _kept(row: Found) -> Kept:
    tenant_id, labels, annotations, starts_ms, ends_ms, updated_ms, url, is_timed_out, received_ms = row
    alert = Alert(
        _pairs(labels), _pairs(annotations), starts_ms, ends_ms, updated_ms, url, is_timed_out=is_timed_out
    )
    return Kept(tenant_id, alert, received_ms)


def _pairs(document: Iterable[Sequence[str]]) -> Labels:
    return tuple((name, value) for name, value in document)
