"""A process that changes people's state as fast as it can, and says what was acknowledged: to be killed.

Each line on standard output is a change that was committed when the line was written.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from random import Random

from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.governance import Governance
from pharos.governance.changes import SetBounds
from pharos.secret import Secret
from pharos.state import (
    Author,
    State,
    Writing,
    accounts,
    open_state,
    proposals,
    protections,
    roles,
    tenants,
    tokens,
)
from pharos.state.accounts import NewUser
from pharos.state.protections import Protection
from pharos.state.tokens import NewToken


def change(unit: Writing, governance: Governance, name: str) -> None:
    """Make one of each, in one transaction: it is there as a whole, or not at all."""
    user = accounts.create_user(unit, NewUser(name))
    other = accounts.create_user(unit, NewUser(f"{name}-approver"))
    tenants.create_tenant(unit, name)
    roles.grant(unit, other.id, name, "governance")
    token = tokens.create_token(unit, NewToken(name, "p", f"hash of {name}", user.id, name, ("viewer",)))
    tenants.change_limits(unit, name, {"max_series": 1})
    protections.set_protection(unit, Protection("limits", name, 1, 0, 3_600_000, reasons=False))
    unit.author = Author(f"user:{user.id}", name, "more")
    proposal = governance.propose(unit, SetBounds(name, {"max_series": 2}))
    unit.author = Author(f"user:{other.id}", name, "fine")
    governance.approve(unit, proposal.id)
    tokens.revoke_token(unit, token.id)


def is_whole(state: State, name: str) -> bool:
    """Return whether all of such a change is there; it may not be there in part."""

    def look(unit: Writing) -> list[bool]:
        users = {one.name for one in accounts.list_users(unit, limit=1_000_000)}
        mine = [one for one in tokens.list_tokens(unit, tenant_id=name) if one.revoked_ms is not None]
        ended = proposals.list_proposals(unit, tenants=frozenset({name}), status=proposals.Status.APPLIED)
        found = [one.id for one in tenants.list_tenants(unit) if one.id == name]
        bounds = tenants.limits_of(unit, name)
        return [
            name in users,
            f"{name}-approver" in users,
            len(mine) == 1,
            len(ended) == 1,
            len(found) == 1,
            bounds.version == 2 and bounds.bounds == {"max_series": 2},
        ]

    found = state.read_blocking(look)  # type: ignore[arg-type]
    assert len(set(found)) == 1, (name, found)
    return found[0]


def main(address: str, prefix: str) -> None:
    """Change until killed; a database that is away is waited for, and what it did not say is not told."""
    where = Secret(address) if address.startswith("postgresql://") else Path(address)
    with open_state(where, SystemClock(), Random(prefix)) as state:
        governance = Governance(state)
        number = 0
        while True:
            number += 1
            name = f"{prefix}-{number}"
            try:
                state.write_blocking(partial(change, governance=governance, name=name), Author("user:load"))
            except PharosError as exc:
                if exc.kind is not Kind.UNAVAILABLE:
                    raise
                print("away", flush=True)
                threading.Event().wait(0.05)
                continue
            print(name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
