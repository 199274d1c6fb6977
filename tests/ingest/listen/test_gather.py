"""Lines of listeners gather and go in together, whatever the intake says."""

from __future__ import annotations

import pytest
from tests.ingest.listen.taker import FakeTaker, gathering

from pharos.access import DEFAULT
from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import log_record, resource_of

RESOURCE = resource_of([("a", "b")])


async def test_lines_go_in_together() -> None:
    async with gathering("syslog") as (taker, gatherer):
        for number in range(3):
            gatherer.add(RESOURCE, log_record(f"line {number}"), 10)
        await gatherer.settled()
        assert taker.lines() == ["line 0", "line 1", "line 2"]
        assert [sent.sent_bytes for sent in taker.taken] == [30]
        await gatherer.settled()
    assert len(taker.taken) == 1


async def test_each_batch_asks_to_be_let_in_first() -> None:
    async with gathering("syslog") as (taker, gatherer):
        gatherer.add(RESOURCE, log_record("one"))
        await gatherer.settled()
        gatherer.add(RESOURCE, log_record("two"))
        await gatherer.settled()
    assert (taker.let_in, len(taker.taken)) == ([DEFAULT, DEFAULT], 2)


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.LIMITED])
async def test_what_can_be_stored_later_is_sent_again(kind: Kind) -> None:
    taker = FakeTaker(*(PharosError(kind, "not now", retry_after_s=7.0) for _ in range(2)))
    async with gathering("syslog", taker) as (_, gatherer):
        gatherer.add(RESOURCE, log_record("kept"))
        await gatherer.settled()
    assert taker.lines() == ["kept"]
    assert taker.paused.count(7.0) == 2


async def test_what_can_never_be_stored_holds_nothing_up() -> None:
    taker = FakeTaker(PharosError(Kind.DENIED, "no such tenant"))
    async with gathering("syslog", taker) as (_, gatherer):
        gatherer.add(RESOURCE, log_record("lost"))
        await gatherer.settled()
        gatherer.add(RESOURCE, log_record("kept"))
    assert taker.lines() == ["kept"]


async def test_a_full_batch_holds_senders_back_until_it_is_taken() -> None:
    async with gathering("syslog", batch_bytes=5) as (_, gatherer):
        seen = [gatherer.has_room]
        gatherer.add(RESOURCE, log_record("long enough"))
        seen.append(gatherer.has_room)
        await gatherer.room()
        seen.append(gatherer.has_room)
    assert seen == [True, False, True]
