"""Telling those who wait for a group's sync, in one batch per event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from pharos.errors import PharosError

_LOG = logging.getLogger(__name__)

OnSynced: TypeAlias = Callable[[PharosError | None], None]
Via: TypeAlias = Callable[..., object]
"""Calls a function with arguments where its owner wants it called: `loop.call_soon_threadsafe`."""

Waiter: TypeAlias = tuple[OnSynced, Via]


def tell_all(waiters: Iterable[Waiter], error: PharosError | None) -> None:
    """Tell every waiter that its frame is on the medium, or why it is not."""
    batches: dict[Via, list[OnSynced]] = {}
    for on_synced, via in waiters:
        batches.setdefault(via, []).append(on_synced)
    for via, batch in batches.items():
        try:
            via(_call_all, batch, error)
        except RuntimeError as exc:  # asyncio says so when the loop was closed meanwhile
            _LOG.info("nobody waits any more for %d synced frames: %s", len(batch), exc)


def _call_all(batch: Sequence[OnSynced], error: PharosError | None) -> None:
    for on_synced in batch:
        on_synced(error)
