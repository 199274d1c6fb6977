"""Heartbeats: what somebody must tell us again and again, and what it means that they did not."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.health.check import HeartbeatCheck
from pharos.health.looking import Outcome
from pharos.runs.schedule import next_ms


class Ping(StrEnum):
    """What is told."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


class Beats(Struct, frozen=True):
    """What was heard; times are milliseconds since the epoch, 0 stands for never."""

    heard_ms: int = 0
    """The last success."""
    started_ms: int = 0
    failed_ms: int = 0
    exit_code: int = 0
    """Of the last failure, if it was told."""
    took_ms: int = 0
    """From the last start to the end after it."""

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "heard_ms": self.heard_ms,
            "started_ms": self.started_ms,
            "failed_ms": self.failed_ms,
            "exit_code": self.exit_code,
            "took_ms": self.took_ms,
        }


def read_beats(document: Mapping[str, Any]) -> Beats:
    """Return what was heard, of what was kept."""
    names = Beats.__struct_fields__
    return Beats(**{name: int(value) for name, value in document.items() if name in names})


def read_ping(word: str) -> tuple[Ping, int]:
    """Return what the end of an address tells, with an exit code: nothing, a word, or a number.

    Raises PharosError(MISSING) for another one.
    """
    if not word:
        return Ping.SUCCESS, 0
    if word.isascii() and word.isdecimal() and len(word) <= 3 and int(word) <= 255:
        return (Ping.FAIL, int(word)) if int(word) else (Ping.SUCCESS, 0)
    try:
        return Ping(word), 0
    except ValueError:
        raise PharosError(
            Kind.MISSING,
            "there is no such address",
            hint="it ends in /start, /success, /fail or an exit code",
        ) from None


class Told(Struct, frozen=True):
    """What was told at a time."""

    ping: Ping
    exit_code: int
    at_ms: int


def heard(before: Beats, told: Told) -> Beats:
    """Return what is known after something was told, at any server: nothing that was heard goes back."""
    at_ms = told.at_ms
    if told.ping is Ping.START:
        return replace(before, started_ms=max(before.started_ms, at_ms))
    ended_ms = max(before.heard_ms, before.failed_ms)
    if at_ms < ended_ms:
        # Another server heard of a later end before.
        return before
    took_ms = max(0, at_ms - before.started_ms) if before.started_ms > ended_ms else 0
    if told.ping is Ping.FAIL:
        return replace(before, failed_ms=at_ms, exit_code=told.exit_code, took_ms=took_ms)
    return replace(before, heard_ms=at_ms, took_ms=took_ms)


def verdict(check: HeartbeatCheck, beats: Beats, now_ms: int, began_ms: int, *, was_down: bool) -> Outcome:
    """Return how it stands at a time. Before `began_ms` nobody could be heard: that makes nothing late."""
    took_s = beats.took_ms / 1000

    def bad(reason: str) -> Outcome:
        return Outcome(now_ms, took_s, reason)

    if beats.failed_ms > beats.heard_ms:
        code = f" with exit code {beats.exit_code}" if beats.exit_code else ""
        return bad(f"the job failed{code}")
    running_ms = now_ms - beats.started_ms if beats.started_ms > beats.heard_ms else 0
    if check.longest_ms is not None and running_ms > check.longest_ms:
        longest = format_duration(check.longest_ms)
        return bad(f"it runs for {_shown(running_ms)}, longer than {longest}")
    if not beats.heard_ms:
        return Outcome(now_ms, took_s, "waits for the first sign of life", is_unknown=True)
    due_ms = next_ms(check.schedule, beats.heard_ms if was_down else max(beats.heard_ms, began_ms))
    if due_ms is not None and now_ms > due_ms + check.grace_ms:
        when = f"by {check.cron}" if check.every_ms is None else f"every {format_duration(check.every_ms)}"
        return bad(f"nothing was heard for {_shown(now_ms - beats.heard_ms)}, expected {when}")
    return Outcome(now_ms, took_s)


def _shown(length_ms: int) -> str:
    return format_duration(max(length_ms // 1000, 1) * 1000)
