"""What `pharos check` says of a file of rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pharos.rules.files import files_of, load_files
from pharos.rules.spec import duplicates, load_rules


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file; raises PharosError for what is wrong."""
    return list(duplicates(load_rules(path)))


def notices_of_all(patterns: Iterable[str]) -> list[str]:
    """Return the same of all files that patterns name; raises FaultsError with all that is wrong in any."""
    paths = files_of(patterns)
    load_files(map(str, paths))
    return [notice for path in paths for notice in notices_of(path)]
