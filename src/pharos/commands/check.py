"""`pharos check`: configuration files, looked at without a server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pharos.commands.deferred import imported
from pharos.commands.screen import EXIT_FOUND, JsonOption, print_json
from pharos.document import FaultsError, Mapping, Scalar, load_document
from pharos.errors import PharosError
from pharos.named_file import read_named


class FileKind(StrEnum):
    """What a file is read as."""

    PHAROS = "pharos"
    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    RULES = "rules"
    CHECKS = "checks"


_OF_ALERTMANAGER: Final = frozenset(
    {"route", "receivers", "inhibit_rules", "templates", "time_intervals", "mute_time_intervals"}
)


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="pharos.yml files (named pharos*.yml), prometheus.yml, alertmanager.yml and files of checks."
            " `health` instead of a file: `pharos check health` makes checks."
        ),
    ],
    kind: Annotated[
        FileKind | None, typer.Option("--as", help="What they are; otherwise their content tells.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check configuration files; every fault is named with its line."""
    verdicts = [_verdict(path, kind) for path in files]
    if as_json:
        print_json(verdicts)
    else:
        for verdict in verdicts:
            _show(verdict)
    if any(verdict["faults"] for verdict in verdicts):
        raise typer.Exit(EXIT_FOUND)


def _verdict(path: Path, kind: FileKind | None) -> dict[str, Any]:
    notices: list[str] = []
    faults: list[str] = []
    found = kind
    try:
        found = kind or _recognised(path)
        # What reads one kind is not loaded for the others.
        notices = imported(f"pharos.commands.check_{found}").notices_of(path)
    except PharosError as exc:
        faults = list(map(str, exc.faults if isinstance(exc, FaultsError) else [exc]))
    return {"file": str(path), "kind": found and str(found), "faults": faults, "notices": notices}


def _recognised(path: Path) -> FileKind:
    """Return what a file is, by its name or the sections it has.

    Raises PharosError(INVALID) where neither says so, and whatever its reading raises.
    """
    if path.name.startswith("pharos"):
        return FileKind.PHAROS
    root = load_document(read_named(path), str(path), first_only=True)
    keys = root.node.nodes[::2] if isinstance(root.node, Mapping) else []
    names = {key.text for key in keys if isinstance(key, Scalar)}
    if names & _OF_ALERTMANAGER or (names <= {"global", "tracing"} and path.name.startswith("alertmanager")):
        return FileKind.ALERTMANAGER
    if not names and isinstance(root.node, Scalar) and not path.name.startswith("prometheus"):
        raise root.fault("there is no section in it that tells what it is: say so with --as")
    if names == {"groups"}:
        # Whoever asks whether a configuration is good is not told that some other file is.
        raise root.fault(f"it holds rules and configures nothing: `pharos rules check {path}` checks it")
    if names and names <= {"checks", "components"}:
        return FileKind.CHECKS
    return FileKind.PROMETHEUS


def _show(verdict: dict[str, Any]) -> None:
    for notice in verdict["notices"]:
        typer.echo(f"{typer.style('note', fg='yellow')}  {notice}")
    for fault in verdict["faults"]:
        typer.echo(f"{typer.style('fault', fg='red')} {fault}")
    if not verdict["faults"]:
        typer.echo(f"{typer.style('good', fg='green')}  {verdict['file']} (read as {verdict['kind']}.yml)")
