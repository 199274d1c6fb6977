"""The long tail: the library tells a real address, on a thread, with a time-out, and for operators alone."""

from __future__ import annotations

import pytest
from tests.notify.channels.opening import opened
from tests.notify.fakes.receiver import Answer, receiving
from tests.notify.messages import message_of

from pharos.notify.message import NotSentError
from pharos.outbound import SecretText
from pharos.secret import Secret

# Modules that the library loads are of an older Python's time.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def urls(*given: str) -> dict[str, object]:
    return {"urls": tuple(SecretText(inline=Secret(one)) for one in given)}


async def test_it_tells_all_addresses() -> None:
    async with receiving() as receiver:
        address = receiver.url.replace("http://", "json://")
        async with opened("apprise", urls(f"{address}/one", f"{address}/two")) as channel:
            sent = await channel.send(message_of())
    assert sent.answer == "2 addresses told by apprise"
    assert sorted(one.path for one in receiver.taken) == ["/one", "/two"]
    told = receiver.taken[0].json()
    assert told["title"] == "[FIRING:1] DiskFull (instance=db-1, severity=critical)"
    assert told["message"].startswith("firing: DiskFull Disk of db-1 is full\nAcknowledge: ")
    assert told["type"] == "failure"


async def test_who_refuses_is_tried_again_and_no_address_is_told() -> None:
    async with receiving() as receiver:
        receiver.will(Answer(500))
        given = urls(receiver.url.replace("http://", "json://") + "/canary-path")
        async with opened("apprise", given) as channel:
            with pytest.raises(NotSentError, match="could not tell all") as caught:
                await channel.send(message_of())
    assert caught.value.may_retry
    assert "canary" not in caught.value.reason


async def test_who_is_silent_does_not_hold_it_up() -> None:
    async with receiving() as receiver:
        receiver.will(Answer(hangs=True))
        given = {**urls(receiver.url.replace("http://", "json://") + "/?rto=1&cto=1"), "timeout": 100}
        async with opened("apprise", given) as channel:
            with pytest.raises(NotSentError, match=r"no answer within 0\.1s") as caught:
                await channel.send(message_of())
    assert caught.value.may_retry


async def test_an_address_that_it_does_not_know_is_refused() -> None:
    async with opened("apprise", urls("nothing://known")) as channel:
        with pytest.raises(NotSentError, match="urls: number 1") as caught:
            await channel.send(message_of())
    assert not caught.value.may_retry


async def test_a_tenant_may_not_use_it() -> None:
    async with opened("apprise", urls("json://127.0.0.1:1/"), allow_private=False) as channel:
        with pytest.raises(NotSentError, match="the server's own files"):
            await channel.send(message_of())
