"""What the commands about accounts share: which server is asked, as whom, about which tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.table import Column, Table

from pharos.api.http.headers import KEY_HEADER
from pharos.clock import SystemClock
from pharos.commands.ask import Asked
from pharos.commands.logins import credentials, server_of
from pharos.commands.screen import ERR, OUT, as_found
from pharos.config import Settings
from pharos.errors import Cause, Kind, PharosError
from pharos.folder import ADMIN_KEY_FILE
from pharos.gotext.durations import format_duration

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", help="The server's address.", show_default="the one that runs over the data folder"
    ),
]
FolderOption = Annotated[
    Path,
    typer.Option("--data", help="The data folder of a server on this machine, whose key lets its owner in."),
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="The tenant.", show_default="default")]
_NO_TENANT: Final = "`pharos tenant create` makes one, `pharos tenant list` has those that there are"
FOLDER: Final = Path(str(Settings.model_fields["data"].default))

EVERYWHERE: Final = "*"
TENANT_HEADER: Final = "X-Scope-OrgID"


def asked(server: str | None, data: Path, tenant: str | None = None) -> Asked:
    """Return the server that is meant, as whom it is asked, and about which tenant."""
    url = server_of(server, data)
    headers = dict(credentials(url, data))
    if tenant is not None:
        headers[TENANT_HEADER] = tenant
    return Asked(url, headers)


def asked_by_key(data: Path, tenant: str | None = None) -> Asked:
    """Return the server over a data folder, asked as the folder's owner, whoever else is logged in.

    Raises PharosError(MISSING) where its key cannot be read.
    """
    try:
        key = (data / ADMIN_KEY_FILE).read_text().strip()
    except OSError as exc:
        raise PharosError(
            Kind.MISSING,
            f"cannot read {data / ADMIN_KEY_FILE}: {exc.strerror}",
            hint="run it beside the server, as its user; --data names the data folder",
        ) from exc
    headers = {KEY_HEADER: key, **({} if tenant is None else {TENANT_HEADER: tenant})}
    return Asked(server_of(None, data), headers)


def call(server: Asked, address: str, body: dict[str, Any] | None = None) -> Any:
    """Return what the server answers.

    Raises PharosError: a finding where what was asked is at fault. That a tenant has nothing is no answer
    where there is no such tenant.
    """
    try:
        found = _asked_of_a_tenant(server, address, body)
    except PharosError as exc:
        hint = exc.hint or (_NO_TENANT if exc.cause is Cause.NO_TENANT else "")
        raise as_found(
            PharosError(exc.kind, exc.message, hint=hint, position=exc.position, cause=exc.cause)
        ) from exc
    return found


def _asked_of_a_tenant(server: Asked, address: str, body: dict[str, Any] | None) -> Any:
    is_reading = address.startswith("GET ")
    try:
        found = server.data(address, body)
    except PharosError as exc:
        if is_reading and exc.kind is Kind.MISSING:
            _require_tenant(server)
        raise
    if is_reading and _has_nothing(found):
        _require_tenant(server)
    return found


def _has_nothing(found: Any) -> bool:
    """Return whether an answer is lists, or one, and all of them are empty."""
    if isinstance(found, dict):
        lists = [one for one in found.values() if isinstance(one, list)]
        return bool(lists) and not any(lists)
    return isinstance(found, list) and not found


def _require_tenant(server: Asked) -> None:
    """Raise PharosError(MISSING) where there is no tenant as was asked about, for who may know."""
    tenant = server.headers.get(TENANT_HEADER)
    if tenant is None:
        return
    try:
        server.data(f"GET /api/tenants/{quote(tenant, safe='')}")
    except PharosError as exc:
        if exc.cause is Cause.NO_TENANT:
            raise


def read_role(text: str) -> tuple[str, str | None]:
    """Return (role, tenant) of `ROLE@TENANT`; None for everywhere, `ROLE@*`, which `operator` alone means.

    Raises PharosError(INVALID) for a role without a place.
    """
    role, at, tenant = text.rpartition("@")
    if not at:
        if text == "operator":
            return text, None
        raise PharosError(
            Kind.INVALID,
            f"where does the role {text!r} hold?",
            hint=f"write {text}@TENANT, or {text}@* for all",
        )
    return role, None if tenant == EVERYWHERE else tenant


def show_table(names: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Print a table, or on standard error that there is nothing."""
    table = Table(*(Column(name, overflow="fold") for name in names), box=None)
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        OUT.print(table, markup=False)
    else:
        ERR.print(empty)


def shown_age(at_ms: int | None) -> str:
    """Return how long ago something was, in one unit."""
    if at_ms is None:
        return "never"
    age_ms = max(0, SystemClock().now_ms() - at_ms)
    unit = next((unit for unit in (86_400_000, 3_600_000, 60_000) if age_ms >= unit), 1000)
    return f"{format_duration(age_ms // unit * unit)} ago"


_SOURCES: Final[Mapping[str, str]] = {
    "user": "given here",
    "token": "of the token",
    "settings": "of whoever has no credentials",
    "local": "of who may do everything on this machine",
}


def shown_held(roles: Iterable[dict[str, Any]]) -> list[str]:
    """Return the roles of who asks, each with where it comes from: `editor@acme (Corp: groups=acme)`."""
    return [
        f"{one['name']}@{one['tenant'] or EVERYWHERE} ({_because(one['source'], one['detail'])})"
        for one in roles
    ]


def _because(source: str, detail: str) -> str:
    return ", ".join(part for part in (_SOURCES.get(source, ""), detail) if part)


def shown_roles(user: dict[str, Any]) -> str:
    """Return the roles of a user in one line."""
    held = [f"{role}@{EVERYWHERE}" for role in user["everywhere"]]
    held += [f"{role}@{tenant}" for tenant, own in sorted(user["tenants"].items()) for role in own]
    return " ".join(held) or "none"
