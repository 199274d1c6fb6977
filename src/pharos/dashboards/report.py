"""What is said of a dashboard that was read: what is lost, what was changed, what is worth knowing."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field

_MOST: Final = 500


class Level(StrEnum):
    """How much it matters."""

    LOST = "lost"
    """It cannot be shown."""
    CHANGED = "changed"
    """It is shown in another form than it was written for."""
    NOTE = "note"


class Note(Struct, frozen=True):
    """One remark."""

    level: Level
    where: str
    message: str
    hint: str = ""
    panel: int | None = None

    def shown(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "level": self.level.value,
            "panel": self.panel,
            "where": self.where,
            "message": self.message,
            "hint": self.hint,
        }


class Report(Struct):
    """The remarks on one dashboard, each once, in the order of the dashboard."""

    notes: list[Note] = field(default_factory=list)
    where: str = "the dashboard"
    panel: int | None = None

    def enter(self, panel: int | None, title: str) -> None:
        """Say what the remarks that follow are about: a panel."""
        self.panel = panel
        name = "a panel" if panel is None else f"panel {panel}"
        self.where = f"{name} ({title[:80]})" if title else name

    def leave(self) -> None:
        """Say that the remarks that follow are about the dashboard."""
        self.panel, self.where = None, "the dashboard"

    def add(self, level: Level, message: str, hint: str = "") -> None:
        """Remark something."""
        note = Note(level, self.where, message, hint, self.panel)
        if len(self.notes) < _MOST and note not in self.notes:
            self.notes.append(note)

    def lost(self, message: str, hint: str = "") -> None:
        """Remark that something cannot be shown."""
        self.add(Level.LOST, message, hint)

    def changed(self, message: str) -> None:
        """Remark that something was migrated."""
        self.add(Level.CHANGED, message)

    def note(self, message: str, hint: str = "") -> None:
        """Remark what is worth knowing."""
        self.add(Level.NOTE, message, hint)

    def shown(self) -> list[dict[str, Any]]:
        """Return all of it as JSON has it, the worst first."""
        order = list(Level)
        return [note.shown() for note in sorted(self.notes, key=lambda one: order.index(one.level))]
