"""`pharos query`: an expression, answered by a running server."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from pharos.clock import SystemClock
from pharos.commands.ask import ask
from pharos.commands.logins import credentials
from pharos.commands.screen import ERR, OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration

_POINTS = 100
"""How many steps a range has when none is given."""
_SUMMARY = ("points", "first", "last", "least", "most")


def query(
    expression: Annotated[str, typer.Argument(help="PromQL.")],
    server: Annotated[
        str, typer.Option(help="The address that `pharos up` printed.")
    ] = "http://127.0.0.1:8080",
    time: Annotated[
        str | None, typer.Option(help="When, as RFC 3339 or Unix seconds; now if left out.")
    ] = None,
    last: Annotated[str | None, typer.Option(help="A range that ends now: 30m, 6h, 7d.")] = None,
    start: Annotated[str | None, typer.Option(help="Where a range begins.")] = None,
    end: Annotated[str | None, typer.Option(help="Where a range ends; now if left out.")] = None,
    step: Annotated[str | None, typer.Option(help="A range's step: 15s, 1m.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Whose metrics.", show_default="the one that one may see")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a running server a PromQL query, at one time or over a range."""
    times = _times(time, last, start, end, step)
    path = "api/v1/query_range" if any(name == "start" for name, _ in times) else "api/v1/query"
    try:
        headers = {**credentials(server), **({"X-Scope-OrgID": tenant} if tenant else {})}
        answer = ask(server, path, [("query", expression), *times], headers=headers)
    except PharosError as exc:
        raise as_found(exc) from exc
    if as_json:
        print_json(answer)
        return
    for key in ("warnings", "infos"):
        for notice in answer.get(key, ()):
            ERR.print(f"{key[:-1]}: {notice}", markup=False)
    _show(answer["data"])


def _times(
    time: str | None, last: str | None, start: str | None, end: str | None, step: str | None
) -> list[tuple[str, str]]:
    """Return the request's fields for the time or range that the options name."""
    now_s = SystemClock().now_ms() / 1000
    if last is not None:
        if time or start or end:
            raise PharosError(Kind.INVALID, "--last goes with none of --time, --start and --end")
        width_ms = parse_duration(last)
        chosen = step or f"{max(1, width_ms // _POINTS)}ms"
        return [("start", str(now_s - width_ms / 1000)), ("end", str(now_s)), ("step", chosen)]
    if start is None:
        if end or step:
            raise PharosError(Kind.INVALID, "--end and --step need --start", hint="or use --last 1h")
        return [] if time is None else [("time", time)]
    if time is not None:
        raise PharosError(Kind.INVALID, "--time does not go with --start")
    if step is None:
        raise PharosError(Kind.INVALID, "--start needs --step", hint="add --step 15s, or use --last 1h")
    return [("start", start), ("end", end or str(now_s)), ("step", step)]


def _show(found: dict[str, Any]) -> None:
    kind, result = found["resultType"], found["result"]
    if kind in {"scalar", "string"}:
        OUT.print(str(result[1]), markup=False)
        return
    if not result:
        ERR.print("no series")
        return
    if kind == "vector":
        table = Table(_series_column(), Column("value", justify="right", no_wrap=True), box=None)
        for row in result:
            table.add_row(Text(_name(row["metric"])), Text(_value(row)))
    else:
        table = Table(_series_column(), *(Column(name, no_wrap=True) for name in _SUMMARY), box=None)
        for row in result:
            table.add_row(Text(_name(row["metric"])), *_summary(row))
    OUT.print(table)


def _series_column() -> Column:
    return Column("series", overflow="fold")


def _name(metric: dict[str, str]) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in metric.items() if name != "__name__")
    return f"{metric.get('__name__', '')}{{{labels}}}" if labels else metric.get("__name__", "{}")


def _value(row: dict[str, Any]) -> str:
    return str(row["value"][1]) if "value" in row else _histogram(row["histogram"][1])


def _histogram(histogram: dict[str, Any]) -> str:
    return f"count {histogram['count']}, sum {histogram['sum']}"


def _summary(row: dict[str, Any]) -> list[str]:
    points = row.get("values", [])
    if not points:
        histograms = row.get("histograms", [])
        ends = [_histogram(histograms[0][1]), _histogram(histograms[-1][1])] if histograms else ["", ""]
        return [str(len(histograms)), *ends, "", ""]
    values = [text for _, text in points]
    return [str(len(values)), values[0], values[-1], min(values, key=float), max(values, key=float)]
