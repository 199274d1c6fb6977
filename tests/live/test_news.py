"""Lines and traces as they come: each once, to who was there and to who comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pharos.clock import FakeClock
from pharos.live.filters import ALL, Filters
from pharos.live.news import NewsSource, Row
from pharos.search.window import Window

_MS = 1_000_000


@dataclass
class Shelf:
    """What is stored."""

    clock: FakeClock = field(default_factory=FakeClock)
    rows: list[Row] = field(default_factory=list)

    def put(self, text: str, ago_ms: int = 0, **labels: str) -> None:
        """Store a line as of some time ago."""
        ts_ns = self.clock.now_ns() - ago_ms * _MS
        self.rows.append(Row(ts_ns, (ts_ns, text), {"message": text}, labels))

    async def look(self, window: Window, limit: int) -> list[Row]:
        """Return the newest of a window."""
        found = [one for one in self.rows if window.start_ns <= one.ts_ns < window.end_ns]
        return sorted(found, key=lambda one: -one.ts_ns)[:limit]

    def source(self) -> NewsSource:
        """Return what follows it."""
        return NewsSource("lines", self.look, self.clock)


def _texts(news: Any) -> list[str]:
    return [] if news is None else [row.shown["message"] for row in news.rows]


async def test_each_line_is_told_once_and_late_ones_too() -> None:
    shelf = Shelf()
    shelf.put("old")
    source = shelf.source()
    assert await source.next() is None
    shelf.clock.advance_ms(1_000)
    shelf.put("new")
    shelf.put("late", ago_ms=5_000)
    assert _texts(await source.next()) == ["late", "new"]
    shelf.clock.advance_ms(1_000)
    assert await source.next() is None
    shelf.put("far too late", ago_ms=60_000)
    assert await source.next() is None


async def test_what_comes_before_the_first_look_is_done_is_news() -> None:
    shelf = Shelf()
    shelf.put("old", ago_ms=1)
    for asks_first in (True, False):
        source = shelf.source()
        shelf.clock.advance_ms(500)
        shelf.put("while it waited")
        if not asks_first:
            assert _texts(await source.next()) == ["while it waited"]
        assert _texts(await source.first(0)) == ["while it waited"]
        assert await source.next() is None
        assert _texts(await source.first(0)) == []
        shelf.clock.advance_ms(60_000)


async def test_equal_lines_are_told_as_often_as_they_came() -> None:
    shelf = Shelf()
    source = shelf.source()
    await source.next()
    shelf.clock.advance_ms(1_000)
    shelf.put("same")
    shelf.put("same")
    assert _texts(await source.next()) == ["same", "same"]
    shelf.put("same")
    assert _texts(await source.next()) == ["same"]


async def test_a_line_of_the_future_is_told_when_its_time_has_come() -> None:
    shelf = Shelf()
    source = shelf.source()
    await source.next()
    shelf.put("early", ago_ms=-3_000)
    shelf.clock.advance_ms(1_000)
    assert await source.next() is None
    shelf.clock.advance_ms(2_000)
    assert _texts(await source.next()) == ["early"]


async def test_who_comes_back_is_told_what_came_meanwhile_and_nothing_twice() -> None:
    shelf = Shelf()
    source = shelf.source()
    await source.next()
    shelf.clock.advance_ms(1_000)
    shelf.put("one")
    first = await source.next()
    assert first is not None
    seen = first.sequence
    for text in ("two", "three"):
        shelf.clock.advance_ms(1_000)
        shelf.put(text)
        await source.next()
    # It is stored and not told to anybody yet: all hear of it with the next look.
    shelf.clock.advance_ms(1_000)
    shelf.put("four")
    assert _texts(await source.first(seen)) == ["two", "three"]
    assert _texts(await source.next()) == ["four"]
    assert _texts(await source.first(0)) == []


async def test_a_restart_doubles_no_line_and_loses_none_that_came_while_it_was_down() -> None:
    shelf = Shelf()
    source = shelf.source()
    await source.next()
    shelf.clock.advance_ms(1_000)
    shelf.put("one")
    told = await source.next()
    assert told is not None
    shelf.clock.advance_ms(5_000)
    shelf.put("two")
    shelf.clock.advance_ms(5_000)
    anew = shelf.source()
    assert _texts(await anew.first(told.sequence)) == ["two"]
    shelf.clock.advance_ms(1_000)
    assert await anew.next() is None


async def test_a_flood_is_told_in_part_and_how_much_is_left_out() -> None:
    shelf = Shelf()
    source = shelf.source()
    await source.next()
    shelf.clock.advance_ms(1_000)
    for count in range(700):
        shelf.put(f"line {count}", host=str(count % 2))
    news = await source.next()
    assert news is not None
    assert (len(news.rows), news.left_out) == (500, 200)
    assert news.members(Filters(labels=(("host", frozenset({"1"})),))).count(b"message") == 250
    assert news.members(ALL).count(b"message") == 500
