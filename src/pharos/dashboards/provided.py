"""Dashboards that nobody saved here: those that come with Pharos, and files of watched folders.

They are read again when the files change. A file that is not good keeps what was read of it before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from pharos.dashboards.classic import every_panel
from pharos.dashboards.document import MOST_BYTES, Brought, Format, parse_text, uid_of_title, unwrap
from pharos.dashboards.reading import text
from pharos.errors import PharosError

_LOG = logging.getLogger(__name__)
_SHIPPED: Final = Path(__file__).parent / "shipped"
SHIPPED_FOLDER: Final = "pharos-shipped"
_MOST_FILES: Final = 2_000
_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml"})


class Watched(Struct, frozen=True):
    """A folder of files, and whose dashboards these are."""

    path: Path
    tenant: str
    title: str


class Provided(Struct, frozen=True):
    """A dashboard that a file holds."""

    uid: str
    brought: Brought
    text: str
    """The file as it is."""
    tenant: str
    """Whose it is; empty for everybody's."""
    folder: str
    folder_title: str
    file: str
    """Its name, from the watched folder on; empty for one that comes with Pharos."""
    changed_ms: int
    panels: int

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with Pharos."""
        return not self.file


class _Known(Struct):
    """What was read of a file, and what it looked like then."""

    stamp: tuple[int, int]
    found: Provided | None


class ProvidedDashboards:
    """All dashboards of files; `look` reads what changed, and blocks."""

    def __init__(self, watched: Sequence[Watched], *, ships: bool = True) -> None:
        self._watched = tuple(watched)
        self._known: dict[Path, _Known] = {}
        self._shipped = tuple(_shipped()) if ships else ()
        self._by_tenant: dict[str, dict[str, Provided]] = {}
        self.faults: dict[str, str] = {}
        """What is wrong with which file."""

    def of(self, tenant: str) -> dict[str, Provided]:
        """Return the dashboards that a tenant sees, by uid."""
        return {**{one.uid: one for one in self._shipped}, **self._by_tenant.get(tenant, {})}

    def watch(self, watched: Sequence[Watched]) -> None:
        """Watch other folders from now on."""
        self._watched = tuple(watched)

    def look(self) -> bool:
        """Read the files that changed; return whether any dashboard did."""
        seen: dict[Path, _Known] = {}
        faults: dict[str, str] = {}
        for one in self._watched:
            for path in _files(one.path):
                if path not in seen and len(seen) < _MOST_FILES:
                    seen[path] = self._read(one, path, faults)
        changed = {path: known.stamp for path, known in seen.items()} != {
            path: known.stamp for path, known in self._known.items()
        }
        self._known, self.faults = seen, faults
        if changed or not self._by_tenant:
            self._by_tenant = _by_tenant(seen, faults)
        return changed

    def _read(self, watched: Watched, path: Path, faults: dict[str, str]) -> _Known:
        name = path.relative_to(watched.path).as_posix()
        known = self._known.get(path)
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if known is not None and known.stamp == stamp:
                return known
            said = path.read_bytes()[: MOST_BYTES + 1].decode()
            brought = unwrap(parse_text(said))
        except (OSError, ValueError, PharosError) as exc:
            faults[name] = str(exc)
            if known is None or known.stamp != (0, 0):
                _LOG.warning("the dashboard %s cannot be read: %s", path, exc)
            return _Known((0, 0), None if known is None else known.found)
        return _Known(stamp, _provided(watched, path, name, said, brought, stat.st_mtime_ns // 1_000_000))


def _provided(
    watched: Watched, path: Path, name: str, said: str, brought: Brought, changed_ms: int
) -> Provided:
    inner = path.parent.relative_to(watched.path).as_posix()
    title = watched.title if inner == "." else " / ".join(part for part in (watched.title, inner) if part)
    return Provided(
        uid=brought.uid or uid_of_title(path.stem),
        brought=brought,
        text=said,
        tenant=watched.tenant,
        folder=f"files-{uid_of_title(title or 'files')}",
        folder_title=title or "Files",
        file=name,
        changed_ms=changed_ms,
        panels=count_panels(brought),
    )


def _by_tenant(seen: dict[Path, _Known], faults: dict[str, str]) -> dict[str, dict[str, Provided]]:
    found: dict[str, dict[str, Provided]] = {}
    for known in seen.values():
        one = known.found
        if one is None:
            continue
        mine = found.setdefault(one.tenant, {})
        if one.uid in mine:
            faults[one.file] = f"the uid {one.uid!r} is that of {mine[one.uid].file}, too"
            continue
        mine[one.uid] = one
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and those in it, in order; of hidden ones nothing."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.suffix in _SUFFIXES and path.is_file():
            yield path


def _shipped() -> Iterator[Provided]:
    for path in sorted(_SHIPPED.glob("*.json")):
        said = path.read_text(encoding="utf-8")
        brought = unwrap(parse_text(said))
        yield Provided(
            uid=brought.uid,
            brought=brought,
            text=said,
            tenant="",
            folder=SHIPPED_FOLDER,
            folder_title="Pharos",
            file="",
            changed_ms=0,
            panels=count_panels(brought),
        )


def count_panels(brought: Brought) -> int:
    """Return how many panels a dashboard has, headings aside."""
    if brought.format is Format.V2:
        return len(brought.spec["elements"])
    return sum(text(one.get("type")) != "row" for one in every_panel(brought.spec))
