"""`pharos receivers`: who is told of alerts, tests of that, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

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

app = typer.Typer(no_args_is_help=True, add_completion=False)

LetterArgument = Annotated[
    str, typer.Argument(help="The letter's id, as `pharos receivers letters` shows it.")
]


@app.command("list")
def list_receivers(
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List receivers: how each way of telling did last, what is owed and what could not be delivered."""
    found = call(asked(server, data, tenant), "GET /api/alerting/receivers")["receivers"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            receiver["name"],
            one["name"],
            one["state"],
            one["told_at"] or "",
            str(one["owed"]),
            str(one["dead"]),
            one["error"],
        )
        for receiver in found
        for one in receiver["integrations"]
    ]
    show_table(("receiver", "integration", "state", "told", "owed", "dead", "error"), rows, "no receivers")


@app.command("test")
def try_receiver(
    name: Annotated[str, typer.Argument(help="The receiver's name.")],
    integration: Annotated[
        str | None, typer.Option(help="One of its integrations, as slack[0].", show_default="all")
    ] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Send a test and show what was answered; exits with 1 when one was not taken."""
    body: dict[str, Any] = {} if integration is None else {"integration": integration}
    address = f"POST /api/alerting/receivers/{quote(name, safe='')}/test"
    found = call(asked(server, data, tenant), address, body)["results"]
    if as_json:
        print_json(found)
    else:
        rows = [
            (one["integration"], "sent" if one["sent"] else "not sent", f"{one['took_ms']} ms", one["answer"])
            for one in found
        ]
        show_table(
            ("integration", "", "took", "answer"), rows, "the receiver has no integrations: it tells nobody"
        )
    if not all(one["sent"] for one in found):
        raise typer.Exit(1)


@app.command()
def letters(
    every: Annotated[bool, typer.Option("--all", help="Also what is owed and tried still.")] = False,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List notifications that could not be delivered."""
    address = f"GET /api/alerting/outbox{'' if every else '?state=dead'}"
    found = call(asked(server, data, tenant), address)["letters"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            one["state"],
            f"{one['receiver']} {one['integration']}",
            one["status"],
            str(one["alert_count"]),
            str(one["tries"]),
            one["error"],
        )
        for one in found
    ]
    show_table(("id", "state", "receiver", "status", "alerts", "tries", "error"), rows, "no letters")


@app.command()
def replay(
    letter: LetterArgument,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
) -> None:
    """Have a letter that could not be delivered tried again."""
    call(asked(server, data, tenant), f"POST /api/alerting/outbox/{quote(letter, safe='')}/replay")
    OUT.print("it is tried again now", markup=False)


@app.command()
def discard(
    letter: LetterArgument,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
) -> None:
    """Take a letter away that could not be delivered: nobody is told of it any more."""
    call(asked(server, data, tenant), f"DELETE /api/alerting/outbox/{quote(letter, safe='')}")
    OUT.print("it is taken away", markup=False)
