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

from pharos.commands.screen import as_found
from pharos.errors import Kind, PharosError
from pharos.judgement.anomaly import Detector
from pharos.judgement.rows import Row, read_rows, seconds_of, value_of

app = typer.Typer(no_args_is_help=True, add_completion=False)

_COLUMNS: Final = (
    ("timestamp", "timestamps", "time", "datetime", "date", "ts", "t"),
    ("value", "values", "count"),
)
_ROWS_AT_ONCE: Final = 512


@app.callback()
def _group() -> None:
    """Anomalies: what the detector says of series."""


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="A CSV file with the columns timestamp,value, oldest row first.")
    ],
) -> None:
    """Score each row by the rows before it; one JSON line a row."""
    try:
        opened = file.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise as_found(PharosError(Kind.MISSING, f"{file}: {error.strerror}")) from error
    with opened:
        try:
            for line in _scored(opened, str(file)):
                typer.echo(line)
        except PharosError as error:
            raise as_found(error) from error


def _scored(file: TextIO, name: str) -> Iterator[bytes]:
    """Yield lines, keeping no more than some rows."""
    detector = Detector()
    rows = read_rows(file, name, _COLUMNS)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        read = [_read(row) for row in batch]
        good = [(one[0], one[1]) for one in read if not isinstance(one, str)]
        times, values = np.array(good, np.float64).reshape(-1, 2).T.copy()
        found = zip(*detector.score(times, values), strict=True)
        lines = []
        for row, one in zip(batch, read, strict=True):
            line: dict[str, Any] = {"line": row.line, "timestamp": row.cells[0] if row.cells else None}
            if isinstance(one, str):
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
