"""The part of a server that listens for others' heartbeats, and gives its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from pharos import __version__
from pharos.alerting.heartbeats import Pulse, Take, beat, listen
from pharos.clock import Clock
from pharos.config import Settings
from pharos.errors import PharosError
from pharos.http_options import SecretText
from pharos.notify.restraint import HELD_BACK
from pharos.outbound import Outbound
from pharos.state import State, Unit
from pharos.state.outbox import oldest_owed_ms
from pharos.works import at_work

_PATIENCE_S: Final = 5.0


@asynccontextmanager
async def open_pulse(
    state: State, settings: Settings, clock: Clock, chance: Random, take: Take
) -> AsyncIterator[None]:
    """Listen and beat until the exit; `take` takes the alerts of who is not heard of.

    Raises PharosError(INVALID) when the file with the address cannot be read.
    """
    outbound = Outbound(allow_private=True, user_agent=f"pharos/{__version__}", random_source=chance)
    works = [listen(state, take, clock)]
    url = _address(settings)
    if url:

        async def unwell() -> str:
            return await _unwell(state, settings.heartbeat.longest_delay)

        pulse = Pulse(url, settings.heartbeat.interval)
        works.append(beat(pulse, outbound, clock, unwell))
    try:
        async with at_work(*works):
            yield
    finally:
        await outbound.close()


def _address(settings: Settings) -> str:
    given = settings.heartbeat
    if given.url_file is not None:
        return SecretText(path=str(given.url_file)).read()
    return given.url.get_secret_value() if given.url is not None else ""


async def _unwell(state: State, longest_ms: int) -> str:
    """Return why nobody would be told of anything now, or too late."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await state.read(lambda unit: late(unit, longest_ms))
    except TimeoutError:
        return f"the state gave no answer within {_PATIENCE_S:g}s"
    except PharosError as exc:
        return str(exc)


def late(unit: Unit, longest_ms: int) -> str:
    """Return that a message is owed for longer than it may be; empty where none is, or 0 lets them be."""
    since_ms = oldest_owed_ms(unit, but=HELD_BACK)
    if not longest_ms or since_ms is None or unit.now_ms - since_ms <= longest_ms:
        return ""
    return f"a message is owed for {(unit.now_ms - since_ms) // 1000}s"
