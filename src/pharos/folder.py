"""The data folder: its lock, and the small files that a running server leaves for other commands."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.secret import Secret

ADMIN_KEY_FILE: Final = "admin-key"
LOCK_FILE: Final = "lock"
"""What every data folder has, and by which it is told from others."""
_LOST: Final = "lost+found"
"""What a file system puts into its root."""


class FolderInUseError(PharosError):
    """Another process holds the data folder."""


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other processes off the folder; the lock goes with the process, however it ends.

    Raises FolderInUseError(UNAVAILABLE) when another process holds it, PharosError(INVALID) when it is no
    folder that can be written to, or holds something that is not Pharos'.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_ours(folder)
        file = (folder / LOCK_FILE).open("a+")
    except OSError as exc:
        raise PharosError(
            Kind.INVALID,
            f"cannot use the data folder {folder}: {_folder_reason(exc)}",
            hint="name a folder that this user may write to with --data",
        ) from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise FolderInUseError(
                Kind.UNAVAILABLE,
                f"the folder {folder} is in use by another pharos (process {owner})",
                hint="stop that one, or name another folder with --data",
            ) from exc
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _check_ours(folder: Path) -> None:
    names = {entry.name for entry in folder.iterdir()}
    foreign = sorted(name for name in names - {_LOST} if not name.startswith("."))
    if foreign and LOCK_FILE not in names:
        raise PharosError(
            Kind.INVALID,
            f"{folder} is not empty, and holds no data of Pharos ({', '.join(foreign[:3])})",
            hint="name a new or empty folder with --data",
        )


def _folder_reason(error: OSError) -> str:
    # Making a folder says that there is something already, not what.
    return (
        "it is not a folder"
        if isinstance(error, FileExistsError | NotADirectoryError)
        else str(error.strerror)
    )


def new_admin_key(folder: Path) -> Secret:
    """Return this run's key: who may read the data folder may ask for snapshots, nobody else.

    Raises PharosError(UNAVAILABLE) when it cannot be written.
    """
    key = secrets.token_urlsafe(32)
    path = folder / ADMIN_KEY_FILE
    try:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot write {path}: {exc.strerror}") from exc
    return Secret(key)


ADDRESS_FILE: Final = "address"
"""Where a running server's address lies in its data folder; other commands look there."""
