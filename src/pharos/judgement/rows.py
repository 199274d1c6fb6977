"""Rows of a CSV file, one at a time: columns by their names, times and numbers as people write them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TextIO

from msgspec import Struct

from pharos.errors import Kind, PharosError

LINE_LIMIT: Final = 65_536
"""Characters of a line; what is longer is not a row."""
_FINER: Final = 1e11
"""Numbers from here on are of a finer unit: as seconds they would lie after the year 5000."""
_FINEST: Final = 3
"""How often it may be a thousandth: nanoseconds."""
_NO_VALUE: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "nil", "-", "?"})
_YES: Final = frozenset({"true", "t", "yes", "y", "error", "err", "fail", "failed", "failure", "timeout"})
_NO: Final = frozenset({"false", "f", "no", "n", "ok", "success", "succeeded"}) | _NO_VALUE
_SEPARATORS: Final = ",;\t"
_SLASHED: Final = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
_UNIVERSAL: Final = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)


class Row(Struct, frozen=True):
    """One line: its number, from 1, and the texts of the wanted columns; or what is wrong with it."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


def read_rows(file: TextIO, name: str, wanted: Sequence[Sequence[str]]) -> Iterator[Row]:
    """Yield the rows of a file whose first line names its columns, keeping no more than a line.

    Each wanted column has the name that is asked for and further ones that mean the same. Columns are apart
    by what the first line has most of: commas, semicolons or tabs. Raises PharosError (INVALID) where the
    first line does not name the wanted columns.
    """
    lines = _lines(file)
    first = next(lines, None) or ""
    separator = max(_SEPARATORS, key=first.count)
    header = [cell.lower() for cell in _cells(first, separator)]
    found = [next((one for one in names if one in header), None) for names in wanted]
    missing = [names[0] for names, one in zip(wanted, found, strict=True) if one is None]
    if missing:
        raise PharosError(
            Kind.INVALID,
            f"{name}:1: no column {' and no '.join(map(repr, missing))}",
            hint=f"The first line names the columns: {','.join(names[0] for names in wanted)}.",
        )
    places = [header.index(column) for column in found if column is not None]
    width = len(header)
    for number, line in enumerate(lines, start=2):
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


def _lines(file: TextIO) -> Iterator[str | None]:
    """Yield lines, and None for one that is too long."""
    while line := file.readline(LINE_LIMIT):
        if line.endswith("\n") or len(line) < LINE_LIMIT:
            yield line
            continue
        while line and not line.endswith("\n"):
            line = file.readline(LINE_LIMIT)
        yield None


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
        number = float(text)
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
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


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
