"""What people say, kept for ever: accounts, tenants, limits, proposals, and who changed what.

`open_state` opens it, over SQLite or PostgreSQL. A `State` runs functions that take a unit of work: what they
read is one state of everything, what they change is committed, durably, before they have returned. Each
family of tables is a module (`accounts`, `tokens`, `sessions`, `roles`, `tenants`, `usage`, `audit`), whose
functions take the unit and return frozen records; each change of theirs is written into the audit log in the
same transaction.
"""

from __future__ import annotations

from pharos.state.database import Address
from pharos.state.door import State, StateStatus, open_state
from pharos.state.tables import Family
from pharos.state.unit import PHAROS, Author, Unit, Writing

__all__ = ["PHAROS", "Address", "Author", "Family", "State", "StateStatus", "Unit", "Writing", "open_state"]
