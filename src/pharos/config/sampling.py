"""Settings of sampling: which share of logs, traces and series is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from pharos.config.written import DurationMs, Section, at_least_ms, fault_text, shown
from pharos.sampling import LogRule, Names, Sampling, SeriesRule, TraceRule

LEVELS: Final = ("unknown", "trace", "debug", "info", "warn", "error", "fatal")
"""In the order of the numbers by which levels are kept."""


def _level(value: str) -> str:
    if value not in LEVELS:
        raise fault_text(f"{shown(value)} is none of {', '.join(LEVELS)}")
    return value


def _share(value: object) -> object:
    text = str(value).strip()
    try:
        found = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        found = -1.0
    if isinstance(value, bool) or not 0 <= found <= 1:
        raise fault_text(f"not a share: {shown(value)} (write it as 0.1 or 10%)")
    return found


_Level = Annotated[str, AfterValidator(_level)]
_Share = Annotated[float, BeforeValidator(_share)]


def _metric(value: str) -> str:
    if value.endswith("_bucket"):
        raise fault_text(f"{shown(value)} are buckets of a histogram: a share of them means nothing")
    return value


_Metric = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_metric)]
_Patterns = tuple[Annotated[str, Field(min_length=1, max_length=500)], ...]


class LogSampling(Section):
    """Which share of log records is kept."""

    shares: dict[_Level, _Share] = Field(
        description="Shares by level, such as {debug: 10%, info: 0.5}: trace, debug, info, warn, error,"
        " fatal, and unknown for records without one. Levels that are not named are kept."
    )
    services: _Patterns = Field(
        default=(), description="Services it is about, by patterns such as [pay-*]; none named is all."
    )
    tenants: _Patterns = Field(default=(), description="Tenants it is about, by patterns; none named is all.")


class TraceSampling(Section):
    """Which share of traces is kept."""

    share: _Share = Field(description="The share of traces, such as 10% or 0.1.")
    services: _Patterns = Field(
        default=(), description="It is about traces with a span of such a service; none named is all."
    )
    operations: _Patterns = Field(
        default=(), description="It is about traces with such an operation of these services; none is all."
    )
    tenants: _Patterns = Field(default=(), description="Tenants it is about, by patterns; none named is all.")


class SeriesSampling(Section):
    """Which share of series is kept."""

    metrics: Annotated[tuple[_Metric, ...], Field(min_length=1)] = Field(
        description="Metrics it is about, by their names, such as [http_requests_by_user]. Not the buckets of"
        " a classic histogram, which mean nothing one by one."
    )
    share: _Share = Field(description="The share of series, such as 10% or 0.1.")
    tenants: _Patterns = Field(default=(), description="Tenants it is about, by patterns; none named is all.")


class SamplingSettings(Section):
    """Which share of what is sent is kept: see [sampling and retention](sampling.md)."""

    strategies: Path | None = Field(
        default=None,
        description="A file of Jaeger's sampling strategies, which clients of Jaeger and OpenTelemetry's"
        " remote samplers ask for; without it they are told to keep everything.",
    )
    logs: tuple[LogSampling, ...] = Field(
        default=(), description="Rules about log records, each with `shares`; the first that fits counts."
    )
    traces: tuple[TraceSampling, ...] = Field(
        default=(),
        description="Rules about traces, each with a `share`; the first that fits any span counts. Traces"
        " with an error, and slow ones, are kept whatever rules say.",
    )
    slow: DurationMs = Field(
        default=1_000, description="Traces that took so long are slow; 0 takes none for slow."
    )
    decide_after: Annotated[DurationMs, at_least_ms("10s")] = Field(
        default=300_000,
        le=86_400_000,
        description="So long after the last of its spans came a trace is decided about, 10s to 1d; until then"
        " it is whole.",
    )
    metrics: tuple[SeriesSampling, ...] = Field(
        default=(), description="Rules about series, each with `metrics` and a `share`."
    )


def sampling_of(settings: SamplingSettings) -> Sampling:
    """Return the rules that the settings say."""
    return Sampling(
        logs=tuple(
            LogRule(
                tuple(one.shares.get(level, 1.0) for level in LEVELS),
                Names(one.services),
                Names(one.tenants),
            )
            for one in settings.logs
        ),
        traces=tuple(
            TraceRule(one.share, Names(one.services), Names(one.operations), Names(one.tenants))
            for one in settings.traces
        ),
        metrics=tuple(SeriesRule(one.share, one.metrics, Names(one.tenants)) for one in settings.metrics),
        slow_ms=settings.slow,
        decide_after_ms=settings.decide_after,
    )
