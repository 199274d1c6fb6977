"""Who can give a permission, as the pages say it, is who can by the roles that there are."""

from __future__ import annotations

import re
from pathlib import Path

from pharos.access import ANY_IDENTITY, OF_THE_WHOLE, PERMISSIONS, ROLES

PAGES = Path(__file__).parents[2] / "ui/src/session"


def _listed(file: str, start: str, end: str) -> set[str]:
    text = (PAGES / file).read_text().partition(start)[2].partition(end)[0]
    return set(re.findall(r"'([a-z]+\.[a-z_]+)'", text))


def test_who_gives_a_permission_is_who_has_it_and_manages_members() -> None:
    known = _listed("session.ts", "export type Permission =", ";")
    assert known
    assert known <= set(PERMISSIONS)
    for permission in known - {ANY_IDENTITY}:
        # Nobody gives what they do not have, and what is of the whole server is no tenant's to give.
        givers = {
            role.name
            for role in ROLES.values()
            if {"members.manage", permission} <= role.permissions
            and (permission not in OF_THE_WHOLE or role.name == "operator")
        }
        if permission in _listed("lacking.ts", "OF_OPERATORS: readonly Permission[] = [", "]"):
            assert givers == {"operator"}, permission
        elif permission in _listed("lacking.ts", "OF_DAO_ADMINS: readonly Permission[] = [", "]"):
            assert givers == {"operator", "dao-admin"}, permission
        else:
            assert "admin" in givers, permission
