"""What the disk did not take whole is taken out of the store again, before anybody counts on it.

When a write to a file fails, because the disk is full or broken, chDB 26.9 goes on: the statement or the
merge succeeds, and its part has files that are empty or cut short. Only a counter tells. What can be relied
upon is what the engine does when it opens a table: it compares the sizes of every part's files with what they
should be, puts a part that is not whole into `detached`, and of a failed merge takes the parts that it was
made of, which it keeps for eight minutes (`old_parts_lifetime`). So tables are closed and opened again when
the counter has moved.

A changed table's definition is a file put in the place of the former one, which is all that is left of it:
so a link to the former is kept meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pharos.engine import Controlled
from pharos.engine.embedded.deduplication import forget_unstored, remove_unrecorded
from pharos.engine.sql import fixed, identifier
from pharos.errors import PharosError

_FAILED_WRITES: Final = fixed(
    "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
)
_UNDER_WAY: Final = "under-way"
"""Says that tables may be changing: only then is a definition that is not whole one that was just written."""


def failed_writes(session: Controlled) -> int:
    """Return how many writes to files have failed in this process."""
    found = session.query(_FAILED_WRITES, purpose="mend")
    return int(found["value"][0].as_py()) if found.num_rows else 0


def tables(session: Controlled) -> set[str]:
    """Return the names of the tables whose parts may be damaged."""
    found = session.query(
        fixed(
            "SELECT name FROM system.tables"
            " WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')"
        ),
        purpose="mend",
    )
    return set(found["name"].to_pylist())


def set_aside(store: Path) -> set[Path]:
    """Return the folders of the parts that were not whole when their table was opened."""
    return set(store.glob("store/*/*/detached/broken*"))


def reopen(
    session: Controlled,
    store: Path,
    names: Iterable[str],
    inserting_s: float | None,
    forget: Callable[[Path], object] = forget_unstored,
) -> None:
    """Close the tables and open them again, by which damaged parts are set aside.

    A token goes with its part, and which parts go is seen at opening: so it is done again until none goes.
    A part goes with its token, too, if an insertion is not acknowledged that began at `inserting_s`; `forget`
    takes back the tokens of insertions whose part is not there.
    Waits for the statements that use the tables. Raises PharosError or OSError when a table cannot be opened,
    or a token not be taken back; calling again goes on where it stopped.
    """
    found = set_aside(store)
    while True:
        known = found
        _reopen_once(session, store, [identifier(name) for name in sorted(names)], inserting_s, forget)
        found = set_aside(store)
        if found <= known:
            return


def _reopen_once(
    session: Controlled,
    store: Path,
    names: list[str],
    inserting_s: float | None,
    forget: Callable[[Path], object],
) -> None:
    failure: PharosError | None = None
    try:
        for name in names:
            session.execute(f"DETACH TABLE IF EXISTS {name} SYNC")
        forget(store)
        if inserting_s is not None:
            remove_unrecorded(store, inserting_s)
        remove_torn_mutations(store)
    finally:
        for name in names:
            try:
                session.execute(f"ATTACH TABLE IF NOT EXISTS {name}")
            except PharosError as exc:
                failure = exc
    if failure is not None:
        raise failure


def keep_definitions(store: Path, kept: Path) -> None:
    """Link the definition of every table into the folder `kept`. Raises OSError."""
    # What could not be put back the last time still can: its link is all that is left of it.
    restore_definitions(store, kept)
    kept.mkdir(exist_ok=True)
    (kept / _UNDER_WAY).touch()
    for path in _definitions(store):
        os.link(path, _link(kept, path))


def restore_definitions(store: Path, kept: Path) -> None:
    """Put what was kept in the place of definitions that are not whole, and let go of the rest.

    One that was not there before, of a table just made, goes with its table. Raises OSError.
    """
    if not (kept / _UNDER_WAY).exists():
        return
    for path in torn_definitions(store):
        link = _link(kept, path)
        if link.exists():
            link.replace(path)
        else:
            path.unlink()
    for link in kept.glob("*.sql"):
        link.unlink()
    (kept / _UNDER_WAY).unlink()


def _link(kept: Path, definition: Path) -> Path:
    return kept / f"{definition.parent.name}-{definition.name}"


def torn_definitions(store: Path) -> list[Path]:
    """Return the definitions that are not whole."""
    return [path for path in _definitions(store) if not _is_whole(path)]


def _definitions(store: Path) -> list[Path]:
    return list(store.glob("store/*/*/*.sql"))


def _is_whole(path: Path) -> bool:
    """Return whether the file is a definition to its end: the settings, which each of our tables has."""
    content = path.read_bytes()
    return content.endswith(b"\n") and content.splitlines()[-1].startswith(b"SETTINGS ")


def remove_torn_mutations(store: Path) -> None:
    """Remove orders to change parts that are not whole: no table with one would open. Raises OSError.

    Whoever gave the order was told that it failed, or not answered at all.
    """
    for path in store.glob("store/*/*/mutation_*.txt"):
        content = path.read_bytes()
        if not (b"\ncommands: " in content and content.endswith(b"\n")):
            path.unlink()
