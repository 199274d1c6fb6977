"""Rows of a CSV file, one at a time: columns by their names, times and numbers as people write them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import re
import sys
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, TextIO, cast

from msgspec import Struct

from pharos.errors import Kind, PharosError

LINE_LIMIT: Final = 65_536
"""Characters of a line; what is longer is not a row."""
_MOST_LINES: Final = 100
"""Of one row, whose cells are quoted."""
_FINER: Final = 1e11
"""Numbers from here on are of a finer unit: as seconds they would lie after the year 5000."""
_FINEST: Final = 3
"""How often it may be a thousandth: nanoseconds."""
_NO_VALUE: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "nil", "-", "?"})
_YES: Final = frozenset({"true", "t", "yes", "y", "error", "err", "fail", "failed", "failure", "timeout"})
_NO: Final = frozenset({"false", "f", "no", "n", "ok", "success", "succeeded"}) | _NO_VALUE
_SEPARATORS: Final = ",;\t"
_SHOWN, _SHOWN_CELLS = 20, 5
_SLASHED: Final = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
_QUOTED: Final = re.compile(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*"')
_OPENED: Final = re.compile(r'(?:^|[,;\t])"')
_STDIN: Final = Path("-")
_UNREADABLE: Final = (OSError, EOFError, zlib.error)
_PACKED: Final = b"\x1f\x8b"
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNIVERSAL: Final = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)


class Row(Struct, frozen=True):
    """One line: its number, from 1, and the texts of the wanted columns; or what is wrong with it."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


@contextmanager
def open_rows(path: Path) -> Iterator[TextIO]:
    """Open a file of rows as text, `-` for standard input; packed by gzip, or UTF-16 with its mark, too.

    Raises PharosError that names a file that is not there or cannot be opened.
    """
    with ExitStack() as stack:
        try:
            binary: IO[bytes] | gzip.GzipFile = (
                sys.stdin.buffer if path == _STDIN else stack.enter_context(path.open("rb"))
            )
            first = _begin_of(binary)
            if first.startswith(_PACKED):
                binary = stack.enter_context(gzip.open(binary))
                first = _begin_of(binary)
        except _UNREADABLE as error:
            raise _unreadable(str(path), error) from error
        encoding = "utf-16" if first.startswith(_WIDE) else "utf-8-sig"
        text = io.TextIOWrapper(cast("io.BufferedReader", binary), encoding=encoding, errors="replace")
        # Standard input is not ours to close.
        stack.callback(text.detach)
        yield text


def _begin_of(binary: IO[bytes] | gzip.GzipFile) -> bytes:
    return cast("io.BufferedReader", binary).peek(2)[:2]


def _unreadable(name: str, error: Exception) -> PharosError:
    if isinstance(error, FileNotFoundError):
        return PharosError(Kind.MISSING, f"{name}: {error.strerror}")
    reason = getattr(error, "strerror", None) or str(error)
    return PharosError(Kind.INVALID, f"{name}: cannot be read: {reason}")


def read_rows(file: TextIO, name: str, wanted: Sequence[Sequence[str]]) -> Iterator[Row]:
    """Yield the rows of a file whose first line names its columns, keeping no more than a line.

    Each wanted column has the name that is asked for and further ones that mean the same. Columns are apart
    by what the first line has most of: commas, semicolons or tabs. Raises PharosError (INVALID) where the
    first line does not name the wanted columns.
    """
    lines = _records(file, name)
    _, line = next(lines, (1, None))
    first = line or ""
    separator = max(_SEPARATORS, key=first.count)
    header = [cell.lower() for cell in _cells(first, separator)]
    found = [next((one for one in names if one in header), None) for names in wanted]
    missing = [names[0] for names, one in zip(wanted, found, strict=True) if one is None]
    if missing:
        raise PharosError(
            Kind.INVALID,
            f"{name}:1: no column {' and no '.join(map(repr, missing))}{_instead(line, header)}",
            hint=f"The first line names the columns: {','.join(names[0] for names in wanted)}.",
        )
    places = [header.index(column) for column in found if column is not None]
    width = len(header)
    for number, line in lines:
        if line is None:
            yield Row(number, (), f"more than {LINE_LIMIT} characters")
            continue
        if not line.strip():
            continue
        cells = _cells(line, separator)
        if len(cells) != width:
            yield Row(number, (), f"{len(cells)} columns instead of {width}")
            continue
        yield Row(number, tuple(cells[place] for place in places))


