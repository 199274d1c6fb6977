"""`pharos oncall`: who is on call, now and later."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

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
from pharos.commands.screen import ERR, JsonOption, print_json
from pharos.commands.why import AtOption, read_at

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def who(
    at: AtOption = "",
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell who is on call by each schedule, until when, and who is next."""
    query = f"?{urlencode({'at': read_at(at)})}" if at else ""
    found = call(asked(server, data, tenant), f"GET /api/alerting/oncall{query}")
    if as_json:
        print_json(found)
        return
    rows = [
        (one["schedule"], ", ".join(one["people"]) or "nobody", _time(one["until"]), ", ".join(one["next"]))
        for one in found["on_call"]
    ]
    show_table(("schedule", "on call", "until (UTC)", "next"), rows, "there are no schedules")
    for one in found["twice"]:
        names = ", ".join(one["winning_people"])
        ERR.print(
            f"{names} is on call by {one['loses']} and {one['wins']} at once from {_time(one['start'])}",
            markup=False,
        )


@app.command()
def shifts(
    schedule: Annotated[str, typer.Argument(help="The schedule.")],
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell who is on call when in the next four weeks, and when nobody is."""
    found = call(asked(server, data, tenant), f"GET /api/alerting/schedules/{quote(schedule)}/shifts")
    if as_json:
        print_json(found)
        return
    told = [*found["final"], *({**gap, "people": ["nobody"], "source": "gap"} for gap in found["gaps"])]
    rows = [_row(one) for one in sorted(told, key=lambda one: str(one["start"]))]
    show_table(("from (UTC)", "until (UTC)", "on call", "by"), rows, "nobody is on call")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return _time(one["start"]), _time(one["end"]), ", ".join(one["people"]), one["source"]


def _time(text: str | None) -> str:
    return "" if text is None else text[:16].replace("T", " ")
