"""Webex: a bot's message to a room."""

from __future__ import annotations

from typing import Final

from pharos.notify.channels.calling import Caller, Means, json_call, kept, taken
from pharos.notify.message import Message, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut_bytes

API: Final = "https://webexapis.com/v1/messages"
_MOST_BYTES: Final = 7439


class Webex:
    """Posts to one room."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        text = await built(message, lambda: say.text(values.text("message")))
        content = {
            "markdown": cut_bytes(text, _MOST_BYTES),
            **kept({"roomId": say.exact(values.text("room_id"), "room_id")}),
        }
        return Sent(taken(await self._caller.call(json_call(values.text("api_url") or API, content))))
