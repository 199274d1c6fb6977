"""What `pharos check` says of an alertmanager.yml."""

from __future__ import annotations

import glob
from pathlib import Path

from pharos.alerting.config import load_alerting
from pharos.commands.deferred import imported
from pharos.named_file import read_named


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file; raises PharosError for what is wrong."""
    config = load_alerting(path)
    has_files = any(glob.glob(pattern) for pattern in config.templates)  # noqa: PTH207 - it may be absolute
    if not has_files and b"{{" not in read_named(path):
        # What reads templates is not loaded for files that have none.
        return list(config.notices)
    found: list[str] = imported("pharos.commands.check_templates").notices_of(path, config)
    return [*config.notices, *found]
