"""Alerts as they come in: completed, merged with what is known of them, and held in memory.

When an alert is over is counted on the monotonic clock from the moment at which it came: a wall clock that is
set ends nothing and revives nothing (`Known.until_s`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import Struct

from pharos.alert import Alert
from pharos.errors import Kind, PharosError
from pharos.labels import Labels


@dataclass(slots=True, eq=False)
class Known:
    """An alert of a tenant in memory."""

    alert: Alert
    until_s: float
    """When it is over, on the monotonic clock."""
    received_ms: int
    """When it was first heard of, since it was over last."""
    is_over_told: bool = False
    """Whether its timeline says that it is over."""
    mapping: Mapping[str, str] = field(init=False)
    """Its labels by name."""

    def __post_init__(self) -> None:
        self.mapping = dict(self.alert.labels)

    def is_over_at(self, now_s: float) -> bool:
        """Return whether it is over."""
        return self.until_s <= now_s


def labels_by_fingerprint(some: Iterable[Known]) -> dict[str, dict[str, str]]:
    """Return alerts' labels by fingerprint, which tells people nothing."""
    return {known.alert.fingerprint: dict(known.mapping) for known in some}


def completed(alert: Alert, now_ms: int, resolve_timeout_ms: int) -> Alert:
    """Return an alert that was posted with the times that its sender left out."""
    starts_ms = alert.starts_ms or alert.ends_ms or now_ms
    if alert.ends_ms:
        return replace(alert, starts_ms=starts_ms, updated_ms=now_ms, is_timed_out=False)
    ends_ms = now_ms + resolve_timeout_ms
    return replace(alert, starts_ms=starts_ms, ends_ms=ends_ms, updated_ms=now_ms, is_timed_out=True)


def require_fit(alert: Alert) -> None:
    """Raise PharosError(INVALID) for an alert that is none (Alertmanager's Alert.Validate)."""
    if not alert.labels:
        raise PharosError(Kind.INVALID, "at least one label pair required")
    for what, pairs in (("label", alert.labels), ("annotation", alert.annotations)):
        for name, value in pairs:
            if not name or not _is_text(name):
                raise PharosError(Kind.INVALID, f"invalid {what} set: invalid name {_cut(name)}")
            if not _is_text(value):
                raise PharosError(Kind.INVALID, f"invalid {what} set: invalid value {_cut(value)}")
    if alert.starts_ms and alert.ends_ms and alert.ends_ms < alert.starts_ms:
        raise PharosError(Kind.INVALID, "start time must be before end time")


def _is_text(text: str) -> bool:
    """Return whether every database can hold it."""
    return "\0" not in text and not any(0xD800 <= ord(char) < 0xE000 for char in text)


def _cut(text: str) -> str:
    return ascii(text[:80])


def merged(old: Alert, new: Alert, now_ms: int) -> Alert:
    """Return what is known of an alert after a newer post of it.

    Where both overlap it is one occurrence: the earliest start counts and the newest text; an end that its
    sender named holds if it is the latest, unless the new post ends it.
    """
    overlaps = old.starts_ms < new.ends_ms < old.ends_ms or old.starts_ms < new.starts_ms < old.ends_ms
    if not overlaps:
        return new
    ends_ms, is_timed_out = new.ends_ms, new.is_timed_out
    if new.is_resolved_at(now_ms):
        if old.is_resolved_at(now_ms) and old.ends_ms > ends_ms:
            ends_ms = old.ends_ms
    elif old.ends_ms > ends_ms and not old.is_timed_out:
        ends_ms = old.ends_ms
    return replace(
        new, starts_ms=min(old.starts_ms, new.starts_ms), ends_ms=ends_ms, is_timed_out=is_timed_out
    )


def until_s(alert: Alert, now_ms: int, now_s: float) -> float:
    """Return when an alert that is as it is now will be over, on the monotonic clock."""
    return now_s + (alert.ends_ms - now_ms) / 1000 if alert.ends_ms else math.inf


class Alerts:
    """The alerts of one tenant, by their fingerprints."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def get(self, fingerprint: str) -> Known | None:
        """Return an alert; None if nothing is known of it."""
        return self._known.get(fingerprint)

    def put(self, known: Known) -> None:
        """Know an alert."""
        self._known[known.alert.fingerprint] = known

    def drop(self, known: Known) -> bool:
        """Know an alert no more, unless a newer post of it came; return whether that was so."""
        fingerprint = known.alert.fingerprint
        if self._known.get(fingerprint) is not known:
            return False
        del self._known[fingerprint]
        return True

    def living(self, now_s: float) -> list[Known]:
        """Return those that are not over."""
        return [known for known in self._known.values() if known.until_s > now_s]


def in_order(alerts: Iterable[Known]) -> list[Known]:
    """Return alerts as Alertmanager tells them: by job, instance, number of labels, and labels."""
    return sorted(alerts, key=lambda known: _order(known.alert.labels, known.mapping))


_Last = tuple[bool, str]


def _order(labels: Labels, mapping: Mapping[str, str]) -> tuple[Any, ...]:
    # One without the label comes after all that have it. Of as many labels, the first difference by name
    # decides: who lacks the name that the other has is the lesser one.
    job, instance = ((mapping.get(name) is None, mapping.get(name, "")) for name in ("job", "instance"))
    return job, instance, *labels_order(labels)


def labels_order(labels: Labels) -> tuple[int, Any]:
    """Return what sorts label sets as Alertmanager does: fewer labels first, then by names and values."""
    return len(labels), _ByNames(labels)


class _ByNames(Struct, frozen=True):
    labels: Labels

    def __lt__(self, other: _ByNames) -> bool:
        for (name, value), (other_name, other_value) in zip(self.labels, other.labels, strict=False):
            if name != other_name:
                # The smaller name is one that the other lacks.
                return name.encode() > other_name.encode()
            if value != other_value:
                return value.encode() < other_value.encode()
        return False
