"""As whom a command asks a server: by a token of the environment or of `pharos login`, or by the key."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import typer

from pharos.api.http.headers import KEY_HEADER
from pharos.config import process_environment
from pharos.errors import Kind, PharosError
from pharos.folder import ADDRESS_FILE, ADMIN_KEY_FILE

TOKEN_VARIABLE: Final = "PHAROS_TOKEN"  # noqa: S105 - its name
DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
_FILE: Final = "logins.json"


def _file() -> Path:
    return Path(typer.get_app_dir("pharos")) / _FILE


def stored_logins() -> dict[str, str]:
    """Return the tokens that `pharos login` stored, by the server's address.

    Raises PharosError(DENIED) when others may read the file, INVALID when it is not what we wrote.
    """
    path = _file()
    try:
        if path.stat().st_mode & 0o077:
            raise PharosError(Kind.DENIED, f"others may read {path}", hint=f"run: chmod 600 {path}")
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise PharosError(
            Kind.INVALID, f"cannot read {path}: {exc}", hint="remove it, and log in again"
        ) from exc
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def store_login(server: str, token: str | None) -> Path:
    """Keep the token for a server, or forget it; return the file, which only its owner may read."""
    path = _file()
    logins = stored_logins()
    logins.pop(_known_as(server), None)
    if token is not None:
        logins[_known_as(server)] = token
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole = path.with_suffix(".new")
    whole.unlink(missing_ok=True)
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(logins, file)
    whole.replace(path)
    return path


def server_of(server: str | None, data: Path) -> str:
    """Return the address of the server that is meant: the named one, or the one over the folder."""
    if server is not None:
        return server.rstrip("/")
    try:
        return (data / ADDRESS_FILE).read_text().strip()
    except OSError:
        return DEFAULT_SERVER


def credentials(server: str, data: Path | None = None) -> Mapping[str, str]:
    """Return the headers that say who asks; none where nobody is known.

    The key of the data folder counts only for the server that runs over it: no other one is to see it.
    """
    token = process_environment().get(TOKEN_VARIABLE) or stored_logins().get(_known_as(server))
    if token:
        return {"Authorization": f"Bearer {token}"}
    if data is not None and server_of(None, data) == _known_as(server):
        try:
            return {KEY_HEADER: (data / ADMIN_KEY_FILE).read_text().strip()}
        except OSError:
            return {}
    return {}


def _known_as(server: str) -> str:
    return server.rstrip("/").lower()
