"""A tenant's status page: what of its health everybody may see, and what is announced there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from pharos.alerting.oncall.schedule import Part, read_part
from pharos.health.check import Name

PAGE: Final = "page"
"""The name of the one page that a tenant has."""
_UNFIT: Final = re.compile(r"[^a-z0-9]+")
MOST_SHOWN: Final = 100
MOST_UPDATES: Final = 100


def _line(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError("printable characters on one line are expected")
    return text


def _paragraphs(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not all(line.isprintable() for line in text.split("\n")):
        raise ValueError("printable characters are expected")
    return text


def _link(text: str) -> str:
    if not text:
        return text
    try:
        url = URL(text)
    except ValueError as exc:
        raise ValueError(f"not an address: {exc}") from exc
    if url.scheme not in {"https", "http", "mailto"} or url.user or not text.isprintable():
        raise ValueError("an address that begins with https://, http:// or mailto: is expected")
    return text


Line = Annotated[str, Field(max_length=200), AfterValidator(_line)]
Paragraphs = Annotated[str, Field(max_length=4000), AfterValidator(_paragraphs)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")]


class ShownComponent(Part):
    """A component that is shown, under a name for everybody."""

    component: Name
    title: Annotated[str, Field(max_length=100), AfterValidator(_line)]
    description: Annotated[str, Field(max_length=300), AfterValidator(_paragraphs)] = ""

    @property
    def key(self) -> str:
        """What stands for it in addresses: made of its title, which everybody sees anyway."""
        return _UNFIT.sub("-", self.title.lower()).strip("-") or "component"


class StatusPage(Part):
    """A page; nothing that is not named here is ever on it."""

    public: bool = False
    slug: Slug
    """Its address is /status/SLUG."""
    title: Annotated[str, Field(max_length=100), AfterValidator(_line)]
    description: Paragraphs = ""
    components: tuple[ShownComponent, ...] = Field(default=(), max_length=MOST_SHOWN)
    shows_uptime: bool = True
    """Whether the days of each component are shown."""
    link: Annotated[str, Field(max_length=500), AfterValidator(_link)] = ""
    """Where people go on to, such as a help page."""

    @model_validator(mode="after")
    def _is_clear(self) -> Self:
        keys = [one.key for one in self.components]
        if len(set(keys)) < len(keys):
            raise ValueError("two components are called the same")
        return self


class Phase(StrEnum):
    """How far what is announced has come."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in progress"
    COMPLETED = "completed"


OVER: Final = frozenset({Phase.RESOLVED, Phase.COMPLETED})
OF_KIND: Final = {
    "incident": (Phase.INVESTIGATING, Phase.IDENTIFIED, Phase.MONITORING, Phase.RESOLVED),
    "maintenance": (Phase.SCHEDULED, Phase.IN_PROGRESS, Phase.COMPLETED),
}


class Update(Part):
    """What was said at one time."""

    at_ms: int = Field(ge=0)
    phase: Phase
    text: Paragraphs


class Announcement(Part):
    """An incident, or a maintenance that is planned."""

    kind: Literal["incident", "maintenance"]
    title: Line
    impact: Literal["none", "minor", "major", "critical"] = "minor"
    components: tuple[Name, ...] = Field(default=(), max_length=MOST_SHOWN)
    starts_ms: int = Field(ge=0, le=1 << 45)
    ends_ms: int | None = Field(default=None, ge=0, le=1 << 45)
    """When it is planned to end, or did."""
    updates: tuple[Update, ...] = Field(min_length=1, max_length=MOST_UPDATES)
    """In the order in which they were said."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.ends_ms is not None and self.ends_ms <= self.starts_ms:
            raise ValueError("it ends after it starts")
        for one in self.updates:
            if one.phase not in OF_KIND[self.kind]:
                words = ", ".join(OF_KIND[self.kind])
                raise ValueError(f"a phase of {self.kind} is one of {words}")
        return self

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return self.updates[-1].phase

    def is_over(self) -> bool:
        """Return whether somebody said that it is over."""
        return self.phase in OVER

    def is_ahead(self, now_ms: int) -> bool:
        """Return whether it is a maintenance that did not begin yet."""
        return self.kind == "maintenance" and self.phase is Phase.SCHEDULED and now_ms < self.starts_ms


def read_page(document: Mapping[str, Any]) -> StatusPage:
    """Return a page of a document. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(StatusPage, document, "status page")


def read_announcement(document: Mapping[str, Any]) -> Announcement:
    """Return an announcement of a document. Raises PharosError(INVALID) that names the first field."""
    return read_part(Announcement, document, "announcement")
