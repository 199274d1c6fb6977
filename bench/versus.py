"""Two checkouts of Pharos side by side: `python -m bench.versus OTHER [--python ITS_PYTHON] [-k WORDS]`.

For machines on which others work at the same time. Each question goes to both servers in turn, so that a busy
moment meets both, and the least and the lower quartile of many runs are told: of the time to the last byte,
and of the CPU time that the server's process took meanwhile, which waiting for a processor does not add to.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import Client
from bench.query import QUERIES, Dataset, Query, load
from bench.servers import Pharos, stop_all

_WARMING = 2
_LEAST_RUNS = 12
_MOVED_S = 1500
"""How far ranges move on."""
_HERE = Path(__file__).resolve().parent.parent


class Checkout(Pharos):
    """The server of one checkout, run by an interpreter that has its dependencies."""

    def __init__(self, name: str, tree: Path, python: Path) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc] # two of one class
        self._tree, self._python = tree, python

    def command(self) -> list[str]:
        start = "import sys; from pharos.cli import main; sys.exit(main())"
        return [
            "env", f"PYTHONPATH={self._tree / 'src'}", str(self._python), "-c", start, *super().command()[1:],
        ]  # fmt: skip

    def process_s(self) -> float:
        """Return the CPU seconds of the server's process so far (Linux; see clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.pid << 3) | 2)


@dataclass(slots=True)
class Runs:
    """What each run of one question took on one server, seconds."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def low(self) -> tuple[float, float, float, float]:
        """Return least and lower quartile of the time and of the CPU time."""
        return (*_low(self.wall_s), *_low(self.cpu_s))


def _low(taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return (ordered[0], ordered[(len(ordered) - 1) // 4]) if ordered else (math.nan, math.nan)


def measure(
    servers: Sequence[Checkout], query: Query, end_s: int, rounds: int, budget_s: float
) -> list[Runs]:
    """Ask each of the servers in turn, `rounds` times or until `budget_s` are over.

    Each range is a step later than the one before; those of questions whose answers are not kept begin anew
    where the samples end.
    """
    clients = [Client(server.port) for server in servers]
    found = [Runs() for _ in servers]
    begun = time.monotonic()
    moved_s = min((rounds + _WARMING) * query.step_s, _MOVED_S)
    first = end_s - 7.0 - moved_s
    for turn in range(rounds + _WARMING):
        if turn >= _LEAST_RUNS + _WARMING and time.monotonic() - begun > budget_s:
            break
        for place in range(len(servers)):
            number = (turn + place) % len(servers)
            client, server = clients[number], servers[number]
            later_s = turn * query.step_s
            end = first + (later_s if query.cached else later_s % moved_s)
            more = {} if query.cached else server.no_cache
            before_s = server.process_s()
            if query.span_s:
                client.range_bytes(query.expression, end - query.span_s, end, query.step_s, **more)
            else:
                client.get("/api/v1/query", query=query.expression, time=f"{end:.3f}", **more)
            if turn >= _WARMING:
                found[number].cpu_s.append(server.process_s() - before_s)
                found[number].wall_s.append(client.last_s)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Load both, ask both, print a line a question: the other's times, this one's, and their ratios."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("other", type=Path, help="the checkout to compare with")
    read.add_argument("--python", type=Path, default=Path(sys.executable), help="what runs the other")
    read.add_argument("-k", default="", help="a pattern of questions")
    read.add_argument("--rounds", type=int, default=200)
    read.add_argument("--budget", type=float, default=15.0, help="seconds for a question")
    read.add_argument("--hours", type=float, default=3.0)
    asked = read.parse_args(arguments)
    held = Dataset(10_000, asked.hours, asked.hours / 2, int(time.time()) // 15 * 15)
    servers = [
        Checkout("other", asked.other.resolve(), asked.python.absolute()),
        Checkout("this", _HERE, Path(sys.executable)),
    ]
    with ExitStack() as stack:
        stack.callback(stop_all)
        for server in servers:
            server.start(180)
            load(server, held)
        for server in servers:
            server.settle(60)
        print("ms: least and lower quartile, then those of CPU time; the other's, this one's, their ratios")
        for query in QUERIES:
            if not re.search(asked.k, str(query)):
                continue
            other, this = (
                runs.low() for runs in measure(servers, query, held.end_s, asked.rounds, asked.budget)
            )
            columns = [
                " ".join(f"{value * 1e3:9.3f}" for value in other),
                " ".join(f"{value * 1e3:9.3f}" for value in this),
                " ".join(f"{new / old:5.2f}" for old, new in zip(other, this, strict=True)),
            ]
            print(f"{str(query)[:70]:70} {' | '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
