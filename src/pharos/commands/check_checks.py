"""What `pharos check` says of a file of checks of health."""

from __future__ import annotations

from pathlib import Path

from pharos.health.files import read_files


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file: nothing; raises PharosError for what is wrong."""
    read_files([path])
    return []
