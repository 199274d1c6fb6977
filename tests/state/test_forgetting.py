"""What the state holds of a tenant goes with it, whatever tables are added."""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select
from tests.state.test_account_tables import read, write
from tests.state.test_copies import fill

from pharos.state import State, Unit, tables
from pharos.tenants.tenancy import forget_in_state

KEPT = {
    "limits": "nobody's secret, and its id never means another",
    "tokens": "revoked, and what they did is found in the audit log",
    "proposals": "who decided what stays, as the audit log does",
    "protections": "a rule over policies, not of what the tenant holds",
}


def _rows_of_tenant(unit: Unit, tenant_id: str) -> dict[str, int]:
    """Return how many rows each table has of a tenant; of the table of tenants itself there is one."""
    found = {}
    for table in tables.METADATA.sorted_tables:
        if "tenant_id" in table.c:
            counted = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
            [(found[table.name],)] = unit.rows(counted)
    return found


def test_every_table_is_free_of_a_deleted_tenant(state: State) -> None:
    write(state, fill)
    before = read(state, partial(_rows_of_tenant, tenant_id="b"))
    assert len(before) > 20
    write(state, partial(forget_in_state, tenant_id="b"))
    left = read(state, partial(_rows_of_tenant, tenant_id="b"))
    assert {name for name, count in left.items() if count and name not in KEPT} == set()
