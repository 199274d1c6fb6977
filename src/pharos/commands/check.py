"""`pharos check`: configuration files, looked at without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pharos.commands.screen import EXIT_FOUND, OUT, JsonOption, print_json
from pharos.config import check_prometheus, load_settings, process_environment
from pharos.document import FaultsError
from pharos.errors import PharosError
from pharos.ingest.scrape.config import load_scrape_config


def check(
    files: Annotated[
        list[Path], typer.Argument(help="pharos.yml files (named pharos*.yml) and prometheus.yml files.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Check configuration files; every fault is named with its line."""
    verdicts = [_verdict(path) for path in files]
    if as_json:
        print_json(verdicts)
    else:
        for verdict in verdicts:
            _show(verdict)
    if any(verdict["faults"] for verdict in verdicts):
        raise typer.Exit(EXIT_FOUND)


def _verdict(path: Path) -> dict[str, Any]:
    notices: list[str] = []
    faults: list[str] = []
    kind = "pharos" if path.name.startswith("pharos") else "prometheus"
    try:
        if kind == "pharos":
            settings = load_settings(path, {})
            check_prometheus(path, settings)
            if settings.prometheus is not None:
                notices = _scraped(settings.prometheus)
        else:
            notices = _scraped(path)
    except PharosError as exc:
        faults = list(map(str, exc.faults if isinstance(exc, FaultsError) else [exc]))
    return {"file": str(path), "kind": kind, "faults": faults, "notices": notices}


def _scraped(path: Path) -> list[str]:
    return [str(notice) for notice in load_scrape_config(path, environment=process_environment()).notices]


def _show(verdict: dict[str, Any]) -> None:
    for notice in verdict["notices"]:
        OUT.print(f"[yellow]note[/yellow]  {escape(notice)}")
    for fault in verdict["faults"]:
        OUT.print(f"[red]fault[/red] {escape(fault)}")
    if not verdict["faults"]:
        OUT.print(f"[green]good[/green]  {escape(verdict['file'])} (read as {verdict['kind']}.yml)")
