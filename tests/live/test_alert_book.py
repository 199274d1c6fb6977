"""Alerts by what the timeline says of them: active, acknowledged, resolved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.live.alert_book import AlertBook, ConflictError
from pharos.live.happenings import happening_of
from pharos.state import PHAROS, Author, State, open_state
from pharos.state.acknowledgements import unacknowledge
from pharos.state.timeline import Entry, Step, append, newest_number, since

_LABELS = {"alertname": "High", "severity": "high"}
ADA = Author("user:1", "ada")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """People's state in a file."""
    with open_state(tmp_path / "state.db", FakeClock(), Random(1)) as opened:
        yield opened


def _book(state: State) -> AlertBook:
    return AlertBook(state, lambda: None)


async def _write(state: State, *steps: tuple[str, Step]) -> None:
    entries = [
        Entry("default", name, step, 5, {"labels": _LABELS, "value": "1"} if step is Step.FIRING else {})
        for name, step in steps
    ]
    await state.write(lambda unit: append(unit, entries), PHAROS)


async def test_an_alert_is_what_its_last_steps_say(state: State) -> None:
    await _write(
        state,
        ("a", Step.FIRING),
        ("b", Step.FIRING),
        ("b", Step.RESOLVED),
        ("c", Step.RESOLVED),
        ("d", Step.FIRING),
        ("d", Step.RESOLVED),
        ("d", Step.FIRING),
        ("e", Step.PENDING),
    )
    records = await _book(state).records("default")
    assert {name: one.state for name, one in records.items()} == {
        "a": "active",
        "b": "resolved",
        "d": "active",
    }
    assert await _book(state).records("nobody") == {}
    shown = (await _book(state).record("default", "a")).shown()
    assert (shown["name"], shown["severity"], shown["triggeredAt"]) == ("High", "high", 5)


async def test_an_alert_is_looked_after_and_then_over_whatever_its_rule_finds(state: State) -> None:
    await _write(state, ("a", Step.FIRING))
    book = _book(state)
    taken = (await book.acknowledge("default", "a", ADA, "mine")).shown()
    assert (taken["state"], taken["acknowledgedBy"], taken["comment"]) == ("acknowledged", "ada", "mine")
    over = (await book.resolve("default", "a", ADA, "done")).shown()
    assert (over["state"], over["acknowledgedBy"]) == ("resolved", "ada")
    assert over["resolvedAt"]
    assert await book.open_alerts("default") == []
    for react in (book.acknowledge, book.resolve):
        with pytest.raises(ConflictError):
            await react("default", "a", ADA, "")
    await _write(state, ("a", Step.FIRING))
    assert (await book.record("default", "a")).state == "active"


async def test_only_its_rule_ends_an_alert_for_those_who_page(state: State) -> None:
    await _write(state, ("a", Step.FIRING))
    book = _book(state)
    await book.resolve("default", "a", ADA, "done")
    steps = await state.read(lambda unit: since(unit, -1, 10))
    assert [(one.step, one.detail.get("by")) for one in steps] == [
        (Step.FIRING, None),
        (Step.ACKNOWLEDGED, "resolve"),
    ]
    told = happening_of(steps[-1], steps[0].detail)
    assert told is not None
    assert (told.type, told.alert["state"], told.alert["by"]) == ("alert_resolved", "resolved", "ada")
    await state.write(lambda unit: unacknowledge(unit, "default", ["a"]), ADA)
    back = (await book.record("default", "a")).shown()
    assert back["state"] == "active"
    assert "resolvedAt" not in back
    await book.resolve("default", "a", ADA, "done")
    await _write(state, ("a", Step.RESOLVED), ("a", Step.UNACKNOWLEDGED))
    assert (await book.record("default", "a")).state == "resolved"


async def test_what_is_unknown_or_of_another_tenant_is_missing(state: State) -> None:
    await _write(state, ("a", Step.FIRING))
    for tenant, name in (("default", "b"), ("other", "a")):
        with pytest.raises(PharosError) as missing:
            await _book(state).acknowledge(tenant, name, ADA, "")
        assert missing.value.kind is Kind.MISSING


async def test_the_book_is_read_anew_when_something_has_happened(state: State) -> None:
    newest: list[int | None] = [None]
    book = AlertBook(state, lambda: newest[0])
    await _write(state, ("a", Step.FIRING))
    newest[0] = await state.read(newest_number)
    first = await book.records("default")
    assert await book.records("default") is first
    await _write(state, ("b", Step.FIRING))
    assert await book.records("default") is first
    newest[0] = await state.read(newest_number)
    assert set(await book.records("default")) == {"a", "b"}
