"""`pharos audit`: who changed what, and whether the log of it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer
from msgspec.structs import asdict, replace

from pharos.clock import SystemClock
from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    show_table,
)
from pharos.commands.ask import Asked
from pharos.commands.screen import OUT, FoundError, JsonOption, as_found, print_json
from pharos.config import STATE_FILE
from pharos.errors import Kind, PharosError
from pharos.folder import LOCK_FILE, FolderInUseError, hold_folder
from pharos.gotext.durations import parse_duration
from pharos.state import State, audit, exports, open_state
from pharos.state.audit import Search
from pharos.state.exports import Format, Verified, open_signer

app = typer.Typer(no_args_is_help=True, add_completion=False)

WhoOption = Annotated[
    str, typer.Option(help="Who did it: a part of the name, or user:ID.", show_default=False)
]
ActionOption = Annotated[
    str, typer.Option(help="What was done, as user.create, or its noun, as user.", show_default=False)
]
ObjectOption = Annotated[
    str, typer.Option("--object", help="What it was done to, as user:ID or user:NAME.", show_default=False)
]
SinceOption = Annotated[
    str | None, typer.Option(help="How long ago at most, as 7d.", show_default="from the beginning")
]
_LIMIT: Final = 100


@contextmanager
def _stopped(server: str | None, data: Path) -> Iterator[State | None]:
    """Yield the state of a data folder that no server uses; None where a server is to be asked."""
    if server is not None or not (data / LOCK_FILE).exists():
        yield None
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_folder(data))
        except FolderInUseError:
            yield None
            return
        yield stack.enter_context(open_state(data / STATE_FILE, SystemClock()))


def _asked_for(wanted: Search, **more: str | int) -> str:
    """Return a search as a query string."""
    times = {"start": wanted.since_ms, "end": wanted.until_ms}
    fields = {
        "who": wanted.who,
        "action": wanted.action,
        "object": wanted.object,
        **{name: None if ms is None else f"{ms / 1000:.3f}" for name, ms in times.items()},
        "everywhere": "true" if wanted.tenants is None else "",
        **more,
    }
    return urlencode({name: value for name, value in fields.items() if value})


def _wanted(texts: tuple[str, str, str], since: str | None, tenant: str | None) -> Search:
    since_ms = None if since is None else SystemClock().now_ms() - parse_duration(since)
    return Search(None if tenant is None else frozenset({tenant}), *texts, since_ms=since_ms)


@app.command("list")
def list_entries(
    who: WhoOption = "",
    action: ActionOption = "",
    object_: ObjectOption = "",
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=1000)] = _LIMIT,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List who changed what, the newest first: in a tenant, or in all."""
    wanted = _wanted((who, action, object_), since, tenant)
    with _stopped(server, data) as state:
        if state is not None:
            found = state.read_blocking(partial(audit.search, wanted=wanted, limit=limit))
            entries = [entry.document() for entry in found]
        else:
            address = f"GET /api/audit?{_asked_for(wanted, limit=limit)}"
            entries = asked(server, data, tenant).data(address)["entries"]
    if as_json:
        print_json(entries)
        return
    names = ("number", "time", "who", "tenant", "what", "of what", "why")
    show_table(names, map(_row, entries), "nothing was changed that fits")


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    when = datetime.fromtimestamp(entry["time_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    who = entry["name"] or entry["who"]
    return str(entry["number"]), when, who, entry["tenant"], entry["action"], entry["object"], entry["reason"]


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A new file; - is standard output.")],
    form: Annotated[Format, typer.Option("--format", help="How entries are written.")] = Format.JSON,
    since: SinceOption = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Write the log to a file that is signed, and can be verified without a server: a tenant's, or all."""
    wanted = _wanted(("", "", ""), since, tenant)
    with _stopped(server, data) as state:
        if state is not None:
            lines = exports.export(state, wanted, form, open_signer(data), SystemClock().now_ms())
            _write(target, lines)
        else:
            address = f"/api/audit/export?{_asked_for(wanted, format=form)}"
            _write(target, [_downloaded(asked(server, data, tenant), f"GET {address}")])
    if str(target) != "-":
        _tell(exports.verify_file(target), f"{target} is whole", as_json=as_json)


def _downloaded(server: Asked, address: str) -> bytes:
    reply = server.reply(address)
    if reply.status != 200:
        # Says in the server's words what is wrong.
        server.data(address)
    return reply.body


def _write(target: Path, parts: Iterable[bytes]) -> None:
    if str(target) == "-":
        for part in parts:
            sys.stdout.buffer.write(part)
        return
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(parts)
    except FileExistsError as exc:
        raise PharosError(
            Kind.DENIED, f"there is a file {target} already, and nothing is ever overwritten"
        ) from exc
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot write {target}: {exc.strerror}") from exc


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file that `pharos audit export` wrote.", show_default="the log itself"),
    ] = None,
    key: Annotated[
        str, typer.Option(help="The public key that must have signed the file.", show_default=False)
    ] = "",
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Follow the log, or an exported file (which needs no server), and name the first broken entry."""
    try:
        found = _verified(file, server, data)
    except PharosError as exc:
        raise as_found(exc) from exc
    if key and key != found.public_key:
        raise FoundError(Kind.INVALID, f"it was signed with another key: {found.public_key}")
    _tell(found, "the log is whole" if file is None else f"{file} is whole", as_json=as_json)


def _verified(file: Path | None, server: str | None, data: Path) -> Verified:
    if file is not None:
        return exports.verify_file(file)
    with _stopped(server, data) as state:
        if state is not None:
            return replace(exports.verify_log(state), public_key=open_signer(data).public_key)
        told = asked(server, data).data("GET /api/audit/verify")
        entries = told["entries"]
        return Verified(entries, min(1, entries), entries, True, told["hash"], told["public_key"])


def _tell(found: Verified, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    OUT.print(f"{words}: {found.entries} entries", markup=False)
    OUT.print(f"hash {found.hash}", markup=False)
    OUT.print(f"public key {found.public_key}", markup=False)
