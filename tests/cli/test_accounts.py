"""`pharos user`, `token`, `login`, `logout`: as whom commands ask, and what they keep."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Ended
from tests.process import Server

from pharos.commands.accounts import call as in_accounts
from pharos.commands.accounts import read_role, shown_held
from pharos.commands.ask import Asked
from pharos.errors import Cause, Kind, PharosError

WORDS = "correct horse battery staple"
Call = Callable[..., Ended]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("accounts") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def call(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Run a command as somebody whose home is empty at first, who may read the data folder or not."""
    home = tmp_path_factory.mktemp("home")

    def run(*arguments: str, stdin: str = "", owner: bool = True, token: str = "") -> Ended:
        place = ("--data", str(server.folder)) if owner else ("--server", server.url, "--data", str(home))
        environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        if token:
            environment["PHAROS_TOKEN"] = token
        done = subprocess.run(
            [sys.executable, "-m", "pharos.cli", *arguments, *place, "--json"],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def test_users_come_in_and_log_in_and_programs_get_tokens(call: Call) -> None:
    assert json.loads(call("user", "list").out) == []
    early = call("login", "--name", "ada", "--password-stdin", stdin=f"{WORDS}\n", owner=False)
    assert early.code != 0
    made = json.loads(call("user", "add", "ada", "--password-stdin", stdin=f"{WORDS}\n").out)
    assert made["user"]["everywhere"] == ["operator"]
    assert made["url"] is None
    # Who has neither the folder nor a login is nobody.
    stranger = call("user", "list", owner=False)
    assert (stranger.code, "nobody is signed in" in stranger.err) == (2, True)
    wrong = call("login", "--name", "ada", "--password-stdin", stdin="something else\n", owner=False)
    assert wrong.code == 2
    assert "name or the password is wrong" in wrong.err
    into = json.loads(call("login", "--name", "ada", "--password-stdin", stdin=f"{WORDS}\n", owner=False).out)
    operating = {"name": "operator", "tenant": None, "source": "user", "detail": ""}
    assert into["roles"] == [operating]
    me = json.loads(call("whoami", owner=False).out)
    assert (me["identity"]["kind"], me["roles"]) == ("token", [operating])
    kept = Path(into["file"])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert WORDS not in kept.read_text()
    assert [one["name"] for one in json.loads(call("user", "list", owner=False).out)] == ["ada"]
    bob = json.loads(call("user", "add", "bob", "--role", "viewer@default", owner=False).out)
    assert "/welcome#" in bob["url"]
    missing = call("user", "add", "eve", "--role", "viewer@shop", owner=False)
    assert (missing.code, "pharos tenant create" in missing.err) == (1, True)
    assert json.loads(missing.err)["error"]["code"] == "no_tenant"
    changed = json.loads(
        call("user", "role", "bob", "--give", "editor@default", "--take", "viewer@default", owner=False).out
    )
    assert changed["tenants"] == {"default": ["editor"]}
    assert json.loads(call("user", "disable", "bob", owner=False).out)["disabled_ms"]
    assert "/welcome#" in json.loads(call("user", "password", "bob", owner=False).out)["url"]
    for name in ("nobody", "a/b"):
        missing = call("user", "disable", name, owner=False)
        assert (missing.code, "there is no user" in missing.err) == (1, True)
    token = json.loads(call("token", "create", "sender", "--role", "writer", owner=False).out)["text"]
    sending = {"name": "writer", "tenant": "default", "source": "token", "detail": ""}
    assert json.loads(call("whoami", owner=False, token=token).out)["roles"] == [sending]
    denied = call("user", "list", owner=False, token=token)
    assert (denied.code, "lacks the permission users.manage" in denied.err) == (2, True)
    new = json.loads(call("token", "rotate", "sender", "--grace", "0s", owner=False).out)["text"]
    assert "revoked or expired" in call("user", "list", owner=False, token=token).err
    assert json.loads(call("token", "revoke", new[:12], owner=False).out)["revoked_ms"]
    assert [one["name"] for one in json.loads(call("token", "list", owner=False).out)] == ["sender", "sender"]
    kept.chmod(0o644)
    assert "others may read" in call("user", "list", owner=False).err
    kept.chmod(0o600)
    assert call("logout", owner=False).code == 0
    assert "nobody is signed in" in call("user", "list", owner=False).err
    assert json.loads(kept.read_text()) == {}


@pytest.mark.parametrize(
    ("code", "helps"), [("no_tenant", True), ("of_a_newer_server", False), (None, False)]
)
def test_a_missing_tenant_is_known_by_its_code_whatever_the_text_says(code: str | None, helps: bool) -> None:
    told = {"status": "error", "errorType": "not_found", "error": "nobody is called so"}

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told if code is None else {**told, "code": code}).encode()
            self.send_response(404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(PharosError, match="nobody is called so") as failed:
            in_accounts(Asked(f"http://127.0.0.1:{server.server_port}", {}), "GET /api/members")
        thread.join()
    assert (failed.value.kind, "pharos tenant create" in failed.value.hint) == (Kind.MISSING, helps)
    assert failed.value.cause == (Cause.NO_TENANT if helps else None)


def test_roles_are_shown_with_their_tenant_and_where_they_come_from() -> None:
    held: list[dict[str, Any]] = [
        {"name": "operator", "tenant": None, "source": "user", "detail": ""},
        {"name": "editor", "tenant": "acme", "source": "provider", "detail": "Corp: groups=acme"},
    ]
    assert shown_held(held) == ["operator@* (given here)", "editor@acme (Corp: groups=acme)"]


@pytest.mark.parametrize(
    ("text", "role"),
    [("editor@a", ("editor", "a")), ("viewer@*", ("viewer", None)), ("operator", ("operator", None))],
)
def test_a_role_is_written_with_its_tenant(text: str, role: tuple[str, str | None]) -> None:
    assert read_role(text) == role


def test_a_role_without_a_place_is_asked_back() -> None:
    with pytest.raises(PharosError, match="where does the role 'viewer' hold"):
        read_role("viewer")


def test_a_user_is_deleted_for_good_by_name(call: Call) -> None:
    assert call("user", "add", "leaver", "--password-stdin", stdin=f"{WORDS}\n").code == 0
    assert call("user", "delete", "leaver", stdin="another\n").code == 2
    gone = json.loads(call("user", "delete", "Leaver", "--yes").out)
    assert (gone["name"], gone["rows_removed"]["users"], gone["rows_left"]) == ("leaver", 1, 0)
    assert call("user", "delete", "leaver", "--yes").code == 1


def test_a_protection_is_lifted_in_an_emergency_beside_the_server_alone(call: Call) -> None:
    lift = ("tenant", "unprotect", "default", "limits", "--reason", "nobody is left to approve")
    asked = call(*lift)
    assert (asked.code, "--emergency" in asked.err) == (2, True)
    # Nothing is protected there.
    assert call(*lift, "--emergency").code == 1
    assert call("tenant", "unprotect", "*", "roles", "--reason", "why", "--emergency").code == 1
