"""`pharos login`, `pharos whoami` and `pharos logout`: as whom the commands here ask a server."""

from __future__ import annotations

import socket
import sys
from typing import Annotated, Any, Final

import typer

from pharos.commands.accounts import FOLDER, FolderOption, ServerOption, asked, shown_held
from pharos.commands.ask import Asked
from pharos.commands.logins import server_of, store_login, stored_logins
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError

_LASTS_S: Final = 90 * 86_400


def login(
    name: Annotated[str | None, typer.Option(help="Your name there.", show_default="asked for")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read a token from standard input, as after single sign-on.")
    ] = False,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Log in to a server, so that the commands here ask it as oneself."""
    url = server_of(server, data)
    try:
        if token_stdin:
            token = sys.stdin.readline().strip()
        else:
            name = name or typer.prompt("Name")
            line = (
                sys.stdin.readline().rstrip("\r\n")
                if password_stdin
                else typer.prompt("Password", hide_input=True)
            )
            token = _token(url, str(name), line)
        me = Asked(url, {"Authorization": f"Bearer {token}"}).data("GET /api/me")
    except PharosError as exc:
        raise as_found(exc) from exc
    if me["identity"]["kind"] == "local":
        raise PharosError(
            Kind.INVALID, "this server asks nobody who they are", hint="`pharos user add` first"
        )
    path = store_login(url, token)
    if as_json:
        print_json({"server": url, "identity": me["identity"], "roles": me["roles"], "file": str(path)})
    else:
        OUT.print(
            f"logged in to {url} as {name or me['identity']['name']}; the token is kept in {path}",
            markup=False,
        )
        _print_roles(me)


def _token(url: str, name: str, password: str) -> str:
    """Return a new token of somebody's own; the session that it took ends again."""
    reply = Asked(url, {}).reply("POST /api/sign_in", {"name": name, "password": password})
    cookie = reply.headers.get("Set-Cookie", "").partition(";")[0]
    if reply.status != 200 or not cookie:
        # Says in the server's words what is wrong.
        Asked(url, {}).data("POST /api/sign_in", {"name": name, "password": password})
    signed_in = Asked(url, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
    body: dict[str, Any] = {"name": f"pharos login on {socket.gethostname()}"[:100], "lasts_s": _LASTS_S}
    text = str(signed_in.data("POST /api/me/tokens", body)["text"])
    signed_in.data("POST /api/sign_out", {})
    return text


def whoami(server: ServerOption = None, data: FolderOption = FOLDER, as_json: JsonOption = False) -> None:
    """Say as whom the commands here ask a server, and which roles that has there."""
    there = asked(server, data)
    me = there.data("GET /api/me")
    if as_json:
        print_json({"server": there.server, "identity": me["identity"], "roles": me["roles"]})
        return
    kind, name = me["identity"]["kind"], me["identity"]["name"]
    OUT.print(f"{name} ({kind}) at {there.server}", markup=False)
    _print_roles(me)


def _print_roles(me: dict[str, Any]) -> None:
    for role in shown_held(me["roles"]) or ["no role: an admin of a tenant can give one"]:
        OUT.print(f"  {role}", markup=False)


def logout(server: ServerOption = None, data: FolderOption = FOLDER, as_json: JsonOption = False) -> None:
    """Forget a server, and end the token for it."""
    url = server_of(server, data)
    token = stored_logins().get(url.lower())
    if token is None:
        raise PharosError(Kind.MISSING, f"nobody is logged in to {url} here", hint="`pharos login`")
    there = Asked(url, {"Authorization": f"Bearer {token}"})
    try:
        token_id = there.data("GET /api/me")["identity"]["id"]
        there.data(f"DELETE /api/tokens/{token_id}")
    except PharosError as exc:
        # One that is known no more needs no end.
        if exc.kind is not Kind.UNAUTHENTICATED:
            raise
    store_login(url, None)
    if as_json:
        print_json({"server": url})
    else:
        OUT.print(f"logged out of {url}", markup=False)
