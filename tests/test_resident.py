"""What is given back after a start."""

from __future__ import annotations

import gc
import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pharos import resident

_BYTES = 8 << 20


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def _resident_bytes(path: Path) -> int:
    return sum(one.resident_kb << 10 for one in resident._unwritten(_entries(path)))


def _entries(path: Path) -> str:
    """Return the part of the process' mappings that is about the file."""
    maps = resident._read_maps()
    start = next(at for at, line in enumerate(maps.splitlines()) if line.endswith(str(path)))
    return "\n".join(maps.splitlines()[start : start + 30]).split("VmFlags", 1)[0]


def test_pages_of_a_file_are_given_back_and_read_again(tmp_path: Path, thawed: None) -> None:
    path = tmp_path / "library"
    content = bytes(range(256)) * (_BYTES // 256)
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), _BYTES, mmap.MAP_PRIVATE, mmap.PROT_READ) as view:
        assert view[:] == content
        assert _resident_bytes(path) == _BYTES
        assert resident.settle() >= _BYTES
        assert _resident_bytes(path) == 0
        assert view[:] == content


def test_pages_that_were_written_stay(tmp_path: Path, thawed: None) -> None:
    path = tmp_path / "library"
    path.write_bytes(bytes(_BYTES))
    access = mmap.PROT_READ | mmap.PROT_WRITE
    with path.open("r+b") as file, mmap.mmap(file.fileno(), _BYTES, mmap.MAP_PRIVATE, access) as view:
        view[:3] = b"own"
        resident.settle()
        assert view[:3] == b"own"


_ENTRY = """7f00-7f{size} {access} 00000000 fe:00 1 {path}
Size:               4096 kB
Rss:                {rss} kB
Anonymous:          {own} kB
VmFlags: rd mr mw me
"""


@pytest.mark.parametrize(
    ("access", "path", "rss", "own"),
    [
        ("rw-p", "/lib/a.so", 4096, 0),
        ("r--p", "/lib/a.so", 4096, 4),
        ("r--s", "/lib/a.so", 4096, 0),
        ("r-xp", "", 4096, 0),
        ("r-xp", "[vdso]", 4096, 0),
        ("r-xp", "/lib/a.so", 64, 0),
    ],
    ids=["writable", "written before", "shared", "no file", "the kernel's", "small"],
)
def test_what_is_not_an_untouched_file_is_left_alone(access: str, path: str, rss: int, own: int) -> None:
    assert resident._unwritten(_ENTRY.format(size="ff", access=access, path=path, rss=rss, own=own)) == []


def test_an_untouched_file_is_found_among_others() -> None:
    entries = [
        _ENTRY.format(size="10", access="rw-p", path="", rss=4096, own=4096),
        _ENTRY.format(size="ff", access="r-xp", path="/lib/with space.so", rss=4096, own=0),
    ]
    assert resident._unwritten("".join(entries)) == [(0x7F00, 0xFF, 4096)]


def test_without_a_list_of_mappings_nothing_is_given_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, thawed: None
) -> None:
    monkeypatch.setattr(resident, "_MAPS", tmp_path / "none")
    assert resident.settle() == 0
