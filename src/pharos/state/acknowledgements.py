"""Who has said that they look after an alert, until when; keys that sign links, and which links were used.

An acknowledgement holds for one alert, and ends when it is taken back, runs out, or the alert is over. Each
beginning and end is written into the alert's timeline, by which whoever follows that learns of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict, replace
from sqlalchemy import BigInteger, Column, Index, Table, delete, func, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Words, tenant_reference
from pharos.state.timeline import Entry, Step, labels_of_alerts
from pharos.state.timeline import append as append_steps
from pharos.state.unit import Unit, Writing

acknowledgements: Final = Table(
    "acknowledgements",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("fingerprint", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("comment", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("ended_why", Words, nullable=False),
    Index(None, "tenant_id", "fingerprint", "ended_ms"),
    Index(None, "ended_ms", "expires_ms"),
)

signing_keys: Final = Table(
    "signing_keys",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("key", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Shared by all who share the state, so that any of them knows a link of any other."""

used_links: Final = Table(
    "used_alert_links",
    METADATA,
    Column("nonce", Words, primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),
    Index(None, "expires_ms"),
)

SAID_OVER: Final = "resolve"
"""By what an alert is looked after of which somebody says that it is over, while its rule still finds it."""
_BATCH: Final = 500
_KEY_BITS: Final = 256


class Acknowledgement(Struct, frozen=True):
    """Somebody looks after an alert."""

    id: str
    tenant_id: str
    fingerprint: str
    group_key: str
    """Where it was acknowledged as one of a group; empty for the alert alone."""
    who: str
    name: str
    comment: str
    by: str
    """By what: `api`, `link`, `slack`, `pagerduty`, `command`, `page`, or `resolve` (see SAID_OVER)."""
    created_ms: int
    expires_ms: int | None
    ended_ms: int | None
    ended_why: str
    """`taken back`, `ran out`, `resolved`, `replaced`."""
    alert: Mapping[str, str] = field(default_factory=dict)
    """The alert's labels, where they were asked for; they are kept in its timeline."""


class NewAcknowledgement(Struct, frozen=True):
    """What an acknowledgement begins with; the unit's author looks after it."""

    comment: str = ""
    expires_ms: int | None = None
    by: str = "api"


def acknowledge(
    unit: Writing, tenant_id: str, targets: Sequence[tuple[str, str]], new: NewAcknowledgement
) -> tuple[Acknowledgement, ...]:
    """Have the unit's author look after alerts, (fingerprint, group key or empty) each; return it labelled.

    It takes the place of what was said of the same alerts before. Raises PharosError(INVALID) for an expiry
    that is over.
    """
    if new.expires_ms is not None and new.expires_ms <= unit.now_ms:
        raise PharosError(Kind.INVALID, "an acknowledgement must run out in the future")
    replaced = acknowledged(unit, tenant_id, [fingerprint for fingerprint, _ in targets])
    _end(unit, replaced.values(), "replaced")
    author = unit.author
    begun = (
        Acknowledgement(
            unit.new_id(),
            tenant_id,
            fingerprint,
            group_key,
            author.who,
            author.name,
            new.comment,
            new.by,
            unit.now_ms,
            new.expires_ms,
            None,
            "",
        )
        for fingerprint, group_key in dict(targets).items()
    )
    made = with_labels(unit, begun)
    for start in range(0, len(made), _BATCH):
        rows = [_row(one) for one in made[start : start + _BATCH]]
        unit.execute(insert(acknowledgements).values(rows))
    append_steps(unit, (_step(unit, one, Step.ACKNOWLEDGED, _detail(one)) for one in made))
    _audit(unit, "alert.acknowledge", made)
    return made


def with_labels(unit: Unit, some: Iterable[Acknowledgement]) -> tuple[Acknowledgement, ...]:
    """Return acknowledgements of one tenant with their alerts' labels: fingerprints tell people nothing."""
    found = tuple(some)
    if not found:
        return found
    labels = labels_of_alerts(unit, found[0].tenant_id, [one.fingerprint for one in found])
    return tuple(replace(one, alert=labels.get(one.fingerprint, {})) for one in found)


def _audit(unit: Writing, action: str, some: Sequence[Acknowledgement]) -> None:
    """Write down who looks after alerts, or no longer does, with their labels."""
    for one in some:
        detail = {**_detail(one), "alert": dict(one.alert)}
        states = {"after" if action == "alert.acknowledge" else "before": detail}
        append(unit, Event(action, f"alert:{one.fingerprint}", one.tenant_id, **states))


def _row(one: Acknowledgement) -> dict[str, Any]:
    row = asdict(one)
    del row["alert"]
    return row


def _detail(one: Acknowledgement) -> dict[str, Any]:
    return {
        "acknowledgement": one.id,
        "who": one.who,
        "name": one.name,
        "comment": one.comment,
        "by": one.by,
        "expires_ms": one.expires_ms,
    }


def _step(unit: Unit, one: Acknowledgement, step: Step, detail: Mapping[str, Any]) -> Entry:
    return Entry(one.tenant_id, one.fingerprint, step, unit.now_ms, detail, one.group_key)


