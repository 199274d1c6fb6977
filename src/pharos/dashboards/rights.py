"""Who may see and change what lies in which folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from pharos.access import IdentityKind, Scope
from pharos.state import Unit
from pharos.state.dashboard_folders import Allowed, Entry, Folder, all_entries, list_folders
from pharos.state.roles import memberships_of
from pharos.state.tokens import token

EDIT: Final = "dashboards.edit"
_ALWAYS: Final = "members.manage"
_EVERYONE: Final = "everyone"


class Rights(Struct, frozen=True):
    """What somebody may do in a tenant's folders."""

    folders: Mapping[str, Folder]
    entries: Mapping[str, tuple[Entry, ...]]
    subjects: frozenset[str]
    may_edit_any: bool
    is_everywhere: bool
    """Whether no entry shuts them out."""
    _known: dict[str, Allowed | None] = field(default_factory=dict)

    def entries_of(self, uid: str) -> tuple[Entry, ...]:
        """Return the entries that count in a folder: its own, or those of the next one around with any."""
        for _ in range(len(self.folders) + 1):
            if not uid or uid in self.entries:
                break
            folder = self.folders.get(uid)
            uid = "" if folder is None else folder.parent
        return self.entries.get(uid, ())

    def _allowed(self, uid: str) -> Allowed | None:
        if uid not in self._known:
            found = self.entries_of(uid)
            mine = [one.permission for one in found if one.subject in self.subjects]
            order = list(Allowed)
            best = max(mine, key=order.index, default=None)
            self._known[uid] = Allowed.EDIT if not found else best
        return self._known[uid]

    def may_view(self, uid: str) -> bool:
        """Return whether what lies in a folder may be seen; the empty uid is no folder."""
        return self.is_everywhere or self._allowed(uid) is not None

    def may_edit(self, uid: str) -> bool:
        """Return whether what lies in a folder may be changed."""
        if not self.may_edit_any:
            return False
        return self.is_everywhere or self._allowed(uid) in {Allowed.EDIT, Allowed.MANAGE}

    def may_manage(self, uid: str) -> bool:
        """Return whether it may be said who may what in a folder."""
        return self.is_everywhere or (self.may_edit_any and self._allowed(uid) is Allowed.MANAGE)

    def is_restricted(self, uid: str) -> bool:
        """Return whether a folder is not as everybody's role says."""
        return bool(self.entries_of(uid))


def read_rights(unit: Unit, scope: Scope) -> Rights:
    """Return what who asks may do in the folders of their tenant."""
    tenant = scope.alone().tenant
    return Rights(
        folders={one.uid: one for one in list_folders(unit, tenant)},
        entries=all_entries(unit, tenant),
        subjects=_subjects(unit, scope),
        may_edit_any=EDIT in scope.permissions,
        is_everywhere=scope.is_local or _ALWAYS in scope.permissions,
    )


def _subjects(unit: Unit, scope: Scope) -> frozenset[str]:
    who, tenant = scope.who, scope.tenant
    found = {_EVERYONE, f"{who.kind}:{who.id}"}
    if who.kind is IdentityKind.USER:
        found |= {
            f"role:{one.role}" for one in memberships_of(unit, who.id) if one.tenant_id in {None, tenant}
        }
    elif who.kind is IdentityKind.TOKEN:
        found |= {f"role:{one}" for one in token(unit, who.id).roles}
    return frozenset(found)
