"""Backup and restore of real stores: complete, verified, and never over anything."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Ended, run_apart
from tests.process import Server
from tests.servers import counted, write_samples

from pharos.clock import SystemClock
from pharos.engine import migrate
from pharos.state import PHAROS, accounts, open_state
from pharos.state.accounts import NewUser
from pharos.state.exports import verify_log


def _good(ended: Ended) -> dict[str, object]:
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 500 samples, left behind without a farewell: some are in the log only."""
    folder = tmp_path_factory.mktemp("stopped") / "store"
    server = Server(folder)
    write_samples(server.url, "kept", 500)
    server.kill()
    return folder


@pytest.fixture(scope="module")
def backup(stopped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of that folder."""
    target = tmp_path_factory.mktemp("backups") / "one"
    _good(run_apart("backup", str(target), "--data", str(stopped), "--json"))
    return target


@pytest.fixture
def copy(backup: Path, tmp_path: Path) -> Path:
    """A copy of the backup that a test may damage."""
    return Path(shutil.copytree(backup, tmp_path / "copy"))


def _restored(source: Path, folder: Path) -> Iterator[Server]:
    _good(run_apart("restore", str(source), "--data", str(folder), "--json"))
    server = Server(folder)
    yield server
    assert server.stop() == 0


def test_what_was_in_the_log_only_is_in_the_backup_of_a_stopped_folder(backup: Path, tmp_path: Path) -> None:
    for server in _restored(backup, tmp_path / "new"):
        assert counted(server.url, "kept") == 500


def test_a_running_server_is_backed_up_with_all_it_acknowledged(tmp_path: Path) -> None:
    server = Server(tmp_path / "store")
    try:
        write_samples(server.url, "online", 300)
        document = _good(run_apart("backup", str(tmp_path / "b"), "--data", str(server.folder), "--json"))
        assert counted(server.url, "online") == 300
    finally:
        assert server.stop() == 0
    assert not (server.folder / "snapshots").exists()
    rows = document["rows"]
    assert isinstance(rows, dict)
    assert rows["samples"] >= 300
    for restored in _restored(tmp_path / "b", tmp_path / "new"):
        assert counted(restored.url, "online") == 300


def test_what_people_said_is_in_the_backup_also_after_an_interrupted_restore(
    stopped: Path, tmp_path: Path
) -> None:
    folder, clock = Path(shutil.copytree(stopped, tmp_path / "store", symlinks=True)), SystemClock()
    with open_state(folder / "state.db", clock) as state:
        ada = state.write_blocking(lambda unit: accounts.create_user(unit, NewUser("Ada")), PHAROS)
    _good(run_apart("backup", str(tmp_path / "b"), "--data", str(folder), "--json"))
    new = tmp_path / "new"
    # As a restore leaves it that was killed between its last two steps.
    (new / ".restoring").mkdir(parents=True)
    (new / "lock").touch()
    (new / "state.db").write_bytes(b"of the restore before")
    _good(run_apart("restore", str(tmp_path / "b"), "--data", str(new), "--json"))
    with open_state(new / "state.db", clock) as state:
        assert state.read_blocking(lambda unit: accounts.user(unit, ada.id)) == ada
        assert verify_log(state).entries == 1
    assert {path.name for path in new.iterdir()} <= {"engine", "state.db", "lock", "log"}


def test_a_snapshot_is_refused_without_the_key(pharos_url: str) -> None:
    request = urllib.request.Request(f"{pharos_url}/api/v1/admin/tsdb/snapshot", b"", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value as answer:
        assert answer.code == 403
        assert json.loads(answer.read())["errorType"] == "forbidden"


def test_settings_are_in_the_backup_for_people(backup: Path) -> None:
    assert json.loads((backup / "settings.json").read_text())["retention"]["metrics"] == 30 * 86_400_000


def test_a_backup_never_overwrites(backup: Path, stopped: Path) -> None:
    before = (backup / "manifest.json").read_bytes()
    ended = run_apart("backup", str(backup), "--data", str(stopped))
    assert ended.code == 2
    assert "not empty" in ended.err
    assert (backup / "manifest.json").read_bytes() == before


def test_a_restore_never_overwrites(backup: Path, stopped: Path) -> None:
    ended = run_apart("restore", str(backup), "--data", str(stopped))
    assert ended.code == 2
    assert "not empty" in ended.err


def test_a_refused_restore_leaves_no_trace(copy: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in copy.iterdir())
    assert run_apart("restore", str(copy), "--data", str(copy)).code == 2
    assert sorted(path.name for path in copy.iterdir()) == before
    ended = run_apart("restore", str(tmp_path / "gone"), "--data", str(tmp_path / "new"))
    assert ended.code == 1
    assert "no complete backup" in ended.err
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    ended = run_apart("restore", str(copy), "--data", str(tmp_path / "file"))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)


def test_a_folder_without_data_is_named(tmp_path: Path) -> None:
    ended = run_apart("backup", str(tmp_path / "b"), "--data", str(tmp_path / "nothing"))
    assert ended.code == 2
    assert "holds no data" in ended.err
    assert not (tmp_path / "b").exists()


def _part_file(backup: Path) -> Path:
    return next(iter(sorted((backup / "tables" / "samples").glob("*/data.bin"))))


def _flip(backup: Path) -> str:
    file = _part_file(backup)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return "checksum does not agree"


def _truncate(backup: Path) -> str:
    file = _part_file(backup)
    file.write_bytes(file.read_bytes()[:-1])
    return "bytes instead of"


def _lose(backup: Path) -> str:
    _part_file(backup).unlink()
    return "No such file"


def _lose_manifest(backup: Path) -> str:
    (backup / "manifest.json").unlink()
    return "no complete backup"


def _change_manifest(backup: Path) -> str:
    file = backup / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"schema"', b'"scheme"'))
    return "manifest.json: its checksum"


@pytest.mark.parametrize("damage", [_flip, _truncate, _lose, _lose_manifest, _change_manifest])
def test_a_damaged_backup_is_refused_and_leaves_nothing(copy: Path, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    said = damage(copy)
    ended = run_apart("restore", str(copy), "--data", str(tmp_path / "new"))
    assert ended.code == 1
    assert said in ended.err
    assert not (tmp_path / "new").exists()
    assert run_apart("restore", str(copy), "--verify-only").code == 1


def test_an_interrupted_restore_can_be_repeated(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / ".restoring" / "engine").mkdir(parents=True)
    ended = run_apart("restore", str(backup), "--data", str(tmp_path / "new"))
    assert ended.code == 0, ended.err
    assert not (tmp_path / "new" / ".restoring").exists()


def test_every_migration_has_a_number_that_a_backup_can_name() -> None:
    numbers = [number for number, _, _ in migrate.shipped()]
    assert numbers == list(range(1, len(numbers) + 1))
