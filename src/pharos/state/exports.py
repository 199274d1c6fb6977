"""The audit log as a file that proves itself: every entry with its hash, and a signature over all of it.

A file of JSON lines has an entry a line, and last a line `{"signature": …}`. A CSV has the same columns,
before and after as JSON, and last a row `#signature`. The signature (Ed25519) is over the canonical JSON of
the rest of that object, in which `sha256` is the sum of all bytes before its line.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.state import audit
from pharos.state.audit import Entry, Search
from pharos.state.door import State
from pharos.state.tables import canonical_json

KEY_FILE: Final = "audit-key"
_PAGE: Final = 1000
_COLUMNS: Final = Entry.__struct_fields__
_SIGNATURE_ROW: Final = "#signature"
_FORMULA: Final = tuple("=+-@\t\r'")
"""What a spreadsheet would compute, or we have marked."""
_LINE_MAX_BYTES: Final = 16 << 20


class Format(StrEnum):
    """How entries are written."""

    JSON = "jsonl"
    CSV = "csv"


class Signer:
    """The key of a data folder."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = _text(key.public_key().public_bytes_raw())
        """In base64, by which files are told from those of others."""

    def sign(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is told with the key and a signature over both."""
        signed = {**told, "algorithm": "ed25519", "public_key": self.public_key}
        return {**signed, "signature": _text(self._key.sign(canonical_json(signed)))}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def open_signer(folder: Path) -> Signer:
    """Return the signer of a data folder, whose key is made when there is none yet.

    Raises PharosError: UNAVAILABLE when the file cannot be used, INVALID when it holds no such key.
    """
    path = folder / KEY_FILE
    try:
        try:
            written = path.read_bytes()
        except FileNotFoundError:
            new = Ed25519PrivateKey.generate()
            written = new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(written)
                file.flush()
                os.fsync(file.fileno())
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot use {path}: {exc.strerror}") from exc
    try:
        key = load_pem_private_key(written, password=None)
    except ValueError as exc:
        raise PharosError(
            Kind.INVALID, f"{path} holds no key", hint="move it away: a new one is made"
        ) from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise PharosError(
            Kind.INVALID, f"{path} holds no Ed25519 key", hint="move it away: a new one is made"
        )
    return Signer(key)


# -- writing --


def export(state: State, wanted: Search, form: Format, signer: Signer, now_ms: int) -> Iterator[bytes]:
    """Yield the file of the entries that a search finds, as they are at the first step. Blocking."""
    last, head = state.read_blocking(audit.head)
    digest, count, first, number = hashlib.sha256(), 0, 0, 0
    if form is Format.CSV:
        heading = _row(_COLUMNS)
        digest.update(heading)
        yield heading
    while page := _page(state, wanted, number, last):
        number = page[-1].number
        first = first or page[0].number
        count += len(page)
        written = b"".join(map(_line if form is Format.JSON else _cells, page))
        digest.update(written)
        yield written
    told = {
        "entries": count,
        "first": first,
        "last": number,
        "whole": wanted == Search(),
        "log_last": last,
        "log_hash": head,
        "exported_ms": now_ms,
        "sha256": digest.hexdigest(),
    }
    signed = signer.sign(told)
    if form is Format.JSON:
        yield orjson.dumps({"signature": signed}) + b"\n"
    else:
        yield _row((_SIGNATURE_ROW, orjson.dumps(signed).decode()))


def _page(state: State, wanted: Search, after: int, last: int) -> tuple[Entry, ...]:
    found = state.read_blocking(lambda unit: audit.read_on(unit, wanted, after=after, limit=_PAGE))
    return tuple(entry for entry in found if entry.number <= last)


def _line(entry: Entry) -> bytes:
    return orjson.dumps(entry.document()) + b"\n"


def _cells(entry: Entry) -> bytes:
    return _row(_cell(getattr(entry, name)) for name in _COLUMNS)


def _cell(value: Any) -> str:
    """Return a value as no spreadsheet takes it for a formula; what is marked for that can be told again."""
    if value is None:
        return ""
    text = canonical_json(value).decode() if isinstance(value, Mapping) else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _row(cells: Any) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode()


# -- reading --


class Verified(Struct, frozen=True):
    """What was found to be so."""

    entries: int
    first: int
    last: int
    whole: bool
    """Whether it is all of the log, entry for entry; otherwise a search chose some."""
    hash: str
    """Of the newest entry of the log."""
    public_key: str = ""
    """With which a file was signed; empty for a log that was looked through in its place."""
    exported_ms: int | None = None


def verify_log(state: State) -> Verified:
    """Return what was found of the log of a state. Blocking; others go on meanwhile.

    Raises PharosError(INVALID) that names the first broken entry.
    """
    kept, checked, number = state.read_blocking(audit.head), (0, audit.ORIGIN), 0
    while page := _page(state, Search(), number, kept[0]):
        for entry in audit.require_chain(page, checked):
            checked = (entry.number, entry.hash)
        number = checked[0]
    audit.require_head(checked, kept)
    return Verified(number, min(1, number), number, whole=True, hash=checked[1])


def verify_file(path: Path) -> Verified:
    """Return what was found of an exported file; it needs nothing but the file.

    Whose key signed it is the reader's to compare. Raises PharosError: MISSING when there is no such file,
    INVALID that names what is not as it was written.
    """
    try:
        with path.open("rb") as file:
            if not file.readline(_LINE_MAX_BYTES).startswith(b"number,"):
                file.seek(0)
                return _verify_lines(file, path)
        with path.open(encoding="utf-8", newline="") as text:
            return _verify_rows(text, path)
    except FileNotFoundError as exc:
        raise PharosError(Kind.MISSING, f"there is no file {path}") from exc
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot read {path}: {exc.strerror}") from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise _not_an_export(path) from exc


def _not_an_export(path: Path) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"{path} is not a whole export of an audit log: its last line is no signature",
        hint="`pharos audit export` writes one",
    )


class _Reading:
    """Follows the entries of a file; `digest` is of what came before the signature."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.digest = hashlib.sha256()
        self.entries: list[int] = []
        self._checked: tuple[int, str] | None = (0, audit.ORIGIN)
        self.ends: tuple[int, str] = (0, audit.ORIGIN)

    def take(self, fields_read: Mapping[str, Any], where: int) -> None:
        try:
            entry = Entry(**fields_read)
            found = entry.computed_hash()
        except (TypeError, PharosError) as exc:
            raise PharosError(Kind.INVALID, f"{self._path}:{where}: not an entry of an audit log") from exc
        if found != entry.hash:
            words = f"entry {entry.number} is not what was written"
            raise PharosError(Kind.INVALID, f"{self._path}:{where}: {words}")
        if self._checked is not None:
            follows = entry.number == self._checked[0] + 1 and entry.previous == self._checked[1]
            self._checked = (entry.number, entry.hash) if follows else None
        self.ends = (entry.number, entry.hash)
        self.entries.append(entry.number)

    def end(self, signed: Any) -> Verified:
        if not isinstance(signed, dict):
            raise _not_an_export(self._path)
        told = {name: value for name, value in signed.items() if name != "signature"}
        try:
            key = Ed25519PublicKey.from_public_bytes(
                base64.b64decode(str(told.get("public_key")), validate=True)
            )
            key.verify(base64.b64decode(str(signed.get("signature")), validate=True), canonical_json(told))
        except (ValueError, InvalidSignature) as exc:
            raise PharosError(Kind.INVALID, f"{self._path}: the signature is not right") from exc
        if told.get("sha256") != self.digest.hexdigest() or told.get("entries") != len(self.entries):
            raise PharosError(Kind.INVALID, f"{self._path}: it is not the file that was signed")
        names = ("entries", "first", "last", "whole", "log_hash", "public_key", "exported_ms", "log_last")
        try:
            *found, last = (told[name] for name in names)
        except KeyError as exc:
            raise _not_an_export(self._path) from exc
        if told["whole"]:
            if self._checked is None:
                raise PharosError(Kind.INVALID, f"{self._path}: the log is broken where it was exported")
            audit.require_head(self._checked, (last, told["log_hash"]))
        return Verified(*found)


def _verify_lines(file: io.BufferedReader, path: Path) -> Verified:
    reading, where = _Reading(path), 0
    while line := file.readline(_LINE_MAX_BYTES):
        where += 1
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise PharosError(Kind.INVALID, f"{path}:{where}: not JSON") from exc
        if not isinstance(document, dict):
            raise PharosError(Kind.INVALID, f"{path}:{where}: not an entry of an audit log")
        if "signature" in document:
            if file.read(1):
                raise PharosError(Kind.INVALID, f"{path}:{where}: something follows the signature")
            return reading.end(document["signature"])
        reading.digest.update(line)
        reading.take(document, where)
    raise _not_an_export(path)


def _verify_rows(file: io.TextIOWrapper, path: Path) -> Verified:
    reading = _Reading(path)
    # Records of several lines are read again as they were written, so that the sum is of the same bytes.
    rows = csv.reader(file, strict=True)
    for where, row in enumerate(rows, 1):
        if row[:1] == [_SIGNATURE_ROW] and len(row) == 2:
            if next(rows, None) is not None:
                raise PharosError(Kind.INVALID, f"{path}: something follows the signature")
            try:
                return reading.end(orjson.loads(row[1]))
            except orjson.JSONDecodeError as exc:
                raise _not_an_export(path) from exc
        reading.digest.update(_row(row))
        if where > 1:
            reading.take(_fields_of(row, path, where), where)
    raise _not_an_export(path)


def _fields_of(row: list[str], path: Path, where: int) -> dict[str, Any]:
    if len(row) != len(_COLUMNS):
        raise PharosError(Kind.INVALID, f"{path}: row {where} has {len(row)} columns, not {len(_COLUMNS)}")
    found: dict[str, Any] = {}
    for name, text in zip(_COLUMNS, row, strict=True):
        try:
            if name in {"number", "time_ms"}:
                found[name] = int(text)
            elif name in {"before", "after"}:
                found[name] = orjson.loads(text) if text else None
            else:
                found[name] = text.removeprefix("'")
        except ValueError as exc:
            raise PharosError(Kind.INVALID, f"{path}: row {where}: {name} is not what it was") from exc
    return found
