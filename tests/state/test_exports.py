"""Exports of the audit log prove by themselves that they are what was written."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import orjson
import pytest
from tests.state.test_account_tables import write
from tests.state.test_audit_chain import fill

from pharos.errors import Kind, PharosError
from pharos.state import State, audit, exports
from pharos.state.audit import Event, Search
from pharos.state.exports import Format, Signer, open_signer

ALL = Search()


def exported(state: State, folder: Path, form: Format = Format.JSON, wanted: Search = ALL) -> Path:
    path = folder / f"audit.{form}"
    path.write_bytes(b"".join(exports.export(state, wanted, form, open_signer(folder), 7)))
    return path


@pytest.fixture(params=list(Format))
def form(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def fill_with_oddities(state: State) -> None:
    fill(state, 3)
    for odd in ("=1+1", "'a", 'a,b\n"c"', "-", "@x", "\t", "ä\u2028", ""):
        event = Event("thing.change", f"thing:{odd}", odd, {"a": odd}, None)
        write(state, partial(audit.append, event=event))


def test_a_whole_export_is_verified_by_itself(state: State, tmp_path: Path, form: Format) -> None:
    fill_with_oddities(state)
    found = exports.verify_file(exported(state, tmp_path, form))
    assert (found.entries, found.first, found.last, found.whole, found.exported_ms) == (11, 1, 11, True, 7)
    assert found.public_key == open_signer(tmp_path).public_key
    live = exports.verify_log(state)
    assert (live.entries, live.hash) == (11, found.hash)


def test_an_empty_log_is_exported_too(state: State, tmp_path: Path, form: Format) -> None:
    assert exports.verify_file(exported(state, tmp_path, form)).entries == 0
    assert exports.verify_log(state).entries == 0


def test_more_than_a_page_is_exported_in_order(state: State, tmp_path: Path, form: Format) -> None:
    def many(unit: object) -> None:
        for number in range(2500):
            audit.append(unit, Event("thing.change", f"thing:{number}"))  # type: ignore[arg-type]

    write(state, many)
    assert exports.verify_file(exported(state, tmp_path, form)).entries == 2500
    assert exports.verify_log(state).entries == 2500


def test_a_part_that_a_search_chose_is_verified_as_a_part(state: State, tmp_path: Path, form: Format) -> None:
    fill(state, 6)
    path = exported(state, tmp_path, form, Search(tenants=frozenset({"t1"})))
    found = exports.verify_file(path)
    assert (found.entries, found.first, found.last, found.whole) == (3, 2, 6, False)


def test_a_spreadsheet_computes_nothing_of_it(state: State, tmp_path: Path) -> None:
    fill_with_oddities(state)
    rows = list(csv.reader(io.StringIO(exported(state, tmp_path, Format.CSV).read_text(), newline="")))
    cells = [cell for row in rows[1:-1] for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=1+1" in cells


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("at", "old", "new"),
    [(2, b"Olga", b"Karl"), (1, b'"t1"', b'"t0"'), (4, b"1", b"2"), (-1, b'"entries":5', b'"entries":4')],
)
def test_any_change_of_a_file_is_seen(state: State, tmp_path: Path, at: int, old: bytes, new: bytes) -> None:
    fill(state)
    path = exported(state, tmp_path)
    lines = _lines(path)
    assert old in lines[at]
    lines[at] = lines[at].replace(old, new, 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(PharosError) as found:
        exports.verify_file(path)
    assert found.value.kind is Kind.INVALID


def test_lines_that_are_missing_swapped_or_added_are_seen(state: State, tmp_path: Path) -> None:
    fill(state)
    path = exported(state, tmp_path)
    lines = _lines(path)
    for broken in (
        lines[1:],
        [*lines[:2], *lines[3:]],
        [lines[1], lines[0], *lines[2:]],
        lines[:-1],
        [],
        [*lines, b"\n"],
    ):
        path.write_bytes(b"".join(broken))
        with pytest.raises(PharosError) as found:
            exports.verify_file(path)
        assert found.value.kind is Kind.INVALID


def test_a_forged_entry_cannot_be_signed_by_who_lacks_the_key(state: State, tmp_path: Path) -> None:
    fill(state)
    path = exported(state, tmp_path)
    lines = _lines(path)
    other = tmp_path / "other"
    other.mkdir()
    told = orjson.loads(lines[-1])["signature"]
    assert exports.verify_file(path).public_key == told["public_key"]
    forged = {
        name: value for name, value in told.items() if name not in {"signature", "algorithm", "public_key"}
    }
    signed = open_signer(other).sign({**forged, "exported_ms": 8})
    path.write_bytes(b"".join([*lines[:-1], orjson.dumps({"signature": signed}) + b"\n"]))
    # It is whole, and says itself whose it is not.
    assert exports.verify_file(path).public_key == open_signer(other).public_key != told["public_key"]
    signed["public_key"] = told["public_key"]
    path.write_bytes(b"".join([*lines[:-1], orjson.dumps({"signature": signed}) + b"\n"]))
    with pytest.raises(PharosError, match="signature is not right"):
        exports.verify_file(path)


@pytest.mark.parametrize(
    "text",
    ["", "hello\n", "[]\n", "1\n", '{"a":1}\n', "number,a\n1,2\n", "number\n\xff", '{"signature":1}\n'],
)
def test_what_is_no_export_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PharosError) as found:
        exports.verify_file(path)
    assert found.value.kind is Kind.INVALID
    with pytest.raises(PharosError) as found:
        exports.verify_file(tmp_path / "none")
    assert found.value.kind is Kind.MISSING


def test_the_key_is_made_once_and_its_owners_alone(tmp_path: Path) -> None:
    first: Signer = open_signer(tmp_path)
    assert open_signer(tmp_path).public_key == first.public_key
    assert (tmp_path / "audit-key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "audit-key").write_text("something else")
    with pytest.raises(PharosError, match="holds no key"):
        open_signer(tmp_path)
