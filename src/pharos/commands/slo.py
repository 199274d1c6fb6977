"""`pharos slo`: specifications of objectives, checked and made rules."""

from __future__ import annotations

import math
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
from pharos.named_file import read_named
from pharos.slo import simulation
from pharos.slo.files import own_windows
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


@app.command()
def simulate(
    file: Annotated[
        Path, typer.Argument(help="An objective, alerts, and traffic to try them on.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Try an objective and its alerts on traffic that is made up: how its budget goes, who is told when."""
    try:
        case = simulation.read_case(read_named(file), str(file))
    except PharosError as exc:
        raise as_found(exc) from exc
    found = simulation.simulate(case)
    points = [_plain_point(one) for one in found.points]
    alerts = [
        {
            "severity": one.severity,
            "fires_at_s": one.fires_ms // 1000,
            "clears_at_s": None if one.clears_ms is None else one.clears_ms // 1000,
        }
        for one in found.alerts
    ]
    if as_json:
        print_json({"points": points, "alerts": alerts})
        return
    for point in found.points:
        state = point.state
        burn = "nothing happened" if state.burn_rate is None else f"burn rate {state.burn_rate:.3g}"
        left = f"{state.remaining:.1%} of the budget left, {burn}"
        lasts = state.exhausted_in_ms
        rest = "" if lasts is None else f", spent in {format_duration(round(lasts / 60_000) * 60_000)}"
        OUT.print(f"{format_duration(point.at_ms):>8}  {left}{rest}")
    for told in found.alerts:
        clears = "still fires" if told.clears_ms is None else f"clears at {format_duration(told.clears_ms)}"
        OUT.print(f"[yellow]{escape(told.severity)}[/yellow] at {format_duration(told.fires_ms)}, {clears}")


def _plain_point(point: simulation.Point) -> dict[str, Any]:
    state = point.state
    lasts = state.exhausted_in_ms
    return {
        "at": format_duration(point.at_ms),
        "totalRequests": state.counts.total,
        "errorRequests": state.counts.bad,
        "errorRate": state.counts.error_rate,
        "errorBudget": state.budget,
        "budgetRemaining": _number(state.remaining),
        "budgetBurnRate": _number(state.burn_rate),
        "timeToExhaustion": None if lasts is None else lasts / 60_000,
        "sloCompliance": state.is_met,
        "burn": {window: _number(rate) for window, rate in point.burn},
    }


def _number(value: float | None) -> float | str | None:
    """Return a number as JSON has it: infinity as a word."""
    return value if value is None or math.isfinite(value) else "inf" if value > 0 else "-inf"


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
    if named is None:
        return own_windows(files)
    found = load_windows(named)
    return {found.period_ms: found}
