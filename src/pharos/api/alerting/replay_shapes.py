"""What is asked of a replay, and what is answered."""

from __future__ import annotations

from pydantic import Field

from pharos.api.native.answers import Body, Shape


class Version(Body):
    """Rules and a configuration; what is left out is that of the server."""

    rules: str | None = None
    """The text of a file of rules."""
    alertmanager: str | None = None
    """The text of an alertmanager.yml."""


class ReplayBody(Version):
    """What is to be replayed, over what time."""

    start: str | None = None
    """RFC 3339 or Unix seconds; without it, `last` before the end."""
    end: str | None = None
    """Now, if it is left out."""
    last: str | None = None
    """How long: 30d if it is left out."""
    step: str | None = None
    """How often rules are evaluated, instead of their groups' own intervals."""
    acknowledged_after: str | None = None
    """How long after its first page somebody reacts to an alert; nobody does if it is left out."""
    group: str | None = Field(default=None, max_length=1_000)
    """Only this group."""
    compare: Version | None = None
    """What the rules and the configuration would have been instead."""


class FiringShape(Shape):
    """An alert that would have fired."""

    labels: dict[str, str]
    annotations: dict[str, str]
    value: str
    active: str
    """Since when it was pending."""
    start: str
    end: str | None
    """None: it fires still."""


class RuleShape(Shape):
    """What one alerting rule would have done."""

    alert: str
    group: str
    file: str
    interval: str
    fired: int
    pending: int
    """How often it was pending and did not fire."""
    faults: list[str]
    firings: list[FiringShape]


class PageShape(Shape):
    """A message that would have been sent."""

    time: str
    receiver: str
    integration: str
    group_key: str
    reason: str
    firing: list[dict[str, str]]
    resolved: list[dict[str, str]]


class HeldShape(Shape):
    """An alert that was held back from a receiver for a while."""

    time: str
    receiver: str
    labels: dict[str, str]
    reason: str
    source: str
    """The silence's id, the fingerprint of the alert that does, the name of an interval or a window."""
    alert: dict[str, str]
    """The labels of the alert that does, where one does."""


class EscalatedShape(Shape):
    """A level of an escalation that would have been told."""

    time: str
    policy: str
    level: str
    labels: dict[str, str]


class OutcomeShape(Shape):
    """What rules and a configuration would have done."""

    fired: int
    pages: int
    pages_by_receiver: dict[str, int]
    escalated: int
    untold: int
    """Alerts of which nobody would have been told."""
    rules: list[RuleShape]
    sent: list[PageShape]
    held: list[HeldShape]
    escalations: list[EscalatedShape]


class EpisodeShape(Shape):
    """An alert that fired for a time."""

    labels: dict[str, str]
    start: str
    end: str | None


class DifferenceShape(Shape):
    """What the other version would have changed."""

    saved: int
    """Pages less."""
    added: int
    """Pages more."""
    lost: int
    """Alerts of which somebody was told, and now nobody would be."""
    gained: int
    saved_pages: list[PageShape]
    added_pages: list[PageShape]
    lost_alerts: list[EpisodeShape]
    gained_alerts: list[EpisodeShape]


class ReplayShape(Shape):
    """The answer to a replay."""

    start: str
    end: str
    outcome: OutcomeShape
    compared: OutcomeShape | None
    difference: DifferenceShape | None
