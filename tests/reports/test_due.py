"""Which reports are owed when: once for each moment, of what their makers may see, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pharos.access import DEFAULT, NOBODY, Grant, Scope
from pharos.alerting.own_config import take_own
from pharos.clock import FakeClock
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.document import unwrap
from pharos.dashboards.provided import ProvidedDashboards
from pharos.dashboards.store import Dashboards, Wish
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.reports.sending import ReportParts, Reports
from pharos.state import PHAROS, State, open_state, outbox
from pharos.state.documents import Defined, put_document

CONFIG = """
global: {smtp_smarthost: 'localhost:25', smtp_from: 'a@example.com'}
route: {receiver: ops}
receivers:
- name: ops
  email_configs: [{to: 'b@example.com'}, {to: 'c@example.com'}]
- name: chat
  webhook_configs: [{url: 'http://127.0.0.1:9'}]
"""
REPORT = {"uid": "board", "receiver": "ops", "every": "day", "hour": 8}


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(_ms("2026-03-10T07:00"))


@pytest.fixture
def state(tmp_path: Path, clock: FakeClock) -> Iterator[State]:
    with open_state(tmp_path / "state.db", clock, Random(1)) as found:
        yield found


class _Desk:
    """Reports over a state, and what was owed."""

    def __init__(self, state: State, clock: FakeClock) -> None:
        self.state, self.clock = state, clock
        self.grant: Grant | None = None
        self.closed = False
        self.dashboards = Dashboards(state, ProvidedDashboards([], ships=False), author_of)

    def reports(self) -> Reports:
        nothing: dict[str, Any] = dict.fromkeys(("metrics", "catalog", "logs", "traces"))
        return Reports(
            ReportParts(
                state=self.state,
                dashboards=self.dashboards,
                doors=Doors(**nothing, state=self.state, clock=self.clock),
                clock=self.clock,
                config_of=lambda _: take_own(CONFIG, {}, None).config,
                grant_of_author=lambda _: self.grant,
                admit=self.admit,
                url="https://pharos.example",
            )
        )

    def admit(self, scope: Scope) -> None:
        if self.closed:
            raise PharosError(Kind.DENIED, f"the tenant {scope.tenant} is suspended")

    async def keep(self, name: str = "daily", **more: Any) -> None:
        board = {"uid": "board", "title": "Board", "panels": [{"type": "text", "title": "T", "id": 1}]}
        await self.dashboards.save(DEFAULT, Wish(unwrap(board)))
        document = {**REPORT, **more}
        await self.state.write(
            lambda unit: put_document(unit, "default", Defined.REPORT, name, document), PHAROS
        )

    async def owed(self) -> list[tuple[str, str]]:
        rows = await self.state.read(outbox.list_all)
        return sorted((row.integration, row.purpose) for row in rows)


@pytest.fixture
def desk(state: State, clock: FakeClock) -> _Desk:
    return _Desk(state, clock)


async def test_a_report_is_owed_once_for_each_moment_also_after_a_restart(
    desk: _Desk, clock: FakeClock
) -> None:
    await desk.keep()
    reports = desk.reports()
    assert await reports.look() == 0, "it was not due since it was made"
    clock.set_ms(_ms("2026-03-10T08:00"))
    assert await reports.look() == 2
    at = _ms("2026-03-10T08:00")
    assert await desk.owed() == [("email[0]", f"report:{at}"), ("email[1]", f"report:{at}")]
    clock.set_ms(_ms("2026-03-10T09:00"))
    assert await reports.look() == 0
    assert await desk.reports().look() == 0, "another process sees that it was sent"
    clock.set_ms(_ms("2026-03-11T08:01"))
    assert await desk.reports().look() == 2


async def test_a_report_that_is_paused_is_sent_at_once_alone_and_later_nothing_of_that_time(
    desk: _Desk, clock: FakeClock
) -> None:
    await desk.keep(paused=True)
    clock.set_ms(_ms("2026-03-10T08:00"))
    assert await desk.reports().look() == 0
    assert await desk.reports().send_now("default", "daily", PHAROS) == 2
    clock.set_ms(_ms("2026-03-10T09:00"))
    await desk.keep(paused=False)
    assert await desk.reports().look() == 0, "what was due before it went on is not made up for"
    clock.set_ms(_ms("2026-03-11T08:00"))
    assert await desk.reports().look() == 2


async def test_what_was_due_long_ago_is_not_sent_any_more(desk: _Desk, clock: FakeClock) -> None:
    await desk.keep()
    clock.set_ms(_ms("2026-03-10T15:00"))
    assert await desk.reports().look() == 0


async def test_a_report_ends_with_what_its_maker_may_and_with_its_tenant(
    desk: _Desk, clock: FakeClock
) -> None:
    await desk.keep()
    clock.set_ms(_ms("2026-03-10T08:00"))
    desk.grant = Grant(NOBODY)
    assert await desk.reports().look() == 0
    desk.grant, desk.closed = None, True
    assert await desk.reports().look() == 0
    assert await desk.owed() == []


async def test_one_bad_report_keeps_no_other_from_being_sent(desk: _Desk, clock: FakeClock) -> None:
    await desk.keep("a", hour=99)
    await desk.keep("b", uid="gone")
    await desk.keep("c", receiver="chat")
    await desk.keep("d")
    clock.set_ms(_ms("2026-03-10T08:00"))
    assert await desk.reports().look() == 2


async def test_a_report_sent_now_is_owed_beside_the_due_one(desk: _Desk, clock: FakeClock) -> None:
    await desk.keep()
    clock.set_ms(_ms("2026-03-10T08:00"))
    reports = desk.reports()
    assert await reports.look() == 2
    clock.advance_ms(1000)
    assert await reports.send_now("default", "daily", PHAROS) == 2
    assert len(await desk.owed()) == 4
