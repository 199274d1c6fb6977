"""`pharos user`: who may come in."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    asked,
    call,
    read_role,
    show_table,
    shown_age,
    shown_roles,
)
from pharos.commands.ask import Asked
from pharos.commands.screen import OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError

app = typer.Typer(no_args_is_help=True, add_completion=False)

NameArgument = Annotated[str, typer.Argument(help="The user's name.")]
StdinOption = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, without its line's end."),
]


def _password(*, from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None


@app.command()
def add(
    name: NameArgument,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="ROLE@TENANT, as viewer@default: viewer sees, editor changes, admin says who else "
            "may, writer sends; or operator for the whole server. May be given several times."
        ),
    ] = None,
    email: Annotated[str, typer.Option(help="An address.", show_default=False)] = "",
    password_stdin: StdinOption = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Add a user; without a password, print a link by which they choose one.

    The first user runs the whole server, and from then on everybody must sign in.
    """
    there = asked(server, data)
    held = [
        {"role": one, **({"everywhere": True} if tenant is None else {"tenant": tenant})}
        for one, tenant in map(read_role, role or [])
    ]
    body: dict[str, Any] = {"name": name, "email": email, "roles": held}
    password = _password(from_stdin=password_stdin)
    if password is not None:
        body["password"] = password
    was_open = call(there, "GET /api/sign_in")["openness"] != "closed"
    made = call(there, "POST /api/users", body)
    if as_json:
        print_json({**made, "url": _url(there, made)})
        return
    OUT.print(f"added {name}: {shown_roles(made['user'])}", markup=False)
    if not (made["user"]["everywhere"] or made["user"]["tenants"]):
        OUT.print(f"They see nothing yet: pharos user role {name} --give viewer@default", markup=False)
    _show_link(there, made)
    if was_open:
        OUT.print(
            "From now on everybody must sign in, and programs need a token: pharos token create", markup=False
        )


def _url(there: Asked, made: dict[str, Any]) -> str | None:
    return f"{there.server}{made['path']}" if made["path"] else None


def _show_link(there: Asked, made: dict[str, Any]) -> None:
    if made["path"]:
        OUT.print("This link works once, within three days; whoever opens it chooses the password:")
        OUT.print(f"  {_url(there, made)}", markup=False)


@app.command("list")
def list_users(server: ServerOption = None, data: FolderOption = FOLDER, as_json: JsonOption = False) -> None:
    """List all users with their roles."""
    found = call(asked(server, data), "GET /api/users")
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["name"],
            shown_roles(one),
            "disabled" if one["disabled_ms"] else "active",
            shown_age(one["created_ms"]),
        )
        for one in found
    ]
    show_table(("user", "roles", "", "added"), rows, "no users: everybody may do everything")


def _change(there: Asked, name: str, body: dict[str, Any]) -> Any:
    return call(there, f"PATCH /api/users/{_id(there, name)}", body)


def _id(there: Asked, name: str) -> str:
    """Return the id of a user: names may have any character, ids are fit for addresses."""
    found = call(there, "GET /api/users")
    key = name.casefold()
    return next((str(one["id"]) for one in found if one["name"].casefold() == key), "nobody")


@app.command()
def disable(
    name: NameArgument, server: ServerOption = None, data: FolderOption = FOLDER, as_json: JsonOption = False
) -> None:
    """Keep a user out at once; what they have stays."""
    _report(_change(asked(server, data), name, {"disabled": True}), "disabled", as_json=as_json)


@app.command()
def enable(
    name: NameArgument, server: ServerOption = None, data: FolderOption = FOLDER, as_json: JsonOption = False
) -> None:
    """Let a user in again."""
    _report(_change(asked(server, data), name, {"disabled": False}), "enabled", as_json=as_json)


def _report(user: dict[str, Any], did: str, *, as_json: bool) -> None:
    if as_json:
        print_json(user)
    else:
        OUT.print(f"{did} {user['name']}: {shown_roles(user)}", markup=False)


@app.command()
def delete(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Delete a user for good, with their sessions, tokens and roles; the audit log keeps what they did."""
    there = asked(server, data)
    user_id = _id(there, name)
    if not yes:
        typed = typer.prompt(f"{name} is deleted for good. The name again")
        if typed != name:
            raise PharosError(Kind.INVALID, f"{typed!r} is not {name!r}: nothing was done")
    gone = call(there, f"DELETE /api/users/{user_id}")
    if as_json:
        print_json(gone)
        return
    rows = ", ".join(f"{count} of {table}" for table, count in gone["rows_removed"].items() if count)
    OUT.print(f"deleted {gone['name']}: {rows}; {gone['rows_left']} left", markup=False)


@app.command()
def password(
    name: NameArgument,
    password_stdin: StdinOption = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Print a link by which a user chooses a new password, or set it; they are signed out everywhere."""
    there = asked(server, data)
    given = _password(from_stdin=password_stdin)
    if given is not None:
        _report(_change(there, name, {"password": given}), "new password of", as_json=as_json)
        return
    made = call(there, f"POST /api/users/{_id(there, name)}/link")
    if as_json:
        print_json({**made, "url": _url(there, made)})
    else:
        _show_link(there, made)


@app.command()
def role(
    name: NameArgument,
    give: Annotated[list[str] | None, typer.Option(help="ROLE@TENANT to give; several times.")] = None,
    take: Annotated[list[str] | None, typer.Option(help="ROLE@TENANT to take; several times.")] = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Give and take roles; without any, show them."""
    there = asked(server, data)
    user_id = _id(there, name)
    user: dict[str, Any] = next(
        (one for one in call(there, "GET /api/users") if one["id"] == user_id),
        {"everywhere": [], "tenants": {}},
    )
    given, taken = ([read_role(one) for one in some or []] for some in (give, take))
    for tenant in dict.fromkeys(tenant for _, tenant in (*given, *taken)):
        now = user["everywhere"] if tenant is None else user["tenants"].get(tenant, [])
        wanted = {*now, *(one for one, at in given if at == tenant)} - {
            one for one, at in taken if at == tenant
        }
        place = Asked(there.server, {**there.headers, **({"X-Scope-OrgID": tenant} if tenant else {})})
        path = f"/api/users/{user_id}/roles" if tenant is None else f"/api/members/{user_id}"
        call(place, f"PUT {path}", {"roles": sorted(wanted)})
    found = next((one for one in call(there, "GET /api/users") if one["id"] == user_id), None)
    if found is None:
        call(there, f"PATCH /api/users/{user_id}", {})
    else:
        _report(found, "roles of", as_json=as_json)
