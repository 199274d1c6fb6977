"""What a channel is given, what it returns, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from pharos.alert import Alert
from pharos.labels import Labels


class Status(StrEnum):
    """What is told of a group of alerts, or of one of them."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Links(Struct, frozen=True):
    """Addresses of our own pages; empty where no address of this server is known."""

    page: str = ""
    """Of the group."""
    acknowledge: str = ""
    """Acknowledges with one more click; good without signing in, for this message alone."""
    silence: str = ""
    picture: str = ""
    """A picture of the graph, as PNG, which runs out; empty where none is made."""


class Enclosed(Struct, frozen=True):
    """A page that is mailed in the place of alerts."""

    subject: str
    html: str
    text: str
    pictures: tuple[tuple[str, bytes], ...] = ()
    """Content ids, by which the page names them, and PNGs."""


class Message(Struct, frozen=True):
    """One notification of one group of alerts to one integration of one receiver."""

    key: str
    """The same for each try of this notification, and for no other."""
    tenant: str
    receiver: str
    group_key: str
    """The same for all that is told of the group (Alertmanager's key of a group)."""
    status: Status
    alerts: tuple[tuple[Alert, Status], ...]
    """Those that are told, firing ones first as Alertmanager sorts them."""
    group_labels: Labels
    common_labels: Labels
    common_annotations: Labels
    now_ms: int
    route_labels: Labels = ()
    """What the route says of the group (Alertmanager's `labels` of a route, with their templates run)."""
    truncated: int = 0
    """How many alerts the group has beyond those."""
    external_url: str = ""
    links: Links = field(default_factory=Links)
    thread: Mapping[str, str] = field(default_factory=dict)
    """What the channel returned when it told of this group last: where to go on. Empty for the first time."""
    reason: str = ""
    """Why it is told now: `first`, `added`, `some_resolved`, `all_resolved`, `repeat`, as Alertmanager; or
    `escalation`, `test`, `reminder`, `acknowledged`, `report`."""
    page: Enclosed | None = None
    """What is mailed instead of alerts, of which there are none then."""

    def firing(self) -> tuple[Alert, ...]:
        """Return the alerts that fire."""
        return tuple(alert for alert, status in self.alerts if status is Status.FIRING)

    def resolved(self) -> tuple[Alert, ...]:
        """Return the alerts that are over."""
        return tuple(alert for alert, status in self.alerts if status is Status.RESOLVED)


class Sent(Struct, frozen=True):
    """That it was taken."""

    answer: str = ""
    """What was answered, for people: `200 OK`, a message's number; no secrets."""
    thread: Mapping[str, str] = field(default_factory=dict)
    """What the next message of the group needs to go on where this one stands."""
    is_held: bool = False
    """Whether nobody was told, by the settings of the integration: the answer says why."""


class NotSentError(Exception):
    """That it was not taken: why, without any secret, and whether another try may succeed."""

    def __init__(self, reason: str, *, may_retry: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_retry = may_retry
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One way of telling, with one receiver's settings."""

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        ...
