"""Print what a server answers, as JSON: `python -m tests.api.listing FOLDER` builds one over a new folder."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from pharos.app import open_pharos
from pharos.clock import SystemClock
from pharos.config import load_settings


async def _listed(folder: str) -> dict[str, Any]:
    settings = load_settings(None, {"data": folder})
    counts = {"compiled": 0, "total": 0}
    async with open_pharos(settings, SystemClock(), random.Random(1), lambda: counts) as server:
        return {
            "routes": [f"{one.method} {one.path}" for one in server.app.operations],
            "sockets": sorted(server.app.socket_paths),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_listed(sys.argv[1]))))
