"""The settings of how long telemetry is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pharos.config.written import DurationMs, Section, at_least_ms


class Retention(Section):
    """How long each kind of telemetry is kept; 0 keeps it for ever."""

    metrics: Annotated[DurationMs, at_least_ms("1h", or_zero="keeps them for ever")] = Field(
        default=30 * 86_400_000, description="How long samples are kept, 1h to 50y."
    )
    logs: Annotated[DurationMs, at_least_ms("1h", or_zero="keeps them for ever")] = Field(
        default=30 * 86_400_000,
        description="How long log records are kept after they were received, 1h to 50y.",
    )
    traces: Annotated[DurationMs, at_least_ms("1h", or_zero="keeps them for ever")] = Field(
        default=14 * 86_400_000, description="How long spans are kept after they were received, 1h to 50y."
    )
    runs: Annotated[DurationMs, at_least_ms("1h", or_zero="keeps them for ever")] = Field(
        default=90 * 86_400_000,
        description="How long runs of workflows are kept after they were last heard of, 1h to 50y.",
    )
