"""The picture of a graph in Slack: shown for what fires, and never what a message fails for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.notify.channels.opening import opened, settings_of
from tests.notify.fakes.receiver import Answer, receiving
from tests.notify.messages import message_of

from pharos.notify.message import Message, NotSentError, Status

PICTURE = "https://pharos.example/api/pictures/link/token"
SETTINGS = {"api_url": "!secret {url}/hook", "channel": "#ops"}
TAKEN = Answer(200, b"ok")
UNREACHABLE = Answer(400, b"invalid_blocks")


def _message() -> Message:
    message = message_of()
    return replace(message, links=replace(message.links, picture=PICTURE))


async def _sent(message: Message, *answers: Answer) -> list[list[str]]:
    """Return the kinds of blocks of each request that came."""
    async with receiving() as receiver:
        receiver.will(*answers)
        async with opened("slack", settings_of(SETTINGS, receiver.url)) as channel:
            try:
                await channel.send(message)
            finally:
                found = [
                    [block["type"] for block in one.json()["attachments"][0]["blocks"]]
                    for one in receiver.taken
                ]
        return found


async def test_what_fires_comes_with_its_picture_and_what_is_over_without() -> None:
    assert await _sent(_message(), TAKEN) == [["section", "image", "context", "actions"]]
    over = replace(_message(), status=Status.RESOLVED)
    assert "image" not in (await _sent(over, TAKEN))[0]


async def test_a_message_whose_picture_slack_cannot_fetch_is_sent_without_it() -> None:
    kinds = await _sent(_message(), UNREACHABLE, TAKEN)
    assert ["image" in one for one in kinds] == [True, False]


async def test_a_refusal_of_a_message_without_a_picture_is_one() -> None:
    with pytest.raises(NotSentError):
        await _sent(message_of(), UNREACHABLE)
