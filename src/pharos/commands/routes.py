"""`pharos routes`: where alerts go by the tree of an alertmanager.yml, without a server or by a running
one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from pharos.alert import shown_labels
from pharos.alerting.config import AlertingConfig, load_alerting
from pharos.alerting.intervals import silenced_by
from pharos.alerting.matchers import format_matchers, parse_matcher
from pharos.alerting.route import Route, path_to
from pharos.commands.deferred import imported
from pharos.commands.screen import EXIT_FOUND, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.gotext.timestamps import parse_time_ms
from pharos.labels import MatchOp

app = typer.Typer(no_args_is_help=True)

_HELD: Final = ("reason", "source")

ConfigOption = Annotated[
    Path, typer.Option("--config", "--config.file", help="An alertmanager.yml.", show_default=False)
]


@app.command("test")
def try_labels(
    config: ConfigOption,
    labels: Annotated[
        list[str] | None, typer.Argument(help='Labels of an alert, as severity="page".')
    ] = None,
    verify: Annotated[
        str,
        typer.Option("--verify.receivers", help="Receivers, joined by commas: exit status 1 for any others."),
    ] = "",
    batch: Annotated[
        bool, typer.Option("--batch", help="Read a JSON object of labels a line, and print a line for each.")
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="Print the routes that were taken, too.")] = False,
    at: Annotated[
        str, typer.Option(help="Print which time intervals hold a page back then, as RFC 3339.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Print the receivers that labels reach, in order, joined by commas; one reached twice is named twice."""
    loaded = _load(config)
    root, at_ms = loaded.route, _time_ms(at)
    if batch:
        for given in _lines():
            typer.echo(_receivers(root, given))
        return
    given = dict(map(_label, labels or ()))
    reached = _receivers(root, given)
    held = [_held(loaded, one, at_ms) for one in root.match(given)]
    if as_json:
        shown = [{} if one is None else {"held_by": dict(zip(_HELD, one, strict=True))} for one in held]
        print_json([{**taken, **by} for taken, by in zip(_taken(root, given), shown, strict=True)])
    else:
        typer.echo(reached)
        for route, one in zip(root.match(given), held, strict=True):
            if one is not None:
                typer.echo(f"{route.receiver}: held back at {at}: {' '.join(one)}")
        if why:
            for route in root.match(given):
                typer.echo(_why(root, route, given))
    if verify and verify != reached:
        typer.echo(f"expected {verify}, but the labels reach {reached}", err=True)
        raise typer.Exit(EXIT_FOUND)


@app.command()
def ask(
    labels: Annotated[
        list[str] | None, typer.Argument(help='Labels of an alert, as severity="page".')
    ] = None,
    at: Annotated[str, typer.Option(help="At which time, as RFC 3339.", show_default="now")] = "",
    tenant: Annotated[str | None, typer.Option(help="The tenant.", show_default="default")] = None,
    server: Annotated[
        str | None,
        typer.Option(help="The server's address.", show_default="the one that runs over the data folder"),
    ] = None,
    data: Annotated[Path, typer.Option(help="The data folder of a server on this machine.")] = Path(
        "pharos-data"
    ),
    as_json: JsonOption = False,
) -> None:
    """Ask a running server where labels go in a tenant, and what would hold the page back."""
    accounts = imported("pharos.commands.accounts")
    body = {"labels": dict(map(_label, labels or ())), "at": at}
    found = accounts.call(accounts.asked(server, data, tenant), "POST /api/alerting/routes/test", body)
    if as_json:
        print_json(found)
        return
    typer.echo(",".join(found["receivers"]))
    for route in found["routes"]:
        path = " > ".join(step["matchers"] for step in route["path"])
        group = ", ".join(f"{name}={value}" for name, value in route["group_labels"].items()) or "nothing"
        held = route["held_by"]
        by = f"; held back: {_said(held)}" if held else ""
        typer.echo(f"{route['receiver']}: {path}; grouped by {group}{by}")


def _said(held: Mapping[str, Any]) -> str:
    # A server of an earlier version names an alert by its fingerprint alone.
    source = shown_labels(held.get("alert", {})) or held["source"]
    return f"{held['reason']} by {source} {held['by']}".rstrip()


@app.command()
def show(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Print the tree of routes."""
    root = _load(config).route
    if as_json:
        print_json(_tree(root))
        return
    for line in _drawn(root, "", ""):
        typer.echo(line)


def _load(path: Path) -> AlertingConfig:
    try:
        return load_alerting(path)
    except PharosError as exc:
        raise as_found(exc) from exc


def _time_ms(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_time_ms(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"--at: {text[:50]!r} is no time; write it as RFC 3339") from exc


def _held(config: AlertingConfig, route: Route, at_ms: int | None) -> tuple[str, str] | None:
    if at_ms is None:
        return None
    return silenced_by(config.intervals, route.active_intervals, route.mute_intervals, at_ms)


def _label(text: str) -> tuple[str, str]:
    try:
        matcher = parse_matcher(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"the label {text[:200]!r}: {exc}") from exc
    if matcher.op is not MatchOp.EQUAL:
        raise PharosError(Kind.INVALID, f"the label {text[:200]!r}: write it as name=value")
    return matcher.name, matcher.value


def _lines() -> Iterator[Mapping[str, str]]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise PharosError(Kind.INVALID, f"line {number}: {exc}") from exc
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise PharosError(Kind.INVALID, f"line {number}: expected an object of texts")
        yield found


def _receivers(root: Route, labels: Mapping[str, str]) -> str:
    return ",".join(route.receiver for route in root.match(labels))


def _taken(root: Route, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "receiver": route.receiver,
            "path": [format_matchers(one.matchers) for one in path_to(root, route)],
            "line": route.line,
            "group_key": route.group_key(route.group_labels(labels)),
            **_times(route),
        }
        for route in root.match(labels)
    ]


def _times(route: Route) -> dict[str, Any]:
    return {
        "group_by": ["..."] if route.group_by_all else list(route.group_by),
        "group_wait": format_duration(route.group_wait_ms),
        "group_interval": format_duration(route.group_interval_ms),
        "repeat_interval": format_duration(route.repeat_interval_ms),
        "mute_time_intervals": list(route.mute_intervals),
        "active_time_intervals": list(route.active_intervals),
    }


def _why(root: Route, route: Route, labels: Mapping[str, str]) -> str:
    path = " > ".join(format_matchers(one.matchers) for one in path_to(root, route))
    group = ", ".join(f"{name}={value}" for name, value in route.group_labels(labels)) or "nothing"
    times = ", ".join(
        f"{name} {value}" for name, value in _times(route).items() if value and name != "group_by"
    )
    return f"{route.receiver}: line {route.line}: {path}; grouped by {group}; {times}"


def _tree(route: Route) -> dict[str, Any]:
    return {
        "receiver": route.receiver,
        "matchers": [str(matcher) for matcher in route.matchers],
        "continue": route.continues,
        "line": route.line,
        **_times(route),
        "routes": [_tree(child) for child in route.routes],
    }


def _drawn(route: Route, first: str, rest: str) -> Iterator[str]:
    go_on = "  continue: true" if route.continues else ""
    yield f"{first}{format_matchers(route.matchers)}{go_on}  receiver: {route.receiver}"
    for place, child in enumerate(route.routes, 1):
        is_last = place == len(route.routes)
        yield from _drawn(
            child, rest + ("└── " if is_last else "├── "), rest + ("    " if is_last else "│   ")
        )
