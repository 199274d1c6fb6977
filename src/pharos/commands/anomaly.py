"""`pharos anomaly`: what the detector of anomalies says of a series in a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import numpy as np
import orjson
import typer

from pharos.commands.screen import ERR, as_found
from pharos.errors import Kind, PharosError
from pharos.judgement.anomaly import Detector
from pharos.judgement.rows import Row, open_rows, read_rows, seconds_of, value_of

app = typer.Typer(no_args_is_help=True, add_completion=False)

_COLUMNS: Final = (
    ("timestamp", "timestamps", "time", "datetime", "date", "ts", "t"),
    ("value", "values", "count"),
)
_ROWS_AT_ONCE: Final = 512
_ROW_S: Final = 3600.0
"""How long a row is taken for whose time is but its number."""
_HINT: Final = "Times are 2014-04-10 07:15:00 or seconds since 1970, values are numbers with a point."


@app.callback()
def _group() -> None:
    """Anomalies: what the detector says of series."""


@app.command()
def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV file with the columns timestamp,value, oldest row first; - for standard input."
        ),
    ],
) -> None:
    """Score each row by the rows before it; one JSON line a row."""
    seen = _Seen()
    try:
        with open_rows(file) as opened:
            for line in _scored(opened, str(file), seen):
                typer.echo(line)
    except PharosError as error:
        raise as_found(error) from error
    if seen.rows and seen.unreadable == seen.rows:
        raise as_found(PharosError(Kind.INVALID, f"{file}: no row can be read, {seen.first}", hint=_HINT))
    for note in seen.notes():
        ERR.print(f"{file}: {note}", markup=False)


class _Seen:
    """What is odd about the rows of a file, and what their times mean."""

    def __init__(self) -> None:
        self.rows = self.unreadable = 0
        self.first = ""
        """The first row that could not be read, and why."""
        self._late = 0
        self._last = -math.inf
        self._begin: float | None = None
        self._unit_s: float | None = None

    def time_of(self, time: float) -> float:
        """Return a time in seconds; where times only count rows, rows are an hour apart.

        They do where the first is 0 or 1 and the next is one more.
        """
        if self._begin is None:
            self._begin = time
        if self._unit_s is None and time != self._begin:
            counts = self._begin in (0.0, 1.0) and time == self._begin + 1.0
            self._unit_s = _ROW_S if counts else 1.0
        if time <= self._last:
            self._late += 1
        self._last = time
        return self._begin + (time - self._begin) * (self._unit_s or 1.0)

    def note_fault(self, line: int, fault: str) -> None:
        """Count a row that could not be read."""
        self.unreadable += 1
        self.first = self.first or f"line {line}: {fault}"

    def notes(self) -> Iterator[str]:
        """Yield what whoever asked should know beside the rows."""
        if not self.rows:
            yield "there is no row below the names of the columns"
        if self.unreadable:
            yield f"{self.unreadable} of {self.rows} rows cannot be read, the first at {self.first}. {_HINT}"
        if self._late:
            yield (
                f"{self._late} of {self.rows} rows are not later than the row before them; "
                "rows of a time that was before are left out: sort the file by its times."
            )


def _scored(file: TextIO, name: str, seen: _Seen) -> Iterator[bytes]:
    """Yield lines, keeping no more than some rows."""
    detector = Detector()
    rows = read_rows(file, name, _COLUMNS)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        read = [_read(row) for row in batch]
        good = [(seen.time_of(one[0]), one[1]) for one in read if not isinstance(one, str)]
        times, values = np.array(good, np.float64).reshape(-1, 2).T.copy()
        found = zip(*detector.score(times, values), strict=True)
        seen.rows += len(batch)
        lines = []
        for row, one in zip(batch, read, strict=True):
            line: dict[str, Any] = {"line": row.line, "timestamp": row.cells[0] if row.cells else None}
            if isinstance(one, str):
                seen.note_fault(row.line, one)
                line |= {"score": 0.0, "alarm": False, "error": one}
            else:
                score, alarm = next(found)
                line |= {
                    "value": None if math.isnan(one[1]) else one[1],
                    "score": round(float(score), 6),
                    "alarm": bool(alarm),
                }
            lines.append(orjson.dumps(line))
        yield b"\n".join(lines)


def _read(row: Row) -> tuple[float, float] | str:
    """Return time and value of a row, or what is wrong with it."""
    if row.fault:
        return row.fault
    try:
        time_s = seconds_of(row.cells[0])
    except (ValueError, OverflowError):
        return f"no time: {row.cells[0][:40]!r}"
    try:
        return time_s, value_of(row.cells[1])
    except ValueError:
        return f"no number: {row.cells[1][:40]!r}"
