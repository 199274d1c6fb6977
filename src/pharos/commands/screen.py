"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import orjson
import typer
from msgspec.structs import asdict
from rich.console import Console

from pharos.errors import Kind, PharosError

_PIPE_COLUMNS: Final = 1000
"""What reads from a pipe gets whole lines."""
OUT: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
ERR: Final = Console(stderr=True, highlight=False, soft_wrap=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs, also of an error.")]

EXIT_FOUND: Final = 1
"""What was asked about is bad: a fault in a file, a query that is refused, a damaged backup."""
EXIT_REFUSED: Final = 2
"""It could not be done: wrong usage, bad settings, a folder in use, no server."""

_FOUND_KINDS: Final = frozenset(
    {Kind.INVALID, Kind.UNSUPPORTED, Kind.MISSING, Kind.CONFLICT, Kind.TOO_LARGE, Kind.LIMITED}
)


class FoundError(PharosError):
    """A fault in what the command was asked to look at; the command itself did its work."""


def as_found(error: PharosError) -> PharosError:
    """Return the error as the command's finding, if its kind says that the input is at fault."""
    if error.kind not in _FOUND_KINDS:
        return error
    return FoundError(error.kind, error.message, hint=error.hint, position=error.position, cause=error.cause)


def print_json(document: Any) -> None:
    """Print one JSON document and a line's end, never wrapped or coloured."""
    typer.echo(orjson.dumps(document, default=asdict, option=orjson.OPT_INDENT_2).decode())


def print_error(error: PharosError, *, as_json: bool) -> int:
    """Print the error to standard error and return the exit code."""
    if as_json:
        told = {"kind": str(error.kind), "message": error.message, "hint": error.hint}
        document = {"error": told if error.cause is None else {**told, "code": str(error.cause)}}
        typer.echo(orjson.dumps(document).decode(), err=True)
    else:
        ERR.print("[red]pharos:[/red] ", end="")
        ERR.print(str(error), markup=False)
    return EXIT_FOUND if isinstance(error, FoundError) else EXIT_REFUSED
