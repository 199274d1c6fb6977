"""Rule files by the patterns that name them."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob
from pathlib import Path

from pharos.document import FaultsError
from pharos.errors import PharosError
from pharos.rules.runbooks import with_runbooks
from pharos.rules.spec import RuleGroup, load_rules


def files_of(patterns: Iterable[str]) -> list[Path]:
    """Return the files that patterns name, each once, in their order; a pattern may name none."""
    # Not Path.glob: its pattern has no absolute form.
    found = (path for pattern in patterns for path in sorted(glob(pattern)))  # noqa: PTH207
    return list(dict.fromkeys(map(Path, found)))


def load_files(patterns: Iterable[str]) -> list[RuleGroup]:
    """Return the groups of all files that patterns name, with the runbooks that lie beside them.

    Raises FaultsError with everything that is wrong in any of them.
    """
    groups: list[RuleGroup] = []
    faults: list[PharosError] = []
    for path in files_of(patterns):
        try:
            groups += with_runbooks(load_rules(path).groups, path)
        except FaultsError as exc:
            faults += exc.faults
        except PharosError as exc:
            faults.append(exc)
    if faults:
        raise FaultsError(tuple(faults))
    return groups
