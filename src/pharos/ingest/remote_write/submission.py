"""Requests of remote write as the intake takes them."""

from __future__ import annotations

from collections.abc import Mapping

from pharos.access import Scope
from pharos.ingest.frames import FrameKind
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.signals import Plain, Submission


def received(scope: Scope, kind: FrameKind, body: bytes, *, source: str) -> Submission[Accepted]:
    """Return a request as a sender packed it."""
    return Submission(scope, kind, source, packed=body, sent_bytes=len(body))


def made(
    scope: Scope,
    write_request: Plain,
    *,
    source: str,
    sent_bytes: int = 0,
    refused: Mapping[str, int] | None = None,
    is_limited: bool = True,
    is_repeatable: bool = False,
) -> Submission[Accepted]:
    """Return a WriteRequest of version 1.0 that this process made of `sent_bytes` of something else.

    `refused` counts what of that is not in it, by reason.
    """
    return Submission(
        scope,
        FrameKind.REMOTE_WRITE_1,
        source,
        plain=write_request,
        sent_bytes=sent_bytes,
        refused=refused or {},
        is_limited=is_limited,
        is_repeatable=is_repeatable,
    )
