"""Discord: one embed a message, to a webhook of a channel."""

from __future__ import annotations

from typing import Any, Final

from pharos.notify.channels.calling import Caller, Means, json_call, json_of, kept, taken
from pharos.notify.message import Message, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut_utf16
from pharos.outbound import Reply

_TITLE: Final = 256
_DESCRIPTION: Final = 4096
_CONTENT: Final = 2000
_RED, _GREEN = 0x992D22, 0x2ECC71


class Discord:
    """Posts to one webhook."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        posted = await built(message, lambda: self._posted(message, say))
        url = values.secret("webhook_url")
        return Sent(taken(await self._caller.call(json_call(url, posted, detail=_said))))

    def _posted(self, message: Message, say: Wording) -> dict[str, Any]:
        values = self._values
        content = values.text("content")
        embed = {
            "title": cut_utf16(say.text(values.text("title")), _TITLE),
            "description": cut_utf16(say.text(values.text("message")), _DESCRIPTION),
            "color": _RED if message.status is Status.FIRING else _GREEN,
        }
        return {
            "content": cut_utf16(say.text(content), _CONTENT),
            "embeds": [embed],
            **kept({"username": say.text(values.text("username")), "avatar_url": values.text("avatar_url")}),
            # Whom a label names is nobody that the settings meant.
            "allowed_mentions": {"parse": _mentioned(content)},
        }


def _mentioned(content: str) -> list[str]:
    """Return the kinds of mentions that the settings themselves write."""
    kinds = {"everyone": ("@everyone", "@here"), "roles": ("<@&",), "users": ("<@",)}
    text = content.replace("<@&", "") if "<@&" in content else content
    found = [
        kind for kind, marks in kinds.items() if kind != "users" and any(mark in content for mark in marks)
    ]
    return [*found, "users"] if "<@" in text else found


def _said(reply: Reply) -> str:
    said = json_of(reply)
    return f"code {said['code']}" if isinstance(said.get("code"), int) else ""
