"""By what a request says who it comes from."""

from __future__ import annotations

import hmac
from typing import Final

from starlette.types import Scope as Asked

from pharos.access import OPEN, OWNING, Grant
from pharos.errors import Kind, PharosError
from pharos.secret import Secret

KEY_HEADER: Final = "X-Pharos-Key"
"""Carries the key that lies in the data folder; no page of another origin can send it."""
_KEY: Final = KEY_HEADER.lower().encode()


def identify_owner(key: Secret, asked: Asked) -> Grant:
    """Return what everybody may do, or the owner of the data folder, who has its key.

    Raises PharosError(UNAUTHENTICATED) for another key.
    """
    given = [value for name, value in asked["headers"] if name == _KEY]
    if not given:
        return OPEN
    if len(given) > 1 or not hmac.compare_digest(given[0], key.reveal().encode()):
        raise PharosError(
            Kind.UNAUTHENTICATED,
            f"the header {KEY_HEADER} does not carry this server's key",
            hint="it lies in the file admin-key of the data folder, and is another one after each start",
        )
    return OWNING
