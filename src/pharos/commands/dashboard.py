"""`pharos dashboard`: dashboards listed, imported from files and exported to files, or checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape

from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    call,
    show_table,
)
from pharos.commands.deferred import imported
from pharos.commands.screen import EXIT_FOUND, OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError
from pharos.named_file import read_named

app = typer.Typer(no_args_is_help=True, add_completion=False)

_MOST_BYTES = 4 << 20
_PATH = "/api/pharos/dashboards"
FilesArgument = Annotated[
    list[Path], typer.Argument(help="Files of dashboards, or folders of such files: JSON or YAML.")
]


@app.command("list")
def list_dashboards(
    query: Annotated[str, typer.Argument(help="Words in title, tags or folder.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only those with this tag; may be repeated.")] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List dashboards."""
    asking = urlencode([("query", query), *(("tag", one) for one in tag or [])])
    found = call(asked(server, data, tenant), f"GET {_PATH}?{asking}")["dashboards"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["uid"],
            one["title"],
            one["folder_title"],
            one["source"],
            str(one["panels"]),
            str(one["version"] or ""),
            ", ".join(one["tags"]),
        )
        for one in found
    ]
    show_table(("uid", "title", "folder", "source", "panels", "version", "tags"), rows, "no dashboards")


@app.command("import")
def import_dashboards(
    files: FilesArgument,
    folder: Annotated[str, typer.Option(help="The uid of the folder to put them in.")] = "",
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="What an input of an export is, as DS_PROM=prometheus; may be repeated."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option(help="Save over those that are there, as their next version.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be lost.")] = False,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Import files of dashboards, and say what of them cannot be shown; exits with 1 when one is refused."""
    given = dict(_pair(one) for one in inputs or [])
    asking, said = asked(server, data, tenant), []
    for path in _files(files):
        body = {
            "text": read_named(path, _MOST_BYTES).decode(errors="replace"),
            "folder": folder,
            "inputs": given,
            "overwrite": overwrite,
            "dry_run": dry_run,
            "message": f"imported from {path.name}",
        }
        try:
            found = call(asking, "POST /api/pharos/dashboards_import", body)
        except PharosError as exc:
            if exc.kind in {Kind.UNAVAILABLE, Kind.UNAUTHENTICATED, Kind.DENIED}:
                raise
            found = {"error": str(exc)}
        said.append({"file": str(path), **found})
        if not as_json:
            _show_import(said[-1])
    if as_json:
        print_json(said)
    if any("error" in one for one in said):
        raise typer.Exit(EXIT_FOUND)


def _pair(said: str) -> tuple[str, str]:
    name, sign, value = said.partition("=")
    if not sign:
        raise PharosError(Kind.INVALID, f"--input: {said!r} is no NAME=VALUE")
    return name, value


def _files(named: list[Path]) -> Iterator[Path]:
    for path in named:
        if not path.is_dir():
            yield path
            continue
        yield from sorted(one for one in path.rglob("*") if one.suffix in {".json", ".yaml", ".yml"})


def _show_import(found: Mapping[str, Any]) -> None:
    if "error" in found:
        OUT.print(f"[red]refused[/red] {escape(found['file'])}: {escape(found['error'])}")
        return
    version = f"version {found['version']}" if found["version"] else "not kept"
    told = f"{found['uid'] or 'a new uid'}, {found['panels']} panels, {version}"
    OUT.print(f"[green]good[/green]    {escape(found['file'])}: {escape(told)}")
    for one in found["report"]:
        hint = f" ({one['hint']})" if one["hint"] else ""
        OUT.print(f"  {one['level']:8}{escape(one['where'])}: {escape(one['message'] + hint)}")


@app.command("export")
def export_dashboards(
    uids: Annotated[
        list[str] | None, typer.Argument(help="Which ones; none for all that were saved.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="A folder for a file of each.", show_default="print them")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="json, yaml, grafana or modern.")] = "json",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
) -> None:
    """Export dashboards as they are kept, such as into a folder that git keeps."""
    asking = asked(server, data, tenant)
    if not uids:
        found = call(asking, f"GET {_PATH}?source=stored")["dashboards"]
        uids = [one["uid"] for one in found]
    for uid in uids:
        reply = asking.reply(f"GET {_PATH}/{quote(uid, safe='')}/export?{urlencode({'format': form})}")
        if reply.status != 200:
            call(asking, f"GET {_PATH}/{quote(uid, safe='')}")
            raise PharosError(
                Kind.INVALID, f"{uid}: not exported as {form!r}", hint="json, yaml, grafana, modern"
            )
        if to is None:
            typer.echo(reply.body.decode())
            continue
        to.mkdir(parents=True, exist_ok=True)
        path = to / f"{uid}.{'yaml' if form == 'yaml' else 'json'}"
        path.write_bytes(reply.body.rstrip() + b"\n")
        OUT.print(escape(str(path)))


@app.command()
def check(files: FilesArgument, as_json: JsonOption = False) -> None:
    """Read files of dashboards without a server, and say what of them cannot be shown."""
    document, read = imported("pharos.dashboards.document"), imported("pharos.dashboards.read")
    said: list[dict[str, Any]] = []
    for path in _files(files):
        try:
            brought = document.unwrap(
                document.parse_text(read_named(path, _MOST_BYTES).decode(errors="replace"))
            )
            model, report = read.read_model(brought)
            found = {
                "uid": brought.uid,
                "title": brought.title,
                "panels": len(model.panels()),
                "version": 0,
                "schema": brought.schema,
                "report": report.shown(),
            }
        except PharosError as exc:
            found = {"error": str(exc)}
        said.append({"file": str(path), **found})
        if not as_json:
            _show_import(said[-1])
    if as_json:
        print_json(said)
    if any("error" in one for one in said):
        raise typer.Exit(EXIT_FOUND)
