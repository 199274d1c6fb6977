"""`pharos slo`: specifications of objectives, checked and made rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from pharos.commands.screen import ERR, EXIT_FOUND, OUT, JsonOption, as_found, print_json
from pharos.document import FaultsError
from pharos.durable import replace_durably
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.slo.objective import Objective
from pharos.slo.specification import groups_of, load_specification
from pharos.slo.windows import BurnWindows, Design, load_windows
from pharos.slo.written import Form, plain_rules, written_rules

app = typer.Typer(no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(help="Specifications of OpenSLO, Sloth or Pyrra, read together.", show_default=False),
]
Period = Annotated[
    str, typer.Option("--period", "--window", help="The window of Sloth's objectives, which name none.")
]
Windows = Annotated[
    Path | None,
    typer.Option(
        help="Burn-rate windows as Sloth's AlertWindows; else FILE.windows.yml beside FILE.yml.",
        show_default=False,
    ),
]


@app.command()
def generate(
    files: Files,
    period: Period = "30d",
    windows: Windows = None,
    design: Annotated[
        Design, typer.Option(help="Alerts of the workbook, with a quick reset, or quick to tell.")
    ] = Design.WORKBOOK,
    form: Annotated[Form, typer.Option("--format", help="What is written.")] = Form.PROMETHEUS,
    out: Annotated[
        Path | None, typer.Option(help="Where to; else it is printed.", show_default=False)
    ] = None,
    is_drop_in: Annotated[
        bool,
        typer.Option(
            "--drop-in", help="Only the rules that Sloth or Pyrra make, without budget and coverage."
        ),
    ] = False,
) -> None:
    """Print the recording and alerting rules of objectives."""
    try:
        own = _own_windows(files, windows)
        found = load_specification(files, _period_ms(period))
    except PharosError as exc:
        raise as_found(exc) from exc
    groups = [
        group for one in found.objectives for group in groups_of(one, own, design, is_drop_in=is_drop_in)
    ]
    for notice in found.notices:
        ERR.print(f"[yellow]note[/yellow]  {escape(notice)}")
    if form is Form.JSON:
        text = orjson.dumps(plain_rules(groups), option=orjson.OPT_INDENT_2).decode() + "\n"
    else:
        text = written_rules(groups, form, files[0].stem)
    if out is None:
        typer.echo(text, nl=False)
    else:
        replace_durably(out, text.encode())
        rules = sum(len(group.rules) for group in groups)
        OUT.print(
            f"{escape(str(out))}: {rules} rules in {len(groups)} groups of {len(found.objectives)} objectives"
        )


@app.command()
def check(files: Files, period: Period = "30d", windows: Windows = None, as_json: JsonOption = False) -> None:
    """Check specifications of objectives; every fault is named with its line and field."""
    faults: list[str] = []
    notices: list[str] = []
    objectives: list[Objective] = []
    try:
        _own_windows(files, windows)
        found = load_specification(files, _period_ms(period))
        notices, objectives = list(found.notices), list(found.objectives)
    except PharosError as exc:
        faults = list(map(str, exc.faults if isinstance(exc, FaultsError) else [exc]))
    shown = [_plain(one) for one in objectives]
    if as_json:
        names = list(map(str, files))
        print_json({"files": names, "objectives": shown, "faults": faults, "notices": notices})
    else:
        for notice in notices:
            OUT.print(f"[yellow]note[/yellow]  {escape(notice)}")
        for fault in faults:
            OUT.print(f"[red]fault[/red] {escape(fault)}")
        for one in shown:
            window = f"{one['window']}{'' if one['rolling'] else ' of the calendar'}"
            OUT.print(
                f"[green]good[/green]  {escape(one['id'])}: {one['target']} % in {window}, {one['language']}"
            )
    if faults:
        raise typer.Exit(EXIT_FOUND)


def _plain(one: Objective) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "service": one.service,
        "language": one.language.value,
        "target": one.target_percent,
        "window": format_duration(one.period_ms),
        "rolling": one.calendar is None,
        "budgeting": one.budgeting.value,
    }


def _period_ms(period: str) -> int:
    try:
        found = parse_duration(period)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"--period: {exc}") from exc
    if not found:
        raise PharosError(Kind.INVALID, "--period: a window has a length, such as 30d")
    return found


def _own_windows(files: list[Path], named: Path | None) -> dict[int, BurnWindows]:
    """Return the windows that are named, or lie beside a file, by their period."""
    beside = [path.with_name(f"{path.stem}.windows.yml") for path in files]
    paths = [named] if named is not None else [path for path in beside if path.is_file()]
    return {one.period_ms: one for one in map(load_windows, paths)}
