"""Which of several processes on one database evaluates a group of rules, or makes a check of health.

Each of them gives a sign of life with one row; a group's row names the one that has it. A group whose holder
is not heard of any more is free, and so is one that was given back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import BigInteger, Column, Table, delete, select, update

from pharos.state.tables import METADATA, Words
from pharos.state.unit import Unit, Writing

rule_holders: Final = Table(
    "rule_holders",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("beaten_ms", BigInteger, nullable=False),
)
rule_leases: Final = Table(
    "rule_leases",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("rule_group", Words, primary_key=True),
    Column("holder", Words, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

LEASE_MS: Final = 5_000
_LEASE_AT_MOST_MS: Final = 10 * LEASE_MS
"""A sign of life from later than that was given by a clock that is wrong."""
_KEPT_MS: Final = 86_400_000
_AT_ONCE: Final = 300
_FREE: Final = ""

Place = tuple[str, str]
"""Tenant, and key of the group of rules, which has a `;`, or what stands for a check, which has none."""


def share(unit: Writing, name: str, wanted: Collection[Place], *, may_take: bool = True) -> dict[Place, int]:
    """Give a sign of life, and return all groups that `name` has: until when another one looked after each.

    That is 0 where nobody did. Of the wanted ones all that nobody has become its own, and, with `may_take`,
    those whose holder is not heard of any more; what it does not want any more is given up for good.
    """
    beaten = {row[0]: row[1] for row in unit.rows(select(rule_holders.c.name, rule_holders.c.beaten_ms))}
    alive = {other for other, at_ms in beaten.items() if -_LEASE_AT_MOST_MS < unit.now_ms - at_ms <= LEASE_MS}
    unit.upsert(rule_holders, [{"name": name, "beaten_ms": unit.now_ms}])
    old = [other for other, at_ms in beaten.items() if abs(unit.now_ms - at_ms) > _KEPT_MS]
    if old:
        unit.execute(delete(rule_holders).where(rule_holders.c.name.in_(old[:_AT_ONCE])))
    columns = (
        rule_leases.c.tenant_id,
        rule_leases.c.rule_group,
        rule_leases.c.holder,
        rule_leases.c.until_ms,
    )
    rows = {(row[0], row[1]): (row[2], row[3]) for row in unit.rows(select(*columns))}
    held = {place: until_ms for place, (holder, until_ms) in rows.items() if holder == name}
    won: dict[Place, int] = {}
    for place in sorted(set(wanted) - held.keys()):
        holder, until_ms = rows.get(place, (_FREE, 0))
        if holder == _FREE or (may_take and holder not in alive):
            won[place] = max(until_ms, beaten.get(holder, 0))
    unit.upsert(
        rule_leases,
        [
            {"tenant_id": place[0], "rule_group": place[1], "holder": name, "until_ms": until_ms}
            for place, until_ms in won.items()
        ],
    )
    left = held.keys() - set(wanted)
    _drop(unit, left)
    return {place: until_ms for place, until_ms in {**held, **won}.items() if place not in left}


def _drop(unit: Writing, places: Collection[Place]) -> None:
    for tenant_id, rule_group in sorted(places):
        where = (rule_leases.c.tenant_id == tenant_id, rule_leases.c.rule_group == rule_group)
        unit.execute(delete(rule_leases).where(*where))


def is_holder(unit: Unit, name: str, place: Place) -> bool:
    """Return whether a group is the one's of that name."""
    where = (
        rule_leases.c.tenant_id == place[0],
        rule_leases.c.rule_group == place[1],
        rule_leases.c.holder == name,
    )
    return unit.row(select(rule_leases.c.holder).where(*where)) is not None


def of_holder(unit: Unit, name: str) -> set[Place]:
    """Return all that the one of that name has."""
    columns = rule_leases.c
    rows = unit.rows(select(columns.tenant_id, columns.rule_group).where(columns.holder == name))
    return {(tenant_id, rule_group) for tenant_id, rule_group in rows}


def release(unit: Writing, name: str) -> None:
    """Give all back that the one of that name has: whoever asks next goes on."""
    given = {"holder": _FREE, "until_ms": unit.now_ms}
    unit.execute(update(rule_leases).where(rule_leases.c.holder == name).values(**given))
    unit.execute(delete(rule_holders).where(rule_holders.c.name == name))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Forget who has the groups of a tenant; return how many."""
    return unit.execute(delete(rule_leases).where(rule_leases.c.tenant_id == tenant_id))
