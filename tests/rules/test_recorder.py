"""What groups record at nearly one time goes to the log in one piece, and each hears of its own."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from pharos.access import DEFAULT, Scope
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.signals import Submission
from pharos.rules.doors import Recorded
from pharos.rules.evaluate import Element
from pharos.ruling import IntakeRecorder

_NOW_MS = 1_700_000_000_000
_FULL = PharosError(Kind.UNAVAILABLE, "the disk is full")


class _Taken:
    """An intake that refuses whatever names a metric that it does not like."""

    def __init__(self, refused: bytes = b"") -> None:
        self._refused = refused
        self.bodies: list[tuple[str, bytes]] = []

    async def accept(self, sent: Submission[Any]) -> None:
        body = bytes(sent.plain or b"")
        if self._refused and self._refused in body:
            raise _FULL
        self.bodies.append((sent.scope.tenant, body))


def _of(metric: str) -> Recorded:
    return Recorded(_NOW_MS, [Element((("__name__", metric),), 1.0)])


def _recorder(intake: _Taken) -> IntakeRecorder:
    return IntakeRecorder(cast("Intake", intake), pause=lambda _: asyncio.sleep(0))


async def test_what_groups_record_together_goes_in_one_piece_for_each_tenant() -> None:
    intake = _Taken()
    recorder, other = _recorder(intake), Scope("other")
    await asyncio.gather(
        recorder.record(DEFAULT, _of("up:one")),
        recorder.record(other, _of("up:two")),
        recorder.record(DEFAULT, _of("up:three")),
    )
    (tenant, body), (_, others) = intake.bodies
    assert tenant == "default"
    assert b"up:one" in body
    assert b"up:three" in body
    assert b"up:two" in others
    await recorder.record(DEFAULT, _of("up:four"))
    assert len(intake.bodies) == 3


async def test_a_group_whose_samples_are_refused_hears_of_it_and_no_other() -> None:
    intake = _Taken(refused=b"up:bad")
    recorder = _recorder(intake)
    good, bad, last = await asyncio.gather(
        *(recorder.record(DEFAULT, _of(name)) for name in ("up:good", "up:bad", "up:last")),
        return_exceptions=True,
    )
    assert (good, bad, last) == (None, _FULL, None)
    assert [
        name in body for name, (_, body) in zip((b"up:good", b"up:last"), intake.bodies, strict=True)
    ] == [
        True,
        True,
    ]


async def test_what_an_ended_group_recorded_is_kept_all_the_same() -> None:
    intake = _Taken()
    recorder = _recorder(intake)
    recording = asyncio.create_task(recorder.record(DEFAULT, _of("up:ended")))
    await asyncio.sleep(0)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    await recorder.close()
    assert len(intake.bodies) == 1


async def test_a_fault_of_ours_reaches_every_group_and_the_next_is_recorded() -> None:
    class Faulty(_Taken):
        faults = 1

        async def accept(self, sent: Submission[Any]) -> None:
            if self.faults:
                self.faults -= 1
                raise ZeroDivisionError
            await super().accept(sent)

    intake = Faulty()
    recorder = _recorder(intake)
    found = await asyncio.gather(
        *(recorder.record(DEFAULT, _of(name)) for name in ("up:one", "up:two")), return_exceptions=True
    )
    assert [type(one) for one in found] == [ZeroDivisionError, ZeroDivisionError]
    await recorder.record(DEFAULT, _of("up:three"))
    assert len(intake.bodies) == 1