def unacknowledge(unit: Writing, tenant_id: str, fingerprints: Iterable[str]) -> tuple[Acknowledgement, ...]:
    """Take acknowledgements back; return those that there were, with their alerts' labels."""
    found = with_labels(unit, acknowledged(unit, tenant_id, tuple(fingerprints)).values())
    _end(unit, found, "taken back")
    _tell_end(unit, found, "taken back")
    _audit(unit, "alert.unacknowledge", found)
    return found


def expire(unit: Writing) -> tuple[Acknowledgement, ...]:
    """End the acknowledgements whose time is over; return them."""
    found = tuple(Acknowledgement(*row) for row in unit.rows(_overdue(unit.now_ms)))
    _end(unit, found, "ran out")
    _tell_end(unit, found, "ran out")
    return found


def has_overdue(unit: Unit) -> bool:
    """Return whether `expire` would end anything."""
    return unit.row(_overdue(unit.now_ms)) is not None


def next_expiry_ms(unit: Unit) -> int | None:
    """Return when `expire` would end something, should nothing else happen; None for never."""
    where = (acknowledgements.c.ended_ms.is_(None), acknowledgements.c.expires_ms.is_not(None))
    found = unit.row(select(func.min(acknowledgements.c.expires_ms)).where(*where))
    return None if found is None else found[0]


def _overdue(now_ms: int) -> Any:
    return (
        select(*acknowledgements.c)
        .where(acknowledgements.c.ended_ms.is_(None), acknowledgements.c.expires_ms <= now_ms)
        .order_by(acknowledgements.c.expires_ms, acknowledgements.c.id)
        .limit(_BATCH)
    )


def end_resolved(unit: Writing, tenant_id: str, fingerprints: Iterable[str]) -> None:
    """End the acknowledgements of alerts that are over: what begins anew is told anew."""
    _end(unit, acknowledged(unit, tenant_id, tuple(fingerprints)).values(), "resolved")


def _end(unit: Writing, found: Iterable[Acknowledgement], why: str) -> None:
    values = {"ended_ms": unit.now_ms, "ended_why": why}
    ids = [one.id for one in found]
    for start in range(0, len(ids), _BATCH):
        where = acknowledgements.c.id.in_(ids[start : start + _BATCH])
        unit.execute(update(acknowledgements).where(where).values(values))


def _tell_end(unit: Writing, found: Sequence[Acknowledgement], why: str) -> None:
    name = "" if why == "ran out" else unit.author.name
    detail = {"why": why, "name": name}
    append_steps(
        unit,
        (
            _step(unit, one, Step.UNACKNOWLEDGED, {**detail, "acknowledgement": one.id, "was": one.name})
            for one in found
        ),
    )


def acknowledged(
    unit: Unit, tenant_id: str, fingerprints: Sequence[str] | None = None
) -> dict[str, Acknowledgement]:
    """Return who looks after which alerts now, by fingerprint: of these alerts, or (None) of all."""
    live = [
        acknowledgements.c.tenant_id == tenant_id,
        acknowledgements.c.ended_ms.is_(None),
        acknowledgements.c.expires_ms.is_(None) | (acknowledgements.c.expires_ms > unit.now_ms),
    ]
    statement = select(*acknowledgements.c).where(*live).order_by(acknowledgements.c.created_ms)
    if fingerprints is None:
        return {row[2]: Acknowledgement(*row) for row in unit.rows(statement)}
    found: dict[str, Acknowledgement] = {}
    for start in range(0, len(fingerprints), _BATCH):
        some = acknowledgements.c.fingerprint.in_(fingerprints[start : start + _BATCH])
        found |= {row[2]: Acknowledgement(*row) for row in unit.rows(statement.where(some))}
    return found


def drop_ended(unit: Writing, before_ms: int) -> int:
    """Take away what ended before a time, and the nonces of links that ran out; return how many."""
    unit.execute(delete(used_links).where(used_links.c.expires_ms < before_ms))
    return unit.execute(delete(acknowledgements).where(acknowledgements.c.ended_ms < before_ms))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all acknowledgements of a tenant; return how many."""
    return unit.execute(delete(acknowledgements).where(acknowledgements.c.tenant_id == tenant_id))


# -- links --


def signing_key(unit: Unit, name: str) -> bytes | None:
    """Return a key that signs links; None where it was never made."""
    found = unit.row(select(signing_keys.c.key).where(signing_keys.c.name == name))
    return None if found is None else bytes.fromhex(found[0])


def make_signing_key(unit: Writing, name: str, key: bytes) -> bytes:
    """Keep a key that signs links, unless there is one; return the one that counts."""
    found = signing_key(unit, name)
    if found is not None:
        return found
    if len(key) * 8 < _KEY_BITS:
        raise PharosError(Kind.BUG, f"a signing key of {len(key)} bytes is too short")
    unit.execute(insert(signing_keys).values(name=name, key=key.hex(), created_ms=unit.now_ms))
    return key


def is_used(unit: Unit, nonce: str) -> bool:
    """Return whether a link was used."""
    return unit.row(select(used_links.c.nonce).where(used_links.c.nonce == nonce)) is not None


def use_link(unit: Writing, nonce: str, expires_ms: int) -> None:
    """Note that a link is used. Raises PharosError(DENIED) when it was before."""
    if is_used(unit, nonce):
        raise PharosError(Kind.DENIED, "this link was used already", hint="it works once")
    unit.execute(insert(used_links).values(nonce=nonce, expires_ms=expires_ms))
