"""`pharos rules replay`: rules run over what a server has stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.markup import escape

from pharos.alert import shown_labels
from pharos.commands.deferred import imported
from pharos.commands.screen import OUT, JsonOption, as_found, print_json
from pharos.errors import PharosError
from pharos.named_file import read_named
from pharos.rules.spec import load_rules, plain_group

_SHOWN_MAX: Final = 20
_TIMEOUT_S: Final = 150.0


def replay(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of rules; those that the server runs, if none is named.", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="An alertmanager.yml; the server's own, if it is left out."),
    ] = None,
    last: Annotated[str | None, typer.Option(help="How long back.", show_default="30d")] = None,
    start: Annotated[str | None, typer.Option(help="Where it begins, as RFC 3339 or Unix seconds.")] = None,
    end: Annotated[str | None, typer.Option(help="Where it ends; now if left out.")] = None,
    step: Annotated[
        str | None, typer.Option(help="How often rules are evaluated, instead of their own intervals.")
    ] = None,
    reacts_after: Annotated[
        str | None, typer.Option("--acknowledged-after", help="When somebody reacts to a page; else nobody.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Other rules, to say what they would have changed.")
    ] = None,
    against_config: Annotated[
        Path | None, typer.Option("--against-config", help="Another alertmanager.yml, for the same.")
    ] = None,
    server: Annotated[
        str, typer.Option(help="The address that `pharos up` printed.")
    ] = "http://127.0.0.1:8080",
    tenant: Annotated[
        str | None, typer.Option(help="Whose metrics.", show_default="the one that one may see")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what rules would have fired over stored history, and who would have been told."""
    body: dict[str, Any] = {
        "rules": _joined(files or []),
        "alertmanager": _text(config),
        "last": last,
        "start": start,
        "end": end,
        "step": step,
        "acknowledged_after": reacts_after,
    }
    if against is not None or against_config is not None:
        body["compare"] = {"rules": _text(against), "alertmanager": _text(against_config)}
    ask, logins = imported("pharos.commands.ask"), imported("pharos.commands.logins")
    headers = {**logins.credentials(server), **({"X-Scope-OrgID": tenant} if tenant else {})}
    asked = {name: value for name, value in body.items() if value is not None}
    try:
        found = ask.Asked(server, headers, _TIMEOUT_S).data("POST api/alerting/replay", asked)
    except PharosError as exc:
        raise as_found(exc) from exc
    if as_json:
        print_json(found)
        return
    _show(found["outcome"], f"{found['start']} to {found['end']}")
    if found["difference"] is not None:
        _show(found["compared"], "with the other version")
        _show_difference(found["difference"])


def _text(path: Path | None) -> str | None:
    return None if path is None else read_named(path).decode(errors="replace")


def _joined(files: list[Path]) -> str | None:
    """Return the groups of all files as one file's text; each must have names of its own."""
    if not files:
        return None
    if len(files) == 1:
        return _text(files[0])
    groups = [plain_group(group) for path in files for group in load_rules(path).groups]
    return orjson.dumps({"groups": groups}).decode()


def _show(outcome: Mapping[str, Any], title: str) -> None:
    OUT.print(f"[bold]{escape(title)}[/bold]")
    for rule in outcome["rules"]:
        for fault in rule["faults"]:
            OUT.print(f"[red]fault[/red] {escape(fault)}")
        colour = "yellow" if rule["fired"] else "green"
        pending = f", pending {rule['pending']} times more" if rule["pending"] else ""
        OUT.print(
            f"[{colour}]{rule['fired']:5}[/{colour}]  {escape(rule['alert'])} ({escape(rule['group'])}, "
            f"every {rule['interval']}){pending}"
        )
        for firing in rule["firings"][:_SHOWN_MAX]:
            OUT.print(f"       {escape(_fired(firing))}")
        if len(rule["firings"]) > _SHOWN_MAX:
            OUT.print(f"       and {rule['fired'] - _SHOWN_MAX} more")
    receivers = ", ".join(f"{name} {count}" for name, count in outcome["pages_by_receiver"].items())
    told = f"pages {outcome['pages']}{f' ({escape(receivers)})' if receivers else ''}"
    for held in outcome["held"][:_SHOWN_MAX]:
        OUT.print(f"  held back  {escape(_held(held))}")
    rest = f"escalated {outcome['escalated']}, nobody told of {outcome['untold']}"
    OUT.print(f"fired {outcome['fired']}, {told}, {rest}")


def _held(held: Mapping[str, Any]) -> str:
    # A server of an earlier version names an alert by its fingerprint alone.
    source = shown_labels(held.get("alert", {})) or held["source"]
    by = f" by {source}" if source else ""
    return f"{held['time']} {held['receiver']}: {shown_labels(held['labels'])} is {held['reason']}{by}"


def _fired(firing: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in firing["labels"].items() if name != "alertname")
    return f"{firing['start']} to {firing['end'] or 'now'}  {firing['value']}  {labels}"


def _show_difference(found: Mapping[str, Any]) -> None:
    OUT.print(
        f"[bold]the change[/bold] saves {found['saved']} pages, adds {found['added']}; "
        f"{found['lost']} alerts reach nobody any more, {found['gained']} reach somebody now"
    )
    for page in found["saved_pages"][:_SHOWN_MAX]:
        OUT.print(f"[green]-[/green] {escape(_page(page))}")
    for page in found["added_pages"][:_SHOWN_MAX]:
        OUT.print(f"[yellow]+[/yellow] {escape(_page(page))}")
    for one in found["lost_alerts"][:_SHOWN_MAX]:
        OUT.print(f"[red]lost[/red] {escape(one['start'])} {escape(one['labels'].get('alertname', ''))}")


def _page(page: Mapping[str, Any]) -> str:
    names = sorted({labels.get("alertname", "") for labels in page["firing"] or page["resolved"]})
    return f"{page['time']} {page['receiver']} {page['reason']}: {', '.join(names)}"
