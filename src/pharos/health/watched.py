"""A check that is watched: what is declared of it, and what is known of it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from pharos.access import DEFAULT
from pharos.errors import PharosError
from pharos.health.check import AnyCheck, Component, read_check, read_component
from pharos.health.days import Days
from pharos.health.files import Declared
from pharos.health.heartbeat import Beats
from pharos.health.looking import Outcome
from pharos.health.series import Series
from pharos.health.standing import Standing
from pharos.state import Unit
from pharos.state.documents import Defined, Version, list_documents
from pharos.state.tenants import list_tenants

_LOG = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, str]
"""A tenant, and the name of a check."""
RECENT: Final = 60
"""So many looks are remembered for a picture of how long they took."""


class Declaration(Struct, frozen=True):
    """What is said of a check, and where."""

    check: AnyCheck
    document: Mapping[str, Any]
    file: str = ""
    """Empty where it is kept here."""
    version: int = 0
    at_ms: int = 0
    by: str = ""


class Wanted(Struct, frozen=True):
    """All that is declared: by files, which are the default tenant's, and by people."""

    checks: Mapping[Key, Declaration] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, Component]] = field(default_factory=dict)
    """By tenant and name."""


class Kept(Struct, frozen=True):
    """What people keep, of tenants that are open."""

    checks: tuple[Version, ...] = ()
    components: tuple[Version, ...] = ()


class Watched(Struct):
    """A check, how it stands, and what of that is not kept yet."""

    tenant: str
    declared: Declaration
    series: Series
    standing: Standing = field(default_factory=Standing)
    days: Days = field(default_factory=Days)
    beats: Beats = field(default_factory=Beats)
    last: Outcome | None = None
    recent: deque[Outcome] = field(default_factory=lambda: deque(maxlen=RECENT))
    doubted_ms: int = 0
    """Since when it would be down, had what it depends on been looked at; 0 where it is not in doubt."""
    began_ms: int = 0
    """Since when it could be heard of, without a gap, by this server or one before it."""
    is_ours: bool = False
    """Whether it was made here when that was looked at last."""
    is_looking: bool = False
    is_changed: bool = False

    @property
    def check(self) -> AnyCheck:
        """The check."""
        return self.declared.check

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.tenant, self.declared.check.name

    def document(self) -> dict[str, Any]:
        """Return what is kept of how it stands, but for what was heard of it."""
        last = {} if self.last is None else self.last.document()
        return {"standing": self.standing.document(), "last": last, "began_ms": self.began_ms}


def kept_definitions(unit: Unit) -> Kept:
    """Return the checks and components that people keep, without those of closed tenants."""
    closed = {
        one.id
        for one in list_tenants(unit, deleted=True)
        if one.suspended_ms is not None or one.deleting_ms is not None or one.deleted_ms is not None
    }
    found = [
        tuple(one for one in list_documents(unit, kind) if one.tenant_id not in closed)
        for kind in (Defined.CHECK, Defined.COMPONENT)
    ]
    return Kept(*found)


Parsed: TypeAlias = dict[tuple[str, Defined, str, int], AnyCheck | Component | None]
"""What documents say, by tenant, kind, name and version; None for what cannot be read."""


def wanted(declared: Declared, kept: Kept, parsed: Parsed) -> Wanted:
    """Return all that is declared; a file's word counts more. What cannot be read any more is left out.

    `parsed` has what was read before, and is brought to what is kept now.
    """
    _parse(kept, parsed)
    checks: dict[Key, Declaration] = {}
    components: dict[str, dict[str, Component]] = {}
    for one in (*kept.checks, *kept.components):
        found = parsed[_place(one)]
        if isinstance(found, Component):
            components.setdefault(one.tenant_id, {})[one.name] = found
        elif found is not None:
            by = one.who_name or one.who
            checks[one.tenant_id, one.name] = Declaration(
                found, one.document or {}, "", one.version, one.at_ms, by
            )
    for name, check in declared.checks.items():
        checks[DEFAULT.tenant, name] = Declaration(check, declared.documents[name], declared.files[name])
    if declared.components:
        components.setdefault(DEFAULT.tenant, {}).update(declared.components)
    return Wanted(checks, components)


def _place(one: Version) -> tuple[str, Defined, str, int]:
    return one.tenant_id, one.kind, one.name, one.version


def _parse(kept: Kept, parsed: Parsed) -> None:
    """Read what was not read yet, and let go of what is kept no more."""
    here = {_place(one): one for one in (*kept.checks, *kept.components)}
    for place in parsed.keys() - here.keys():
        del parsed[place]
    for place, one in here.items():
        if place in parsed:
            continue
        reader = read_check if one.kind is Defined.CHECK else read_component
        try:
            parsed[place] = reader(one.document or {}, one.name)
        except PharosError as exc:
            parsed[place] = None
            _LOG.error("tenant %s: the %s %r is not followed: %s", one.tenant_id, one.kind, one.name, exc)
