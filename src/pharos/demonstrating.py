"""The part of a server that shows what it can with a made-up shop: off, until somebody wants to see it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pharos.config import Settings
from pharos.demo.running import Demo, DemoParts
from pharos.errors import PharosError
from pharos.state import PHAROS

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def open_demo(parts: DemoParts, settings: Settings) -> AsyncIterator[Demo]:
    """Hold the demo ready until the exit, which stops it; it runs at once where the settings say so."""
    demo = Demo(parts)
    if settings.demo:
        try:
            await demo.start(PHAROS)
        except PharosError as exc:
            _LOG.warning("the demo is not started: %s", exc)
    try:
        yield demo
    finally:
        await demo.close()
