"""Backups: a consistent copy of all that a data folder holds, with checksums, and the way back.

A backup is a folder:

    manifest.json       what it is, and size and SHA-256 of every other file; written last
    manifest.sha256     the manifest's own SHA-256
    tables/TABLE/PART/  the store's parts, as the engine wrote them
    state.jsonl         people's state, from whichever database it is in
    aside/              log frames that were set aside: `dead-letter` and `damaged`
    settings.json       the settings in force, for people; they are not applied by a restore

What was accepted and is still in the log is stored before the copy is taken, so that no log is copied: the
deduplication by which a log is loaded exactly once ends with the store it belongs to.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import orjson
from msgspec import Struct

from pharos import __version__
from pharos.clock import Clock
from pharos.config import STATE_FILE, Settings
from pharos.engine import Engine, migrate
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.loader import Loader
from pharos.state import State, open_state
from pharos.state.copies import check_copy, restore_copy, write_copy
from pharos.store import open_engine_alone, open_store

FORMAT: Final = 1
SNAPSHOTS: Final = "snapshots"
_MANIFEST: Final = "manifest.json"
_MANIFEST_SUM: Final = "manifest.sha256"
_SETTINGS: Final = "settings.json"
_TABLES: Final = "tables"
_ASIDE: Final = "aside"
_STATE: Final = "state.jsonl"
_STATE_FILES: Final = (STATE_FILE, f"{STATE_FILE}-wal", f"{STATE_FILE}-shm")
_ASIDE_FOLDERS: Final = ("dead-letter", "damaged")
_RESTORING: Final = ".restoring"
_CHUNK_BYTES: Final = 1 << 20
_WAIT_S: Final = 0.05
_LOG_WAIT_S: Final = 600.0


class Manifest(Struct, frozen=True):
    """What a backup says of itself."""

    taken_ms: int
    pharos: str
    schema: int
    rows: dict[str, int]
    """Rows by table."""
    files: dict[str, tuple[int, str]]
    """Bytes and SHA-256 by path within the backup."""

    @property
    def bytes(self) -> int:
        """How large all files together are."""
        return sum(size for size, _ in self.files.values())


# -- taking a snapshot --


def take_snapshot(engine: Engine, state: State, folder: Path, settings_text: str, clock: Clock) -> str:
    """Freeze the store and people's state into `folder/snapshots/NAME` and return NAME. Blocking.

    `folder` is the data folder. Raises PharosError(UNAVAILABLE) when the medium refuses.
    """
    taken_ms = clock.now_ms()
    name = f"{taken_ms}-{secrets.token_hex(4)}"
    target = folder / SNAPSHOTS / name
    try:
        target.mkdir(parents=True, mode=0o700)
        taken = engine.snapshot(target / _TABLES)
        state.read_blocking(lambda unit: write_copy(unit, target / _STATE))
        (target / _SETTINGS).write_text(settings_text)
        about = {"taken_ms": taken_ms, "schema": taken.schema, "rows": dict(taken.rows)}
        (target / "snapshot.json").write_bytes(orjson.dumps(about))
    except PharosError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except OSError as exc:
        shutil.rmtree(target, ignore_errors=True)
        raise PharosError(
            Kind.UNAVAILABLE, f"cannot take a snapshot in {target}: {exc.strerror}", hint="is the disk full?"
        ) from exc
    return name


def wait_until_stored(loader: Loader, intake: Intake, clock: Clock, timeout_s: float) -> None:
    """Wait until all that was accepted before this call is in the store. Blocking.

    Raises PharosError(UNAVAILABLE) when the store does not take it in time.
    """
    asked_ns, began_s = clock.now_ns(), clock.monotonic_s()
    pause = threading.Event()
    while True:
        oldest = intake.oldest_recv_ns()
        if loader.is_recovered and (oldest == 0 or oldest > asked_ns):
            return
        if clock.monotonic_s() - began_s > timeout_s:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"the store did not take what waits in the log within {timeout_s:.0f} s",
                hint="look at the server's log and at pharos_loader_runs_total",
            )
        intake.full.set()
        pause.wait(_WAIT_S)


@contextmanager
def stopped_store(settings: Settings, clock: Clock) -> Iterator[tuple[Engine, State]]:
    """Open what a data folder keeps that no server uses, load what its log still holds, close it on exit.

    The caller holds the folder. Raises PharosError(UNAVAILABLE) when the log cannot be loaded.
    """
    with open_state(settings.state_address, clock) as state, open_store(settings, clock) as store:
        wait_until_stored(store.loader, store.intake, clock, _LOG_WAIT_S)
        yield store.engine, state


# -- copying it out --


def write_backup(folder: Path, name: str, destination: Path) -> Manifest:
    """Copy the snapshot `name` of the data folder to `destination`, durably; return its manifest.

    The destination must be new or empty; what was written there is removed when the copy fails. Raises
    PharosError: DENIED when there is something already, UNAVAILABLE when a file cannot be read or written.
    """
    source = folder / SNAPSHOTS / name
    about: dict[str, Any] = orjson.loads((source / "snapshot.json").read_bytes())
    existed = _require_empty(destination)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        destination.chmod(0o700)
        files = _copy_tree(source / _TABLES, destination, _TABLES)
        for aside in _ASIDE_FOLDERS:
            files |= _copy_tree(folder / "log" / aside, destination, f"{_ASIDE}/{aside}")
        for name in (_SETTINGS, _STATE):
            files[name] = _copy_file(source / name, destination / name)
        manifest = Manifest(
            taken_ms=about["taken_ms"],
            pharos=__version__,
            schema=about["schema"],
            rows=about["rows"],
            files=files,
        )
        _write_manifest(destination, manifest)
    except OSError as exc:
        _empty(destination, keep=existed)
        raise PharosError(
            Kind.UNAVAILABLE, f"cannot write the backup to {destination}: {exc.strerror}: {exc.filename}"
        ) from exc
    return manifest


def drop_snapshot(folder: Path, name: str) -> None:
    """Remove a snapshot of the data folder; its parts stay as long as the store has them."""
    shutil.rmtree(folder / SNAPSHOTS / name, ignore_errors=True)
    with suppress(OSError):
        (folder / SNAPSHOTS).rmdir()


def _require_empty(folder: Path) -> bool:
    """Return whether the folder exists; raises PharosError(DENIED) when it holds anything."""
    if not folder.exists():
        return False
    if not folder.is_dir() or any(folder.iterdir()):
        raise PharosError(
            Kind.DENIED, f"{folder} is not empty, and nothing is ever overwritten", hint="name a new folder"
        )
    return True


def _empty(folder: Path, *, keep: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if keep:
        folder.mkdir(exist_ok=True)


def _copy_tree(source: Path, destination: Path, prefix: str) -> dict[str, tuple[int, str]]:
    files: dict[str, tuple[int, str]] = {}
    for path in sorted(source.rglob("*")):
        name = f"{prefix}/{path.relative_to(source).as_posix()}"
        if path.is_dir():
            (destination / name).mkdir(parents=True, exist_ok=True)
        else:
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            files[name] = _copy_file(path, destination / name)
    return files


def _copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file to the medium, and return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, target.open("xb") as writing:
        while chunk := reading.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return size, digest.hexdigest()


def _write_manifest(destination: Path, manifest: Manifest) -> None:
    document = {
        "format": FORMAT,
        "pharos": manifest.pharos,
        "taken_ms": manifest.taken_ms,
        "schema": manifest.schema,
        "rows": manifest.rows,
        "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in manifest.files.items()},
    }
    raw = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    for name, content in (
        (_MANIFEST_SUM, hashlib.sha256(raw).hexdigest().encode() + b"\n"),
        (_MANIFEST, raw),
    ):
        with (destination / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for folder in [destination, *(path for path in destination.rglob("*") if path.is_dir())]:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# -- reading it back --


def read_manifest(source: Path) -> Manifest:
    """Return the manifest of the backup in `source`, checked against its own sum.

    Raises PharosError: MISSING when there is none, INVALID when it is damaged, UNSUPPORTED when another
    version wrote it.
    """
    try:
        raw = (source / _MANIFEST).read_bytes()
        wanted = (source / _MANIFEST_SUM).read_text().strip()
    except FileNotFoundError as exc:
        raise PharosError(
            Kind.MISSING,
            f"{source} is no complete backup: {Path(exc.filename).name} is missing",
            hint="name the folder that `pharos backup` wrote",
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise PharosError(Kind.INVALID, f"cannot read the backup {source}: {exc}") from exc
    if hashlib.sha256(raw).hexdigest() != wanted:
        raise _damaged(source, _MANIFEST, "its checksum does not agree")
    document = orjson.loads(raw)
    if document["format"] != FORMAT:
        raise PharosError(
            Kind.UNSUPPORTED,
            f"the backup {source} has format {document['format']}, this version reads {FORMAT}",
            hint="restore it with the version that wrote it",
        )
    return Manifest(
        taken_ms=document["taken_ms"],
        pharos=document["pharos"],
        schema=document["schema"],
        rows=document["rows"],
        files={name: (entry["bytes"], entry["sha256"]) for name, entry in document["files"].items()},
    )


def verify(source: Path) -> Manifest:
    """Return the manifest of the backup in `source` after reading every file that it names.

    Raises what `read_manifest` raises, and PharosError(INVALID) that names the first damaged file.
    """
    manifest = read_manifest(source)
    for name, (size, digest) in manifest.files.items():
        _check_file(source, name, size, digest)
    return manifest


def _check_file(source: Path, name: str, size: int, digest: str) -> None:
    path = source / name
    if not path.resolve().is_relative_to(source.resolve()):
        raise _damaged(source, name, "it lies outside the backup")
    try:
        found = path.stat().st_size
        if found != size:
            raise _damaged(source, name, f"it has {found} bytes instead of {size}")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise _damaged(source, name, "its checksum does not agree")
    except OSError as exc:
        raise _damaged(source, name, str(exc.strerror)) from exc


def _damaged(source: Path, name: str, what: str) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"the backup {source} is damaged, nothing was restored: {name}: {what}",
        hint="use another backup",
    )


def verify_for(source: Path, folder: Path) -> Manifest:
    """Return what `verify` returns of a backup that can be restored to `folder`; changes nothing.

    Raises what `verify` raises, and PharosError: DENIED when the folder is in use, UNSUPPORTED when the
    backup is newer than this version.
    """
    _require_new(folder)
    manifest = verify(source)
    newest = migrate.shipped()[-1][0]
    if manifest.schema > newest:
        raise PharosError(
            Kind.UNSUPPORTED,
            f"the backup {source} has schema {manifest.schema}, this version knows only {newest}",
            hint=f"restore it with Pharos {manifest.pharos} or newer",
        )
    if _STATE in manifest.files:
        check_copy(source / _STATE)
    return manifest


def restore(source: Path, settings: Settings, manifest: Manifest, clock: Clock) -> None:
    """Make the settings' empty data folder, and their database, what they were when the backup was taken.

    The caller holds the folder, and has `manifest` of `verify_for`. The store is built beside its final place
    and moved there when every row is accounted for, so an interrupted restore leaves nothing that a server
    would open. Raises PharosError: DENIED when the folder is in use, or a PostgreSQL that is to hold people's
    state is not empty; UNAVAILABLE when the medium refuses.
    """
    folder = settings.data
    _require_new(folder)
    building = folder / _RESTORING
    try:
        for left in _STATE_FILES:
            (folder / left).unlink(missing_ok=True)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        _build_store(source, building / "engine", manifest)
        for aside in _ASIDE_FOLDERS:
            _copy_tree(source / _ASIDE / aside, folder, f"log/{aside}")
        if _STATE in manifest.files:
            address = settings.state_address
            in_folder = isinstance(address, Path)
            restore_copy(source / _STATE, building / STATE_FILE if in_folder else address, clock.now_ms())
            if in_folder:
                (building / STATE_FILE).rename(folder / STATE_FILE)
        (building / "engine").rename(folder / "engine")
    except OSError as exc:
        raise PharosError(
            Kind.UNAVAILABLE, f"cannot restore to {folder}: {exc.strerror}: {exc.filename}"
        ) from exc
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _require_new(folder: Path) -> None:
    """Raises PharosError(DENIED) when the data folder holds more than a lock and an interrupted restore."""
    allowed = {"lock", _RESTORING, "lost+found"}
    try:
        names = {path.name for path in folder.iterdir()}
        if _RESTORING in names and "engine" not in names:
            allowed |= set(_STATE_FILES)
        found = sorted(names - allowed)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise PharosError(
            Kind.DENIED, f"cannot restore to {folder}: {exc.strerror}", hint="name a new folder with --data"
        ) from exc
    if found:
        raise PharosError(
            Kind.DENIED,
            f"{folder} is not empty (it holds {', '.join(found[:3])}), and nothing is ever overwritten",
            hint="restore to a new folder with --data",
        )


def _build_store(source: Path, engine_folder: Path, manifest: Manifest) -> None:
    parts: dict[str, list[str]] = {table: [] for table in manifest.rows}
    for name in manifest.files:
        root, _, rest = name.partition("/")
        if root == _TABLES:
            table, part = rest.split("/")[:2]
            if part not in parts[table]:
                parts[table].append(part)
    with open_engine_alone(engine_folder, last_migration=manifest.schema) as engine:
        rows = engine.restore(source / _TABLES, parts)
    wrong = {table: rows[table] for table in rows if rows[table] != manifest.rows[table]}
    if wrong:
        raise PharosError(
            Kind.BUG, f"the restored store holds other row counts than the backup: {wrong}, {manifest.rows}"
        )
