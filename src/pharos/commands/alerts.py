"""`pharos alerts`: what fires, who looks after it, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
import typer

from pharos.alert import shown_labels
from pharos.commands.accounts import (
    FOLDER,
    FolderOption,
    ServerOption,
    TenantOption,
    asked,
    call,
    show_table,
)
from pharos.commands.ask import Asked
from pharos.commands.screen import OUT, JsonOption, print_json
from pharos.errors import Kind, PharosError

app = typer.Typer(no_args_is_help=True, add_completion=False)

WhichArgument = Annotated[
    list[str],
    typer.Argument(help="Fingerprints of alerts, or conditions on labels such as alertname=DiskFull."),
]
MatchersArgument = Annotated[
    list[str] | None, typer.Argument(help="Conditions on labels, such as severity=critical.")
]


@app.command("list")
def list_alerts(
    matchers: MatchersArgument = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """List what fires, and who looks after it."""
    there = asked(server, data, tenant)
    found = _firing(there, matchers or [])
    # What inhibits them may fit none of the conditions.
    is_inhibited = any(one["status"]["inhibitedBy"] for one in found)
    known = _firing(there, []) if matchers and is_inhibited else found
    by_name = {one["fingerprint"]: shown_labels(one["labels"]) for one in known}
    looked_after = {one["fingerprint"]: one for one in call(there, "GET /api/alerting/acknowledgements")}
    for alert in found:
        alert["acknowledgement"] = looked_after.get(alert["fingerprint"])
    if as_json:
        print_json(found)
        return
    show_table(
        ("fingerprint", "alert", "since", "state", "by"),
        (_row(one, by_name) for one in found),
        "no alert fires",
    )


def _firing(there: Asked, matchers: list[str]) -> list[dict[str, Any]]:
    """Return the alerts that fire and fit. Raises PharosError as the server's answer says."""
    query = urlencode([("filter", one) for one in matchers])
    answer = there.reply(f"GET /api/v2/alerts?{query}" if query else "GET /api/v2/alerts")
    document = orjson.loads(answer.body)
    if not isinstance(document, list):
        said = document.get("error") if isinstance(document, dict) else document
        raise PharosError(Kind.INVALID, str(said))
    return [one for one in document if one["status"]["state"] != "resolved"]


def _row(alert: dict[str, Any], known: Mapping[str, str]) -> tuple[str, ...]:
    status, ack = alert["status"], alert["acknowledgement"]
    held = [*status["silencedBy"], *(known.get(one, one) for one in status["inhibitedBy"])]
    state = "acknowledged" if ack else status["state"]
    by = ack["by"] if ack else " ".join(held)
    return alert["fingerprint"], shown_labels(alert["labels"]), alert["startsAt"][:19], state, by


@app.command()
def acknowledge(
    which: WhichArgument,
    comment: Annotated[str, typer.Option(help="What you do about it.", show_default=False)] = "",
    lasts: Annotated[
        str | None, typer.Option("--for", help="For how long, as 4h.", show_default="until it is over")
    ] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Look after alerts: they are not repeated nor escalated."""
    there = asked(server, data, tenant)
    body = {"fingerprints": _named(there, which), "comment": comment, "lasts": lasts}
    made = call(there, "POST /api/alerting/acknowledgements", body)
    if as_json:
        print_json(made)
        return
    for one in made:
        OUT.print(f"acknowledged: {_named_fully(one)}", markup=False)


@app.command()
def unacknowledge(
    which: WhichArgument,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
) -> None:
    """Look after alerts no longer."""
    there = asked(server, data, tenant)
    for fingerprint in _named(there, which):
        for one in call(there, f"DELETE /api/alerting/alerts/{fingerprint}/acknowledge"):
            OUT.print(f"no longer acknowledged: {_named_fully(one)}", markup=False)


def _named_fully(one: Mapping[str, Any]) -> str:
    # A server of an earlier version names an alert by its fingerprint alone.
    return f"{shown_labels(one.get('alert', {}))} {one['fingerprint']}".strip()


def _named(there: Asked, which: list[str]) -> list[str]:
    """Return the fingerprints that are meant. Raises PharosError(MISSING) where conditions fit nothing."""
    if all("=" not in one for one in which):
        return which
    found = [one["fingerprint"] for one in _firing(there, which)]
    if not found:
        raise PharosError(Kind.MISSING, f"no alert fires that fits {' '.join(which)}")
    return found


@app.command()
def timeline(
    fingerprint: Annotated[str, typer.Argument(help="Of the alert, as `pharos alerts list` tells it.")],
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Tell what happened to an alert, in order."""
    found = call(asked(server, data, tenant), f"GET /api/alerting/alerts/{fingerprint}/timeline")
    if as_json:
        print_json(found)
        return
    OUT.print(shown_labels(found["labels"]), markup=False)
    show_lines(found["lines"])


def show_lines(lines: list[dict[str, Any]]) -> None:
    """Print the steps of an alert."""
    for line in lines:
        OUT.print(f"  {line['at'][:19].replace('T', ' ')}  {line['text']}", markup=False)
