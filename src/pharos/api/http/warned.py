"""What an answer warns of beside what it says."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

_WARNINGS: Final = "pharos.warnings"


def warnings_of(connection: HTTPConnection) -> list[str]:
    """Return what the answer to a request warns of: a list to which may be added while it is made."""
    found: list[str] = connection.scope.setdefault(_WARNINGS, [])
    return found
