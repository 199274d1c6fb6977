"""The command `pharos`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pharos import __version__
from pharos.commands.backup import backup, restore
from pharos.commands.check import check
from pharos.commands.explain import explain
from pharos.commands.query import query
from pharos.commands.screen import OUT, JsonOption, print_error, print_json
from pharos.commands.up import up
from pharos.commands.warm import warm
from pharos.errors import PharosError

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _exit_with_version(asked: bool) -> None:
    if asked:
        OUT.print(__version__)
        raise typer.Exit


@cli.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_exit_with_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Pharos: observability in one process and one folder."""


def print_version(as_json: JsonOption = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__})
    else:
        OUT.print(__version__)


for _command in (up, check, query, explain, backup, restore, warm):
    cli.command()(_command)
cli.command("version")(print_version)


def main() -> None:
    """Run the command; a user's mistake ends with one sentence and exit code 1 or 2."""
    try:
        cli()
    except PharosError as exc:
        sys.exit(print_error(exc, as_json="--json" in sys.argv))


if __name__ == "__main__":
    main()
