"""The part of a server through which flows are controlled: what calls the hooks of engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from pharos import __version__
from pharos.clock import Clock
from pharos.config import Settings
from pharos.flows.control import Controls
from pharos.outbound import Outbound
from pharos.state import State


@asynccontextmanager
async def open_steering(
    state: State, settings: Settings, clock: Clock, chance: Random
) -> AsyncIterator[Controls]:
    """Yield the way of controls; on exit what is being called is broken off."""
    outbound = Outbound(
        allow_private=settings.actions.private_addresses,
        private_by="actions.private_addresses",
        user_agent=f"pharos/{__version__}",
        random_source=chance,
    )
    controls = Controls(state, outbound, clock)
    try:
        yield controls
    finally:
        await controls.close()
        await outbound.close()
