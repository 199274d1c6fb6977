"""`pharos token`: by what programs come in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pharos.access import DEFAULT
from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    call,
    show_table,
    shown_age,
)
from pharos.commands.ask import Asked
from pharos.commands.screen import ERR, OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration

app = typer.Typer(no_args_is_help=True, add_completion=False)

EverywhereOption = Annotated[bool, typer.Option("--everywhere", help="For the whole server, not one tenant.")]
TokenArgument = Annotated[str, typer.Argument(help="The token's id, its name, or how it begins.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[
        list[str],
        typer.Option(help="What it may do: writer sends, viewer reads; may be given several times."),
    ],
    tenant: TenantOption = None,
    everywhere: EverywhereOption = False,
    lasts: Annotated[
        str | None, typer.Option(help="How long it is good, as 90d.", show_default="until it is revoked")
    ] = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it, alone on standard output: it is never shown again."""
    body: dict[str, Any] = {"name": name, "roles": role, "everywhere": everywhere}
    if lasts is not None:
        body["lasts_s"] = parse_duration(lasts) // 1000
    made = call(asked(server, data, tenant), "POST /api/tokens", body)
    _show(made, as_json=as_json)


def _show(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    token = made["token"]
    where = f"in the tenant {token['tenant']}" if token["tenant"] else "everywhere"
    ERR.print(f"{token['name']}: {', '.join(token['roles'])} {where}; this is shown once", markup=False)
    OUT.print(made["text"], markup=False)


@app.command("list")
def list_tokens(
    tenant: TenantOption = None,
    everywhere: EverywhereOption = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List the tokens of a tenant, or of the whole server."""
    found = _list(asked(server, data, tenant), everywhere=everywhere)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["prefix"],
            " ".join(one["roles"]),
            shown_age(one["used_ms"]),
            _state(one),
        )
        for one in found
    ]
    none = "no tokens of the whole server; --tenant names a tenant"
    if not everywhere:
        none = f"no tokens in the tenant {tenant or DEFAULT.tenant}; --tenant names another one"
    show_table(("id", "name", "begins", "roles", "used", ""), rows, none)


def _state(token: dict[str, Any]) -> str:
    if token["revoked_ms"]:
        return f"revoked {shown_age(token['revoked_ms'])}"
    return "expires" if token["expires_ms"] else ""


def _list(there: Asked, *, everywhere: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(there, f"GET /api/tokens{'?everywhere=1' if everywhere else ''}")
    return found


def _id(there: Asked, named: str, *, everywhere: bool) -> str:
    """Return the id of a token. Raises PharosError: MISSING, or INVALID when several are called so."""
    found = [
        one
        for one in _list(there, everywhere=everywhere)
        if named in {one["id"], one["prefix"]} or (one["name"] == named and not one["revoked_ms"])
    ]
    if len(found) > 1:
        ids = ", ".join(str(one["id"]) for one in found)
        raise as_found(
            PharosError(Kind.INVALID, f"several tokens are called {named!r}", hint=f"name one of {ids}")
        )
    if not found:
        raise as_found(PharosError(Kind.MISSING, f"there is no token {named!r}", hint="`pharos token list`"))
    return str(found[0]["id"])


@app.command()
def rotate(
    token: TokenArgument,
    grace: Annotated[str, typer.Option(help="How long the old one goes on.")] = "1d",
    tenant: TenantOption = None,
    everywhere: EverywhereOption = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Make a token in the place of another, which goes on for a while, and print it."""
    there = asked(server, data, tenant)
    token_id = _id(there, token, everywhere=everywhere)
    body = {"grace_s": parse_duration(grace) // 1000}
    _show(call(there, f"POST /api/tokens/{token_id}/rotate", body), as_json=as_json)


@app.command()
def revoke(
    token: TokenArgument,
    tenant: TenantOption = None,
    everywhere: EverywhereOption = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """End a token for good."""
    there = asked(server, data, tenant)
    ended = call(there, f"DELETE /api/tokens/{_id(there, token, everywhere=everywhere)}")
    if as_json:
        print_json(ended)
    else:
        OUT.print(f"revoked {ended['name']} ({ended['prefix']}…)", markup=False)
