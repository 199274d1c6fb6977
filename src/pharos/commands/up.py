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
from pharos.commands.screen import OUT, JsonOption
from pharos.config import check_prometheus, load_settings
from pharos.folder import ADDRESS_FILE
from pharos.serve import bind, serve

_OTEL_VARIABLES: Final = {
    "EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "METRICS_EXPORTER": "otlp",
    "LOGS_EXPORTER": "none",
    "TRACES_EXPORTER": "none",
}
"""What an SDK is told beside the address: only metrics are received as yet."""

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A pharos.yml; without one every setting has its default.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="The folder that holds everything.")]


def up(
    config: ConfigOption = None,
    data: DataOption = None,
    listen: Annotated[str | None, typer.Option(help="Address and port; port 0 takes a free one.")] = None,
    prometheus: Annotated[
        Path | None, typer.Option(help="A prometheus.yml whose targets are scraped.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond loopback without authentication.")
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
        "insecure": insecure or None,
    }
    settings = load_settings(config, overrides)
    check_prometheus(config, settings)
    sock = bind(settings.listen, insecure=settings.insecure)
    faulthandler.enable()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    uvloop.run(serve(settings, sock, partial(_announce, folder=settings.data, as_json=as_json)))


def _announce(address: str, *, folder: Path, as_json: bool) -> None:
    (folder / ADDRESS_FILE).write_text(f"{address}\n")
    if as_json:
        # One line, so that a program can read it while the server goes on.
        typer.echo(f'{{"url": "{address}", "version": "{__version__}"}}')
        return
    OUT.print(f"\n  [bold]Pharos {__version__}[/bold]  {address}   (data in {folder})\n")
    OUT.print("  Prometheus, in prometheus.yml:")
    OUT.print(f"    remote_write:\n      - url: {address}/api/v1/write\n")
    OUT.print("  vmagent:")
    OUT.print(f"    -remoteWrite.url={address}/api/v1/write\n")
    OUT.print("  OpenTelemetry SDKs:")
    for name, value in (("EXPORTER_OTLP_ENDPOINT", address), *_OTEL_VARIABLES.items()):
        OUT.print(f"    export OTEL_{name}={value}")
    OUT.print()
