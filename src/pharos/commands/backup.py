"""`pharos backup` and `pharos restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pharos import backup as backups
from pharos.api.http.headers import KEY_HEADER
from pharos.clock import SystemClock
from pharos.commands.ask import ask
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.commands.up import ConfigOption, DataOption
from pharos.config import Settings, load_settings
from pharos.errors import Kind, PharosError
from pharos.folder import ADDRESS_FILE, ADMIN_KEY_FILE, FolderInUseError, hold_folder


def backup(
    destination: Annotated[Path, typer.Argument(help="A new or empty folder for the backup.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy everything that the data folder holds, from a running or a stopped server."""
    settings = load_settings(config, {"data": data})
    if not (settings.data / "engine").is_dir():
        raise PharosError(
            Kind.MISSING, f"{settings.data} holds no data of Pharos", hint="name the folder with --data"
        )
    manifest = _of_any_server(settings, destination)
    _report("backed up", manifest, settings.data, destination, as_json=as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `pharos backup` wrote.")],
    config: ConfigOption = None,
    data: DataOption = None,
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Only read the backup and check every file.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fill a new or empty data folder from a backup, after checking every file of it."""
    try:
        if verify_only:
            manifest = backups.verify(source)
            _report("checked", manifest, source, source, as_json=as_json)
            return
        settings = load_settings(config, {"data": data})
        # Before the folder is held: what is refused leaves no trace.
        manifest = backups.verify_for(source, settings.data)
        with hold_folder(settings.data):
            backups.restore(source, settings, manifest, SystemClock())
    except PharosError as exc:
        raise as_found(exc) from exc
    _report("restored", manifest, source, settings.data, as_json=as_json)


def _of_any_server(settings: Settings, destination: Path) -> backups.Manifest:
    """Return the manifest of a backup written through the running server, or else by this process."""
    try:
        with hold_folder(settings.data):
            return _of_stopped(settings, destination)
    except FolderInUseError:
        # No address is there when another command holds the folder.
        if not (settings.data / ADDRESS_FILE).is_file():
            raise
    name = _ask_for_snapshot(settings.data)
    try:
        return backups.write_backup(settings.data, name, destination)
    finally:
        backups.drop_snapshot(settings.data, name)


def _of_stopped(settings: Settings, destination: Path) -> backups.Manifest:
    clock = SystemClock()
    with backups.stopped_store(settings, clock) as (engine, state):
        text = settings.model_dump_json(indent=2)
        name = backups.take_snapshot(engine, state, settings.data, text, clock)
        try:
            return backups.write_backup(settings.data, name, destination)
        finally:
            backups.drop_snapshot(settings.data, name)


def _ask_for_snapshot(folder: Path) -> str:
    try:
        address = (folder / ADDRESS_FILE).read_text().strip()
        key = (folder / ADMIN_KEY_FILE).read_text().strip()
    except OSError as exc:
        raise PharosError(
            Kind.DENIED,
            f"cannot read {exc.filename}: {exc.strerror}",
            hint="run this as the user that runs the server",
        ) from exc
    answer = ask(address, "api/v1/admin/tsdb/snapshot", headers={KEY_HEADER: key}, timeout_s=120.0)
    return str(answer["data"]["name"])


def _report(did: str, manifest: backups.Manifest, source: Path, target: Path, *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {
            "source": str(source),
            "target": str(target),
            "taken_ms": manifest.taken_ms,
            "pharos": manifest.pharos,
            "schema": manifest.schema,
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            "rows": manifest.rows,
        }
        print_json(document)
        return
    size = f"{manifest.bytes / (1 << 20):.1f} MiB in {len(manifest.files)} files"
    OUT.print(f"{did} {manifest.rows.get('samples', 0)} samples, {size}: {target}", markup=False)
