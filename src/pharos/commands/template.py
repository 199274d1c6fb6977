"""`pharos template`: templates of notifications, tried without a server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from pharos.clock import SystemClock
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.gotemplate.values import encoded
from pharos.gotext.times import Moment, format_rfc3339
from pharos.notify.template import Templates
from pharos.notify.template_data import read_data

app = typer.Typer(no_args_is_help=True, add_completion=False)

GlobOption = Annotated[
    list[str] | None,
    typer.Option("--template.glob", "--glob", help="Files with templates; may be given several times."),
]


class Form(StrEnum):
    """How what comes out is escaped."""

    TEXT = "text"
    HTML = "html"


@app.command()
def render(
    text: Annotated[
        str, typer.Option("--template.text", "--text", help="The template, as a receiver's setting has it.")
    ],
    globs: GlobOption = None,
    form: Annotated[
        Form,
        typer.Option("--template.type", "--type", help="Text as it is, or HTML, values escaped."),
    ] = Form.TEXT,
    data: Annotated[
        Path | None,
        typer.Option(
            "--template.data", "--data", help="What Alertmanager's webhooks send, as a file; else an example."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a template over a notification, as `amtool template render` does."""
    now_ms = SystemClock().now_ms()
    try:
        templates = Templates.load(globs or [])
        document = read_data(_example(now_ms) if data is None else _read(data))
        out = templates.expand(text, document, now_ms, is_html=form is Form.HTML)
    except PharosError as error:
        raise as_found(error) from error
    if as_json:
        print_json({"output": out.encode("utf-8", "replace").decode()})
    else:
        typer.echo(encoded(out))


@app.command()
def check(
    globs: Annotated[list[str], typer.Argument(help="Files with templates, or globs of them.")],
    as_json: JsonOption = False,
) -> None:
    """Read templates and list their names, those that stand in for a default first."""
    try:
        ours, found = Templates(), Templates.load(globs)
    except PharosError as error:
        raise as_found(error) from error
    names = [name for name in found.names() if found.is_other(name, ours)]
    names.sort(key=lambda name: name not in ours.names())
    if as_json:
        print_json([{"name": name, "replaces_default": name in ours.names()} for name in names])
        return
    for name in names:
        OUT.print(f"{name}{' (replaces the default)' if name in ours.names() else ''}", markup=False)


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise PharosError(Kind.MISSING, f"{path}: cannot read the data: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise PharosError(Kind.INVALID, f"{path}: no JSON: {error}") from error


def _example(now_ms: int) -> dict[str, Any]:
    """Return a group of two alerts, one of which is over."""
    common = {"alertname": "DiskFull", "severity": "critical"}
    notes = {"runbook_url": "https://runbooks.example.com/disk"}

    def alert(instance: str, status: str, minutes: int) -> dict[str, Any]:
        return {
            "status": status,
            "labels": {**common, "instance": instance},
            "annotations": {**notes, "summary": f"The disk of {instance} is full"},
            "startsAt": _time(now_ms - 60_000 * minutes),
            "endsAt": _time(now_ms) if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "https://pharos.example.com/graph?g0.expr=up",
            "fingerprint": "0123456789abcdef",
        }

    return {
        "receiver": "team",
        "status": "firing",
        "alerts": [alert("db-1", "firing", 10), alert("db-2", "resolved", 20)],
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": common,
        "commonAnnotations": notes,
        "externalURL": "https://pharos.example.com",
    }


def _time(ms: int) -> str:
    return format_rfc3339(Moment(ms * 1_000_000))
