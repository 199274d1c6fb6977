"""The command `pharos`."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from pharos import __version__
from pharos.app import bind, serve
from pharos.config import load_settings
from pharos.errors import PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.warm import warm

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
_OUT = Console()
_ERR = Console(stderr=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A pharos.yml; without one every setting has its default.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="The folder that holds everything.")]


@cli.command()
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
) -> None:
    """Start the server."""
    if supervise:
        arguments = [argument for argument in sys.argv[1:] if argument != "--supervise"]
        os.execv(sys.executable, [sys.executable, "-m", "pharos.supervisor", *arguments])  # noqa: S606
    faulthandler.enable()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    overrides: dict[str, Any] = {
        "data": data,
        "listen": listen,
        "prometheus": prometheus,
        "insecure": insecure or None,
    }
    settings = load_settings(config, overrides)
    sock = bind(settings.listen, insecure=settings.insecure)
    uvloop.run(serve(settings, sock, lambda address: _announce(address, settings.data)))


@cli.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="pharos.yml or prometheus.yml files.")],
) -> None:
    """Check configuration files; every fault is named with its line."""
    faults = 0
    for path in files:
        try:
            if path.name.startswith("pharos"):
                load_settings(path, {})
            else:
                for notice in load_scrape_config(path, environment=os.environ).notices:
                    _OUT.print(f"[yellow]note[/yellow] {notice}", highlight=False, soft_wrap=True)
        except PharosError as exc:
            faults += 1
            _OUT.print(f"[red]fault[/red] {exc}", highlight=False, soft_wrap=True)
        else:
            _OUT.print(f"[green]good[/green] {path}", highlight=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)


@cli.command("warm")
def compile_kernels() -> None:
    """Compile what the server runs, once after an installation."""
    with _ERR.status("compiling, once after an installation: about two minutes"):
        ran = warm()
    _OUT.print(f"compiled; {ran} expressions ran", highlight=False)


@cli.command()
def version() -> None:
    """Print the version."""
    _OUT.print(__version__, highlight=False)


def _announce(address: str, folder: Path) -> None:
    _OUT.print(f"\n  [bold]Pharos {__version__}[/bold]  {address}   (data in {folder})\n", highlight=False)
    _OUT.print("  Prometheus, in prometheus.yml:", highlight=False)
    _OUT.print(f"    remote_write:\n      - url: {address}/api/v1/write\n", highlight=False)
    _OUT.print("  vmagent:", highlight=False)
    _OUT.print(f"    -remoteWrite.url={address}/api/v1/write\n", highlight=False)


def main() -> None:
    """Run the command; a user's mistake ends with one sentence and exit code 1 or 2."""
    try:
        cli()
    except PharosError as exc:
        _ERR.print(f"[red]pharos:[/red] {exc}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
