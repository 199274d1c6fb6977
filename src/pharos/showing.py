"""The part of a server that knows which dashboards there are: what people saved, and watched files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct

from pharos.config import Settings
from pharos.dashboards.provided import ProvidedDashboards, Watched
from pharos.dashboards.store import Dashboards
from pharos.identity.sign_in import author_of
from pharos.reload import TakeOver
from pharos.state import State
from pharos.works import at_work

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 3.0


class Showing(Struct, frozen=True):
    """The dashboards, and where those of files come from."""

    settings: Settings
    dashboards: Dashboards
    provided: ProvidedDashboards

    async def reloadable(self) -> TakeOver:
        """Read the settings again; folders that they name are watched from then on."""
        settings = await asyncio.to_thread(self.settings.reread)

        async def take_over() -> None:
            self.provided.watch(_watched(settings))
            await asyncio.to_thread(self.provided.look)

        return take_over


@asynccontextmanager
async def open_showing(state: State, settings: Settings) -> AsyncIterator[Showing]:
    """Read the files of watched folders, again when they change, until the exit."""
    provided = ProvidedDashboards(_watched(settings), ships=settings.dashboards.shipped)
    await asyncio.to_thread(provided.look)
    async with at_work(_look(provided)):
        yield Showing(settings, Dashboards(state, provided, author_of), provided)


def _watched(settings: Settings) -> list[Watched]:
    return [Watched(one.path, one.tenant, one.title) for one in settings.dashboards.folders]


async def _look(provided: ProvidedDashboards) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        if await asyncio.to_thread(provided.look):
            _LOG.info("dashboards of watched folders were read again")
