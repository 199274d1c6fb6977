"""A process that escalates as fast as it can, a minute each round, and says so: to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

from tests.alerting.paging import TENANT, config

from pharos.alerting.escalations import Escalations
from pharos.clock import FakeClock
from pharos.state import escalations, open_state


async def main(path: Path, now_ms: int) -> None:
    """Run until all were told."""
    clock = FakeClock(now_ms)
    with open_state(path, clock, Random()) as state:
        engine = Escalations(state, lambda _: config())
        while True:
            await engine.round()
            [found] = await state.read(lambda unit: escalations.list_escalations(unit, TENANT)) or [None]
            if found is not None and found.status == "exhausted":
                print("done", flush=True)
                return
            print("round", flush=True)
            clock.advance_ms(60_000)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
