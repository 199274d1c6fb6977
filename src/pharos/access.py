"""Who asks, and whose telemetry is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request or a piece of work may see and change: one tenant's telemetry.

    It is made once, where something comes in, and handed down: code below never reads a tenant by itself.
    Scopes that may see the same are equal, so that what is kept of one answer serves the other, whoever asks.
    """

    tenant: str


DEFAULT: Final = Scope("default")
"""Of whoever names no tenant, and of what Pharos does by itself."""
