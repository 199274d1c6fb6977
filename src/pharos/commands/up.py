"""`pharos up`: the server."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop

from pharos import __version__
from pharos.commands.bar import KernelsBar
from pharos.commands.deferred import imported
from pharos.commands.screen import OUT, JsonOption
from pharos.config import Settings, check_prometheus, load_settings
from pharos.folder import ADDRESS_FILE, hold_folder
from pharos.heaps import limit_heaps
from pharos.listening import bind, bind_otlp_http

_OTEL_VARIABLES: Final = {
    "EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "METRICS_EXPORTER": "otlp",
    "LOGS_EXPORTER": "otlp",
    "TRACES_EXPORTER": "otlp",
}
"""What an SDK is told beside the address."""


def _default(setting: str) -> str:
    return str(Settings.model_fields[setting].default)


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A pharos.yml; without one every setting has its default.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The folder that holds everything.", show_default=_default("data")),
]

OtlpGrpcOption = Annotated[
    str | None,
    typer.Option(help="Address for OTLP over gRPC, or off.", show_default="127.0.0.1:4317 where it is free"),
]
OtlpHttpOption = Annotated[
    str | None,
    typer.Option(
        help="A second address for OTLP over HTTP, or off.", show_default="127.0.0.1:4318 where it is free"
    ),
]

SelfEventsOption = Annotated[
    bool | None,
    typer.Option(
        "--self-events/--no-self-events",
        help="Keep Pharos' own log and spans of requests to it.",
        show_default="kept",
    ),
]

DemoOption = Annotated[
    bool, typer.Option("--demo", help="Have a made-up shop send, in a tenant of its own, for a look around.")
]


def up(
    config: ConfigOption = None,
    data: DataOption = None,
    listen: Annotated[
        str | None,
        typer.Option(help="Address and port; port 0 takes a free one.", show_default=_default("listen")),
    ] = None,
    prometheus: Annotated[
        Path | None,
        typer.Option(help="A prometheus.yml whose targets are scraped.", show_default="this host alone"),
    ] = None,
    alertmanager_config: Annotated[
        Path | None,
        typer.Option(help="An alertmanager.yml: who is told of which alerts.", show_default="nobody"),
    ] = None,
    otlp_grpc: OtlpGrpcOption = None,
    otlp_http: OtlpHttpOption = None,
    self_events: SelfEventsOption = None,
    demo: DemoOption = False,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="While there is no user, let everybody in, also from beyond loopback."
        ),
    ] = False,
    supervise: Annotated[
        bool, typer.Option("--supervise", help="Start again at once after a crash.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the server."""
    if supervise:
        arguments = [argument for argument in sys.argv[1:] if argument != "--supervise"]
        os.execv(sys.executable, [sys.executable, "-m", "pharos.supervisor", *arguments])  # noqa: S606
    overrides: dict[str, Any] = {
        "data": data,
        "listen": listen,
        "prometheus": prometheus,
        "alertmanager": alertmanager_config,
        "insecure": insecure or None,
        "self_events": self_events,
        "demo": demo or None,
        "otlp": {"grpc": otlp_grpc, "http": otlp_http},
    }
    settings = load_settings(config, overrides)
    check_prometheus(config, settings)
    socks = [bind(address) for address in settings.addresses]
    faulthandler.enable()
    log_to_standard_error(verbose=verbose)
    socks += bind_otlp_http(settings)
    limit_heaps()
    # The engine is opened while the other half of the server is loaded.
    with hold_folder(settings.data), imported("pharos.store").opening_engine(settings) as engine:
        serve = imported("pharos.serve").serve
        with KernelsBar() as bar:
            tell_address = partial(announce, settings=settings, as_json=as_json)
            invite = partial(_invite, as_json=as_json)
            uvloop.run(serve(settings, socks, engine, tell_address, bar.tell, invite))


def log_to_standard_error(*, verbose: bool) -> None:
    """Print what happens under Pharos' own names; `verbose` prints more, and the plans of slow queries."""
    handler = logging.StreamHandler()
    handler.addFilter(call_it_ours)
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        handlers=[handler],
    )
    if not verbose:
        # That it starts and stops is seen, and which migration the tables are at is said by us.
        for name in ("uvicorn", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)


def call_it_ours(record: logging.LogRecord) -> bool:
    """Put what the HTTP server says under Pharos' own name; a filter that lets everything through."""
    if record.name.startswith("uvicorn"):
        record.name = "pharos.http"
    return True


def announce(address: str, *, settings: Settings, as_json: bool) -> None:
    """Say where the server answers and what may be sent to it, and leave the address in the data folder."""
    folder = settings.data
    (folder / ADDRESS_FILE).write_text(f"{address}\n")
    if as_json:
        # One line, so that a program can read it while the server goes on.
        typer.echo(f'{{"url": "{address}", "version": "{__version__}"}}')
        return
    OUT.print(f"\n  [bold]Pharos {__version__}[/bold]  Open {address}\n")
    OUT.print(f"  {imported('pharos.scraping').watched(settings)}; data in {folder}; Ctrl-C stops\n")
    OUT.print("  Prometheus, in prometheus.yml:")
    OUT.print(f"    remote_write:\n      - url: {address}/api/v1/write\n")
    OUT.print("  vmagent:")
    OUT.print(f"    -remoteWrite.url={address}/api/v1/write\n")
    OUT.print("  OpenTelemetry SDKs:")
    for name, value in (("EXPORTER_OTLP_ENDPOINT", address), *_OTEL_VARIABLES.items()):
        OUT.print(f"    export OTEL_{name}={value}")
    OUT.print()


def _invite(link: str, *, as_json: bool) -> None:
    """Show where the first user comes in."""
    if as_json:
        typer.echo(f'{{"first_user": "{link}"}}')
        return
    OUT.print("  [bold]Nobody may come in yet.[/bold] Open this link within an hour and choose a name and a")
    OUT.print("  password; it works once, and who opens it may do everything:\n")
    OUT.print(f"    {link}\n", markup=False)
