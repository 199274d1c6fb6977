"""Tokens of insertions that were cut short do not count, so that what they were to store is stored yet.

The engine writes the token of an insertion to the table's deduplication log, and only then renames the new
part into its place (MergeTreeSink, `addPart` before `renameTempPartAndAdd`). A process killed between the two
leaves a token without a part, and the repetition with the same token would be taken for a duplicate:
acknowledged samples would be gone. So before the store is opened, every token whose part is not there gets
the record by which the engine itself takes a token back. An open table has its tokens in memory: there that
is done while it is closed for a moment (`mending.py`).

A record is a line: operation (1 adds, 2 drops), part, hash of the token; separated by tabs
(MergeTreeDeduplicationLog, `writeRecord`). A part is named partition_first_last_level, with the numbers of
the first and the last insertion that it holds, those merged into it included.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pharos.clock import SystemClock

_ADDED: Final = "1"
_DROPPED: Final = "2"
_PART_FIELDS: Final = (4, 5)  # a fifth is the number of the mutation
_KEPT_S: Final = 240.0
"""Half of the time for which the engine keeps what it merged (`old_parts_lifetime`)."""
_SET_ASIDE: Final = re.compile(
    r"broken[a-z-]*_(?P<partition>[^_]+)_(?P<first>\d+)_(?P<last>\d+)_\d+(_\d+)?(_try\d+)?"
)


def forget_unstored(store: Path) -> int:
    """Take back the tokens of parts that are not in the store's folder; return how many there were.

    Nobody may have the store open. Durable when it returns. Raises OSError.
    """
    forgotten = 0
    for logs in _folders(store):
        files, unstored = _unstored(logs)
        forgotten += len(unstored)
        for path in files:
            _cut_torn_record(path)
        if unstored:
            with files[-1].open("ab") as file:
                file.writelines(f"{_DROPPED}\t{part}\t{token}\n".encode() for part, token in unstored)
                file.flush()
                os.fsync(file.fileno())
    return forgotten


def has_unstored(store: Path) -> bool:
    """Return whether a token's part is not there, while no insertion is under way."""
    return any(_unstored(logs)[1] for logs in _folders(store))


def remove_unrecorded(store: Path, since_s: float) -> None:
    """Remove parts, inserted since then, whose token the log lacks.

    The log itself may be what the disk did not take. Whoever inserted was told that it failed, and what is
    repeated would be there twice. A part into which such a one was merged goes with it, as long as the engine
    surely keeps what else it was made of. Nobody may have the tables open. Raises OSError.
    """
    if SystemClock().now_ms() / 1000 - since_s > _KEPT_S:
        return
    for logs in _folders(store):
        paths = logs.glob("deduplication_log_*.txt")
        recorded = {part for path in paths for operation, part, _ in _records(path) if operation == _ADDED}
        new = [path for path in _parts(logs.parent) if is_written_since(path, since_s)]
        for part in new:
            # A mutated part has another field: what it was made of is recorded under its own name.
            is_inserted = re.fullmatch(r"[^_]+_(\d+)_\1_0", part.name)
            if not is_inserted or part.name in recorded:
                continue
            for path in new:
                if path.exists() and _is_there(part.name, _by_partition([path])):
                    shutil.rmtree(path)


def is_written_since(part: Path, since_s: float) -> bool:
    """Return whether all files of a part are so new. The folder's own time changes when it is set aside."""
    return all(path.stat().st_mtime >= since_s for path in part.iterdir())


def is_covered(part: Path) -> bool:
    """Return whether a part that was set aside was made of parts, or is part of some, that are in place."""
    found = _SET_ASIDE.fullmatch(part.name)
    if not found:
        return False
    insertions = _insertions(part.parents[1]).get(found["partition"], ())
    return all(
        any(low <= number <= high for low, high in insertions)
        for number in (int(found["first"]), int(found["last"]))
    )


def _folders(store: Path) -> list[Path]:
    return sorted(store.glob("store/*/*/deduplication_logs"))


def _unstored(logs: Path) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the files of a table's log, in order, and the parts and tokens that count without reason."""
    files = sorted(logs.glob("deduplication_log_*.txt"), key=lambda path: int(path.stem.rpartition("_")[2]))
    added: dict[str, str] = {}
    for path in files:
        for operation, part, token in _records(path):
            if operation == _ADDED:
                added[token] = part
            else:
                added.pop(token, None)
    there = _insertions(logs.parent)
    return files, [(part, token) for token, part in added.items() if not _is_there(part, there)]


def _records(path: Path) -> list[list[str]]:
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")[:-1]
    return [record for record in (line.split("\t") for line in lines) if len(record) == 3]


def _cut_torn_record(path: Path) -> None:
    """Cut off a last record that is not whole: the engine would read nothing that it writes behind it."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())


def _insertions(table: Path) -> dict[str, list[tuple[int, int]]]:
    """Return the first and last insertion of every part in the table's folder, by partition."""
    return _by_partition(_parts(table))


def _parts(table: Path) -> list[Path]:
    found = []
    for entry in os.scandir(table):
        fields = entry.name.split("_")
        is_part = len(fields) in _PART_FIELDS and all(field.isdigit() for field in fields[1:])
        if is_part and entry.is_dir():
            found.append(Path(entry.path))
    return found


def _by_partition(parts: Iterable[Path]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for part in parts:
        partition, first, last, *_ = part.name.split("_")
        found[partition].append((int(first), int(last)))
    return found


def _is_there(part: str, there: dict[str, list[tuple[int, int]]]) -> bool:
    partition, first, *_ = part.split("_")
    return any(low <= int(first) <= high for low, high in there.get(partition, ()))
