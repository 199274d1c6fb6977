"""`pharos tenant`: tenants of a running server, their limits and what they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from pharos.commands.accounts import (
    EVERYWHERE,
    FOLDER,
    FolderOption,
    ServerOption,
    asked,
    asked_by_key,
    call,
)
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError

app = typer.Typer(no_args_is_help=True, add_completion=False)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The tenant's id.")]


@app.command("create")
def create(
    tenant: IdArgument,
    name: Annotated[str, typer.Option(help="What it is called on pages; its id if left out.")] = "",
    data: FolderOption = FOLDER,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a tenant; its id never changes, and is never another's."""
    _tell(_asked(data, server, "POST", "", {"id": tenant, "name": name}), "created", as_json=as_json)


@app.command("list")
def list_all(data: FolderOption = FOLDER, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """List the tenants."""
    found = _asked(data, server, "GET", "")
    if as_json:
        print_json(found)
        return
    table = Table(*(Column(name) for name in ("id", "name", "condition", "active series")), box=None)
    for one in found:
        table.add_row(one["id"], one["name"], one["condition"], f"{one['active_series']:,}")
    OUT.print(table)


@app.command("show")
def show(
    tenant: IdArgument, data: FolderOption = FOLDER, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Show a tenant and what it used in the last day; of a deleted one the proof that nothing is left."""
    found = _asked(data, server, "GET", f"/{tenant}")
    if found["condition"] != "deleted":
        found["usage"] = _call(data, server, "GET", f"/api/usage?tenant={tenant}", tenant)["totals"]
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if isinstance(value, Mapping):
            OUT.print(f"{name}:")
            for inner, number in value.items():
                OUT.print(f"  {inner}: {number}", markup=False)
        else:
            OUT.print(f"{name}: {value}", markup=False)


@app.command("rename")
def rename(
    tenant: IdArgument,
    name: Annotated[str, typer.Argument(help="What it is called on pages from now on.")],
    data: FolderOption = FOLDER,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a tenant otherwise; its id stays."""
    _tell(_asked(data, server, "PATCH", f"/{tenant}", {"name": name}), "renamed", as_json=as_json)


@app.command("suspend")
def suspend(
    tenant: IdArgument, data: FolderOption = FOLDER, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Let nobody write to or read from a tenant; what it holds stays."""
    _tell(_asked(data, server, "POST", f"/{tenant}/suspend"), "suspended", as_json=as_json)


@app.command("resume")
def resume(
    tenant: IdArgument, data: FolderOption = FOLDER, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Open a suspended tenant again."""
    _tell(_asked(data, server, "POST", f"/{tenant}/resume"), "opened again", as_json=as_json)


@app.command("delete")
def delete(
    tenant: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: FolderOption = FOLDER,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a tenant with all that it holds, for good; `show` tells when nothing of it is left."""
    if not yes:
        typed = typer.prompt(f"All that {tenant} holds is deleted for good. Its id again")
        if typed != tenant:
            raise PharosError(Kind.INVALID, f"{typed!r} is not {tenant!r}: nothing was done")
    _tell(_asked(data, server, "DELETE", f"/{tenant}"), "is being deleted", as_json=as_json)


@app.command("limits")
def limits(
    tenant: IdArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A limit of its own, such as max_series=50000."),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="NAME", help="A limit to be as for everybody.")
    ] = None,
    data: FolderOption = FOLDER,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the limits of a tenant, or change some; they hold at once."""
    wanted = _changes(changes or (), unset or ())
    found = _asked(data, server, "PATCH" if wanted else "GET", f"/{tenant}/limits", wanted or None)
    if as_json:
        print_json(found)
        return
    table = Table(Column("limit"), Column("value", justify="right"), Column("whose"), box=None)
    for name, value in found["limits"].items():
        shown = f"{value:,}" if isinstance(value, int) else value
        table.add_row(
            name, "none" if value == 0 else shown, "its own" if name in found["own"] else "everybody's"
        )
    OUT.print(table)


@app.command("unprotect")
def unprotect(
    tenant: Annotated[str, typer.Argument(metavar="ID", help="The tenant's id, or * for the server.")],
    policy: Annotated[str, typer.Argument(help="roles, limits or retention.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the audit log.")],
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Yes: nobody is left who could approve a proposal.")
    ] = False,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Let a protected policy be changed again, without a vote: for when those are gone who could vote.

    Only who may read the server's data folder can, and the audit log tells it by a name of its own.
    """
    if not emergency:
        raise PharosError(
            Kind.INVALID,
            "a protection ends by a proposal that is approved",
            hint="--emergency ends it without one, when nobody is left who could approve",
        )
    there = asked_by_key(data, None if tenant == EVERYWHERE else tenant)
    body = {"reason": reason, "everywhere": tenant == EVERYWHERE}
    found = call(there, f"POST /api/protections/{policy}/lift", body)
    if as_json:
        print_json(found)
    else:
        OUT.print(f"{policy} of {tenant} is not protected any more; the audit log says so", markup=False)


def _changes(changes: Sequence[str], unset: Sequence[str]) -> dict[str, str | None]:
    """Return the limits to be changed by name. Raises PharosError(INVALID)."""
    found: dict[str, str | None] = dict.fromkeys(unset)
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise PharosError(
                Kind.INVALID, f"not a limit with its value: {change!r}", hint="write it as max_series=50000"
            )
        found[name] = value
    return found


def _tell(found: Mapping[str, Any], done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        OUT.print(f"{found['id']} ({found['name']}) {done}", markup=False)


def _asked(
    data: Path, server: str | None, method: str, path: str, document: Mapping[str, Any] | None = None
) -> Any:
    """Return what the server answers about tenants. Raises PharosError."""
    tenant = path.strip("/").partition("/")[0]
    return _call(data, server, method, f"/api/tenants{path}", tenant, document)


def _call(
    data: Path,
    server: str | None,
    method: str,
    path: str,
    tenant: str,
    document: Mapping[str, Any] | None = None,
) -> Any:
    try:
        return asked(server, data, tenant or None).data(f"{method} {path}", document)
    except PharosError as exc:
        raise as_found(exc) from exc