def _instead(line: str | None, header: Sequence[str]) -> str:
    """Return what the first line has where columns should be named."""
    if not any(header):
        return ": the file is empty" if line is None else ": the first line is empty"
    shown = ", ".join(repr(cell[:_SHOWN]) for cell in header[:_SHOWN_CELLS])
    return f" among {shown}{', …' if len(header) > _SHOWN_CELLS else ''}"


def _records(file: TextIO, name: str) -> Iterator[tuple[int, str | None]]:
    """Yield each row with the number of its first line, and None for one that is too long.

    A quoted cell may go on in the next line. A quote that is never closed is one of its own line alone.
    """
    lines = enumerate(_lines(file, name), start=1)
    waiting: deque[tuple[int, str | None]] = deque()
    while record := waiting.popleft() if waiting else next(lines, None):
        number, line = record
        if line is None or not _goes_on(line):
            yield record
            continue
        taken: list[tuple[int, str | None]] = []
        whole, is_closed = line, False
        while not is_closed and len(taken) < _MOST_LINES and len(whole) < LINE_LIMIT:
            more = waiting.popleft() if waiting else next(lines, None)
            if more is None:
                break
            taken.append(more)
            if more[1] is None:
                break
            whole += more[1]
            is_closed = '"' in more[1] and not _goes_on(whole)
        if not is_closed:
            waiting.extendleft(reversed(taken))
        yield number, whole if is_closed else line


def _goes_on(text: str) -> bool:
    """Return whether the last cell of a row is quoted and not closed yet."""
    return '"' in text and _OPENED.search(_QUOTED.sub("", text)) is not None


def _lines(file: TextIO, name: str) -> Iterator[str | None]:
    """Yield lines, and None for one that is too long."""
    try:
        while line := file.readline(LINE_LIMIT):
            if line.endswith("\n") or len(line) < LINE_LIMIT:
                yield line
                continue
            while line and not line.endswith("\n"):
                line = file.readline(LINE_LIMIT)
            yield None
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error


def _cells(line: str, separator: str) -> list[str]:
    line = line.rstrip("\r\n")
    # A quoted cell may hold what sets cells apart.
    cells = next(csv.reader([line], delimiter=separator), []) if '"' in line else line.split(separator)
    return [cell.strip().strip('"').strip() for cell in cells]


def seconds_of(text: str) -> float:
    """Return the time in seconds: of a number, also of milli-, micro- or nanoseconds, or of an ISO 8601 date.

    A date without a zone is UTC's. Raises ValueError for all else.
    """
    try:
        number = _number_of(text)
    except ValueError:
        return _date_of(text)
    if not math.isfinite(number):
        raise ValueError(text)
    for _ in range(_FINEST):
        if abs(number) >= _FINER:
            number /= 1000.0
    return number


def _date_of(text: str) -> float:
    plain = _SLASHED.sub(lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", text, count=1)
    moment = datetime.fromisoformat(_UNIVERSAL.sub("", plain))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def value_of(text: str) -> float:
    """Return the value, NaN where there is none. Raises ValueError for what is no finite number."""
    if text.lower() in _NO_VALUE:
        return math.nan
    number = _number_of(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _number_of(text: str) -> float:
    if "_" in text:
        # Python's own way to write one, and nobody else's.
        raise ValueError(text)
    return float(text)


def truth_of(text: str) -> bool:
    """Return whether the cell says yes. Raises ValueError where it says neither yes nor no."""
    word = text.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number != 0.0
