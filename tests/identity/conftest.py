"""Accounts over a state of their own, behind the application as a server runs it, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from tests.identity.people import World, open_world

from pharos.clock import FakeClock


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A server that everybody may reach, with an operator."""
    async with open_world(tmp_path, FakeClock(), Random(1), listen="0.0.0.0:0") as opened:
        await opened.begin()
        yield opened


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[World]:
    """A server on loopback without users."""
    async with open_world(tmp_path, FakeClock(), Random(1)) as opened:
        yield opened
