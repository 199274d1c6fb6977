"""Mattermost: text and attachments to an incoming webhook."""

from __future__ import annotations

import re
from typing import Any, Final

from pharos.notify.channels.calling import Caller, Means, json_call, kept, taken
from pharos.notify.message import Message, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, with_texts

_TEXT: Final = 16_383
_ATTACHED: Final = 4000
_PRIORITIES: Final = frozenset({"urgent", "important", "standard"})
_MENTION: Final = re.compile(r"@(?=[A-Za-z])")
_PARTS: Final = (
    "fallback", "color", "pretext", "text", "author_name", "author_link", "author_icon", "title",
    "title_link", "thumb_url", "footer", "footer_icon", "image_url",
)  # fmt: skip


class Mattermost:
    """Posts to one webhook."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        # Whom a label names is nobody that the settings meant.
        say = Wording(self._means.templates, with_texts(message, _without_mentions))
        plain = Wording(self._means.templates, message)
        texts = {
            "channel": plain.exact(values.text("channel"), "channel"),
            **{
                name: plain.text(values.text(name)) for name in ("username", "icon_url", "icon_emoji", "type")
            },
        }
        card = say.text(values.part("props").text("card"))
        text = await built(message, lambda: say.text(values.text("text")))
        content = {
            "text": cut(text, _TEXT),
            **kept(
                {
                    **texts,
                    "attachments": [_attachment(one, say) for one in values.parts("attachments")],
                    "props": {"card": cut(card, _TEXT)} if card else None,
                    "priority": _priority(values.part("priority"), plain),
                }
            ),
        }
        return Sent(taken(await self._caller.call(json_call(values.secret("webhook_url"), content))))


def _attachment(part: Values, say: Wording) -> dict[str, Any]:
    fields = [
        {
            "title": cut(say.text(one.text("title")), _ATTACHED),
            "value": cut(say.text(one.text("value")), _ATTACHED),
            "short": one.flag("short"),
        }
        for one in part.parts("fields")
    ]
    return kept({**{name: cut(say.text(part.text(name)), _ATTACHED) for name in _PARTS}, "fields": fields})


def _priority(part: Values, say: Wording) -> dict[str, Any] | None:
    """Return a priority that Mattermost takes: what asks for more than its rank allows is left out."""
    found = say.text(part.text("priority")).lower()
    if not found:
        return None
    rank = found if found in _PRIORITIES else "standard"
    asked = {
        "requested_ack": part.flag("requested_ack") and rank != "standard",
        "persistent_notifications": part.flag("persistent_notifications") and rank == "urgent",
    }
    return {"priority": rank, **{name: True for name, is_asked in asked.items() if is_asked}}


def _without_mentions(value: str) -> str:
    return _MENTION.sub("@\u200b", value)
