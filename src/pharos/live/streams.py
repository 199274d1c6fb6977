"""What there is to be seen: streams and channels by name, and what a client makes of a query of its own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Language(StrEnum):
    """What the query of a custom stream is written in."""

    PROMQL = "promql"
    LOGS = "logs"
    """Words and fields, as logs are searched."""
    TRACES = "traces"
    """The same about spans: traces of which one meets it."""
    EVENTS = "events"
    """Steps of alerts by their names, such as `sent dead`; nothing stands for all."""


class Board(Struct, frozen=True):
    """A stream that has a name: a picture of how things stand."""

    name: str
    permission: str


ALERTS: Final = Board("alert_events", "alerts.view")
"""The one beside whose pictures events are told at once."""
BOARDS: Final[Mapping[str, Board]] = {
    one.name: one
    for one in (
        Board("performance_metrics", "metrics.view"),
        Board("scaling_status", "metrics.view"),
        Board("ecosystem_correlation", "traces.view"),
        ALERTS,
        Board("flow_executions", "flows.read"),
        Board("health", "alerts.view"),
        Board("validation_pipeline", "metrics.view"),
        Board("workflow_executions", "flows.read"),
    )
}
STREAMS: Final = tuple(name for name in BOARDS if name != "workflow_executions")
CHANNELS: Final[Mapping[str, Board]] = {
    "alerts": ALERTS,
    "metrics": BOARDS["performance_metrics"],
    "workflows": BOARDS["workflow_executions"],
}
"""What AutomatosX calls them; each is one of the boards."""
LANGUAGE_PERMISSIONS: Final[Mapping[Language, str]] = {
    Language.PROMQL: "metrics.view",
    Language.LOGS: "logs.view",
    Language.TRACES: "traces.view",
    Language.EVENTS: "alerts.view",
}


class Stream(Struct, frozen=True):
    """What is evaluated, and how often: equal ones of a tenant are evaluated once."""

    board: str = ""
    """The board's name; empty where it is a query."""
    language: Language = Language.PROMQL
    query: str = ""
    interval_ms: int = 5_000

    @property
    def permission(self) -> str:
        """What who sees it must have."""
        return BOARDS[self.board].permission if self.board else LANGUAGE_PERMISSIONS[self.language]

    @property
    def tells_alerts(self) -> bool:
        """Whether alerts are told at once beside it."""
        return self.board == ALERTS.name

    @property
    def is_news(self) -> bool:
        """Whether an update holds what is new since the one before, and none is sent where nothing is."""
        return not self.board and self.language is not Language.PROMQL


class Place(Struct, frozen=True):
    """What a client calls a subscription."""

    name: str
    is_channel: bool = False

    @property
    def key(self) -> str:
        """Under which key messages name it."""
        return "channel" if self.is_channel else "stream"
