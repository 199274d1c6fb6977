"""Rocket.Chat: an attachment to a channel, by a user's token."""

from __future__ import annotations

from typing import Any, Final

from pharos.notify.channels.calling import Caller, Means, code_of, json_call, json_of, kept, taken
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut
from pharos.outbound import Reply

API: Final = "https://open.rocket.chat/"
_TITLE: Final = 1024
_TEXT: Final = 5000


class RocketChat:
    """Posts by `chat.postMessage`."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        content = kept(
            {
                "channel": say.exact(values.text("channel"), "channel"),
                "emoji": say.text(values.text("emoji")),
                "avatar": say.text(values.text("icon_url")),
                "attachments": [await built(message, lambda: self._attachment(say))],
            }
        )
        headers = {"X-Auth-Token": values.secret("token"), "X-User-Id": values.secret("token_id")}
        url = (values.text("api_url") or API).rstrip("/") + "/api/v1/chat.postMessage"
        reply = await self._caller.call(json_call(url, content, headers=headers, detail=_said))
        said = json_of(reply)
        if not said:
            raise NotSentError("answered what is no JSON", may_retry=True)
        if not said.get("success"):
            raise NotSentError(f"refused: {_said(reply) or 'no reason was told'}", may_retry=False)
        return Sent(taken(reply))

    def _attachment(self, say: Wording) -> dict[str, Any]:
        values = self._values
        fields = [
            {
                "title": say.text(one.text("title")),
                "value": say.text(one.text("value")),
                "short": one.flag("short", default=values.flag("short_fields")),
            }
            for one in values.parts("fields")
        ]
        actions = [
            {"type": "button", **kept({name: say.text(one.text(name)) for name in ("text", "url", "msg")})}
            for one in values.parts("actions")
        ]
        texts = {
            name: say.text(values.text(name)) for name in ("title_link", "image_url", "thumb_url", "color")
        }
        return kept(
            {
                "title": cut(say.text(values.text("title")), _TITLE),
                "text": cut(say.text(values.text("text")), _TEXT),
                **texts,
                "fields": fields,
                "actions": actions,
            }
        )


def _said(reply: Reply) -> str:
    said = json_of(reply)
    return code_of(said.get("errorType")) or code_of(said.get("error"))
