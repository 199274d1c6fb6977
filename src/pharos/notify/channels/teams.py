"""Microsoft Teams: message cards to connectors (msteams), adaptive cards to workflows (msteamsv2)."""

from __future__ import annotations

import re
from typing import Any, Final

from pharos.notify.channels.calling import LATER, Caller, Means, json_call, taken
from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, cut_bytes
from pharos.outbound import Reply

_TITLE: Final = 1000
_TEXT_BYTES: Final = 20_000
"""A card may have 28 KB, and escapes make text longer."""
_RED, _GREEN = "8C1A1A", "2DC72D"
_INNER: Final = re.compile(rb"endpoint returned HTTP error (\d{3})")
"""How a connector answers 200 for what failed behind it."""


class Teams:
    """Posts message cards."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        card = await built(message, lambda: self.card(message, say))
        reply = await self._caller.call(json_call(values.secret("webhook_url"), card))
        _require_taken(reply)
        return Sent(taken(reply))

    def card(self, message: Message, say: Wording) -> dict[str, Any]:
        """Return what is posted."""
        values = self._values
        return {
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "title": cut(say.text(values.text("title")), _TITLE),
            "summary": cut(say.text(values.text("summary")), _TITLE),
            "text": cut_bytes(say.text(values.text("text")), _TEXT_BYTES),
            "themeColor": _RED if message.status is Status.FIRING else _GREEN,
        }


class TeamsV2(Teams):
    """Posts adaptive cards, with buttons where there is something to open."""

    def card(self, message: Message, say: Wording) -> dict[str, Any]:
        """Return what is posted."""
        values = self._values
        content: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "body": [
                {
                    "type": "TextBlock",
                    "text": cut(say.text(values.text("title")), _TITLE),
                    "weight": "Bolder",
                    "size": "Medium",
                    "wrap": True,
                    "style": "heading",
                    "color": "Attention" if message.status is Status.FIRING else "Good",
                },
                {
                    "type": "TextBlock",
                    "text": cut_bytes(say.text(values.text("text")), _TEXT_BYTES),
                    "wrap": True,
                },
            ],
            "msteams": {"width": "full"},
        }
        links = {"Acknowledge": message.links.acknowledge, "Open": message.links.page}
        if message.status is Status.FIRING and any(links.values()):
            content["actions"] = [
                {"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links.items() if url
            ]
        kind = "application/vnd.microsoft.card.adaptive"
        attachment = {"contentType": kind, "contentUrl": None, "content": content}
        return {"type": "message", "attachments": [attachment]}


def _require_taken(reply: Reply) -> None:
    found = _INNER.search(reply.body)
    if found is not None:
        status = int(found[1])
        raise NotSentError(f"answered {status} behind 200", may_retry=status >= 500 or status in LATER)
