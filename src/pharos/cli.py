"""The command `pharos`."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from pharos import __version__
from pharos.commands.deferred import imported
from pharos.commands.screen import OUT, JsonOption, print_error, print_json
from pharos.errors import PharosError

_COMMANDS: Final = {
    "up": ("up", "Start the server."),
    "check": ("check", "Check configuration files; every fault is named with its line."),
    "query": ("query", "Ask a running server a PromQL query, at one time or over a range."),
    "explain": ("explain", "Show how an expression is read and planned."),
    "why": ("why", "Tell why somebody was told of alerts at a time, or was not."),
    "login": ("login", "Log in to a server, so that the commands here ask it as oneself."),
    "whoami": ("login", "Say as whom the commands here ask a server, and which roles that has there."),
    "logout": ("login", "Forget a server, and end the token for it."),
    "backup": ("backup", "Copy everything that the data folder holds, from a running or a stopped server."),
    "restore": (
        "backup",
        "Fill a new or empty data folder from a backup, after checking every file of it.",
    ),
    "warm": (
        "warm",
        "Compile what the server runs: an image, or a machine that others install, then starts at once.",
    ),
}
"""The module below `pharos.commands` that holds each, and what the list of commands says of it."""
_OTHERS: Final = {
    "check": {
        "health": (
            "check_health",
            "Make the checks of files once, or ask a server how its checks stand.",
        )
    }
}
"""By a command, what its first argument may be instead of a file: the module and function, and a summary."""
_GROUPS: Final = {
    "tenant": "Tenants: made, renamed, suspended, deleted; their limits and what they use.",
    "user": "Who may come in: users and their roles.",
    "token": "By what programs come in: API tokens.",
    "template": "Templates of notifications, tried without a server.",
    "audit": "Who changed what: the audit log, and exports of it that are signed.",
    "rules": "Rules: their files checked and tested, and run over what is stored.",
    "dashboard": "Dashboards: listed, imported from files, exported to files, checked.",
    "alerts": "Alerts: what fires, who looks after it, what happened to it.",
    "slo": "Objectives: specifications of OpenSLO, Sloth and Pyrra, checked and made rules.",
    "oncall": "Who is on call.",
    "anomaly": "Anomalies: what the detector says of series.",
    "canary": "Canaries: a new version judged against the one that runs.",
    "run": "Runs of workflows: listed, shown, told of from scripts, and controlled.",
    "routes": "Where alerts go: the tree of an alertmanager.yml, and what it does with labels.",
    "receivers": "Who is told of alerts: how that goes, tests, and what could not be delivered.",
}
"""Commands of commands: the module of that name holds the `app` of each."""


class Deferred(TyperCommand):
    """A command whose module is imported when it is called: the list, and the others, need no server."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._function = (f"pharos.commands.{module}", name)

    def load(self) -> TyperCommand:
        """Return the command itself."""
        module, name = self._function
        return _alone(name, getattr(imported(module), name))

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Hand the arguments to the command itself."""
        return self.load().make_context(*args, **extra)


class WithOthers(Deferred):
    """A command whose first argument may be the name of another one."""

    def __init__(self, name: str, module: str, summary: str, others: dict[str, Deferred]) -> None:
        super().__init__(name, module, summary)
        self.others = others

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Hand the arguments to the command that is meant."""
        other = self.others.get(args[0]) if args else None
        if other is None:
            return super().make_context(info_name, args, *more, **extra)
        return other.make_context(f"{info_name} {args[0]}", args[1:], *more, **extra)


class DeferredGroup(TyperGroup):
    """A group of commands whose module is imported when it is called."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name=name, help=summary)
        self._module = f"pharos.commands.{name}"

    def load(self) -> TyperGroup:
        """Return the group itself."""
        group = typer.main.get_group(imported(self._module).app)
        group.name, group.help = self.name, self.help
        return group

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Hand the arguments to the group itself."""
        return self.load().make_context(*args, **extra)


def _alone(name: str, function: Any) -> TyperCommand:
    app = _typer()
    app.command(name)(function)
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)  # noqa: S101 - what one function without a callback becomes
    return command


def _typer() -> typer.Typer:
    return typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _exit_with_version(asked: bool) -> None:
    if asked:
        OUT.print(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_exit_with_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Pharos: observability in one process and one folder."""


def _version(as_json: JsonOption = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__})
    else:
        OUT.print(__version__)


def build() -> TyperGroup:
    """Return the group of all commands, none of them imported."""
    app = _typer()
    app.callback()(_root)
    group = typer.main.get_group(app)
    for name, (module, summary) in _COMMANDS.items():
        others = {
            other: Deferred(function, function, told)
            for other, (function, told) in _OTHERS.get(name, {}).items()
        }
        found = WithOthers(name, module, summary, others) if others else Deferred(name, module, summary)
        group.add_command(found)
    for name, summary in _GROUPS.items():
        group.add_command(DeferredGroup(name, summary))
    group.add_command(_alone("version", _version))
    return group


def main() -> None:
    """Run the command; a user's mistake ends with one sentence and exit code 1 or 2."""
    try:
        build()()
    except PharosError as exc:
        sys.exit(print_error(exc, as_json="--json" in sys.argv))


if __name__ == "__main__":
    main()
