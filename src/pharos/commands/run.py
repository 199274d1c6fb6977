"""`pharos run`: runs of workflows listed, shown, told of from scripts, and controlled."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import typer

from pharos.clock import SystemClock
from pharos.commands import run_exec, run_hook
from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    call,
    show_table,
)
from pharos.commands.ask import Asked
from pharos.commands.screen import EXIT_FOUND, OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(run_hook.app, name="hook", help="How the engines of workflows are reached.")

RUN_VARIABLE: Final = "PHAROS_RUN_ID"
_MINUTE_MS: Final = 60_000
_ANSWER_S: Final = 75.0
"""Longer than an engine's answer may be waited for."""
_NOT_DONE: Final = frozenset({"refused", "failed", "expired"})


def _named(run: str) -> str:
    if not run:
        raise typer.BadParameter("an id is expected, as `pharos run list` shows it")
    return run


RunArgument = Annotated[
    str,
    typer.Argument(
        envvar=RUN_VARIABLE, help="The run's id.", metavar="RUN", show_default=False, callback=_named
    ),
]
StateOption = Annotated[
    str, typer.Option("--state", help="succeeded, failed, aborted or timed_out; of a step skipped, too.")
]
ErrorOption = Annotated[str, typer.Option("--error", help="Why it failed.", show_default=False)]
MessageOption = Annotated[str, typer.Option("--message", help="What it does now.", show_default=False)]
KeyOption = Annotated[
    str,
    typer.Option("--key", help="The same key asks for the same thing: it is done once.", show_default=False),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, for the engine and the audit log.", show_default=False)
]
WaitOption = Annotated[str, typer.Option("--wait", help="So long the engine's answer is waited for.")]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", help="NAME=VALUE, for the engine; several are allowed.", show_default=False),
]


@app.callback()
def _group() -> None:
    """Runs of workflows: listed, shown, told of from scripts, and controlled."""


# -- looking --


