"""Where each file is, kept on the disk: written anew as a whole, and never half."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from msgspec.structs import asdict

from pharos.durable import replace_durably
from pharos.ingest.files.follow import Position

_MOST: Final = 100_000


class Positions:
    """The positions of files by their keys."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _read(path)

    def of(self, key: str) -> Position | None:
        """Return how far a file was taken; None for one that is new."""
        return self._kept.get(key)

    def all(self) -> Mapping[str, Position]:
        """Return all of them."""
        return self._kept

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever taken."""
        return not self._kept

    def keep(self, changed: Mapping[str, Position], gone: frozenset[str] = frozenset()) -> None:
        """Write positions durably. Raises OSError."""
        kept = {**self._kept, **changed}
        for key in gone - changed.keys():
            kept.pop(key, None)
        while len(kept) > _MOST:
            kept.pop(next(iter(kept)))
        replace_durably(self._path, orjson.dumps({key: asdict(one) for key, one in kept.items()}))
        self._kept = kept


def _read(path: Path) -> dict[str, Position]:
    """Return what is on the disk; nothing where there is nothing, or nothing that can be read."""
    found: Any = {}
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        found = orjson.loads(path.read_bytes())
    kept: dict[str, Position] = {}
    for key, one in found.items() if isinstance(found, dict) else ():
        with contextlib.suppress(TypeError):
            kept[key] = Position(**one)
    return kept
