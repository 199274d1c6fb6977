"""What happened to an alert is told in the order of happening, and goes with its tenant."""

from __future__ import annotations

from pharos.clock import FakeClock
from pharos.state import PHAROS, State, timeline
from pharos.state.timeline import Entry, Step


async def test_steps_come_back_in_their_order_newest_kept(state: State, clock: FakeClock) -> None:
    at_ms = clock.now_ms()
    steps = [Step.PENDING, Step.FIRING, Step.ROUTED, Step.QUEUED, Step.SENT]
    entries = [Entry("a", "f1", step, at_ms, {"value": "0.5"}) for step in steps]
    await state.write(
        lambda unit: timeline.append(unit, [*entries, Entry("b", "f1", Step.DEAD, at_ms)]), PHAROS
    )
    found = await state.read(lambda unit: timeline.list_steps(unit, "a", fingerprint="f1"))
    assert [entry.step for entry in found] == steps
    assert found[0].detail == {"value": "0.5"}
    last = await state.read(lambda unit: timeline.list_steps(unit, "a", limit=2))
    assert [entry.step for entry in last] == [Step.QUEUED, Step.SENT]
    assert await state.read(lambda unit: timeline.list_steps(unit, "a", until_ms=at_ms)) == ()
    assert await state.write(lambda unit: timeline.drop_steps(unit, tenant_id="a"), PHAROS) == len(steps)
    assert len(await state.read(lambda unit: timeline.list_steps(unit, "b"))) == 1