@app.command("list")
def list_runs(
    workflow: Annotated[str, typer.Option(help="Of this workflow alone.", show_default=False)] = "",
    state: Annotated[
        str,
        typer.Option(help="In this state alone: live, over, running, failed, late, …", show_default=False),
    ] = "",
    since: Annotated[str, typer.Option(help="Begun within this time.")] = "7d",
    query: Annotated[
        str, typer.Option(help="With this text in run, workflow, owner or error.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    start_ms = SystemClock().now_ms() - parse_duration(since)
    fields = {"workflow": workflow, "state": state, "query": query}
    given = {name: value for name, value in fields.items() if value}
    query_text = urlencode({**given, "start": start_ms, "limit": limit})
    found = call(asked(server, data, tenant), f"GET /api/v1/runs?{query_text}")
    if as_json:
        print_json(found)
        return
    names = ("run", "workflow", "state", "begun", "took", "progress", "steps", "reason")
    show_table(names, map(_row, found["runs"]), "no run")


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    steps = f"{run['steps_done']}/{run['steps_total']}" if run["steps_total"] else ""
    return (
        run["run_id"],
        run["workflow"],
        run["state"],
        _time(run["start_ms"]),
        _took(run["duration_ms"]),
        "" if run["progress"] is None else f"{run['progress']:.0%}",
        steps,
        run["reason"] or run["error"][:80] or run["message"][:80],
    )


def _time(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _took(duration_ms: int | None) -> str:
    if duration_ms is None:
        return ""
    unit_ms = 1000 if duration_ms >= 10_000 else 1
    return format_duration(duration_ms // unit_ms * unit_ms)


@app.command()
def show(
    run: RunArgument,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Show a run: how it stands, its steps, and what was asked of it."""
    there = asked(server, data, tenant)
    found = call(there, f"GET /api/v1/runs/{quote(run)}")
    told = call(there, f"GET /api/v1/flows/controls?{urlencode({'run_id': run})}")
    if as_json:
        print_json({**found, "controls": told["controls"]})
        return
    summary = found["run"]
    OUT.print(f"{summary['workflow'] or 'run'} {summary['run_id']}: {summary['state']}", markup=False)
    for name in ("reason", "error", "message", "owner", "version", "engine", "node", "parent"):
        if summary[name]:
            OUT.print(f"  {name}: {summary[name]}", markup=False)
    begun, took = _time(summary["start_ms"]), _took(summary["duration_ms"])
    OUT.print(f"  begun {begun or 'not yet'}{f', took {took}' if took else ''}", markup=False)
    if summary["expected_end_ms"] and not summary["is_over"]:
        OUT.print(f"  usually over by {_time(summary['expected_end_ms'])}", markup=False)
    names = ("step", "state", "attempt", "begun", "took", "error")
    show_table(names, map(_step_row, found["steps"]), "no steps")
    for control in told["controls"]:
        said = f": {control['message']}" if control["message"] else ""
        at = _time(control["asked_ms"])
        OUT.print(f"  {at}  {control['action']} by {control['by']}: {control['status']}{said}", markup=False)


def _step_row(step: dict[str, Any]) -> tuple[str, ...]:
    begun, took = _time(step["start_ms"]), _took(step["duration_ms"])
    return step["name"] or step["id"], step["state"], str(step["attempt"]), begun, took, step["error"][:120]


# -- telling --


@app.command()
def start(
    workflow: Annotated[str, typer.Argument(help="What is run.")],
    run_id: Annotated[
        str, typer.Option("--id", help="The run's id.", show_default="one that nothing else has")
    ] = "",
    owner: Annotated[str, typer.Option(help="Who answers for it.", show_default="you")] = "",
    version: Annotated[str, typer.Option(help="Of the workflow's code.", show_default=False)] = "",
    parent: Annotated[
        str, typer.Option(help="The run that started this one.", envvar=RUN_VARIABLE, show_default=False)
    ] = "",
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=VALUE; several are allowed.", show_default=False)
    ] = None,
    input_size: Annotated[
        float | None, typer.Option(help="Rows, bytes, items: what its time depends on.", show_default=False)
    ] = None,
    within: Annotated[str, typer.Option(help="It must be over within this time.", show_default=False)] = "",
    heartbeat_every: Annotated[
        str,
        typer.Option(
            help="It gives signs of life so often; three missed ones are stuck.", show_default=False
        ),
    ] = "",
    schedule: Annotated[
        str, typer.Option(help="When it runs, as cron has it: '0 2 * * *'.", show_default=False)
    ] = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell that a run has begun, and print its id."""
    now_ms = SystemClock().now_ms()
    body: dict[str, Any] = {
        "workflow": workflow,
        "run_id": run_id,
        "owner": owner or _user(),
        "version": version,
        "parent": parent,
        "node": socket.gethostname(),
        "time_ms": now_ms,
        "inputs": pairs(inputs),
        "input_size": input_size,
        "deadline_ms": now_ms + parse_duration(within) if within else None,
        "heartbeat_every_ms": parse_duration(heartbeat_every) if heartbeat_every else None,
        "schedule": {"cron": schedule} if schedule else None,
    }
    found = call(asked(server, data, tenant), "POST /api/v1/run_start", _given(body))
    if as_json:
        print_json(found)
    else:
        OUT.print(found["run_id"], markup=False)


@app.command()
def step(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="The step.")],
    state: Annotated[
        str, typer.Option("--state", help="running, succeeded, failed, skipped, aborted or timed_out.")
    ] = "running",
    attempt: Annotated[int, typer.Option(min=1, max=1000, help="The how manieth attempt it is.")] = 1,
    after: Annotated[
        list[str] | None,
        typer.Option("--after", help="A step that it waited for; several are allowed.", show_default=False),
    ] = None,
    message: MessageOption = "",
    error: ErrorOption = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell how a step of a run stands."""
    said = {"id": name, "attempt": attempt, "state": state, "depends_on": after or None}
    body = {"run_id": run, "step": _given(said), "message": message, "error": error}
    _tell("run_step", body, server, data, tenant, as_json)


@app.command()
def progress(
    run: RunArgument,
    ratio: Annotated[float, typer.Argument(min=0, max=1, help="How far it is, from 0 to 1.")],
    message: MessageOption = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell how far a run is."""
    body = {"run_id": run, "progress": ratio, "message": message}
    _tell("run_progress", body, server, data, tenant, as_json)


@app.command()
def heartbeat(
    run: RunArgument,
    message: MessageOption = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Give a sign of life of a run."""
    _tell("run_heartbeat", {"run_id": run, "message": message}, server, data, tenant, as_json)


@app.command()
def end(
    run: RunArgument,
    state: StateOption = "succeeded",
    message: MessageOption = "",
    error: ErrorOption = "",
    cost: Annotated[float | None, typer.Option(help="What it cost in all.", show_default=False)] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell that a run is over."""
    body = {"run_id": run, "state": state, "message": message, "error": error, "cost": cost}
    _tell("run_end", body, server, data, tenant, as_json)


def _tell(
    what: str, body: dict[str, Any], server: str | None, data: Any, tenant: str | None, as_json: bool
) -> None:
    given = _given({**body, "time_ms": SystemClock().now_ms()})
    found = call(asked(server, data, tenant), f"POST /api/v1/{what}", given)
    if as_json:
        print_json(found)


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in body.items() if value not in ("", None, {})}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def pairs(texts: Sequence[str] | None) -> dict[str, str]:
    """Return what NAME=VALUE texts say. Raises PharosError(INVALID)."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise PharosError(Kind.INVALID, f"{text[:80]!r} is not NAME=VALUE")
        found[name] = value
    return found


app.command("exec", context_settings={"allow_interspersed_args": False})(run_exec.execute)


# -- control --


@app.command()
def launch(
    workflow: Annotated[str, typer.Argument(help="What is to be run.")],
    parameters: ParameterOption = None,
    reason: ReasonOption = "",
    key: KeyOption = "",
    wait: WaitOption = "10s",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Have the engine of a workflow start a run of it."""
    body = {"workflow": workflow, "parameters": pairs(parameters)}
    _ask("start", {**body, **_asking(reason, key, wait)}, server, data, tenant, as_json)


@app.command()
def pause(
    run: RunArgument,
    reason: ReasonOption = "",
    key: KeyOption = "",
    wait: WaitOption = "10s",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Have a run paused by its engine."""
    _ask("pause", {"run_id": run, **_asking(reason, key, wait)}, server, data, tenant, as_json)


@app.command()
def resume(
    run: RunArgument,
    reason: ReasonOption = "",
    key: KeyOption = "",
    wait: WaitOption = "10s",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Have a run that is paused go on."""
    _ask("resume", {"run_id": run, **_asking(reason, key, wait)}, server, data, tenant, as_json)


@app.command()
def retry(
    run: RunArgument,
    of_step: Annotated[
        str, typer.Option("--step", help="This step alone is tried again.", show_default=False)
    ] = "",
    reason: ReasonOption = "",
    key: KeyOption = "",
    wait: WaitOption = "10s",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Have a run that is over, or one step, tried again by its engine."""
    parameters = {"step": of_step} if of_step else {}
    body = {"run_id": run, "parameters": parameters, **_asking(reason, key, wait)}
    _ask("retry", body, server, data, tenant, as_json)


@app.command()
def abort(
    run: RunArgument,
    reason: ReasonOption = "",
    key: KeyOption = "",
    wait: WaitOption = "10s",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Have a run ended by its engine."""
    _ask("abort", {"run_id": run, **_asking(reason, key, wait)}, server, data, tenant, as_json)


def _asking(reason: str, key: str, wait: str) -> dict[str, Any]:
    return {"reason": reason, "idempotency_key": key, "wait_s": min(parse_duration(wait), _MINUTE_MS) / 1000}


def _ask(
    action: str, body: dict[str, Any], server: str | None, data: Any, tenant: str | None, as_json: bool
) -> None:
    there = asked(server, data, tenant)
    found = call(Asked(there.server, there.headers, _ANSWER_S), f"POST /api/v1/flows/{action}", body)
    if as_json:
        print_json(found)
    else:
        said = f": {found['message']}" if found["message"] else ""
        OUT.print(
            f"{found['action']} {found['run_id'] or found['workflow']}: {found['status']}{said}", markup=False
        )
    if found["status"] in _NOT_DONE:
        raise typer.Exit(EXIT_FOUND)
