"""What holds messages back, by name; and that whoever was told of a beginning is told of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.notify.messages import message_of

from pharos.clock import FakeClock
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.restraint import Past, Restrained, Terms, decide, terms_of
from pharos.notify.values import Values

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("restraint.yaml").read_text())
NOW_MS = 1_700_000_060_000


def message(severity: str, *, resolved: bool = False, **more: Any) -> Message:
    labels = {"alertname": "A", **({"severity": severity} if severity else {})}
    status = "resolved" if resolved else "firing"
    return message_of({"alerts": [{"labels": labels, "status": status}], **more})


@pytest.mark.parametrize("case", CASES, ids=[one["about"] for one in CASES])
def test_it_is_decided(case: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in case["terms"].items()
    }
    within = Night()
    within.names = tuple(case.get("within", ()))
    past = Past(case.get("told", False), case.get("at_ms", 0), tuple(case.get("recent", ())))
    told = message(case["severity"], resolved=case.get("resolved", False), reason=case.get("reason", "first"))
    hold = decide(Terms(**given), told, past, NOW_MS, within)
    assert (hold.why.value if hold else None) == case["hold"]
    assert (hold.wait_s if hold else None) == case.get("wait")


class Noting:
    """A channel that keeps what it was given."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Sent:
        self.taken.append(message)
        return Sent("taken", {"ts": str(len(self.taken))})


class Night:
    """Times that are quiet when told to be."""

    def __init__(self) -> None:
        self.is_now = False
        self.names: tuple[str, ...] = ()

    def __call__(self, names: Sequence[str], now_ms: int) -> Sequence[str]:
        return names if self.is_now else self.names


async def test_what_was_held_back_ends_without_a_word_and_what_was_told_does_not() -> None:
    inner, night = Noting(), Night()
    channel = Restrained(inner, Terms(min_severity="critical"), FakeClock(NOW_MS), night)
    held = await channel.send(message("info"))
    assert held.answer == "held back: below min_severity (critical)"
    assert held.is_held
    ended = await channel.send(message("info", resolved=True, thread=dict(held.thread)))
    assert ended.answer == "held back: never told that it fires"
    assert inner.taken == []
    told = await channel.send(message("critical"))
    await channel.send(message("critical", resolved=True, thread=dict(told.thread)))
    assert len(inner.taken) == 2
    assert inner.taken[1].thread == {"ts": "1"}


async def test_a_quiet_time_holds_until_it_is_over() -> None:
    inner, night = Noting(), Night()
    channel = Restrained(inner, Terms(quiet=("night",)), FakeClock(NOW_MS), night)
    night.is_now = True
    with pytest.raises(NotSentError, match=r"held back: quiet_hours \(night\)") as caught:
        await channel.send(message("warning"))
    assert caught.value.may_retry
    assert caught.value.retry_after_s == 60
    night.is_now = False
    assert (await channel.send(message("warning"))).answer == "taken"


async def test_more_than_the_rate_waits_and_ends_never_do() -> None:
    inner, clock = Noting(), FakeClock(NOW_MS)
    channel = Restrained(inner, Terms(messages=1, per_ms=60_000), clock, Night())
    first = await channel.send(message("critical"))
    with pytest.raises(NotSentError, match="rate_limit"):
        await channel.send(message("critical", group_key="other"))
    await channel.send(message("critical", resolved=True, thread=dict(first.thread)))
    clock.advance_ms(60_000)
    await channel.send(message("critical", group_key="other"))
    assert len(inner.taken) == 3


def test_text_messages_are_bounded_where_nobody_says_anything() -> None:
    assert terms_of("twilio", Values({})).messages == 30
    assert not terms_of("slack", Values({})).is_any
    extra = {"rate_limit": {"messages": 5, "per": 1000}, "quiet_hours": {"times": ["night"]}, "cooldown": 9}
    found = terms_of("twilio", Values({"pharos": {**extra, "min_severity": "error"}}))
    assert found == Terms("error", 9, 5, 1000, ("night",))


async def test_what_went_out_before_this_process_began_counts() -> None:
    inner, clock = Noting(), FakeClock(NOW_MS)
    asked: list[int] = []

    async def recent(since_ms: int) -> dict[str, int]:
        asked.append(since_ms)
        return {"an older one": NOW_MS - 10_000}

    channel = Restrained(inner, Terms(messages=1, per_ms=60_000), clock, Night(), recent)
    with pytest.raises(NotSentError, match="rate_limit") as caught:
        await channel.send(message("critical"))
    assert caught.value.retry_after_s == 50
    assert asked == [NOW_MS - 60_000]


async def test_of_several_at_once_no_more_go_out_than_may() -> None:
    inner = Noting()
    channel = Restrained(inner, Terms(messages=2, per_ms=60_000), FakeClock(NOW_MS), Night())
    told = await asyncio.gather(
        *(channel.send(message("critical", key=f"m{number}")) for number in range(5)), return_exceptions=True
    )
    assert len(inner.taken) == 2
    assert [type(one) for one in told].count(NotSentError) == 3


async def test_what_was_not_taken_is_not_counted() -> None:
    class Refusing(Noting):
        async def send(self, message: Message) -> Sent:
            if not self.taken:
                self.taken.append(message)
                raise NotSentError("refused", may_retry=True)
            return await super().send(message)

    inner = Refusing()
    channel = Restrained(inner, Terms(messages=1, per_ms=60_000), FakeClock(NOW_MS), Night())
    with pytest.raises(NotSentError, match="refused"):
        await channel.send(message("critical"))
    await channel.send(message("critical"))
    assert len(inner.taken) == 2
