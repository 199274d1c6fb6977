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
from pharos.commands.screen import OUT, JsonOption
from pharos.config import Settings, check_prometheus, load_settings
from pharos.folder import ADDRESS_FILE
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import FileWatch
from pharos.ingest.scrape.job import JobConfig, TargetGroup
from pharos.serve import bind, serve

_OTEL_VARIABLES: Final = {
    "EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "METRICS_EXPORTER": "otlp",
    "LOGS_EXPORTER": "none",
    "TRACES_EXPORTER": "none",
}
"""What an SDK is told beside the address: only metrics are received as yet."""


def _default(setting: str) -> str:
    return str(Settings.model_fields[setting].default)


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A pharos.yml; without one every setting has its default.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The folder that holds everything.", show_default=_default("data")),
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
        "insecure": insecure or None,
    }
    settings = load_settings(config, overrides)
    check_prometheus(config, settings)
    sock = bind(settings.listen)
    faulthandler.enable()
    log_to_standard_error(verbose=verbose)
    with KernelsBar() as bar:
        tell_address = partial(announce, settings=settings, as_json=as_json)
        uvloop.run(serve(settings, sock, tell_address, bar.tell, partial(_invite, as_json=as_json)))


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
        # That it starts and stops is seen.
        logging.getLogger("uvicorn").setLevel(logging.WARNING)


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
    OUT.print(f"  {_watched(settings)}; data in {folder}; Ctrl-C stops\n")
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


def _watched(settings: Settings) -> str:
    """Return what is scraped, in words."""
    if settings.prometheus is None:
        return "watching this host"
    jobs = load_scrape_config(settings.prometheus, environment=settings.environment).jobs
    targets = sum(len(group.targets) for job in jobs for group in (*job.static_groups, *_found(job)))
    counted = f"{_count(len(jobs), 'job')}, {_count(targets, 'target')}"
    return f"watching this host; {counted} from {settings.prometheus}"


def _found(job: JobConfig) -> tuple[TargetGroup, ...]:
    watch = FileWatch(job)
    watch.refresh()
    return watch.groups


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
