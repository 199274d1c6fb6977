"""`pharos check health`: checks of files, made once from here; or how those of a server stand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pharos import __version__
from pharos.access import DEFAULT, Scope
from pharos.clock import SystemClock
from pharos.commands.accounts import FOLDER, FolderOption, ServerOption, TenantOption, asked, call
from pharos.commands.screen import EXIT_FOUND, OUT, JsonOption, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.health.check import AnyCheck, HeartbeatCheck
from pharos.health.files import read_files
from pharos.health.looking import Means, Outcome
from pharos.health.looks import Looks
from pharos.labels import Labels
from pharos.outbound import Outbound

_COLORS = {"up": "green", "down": "red", "unknown": "yellow", "maintenance": "blue"}
_AT_ONCE = 20


def check_health(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of checks to be made once, from here; without any, a server is asked."),
    ] = None,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Make the checks of files once, or ask a server how its checks stand; exit code 1 if any is down."""
    if files:
        try:
            found = asyncio.run(_made(list(read_files(files).checks.values())))
        except PharosError as exc:
            raise as_found(exc) from exc
    else:
        found = [_asked(one) for one in call(asked(server, data, tenant), "GET /api/v1/health/checks")]
    if as_json:
        print_json(found)
    else:
        for one in found:
            _show(one)
        if not found:
            OUT.print("there is no check")
    if any(one["state"] == "down" for one in found):
        raise typer.Exit(EXIT_FOUND)


def _show(one: dict[str, Any]) -> None:
    color, took = _COLORS[one["state"]], one["duration_ms"]
    time = "" if took is None else f"  {took:.0f} ms"
    reason = f"  {escape(one['reason'])}" if one["reason"] else ""
    OUT.print(f"[{color}]{one['state']:<12}[/{color}]{escape(one['name'])}{time}{reason}")


def _asked(one: dict[str, Any]) -> dict[str, Any]:
    state = "maintenance" if one["maintenance"] else one["state"]
    reason = one["maintenance"] or one["reason"]
    return {
        "name": one["name"],
        "type": one["type"],
        "state": state,
        "reason": reason,
        "duration_ms": one["duration_ms"],
        "facts": {},
    }


async def _made(checks: Sequence[AnyCheck]) -> list[dict[str, Any]]:
    """Return what came of checks that were made now."""
    outbound = Outbound(
        allow_private=True,
        user_agent=f"pharos-health/{__version__}",
        random_source=random.SystemRandom(),
        is_checking=True,
    )
    means = Means(outbound, SystemClock(), _no_store)
    looks, room = Looks(means, means), asyncio.Semaphore(_AT_ONCE)

    async def one(check: AnyCheck) -> dict[str, Any]:
        if isinstance(check, HeartbeatCheck):
            return _shown(check, Outcome(0, 0.0, "a heartbeat comes to a server", is_unknown=True))
        async with room:
            return _shown(check, await looks.look(check, DEFAULT, is_trusted=True))

    try:
        return await asyncio.gather(*(one(check) for check in checks if check.enabled))
    finally:
        await outbound.close()


async def _no_store(language: str, scope: Scope, query: str) -> Sequence[tuple[Labels, float]]:
    del scope, query
    raise PharosError(Kind.UNSUPPORTED, f"{language} is answered by a server: ask one with --server")


def _shown(check: AnyCheck, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": check.name,
        "type": check.type,
        "state": outcome.word,
        "reason": outcome.reason,
        "duration_ms": round(outcome.duration_s * 1000, 2) if outcome.at_ms else None,
        "facts": dict(outcome.facts),
    }
