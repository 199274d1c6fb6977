"""Telegram: a bot's message to a chat, or to a topic of one."""

from __future__ import annotations

import html
import re
from typing import Any, Final

from pharos.notify.channels.calling import Caller, Means, json_call, json_of, kept
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, cut_utf16, headline, one_line
from pharos.outbound import Reply

API: Final = "https://api.telegram.org"
_MOST: Final = 4096
_MOST_BYTES: Final = 1 << 15
_TAG: Final = re.compile(r"<[^>]*>")
_UNREAD: Final = re.compile(r"can.?t parse entities", re.IGNORECASE)


class Telegram:
    """Sends by one bot."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once; as plain text where what a template wrote cannot be read. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        mode = values.text("parse_mode", "HTML")
        content = kept(
            {
                "chat_id": _chat(say.exact(values.text("chat_id") or values.secret("chat_id"), "chat_id")),
                "message_thread_id": values.number("message_thread_id") or None,
                "disable_notification": values.flag("disable_notifications") or None,
                "disable_web_page_preview": True,
            }
        )
        written = await built(message, lambda: _written(say, values.text("message"), mode))
        url = f"{(values.text('api_url') or API).rstrip('/')}/bot{values.secret('bot_token')}/sendMessage"
        try:
            reply = await self._post(url, {**content, **kept({"text": written, "parse_mode": mode})})
        except NotSentError as exc:
            if exc.may_retry or not mode or not _UNREAD.search(exc.reason):
                raise
            plain = cut_utf16(html.unescape(_TAG.sub("", written)) or headline(message), _MOST)
            reply = await self._post(url, {**content, "text": plain})
        result = json_of(reply).get("result")
        number = result.get("message_id") if isinstance(result, dict) else None
        return Sent(f"message {number}" if number else "200 OK")

    async def _post(self, url: str, content: dict[str, Any]) -> Reply:
        return await self._caller.call(json_call(url, content, detail=_said))


def _chat(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d{1,19}", text) else text


def _written(say: Wording, source: str, mode: str) -> str:
    """Return the text within Telegram's limits; HTML that is longer is cut as text, since tags cannot be."""
    if mode != "HTML":
        return cut_utf16(say.text(source), _MOST)
    found = say.html(source)
    if found is None:
        return html.escape(cut_utf16(say.text(source), _MOST))
    seen = html.unescape(_TAG.sub("", found))
    if len(found.encode()) <= _MOST_BYTES and len(seen.encode("utf-16-le")) <= 2 * _MOST:
        return found
    return html.escape(cut_utf16(seen, _MOST), quote=False)


def _said(reply: Reply) -> str:
    return cut(one_line(str(json_of(reply).get("description", ""))), 200)
