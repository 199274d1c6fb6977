"""`pharos rules`: rule files checked, tested, and run over what a server has stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pharos.commands.deferred import imported
from pharos.commands.rules_replay import replay
from pharos.commands.screen import EXIT_FOUND, OUT, JsonOption, print_json
from pharos.document import FaultsError
from pharos.errors import Kind, PharosError

app = typer.Typer(no_args_is_help=True)
app.command("replay")(replay)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Files of rules, as Prometheus reads them.")],
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 for rules that are there twice, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check files of rules; every fault is named with its line."""
    verdicts = [_check_verdict(path) for path in files]
    if as_json:
        print_json(verdicts)
    else:
        for verdict in verdicts:
            _show_check(verdict)
    if any(verdict["faults"] or (is_strict and verdict["notices"]) for verdict in verdicts):
        raise typer.Exit(EXIT_FOUND)


def _check_verdict(path: Path) -> dict[str, Any]:
    spec = imported("pharos.rules.spec")
    faults: list[str] = []
    notices: list[str] = []
    groups = rules = 0
    try:
        file = spec.load_rules(path)
        notices = list(spec.duplicates(file))
        groups, rules = len(file.groups), sum(len(group.rules) for group in file.groups)
    except PharosError as exc:
        faults = list(map(str, exc.faults if isinstance(exc, FaultsError) else [exc]))
    return {"file": str(path), "groups": groups, "rules": rules, "faults": faults, "notices": notices}


def _show_check(verdict: dict[str, Any]) -> None:
    for notice in verdict["notices"]:
        OUT.print(f"[yellow]note[/yellow]  {escape(notice)}")
    for fault in verdict["faults"]:
        OUT.print(f"[red]fault[/red] {escape(fault)}")
    if not verdict["faults"]:
        counted = f"{_counted(verdict['rules'], 'rule')} in {_counted(verdict['groups'], 'group')}"
        OUT.print(f"[green]good[/green]  {escape(verdict['file'])}: {counted}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@app.command("test")
def run_tests(
    files: Annotated[list[Path], typer.Argument(help="Files of unit tests, as promtool's.")],
    run: Annotated[
        list[str] | None,
        typer.Option(help="Run only tests whose name this regular expression finds; may be repeated."),
    ] = None,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Fail tests that pass only with the windows of Prometheus 2.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run unit tests of rules, without a server."""
    is_asked = _is_asked(run or [])
    unit_test = imported("pharos.rules.unit_test")
    verdicts = [unit_test.run_unit_tests(path, is_asked, is_strict=is_strict) for path in files]
    if as_json:
        print_json([_plain(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            _show_test(verdict)
    if not all(verdict.passes for verdict in verdicts):
        raise typer.Exit(EXIT_FOUND)


def _is_asked(patterns: list[str]) -> Callable[[str], bool]:
    try:
        compiled = [re.compile(pattern) for pattern in patterns]
    except re.error as exc:
        raise PharosError(Kind.INVALID, f"--run: not a regular expression: {exc}") from exc
    return lambda name: not compiled or any(pattern.search(name) for pattern in compiled)


def _plain(verdict: Any) -> dict[str, Any]:
    return {
        "file": verdict.file,
        "passes": verdict.passes,
        "faults": list(verdict.faults),
        "notices": list(verdict.notices),
        "tests": [
            {
                "name": one.name,
                "line": one.line,
                "passes": not one.faults,
                "only_with_windows_of_prometheus_2": one.is_of_old,
                "faults": list(one.faults),
            }
            for one in verdict.tests
        ],
    }


def _show_test(verdict: Any) -> None:
    for notice in verdict.notices:
        OUT.print(f"[yellow]note[/yellow]  {escape(notice)}")
    for fault in verdict.faults:
        OUT.print(f"[red]fault[/red] {escape(fault)}")
    for one in verdict.tests:
        if one.is_of_old:
            what = f"{verdict.file}: {one.name} (line {one.line})"
            OUT.print(f"[yellow]note[/yellow]  {escape(what)} passes only with the windows of Prometheus 2")
        for fault in one.faults:
            OUT.print(f"[red]FAIL[/red]  {escape(f'{verdict.file}: {one.name} (line {one.line})')}")
            OUT.print(f"      {escape(fault)}".replace("\n", "\n      "))
    failed = sum(bool(one.faults) for one in verdict.tests)
    if verdict.passes:
        counted = _counted(len(verdict.tests), "test")
        OUT.print(f"[green]pass[/green]  {escape(verdict.file)}: {counted}")
    elif not verdict.faults:
        counted = f"{failed} of {_counted(len(verdict.tests), 'test')} failed"
        OUT.print(f"[red]FAIL[/red]  {escape(verdict.file)}: {counted}")
