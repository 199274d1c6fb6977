"""Questions about events wait for what was accepted of the past that they ask about, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from pharos.access import DEFAULT, Scope
from pharos.engine.changes import Changes
from pharos.query.arrived import LACKING
from pharos.query.events.asking import Asking
from pharos.query.limits import Scheduler
from pharos.search.window import Window

_S = 1_000_000_000


@dataclass
class Turns:
    """Gives each question its turn at once."""

    asked: list[Hashable] = field(default_factory=list)

    def deadline(self, timeout_ms: int | None = None) -> object:
        return timeout_ms

    async def run(self, scope: Scope, asked: Hashable, _deadline: object, work: Callable[[Any], Any]) -> Any:
        self.asked.append(asked)
        return work(None)


@pytest.mark.parametrize(
    ("window", "waits"),
    [
        (Window(100 * _S, 200 * _S), True),
        (Window(150 * _S, 160 * _S), True),
        (Window(200 * _S, 300 * _S), False),
        (None, True),
    ],
)
def test_a_question_about_a_time_hurries_what_was_accepted_of_it(window: Window | None, waits: bool) -> None:
    changes = Changes()
    hurried: list[str] = []

    def store() -> None:
        hurried.append("run")
        changes.arrivals.stored("run")

    changes.arrivals.on_hurry(store)
    changes.arrivals.note("run", DEFAULT.tenant, 120_000, 180_000)
    changes.arrivals.note("other run", "other", 120_000, 180_000)
    asking = Asking(changes, cast("Scheduler", Turns()))
    found = asyncio.run(asking.ask(DEFAULT, window, "asked", lambda _: changes.arrivals.has(DEFAULT.tenant)))
    assert (found, hurried) == (not waits, ["run"] if waits else [])


def test_what_is_asked_of_now_waits_for_nothing() -> None:
    changes = Changes()
    changes.arrivals.note("run", DEFAULT.tenant, 0, 1)
    turns = Turns()
    asking = Asking(changes, cast("Scheduler", turns))
    assert asyncio.run(asking.ask_now(DEFAULT, "news", lambda _: "stored later")) == "stored later"
    assert turns.asked == ["news"]


async def test_an_answer_that_may_lack_what_was_accepted_is_told_so_after_one_wait() -> None:
    changes = Changes()
    hurried: list[str] = []
    changes.arrivals.on_hurry(lambda: hurried.append("run"))
    changes.arrivals.note("run", "other", 120_000, 180_000)
    asking = Asking(changes, cast("Scheduler", Turns()), wait_s=0.0)
    warnings: list[str] = []
    told = asking.telling(warnings)
    both = Scope(f"{DEFAULT.tenant}|other")
    window, later = Window(100 * _S, 200 * _S), Window(200 * _S, 300 * _S)
    await told.ask(both, later, "later", lambda _: None)
    await told.ask(DEFAULT, window, "another tenant", lambda _: None)
    assert (warnings, hurried) == ([], [])
    assert await told.ask(both, window, "asked", lambda _: list(warnings)) == [LACKING]
    await told.ask(both, window, "asked for the same answer", lambda _: None)
    assert (warnings, hurried) == ([LACKING], ["run"])
    await asking.telling([]).ask(both, window, "another answer", lambda _: None)
    await asking.ask(both, window, "told nobody", lambda _: None)
    assert hurried == ["run"] * 3
