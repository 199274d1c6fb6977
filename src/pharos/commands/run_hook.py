"""`pharos run hook`: how the engines of workflows are reached."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    call,
    show_table,
)
from pharos.commands.screen import OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError

app = typer.Typer(no_args_is_help=True, add_completion=False)

WorkflowArgument = Annotated[
    str, typer.Argument(help="The workflow; * for all without a hook of their own.", show_default=False)
]


@app.callback()
def _group() -> None:
    """How the engines of workflows are reached."""


@app.command("list")
def list_hooks(
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List control hooks, without their secrets."""
    found = call(asked(server, data, tenant), "GET /api/v1/flows/hooks")["hooks"]
    if as_json:
        print_json(found)
        return
    show_table(("workflow", "reached by", "can", "changed by"), map(_row, found), "no hook")


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    hook = found["hook"]
    can = ", ".join(hook.get("actions", ["everything"]))
    return found["workflow"], hook.get("url") or "its queue", can, found["changed_by"]


@app.command("set")
def set_hook(
    workflow: WorkflowArgument,
    url: Annotated[str, typer.Option(help="Where each control is posted to.", show_default=False)] = "",
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the secret that signs from standard input.")
    ] = False,
    queue: Annotated[bool, typer.Option("--queue", help="The engine asks for what is wanted of it.")] = False,
    action: Annotated[
        list[str] | None,
        typer.Option(help="What the engine can do; several are allowed.", show_default="everything"),
    ] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Say how the engine of a workflow is reached."""
    hook: dict[str, Any] = {"url": url} if url else {}
    if secret_stdin:
        hook["secret"] = sys.stdin.readline().rstrip("\r\n")
    elif url:
        raise PharosError(
            Kind.INVALID, "a url needs a secret", hint="write it to standard input of --secret-stdin"
        )
    if queue:
        hook["queue"] = True
    if action:
        hook["actions"] = action
    body = {"workflow": workflow, "hook": hook}
    found = call(asked(server, data, tenant), "PUT /api/v1/flows/hooks", body)
    if as_json:
        print_json(found)
    else:
        OUT.print(f"{workflow}: reached by {found['hook'].get('url') or 'its queue'}", markup=False)


@app.command("drop")
def drop_hook(
    workflow: WorkflowArgument,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Take a hook away: nothing can be asked of that engine any more."""
    query = urlencode({"workflow": workflow})
    found = call(asked(server, data, tenant), f"DELETE /api/v1/flows/hooks?{query}")
    if as_json:
        print_json(found)
    else:
        OUT.print(f"{workflow}: no hook any more", markup=False)
