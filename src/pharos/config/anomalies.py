"""What is watched for anomalies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pharos.config.written import DurationMs, Section, at_least_ms


class Anomalies(Section):
    """What is watched for anomalies, beside what people choose over the API."""

    enabled: bool = Field(default=True, description="Whether anomalies are looked for at all.")
    watch: tuple[str, ...] = Field(
        default=(),
        description="Series of the tenant `default` that are watched, a line of PromQL each, such as"
        " [queue_depth, 'http_requests_total{job=\"api\"}']; of a counter, its rate is.",
    )
    automatic: bool = Field(
        default=True,
        description="Watch objectives and the golden signals of each service without being told to.",
    )
    interval: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=15_000, description="How often all series are judged, 1s at least."
    )
    max_series: int = Field(default=10_000, gt=0, description="Series that are watched of a tenant.")
    cooldown: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=300_000,
        description="An anomaly is over when its series was as ever for so long; its alert goes on as long.",
    )
