"""Objectives that people keep here, of every tenant, with the groups of their rules."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from msgspec import Struct, field

from pharos.access import DEFAULT
from pharos.errors import Kind, PharosError
from pharos.rules.spec import RuleGroup
from pharos.slo.definition import Definition, read_definition
from pharos.slo.objective import Objective
from pharos.slo.specification import groups_of
from pharos.slo.windows import BurnWindows
from pharos.state import Unit
from pharos.state.documents import Defined, Version, list_documents

_LOG = logging.getLogger(__name__)

FILE: Final = "objectives"
"""What stands for a file where rules of kept objectives are shown."""


class Known(Struct, frozen=True):
    """An objective that a server has, and where it is from."""

    definition: Definition
    version: Version | None = None
    """As it is kept; None for one of a file."""

    @property
    def objective(self) -> Objective:
        """What is promised."""
        return self.definition.objective

    def groups(self) -> list[RuleGroup]:
        """Return the groups of its rules."""
        groups = groups_of(self.objective, design=self.definition.design)
        return [replace(one, file=self.objective.file or FILE) for one in groups]


class Objectives(Struct):
    """Those that a server has now."""

    current: tuple[Objective, ...] = ()
    """Of files, which are the default tenant's."""
    kept: Mapping[str, tuple[Known, ...]] = field(default_factory=dict)
    """By tenant."""
    windows: Mapping[int, BurnWindows] = field(default_factory=dict)
    """Those of files, by their period, in the place of the workbook's."""

    def of_files(self, tenant: str) -> list[Known]:
        """Return a tenant's objectives of files."""
        return [Known(Definition(one)) for one in self.current] if tenant == DEFAULT.tenant else []

    def of(self, tenant: str) -> list[Known]:
        """Return a tenant's objectives, those of files first."""
        return [*self.of_files(tenant), *self.kept.get(tenant, ())]


def require_free(others: Iterable[Known], definition: Definition) -> None:
    """Raise PharosError(INVALID) where one of the others has the id of an objective already."""
    one = definition.objective
    for known in others:
        is_same = known.version is not None and known.objective.name == one.name
        if not is_same and known.objective.id == one.id:
            where = known.objective.file or "one of another name"
            raise PharosError(
                Kind.INVALID, f"there is an objective {one.id!r} already: {where}", hint="choose another name"
            )


def read_known(version: Version) -> Known:
    """Return a kept objective. Raises FaultsError, and PharosError(MISSING) where it was taken away."""
    if version.document is None:
        raise PharosError(Kind.MISSING, f"there is no objective {version.name!r}")
    return Known(read_definition(version.document, version.name), version)


def kept_objectives(unit: Unit, tenant: str | None = None) -> dict[str, tuple[Known, ...]]:
    """Return the objectives of a tenant, or of all; one that cannot be read any more is told of, and left
    out.
    """
    found: dict[str, tuple[Known, ...]] = {}
    for version in list_documents(unit, Defined.SLO, tenant):
        try:
            found[version.tenant_id] = (*found.get(version.tenant_id, ()), read_known(version))
        except PharosError as exc:
            _LOG.warning("objective %r of %s is not watched: %s", version.name, version.tenant_id, exc)
    return found
