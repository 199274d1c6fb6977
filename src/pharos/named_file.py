"""Files that users name: read whole, within a bound that is looked at first."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pharos.errors import Kind, PharosError

MOST_BYTES: Final = 16 << 20


def read_named(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return what a file holds.

    Raises PharosError that names it: MISSING for no file, TOO_LARGE past the bound, INVALID for what cannot
    be read or is no regular file, such as a device or a pipe, which need not end.
    """
    try:
        # Opening a pipe must not wait for somebody to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PharosError(Kind.MISSING, f"{path}: there is no such file") from None
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise PharosError(Kind.INVALID, f"{path}: cannot be read: {reason}") from exc
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise PharosError(Kind.INVALID, f"{path}: cannot be read: it is {kind}")
    with os.fdopen(descriptor, "rb") as file:
        # A file of /proc says that it is empty, and one that is written to grows.
        content = file.read(most_bytes + 1) if found.st_size <= most_bytes else b""
    if found.st_size > most_bytes or len(content) > most_bytes:
        raise PharosError(Kind.TOO_LARGE, f"{path}: the file is larger than {most_bytes} bytes")
    return content
