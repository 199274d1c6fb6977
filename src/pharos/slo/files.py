"""Objectives of files that patterns name, as a server has them: with the groups of their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from msgspec import Struct, field

from pharos.rules.files import files_of
from pharos.rules.spec import RuleGroup
from pharos.slo.objective import Objective
from pharos.slo.specification import load_specification
from pharos.slo.windows import BurnWindows, load_windows

_OF_WINDOWS = ".windows.yml"


class LoadedObjectives(Struct, frozen=True):
    """The objectives of files, and the groups of rules that are made of them."""

    objectives: tuple[Objective, ...] = ()
    groups: tuple[RuleGroup, ...] = ()
    notices: tuple[str, ...] = ()
    windows: Mapping[int, BurnWindows] = field(default_factory=dict)
    """Those that lie beside the specifications, by their period."""


def load_objectives(patterns: Iterable[str]) -> LoadedObjectives:
    """Return the objectives of all files that patterns name; those called *.windows.yml hold alert windows.

    Raises FaultsError with everything that is wrong in any of them, and PharosError for a file that cannot be
    read.
    """
    paths = files_of(patterns)
    specifications = [path for path in paths if not path.name.endswith(_OF_WINDOWS)]
    if not specifications:
        return LoadedObjectives()
    own = own_windows(specifications)
    found = load_specification(specifications, own=own)
    made = zip(found.objectives, found.groups, strict=True)
    groups = [replace(group, file=one.file) for one, groups in made for group in groups]
    return LoadedObjectives(found.objectives, tuple(groups), found.notices, own)


def own_windows(paths: Iterable[Path]) -> dict[int, BurnWindows]:
    """Return the windows that lie beside specifications, by their period. Raises as `load_windows`."""
    beside = [path.with_name(f"{path.stem}{_OF_WINDOWS}") for path in paths]
    return {one.period_ms: one for one in (load_windows(path) for path in beside if path.is_file())}
