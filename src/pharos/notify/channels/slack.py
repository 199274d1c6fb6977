"""Slack: incoming webhooks, or a bot's messages, which can be updated and answered in a thread.

Whose settings write their own attachment gets it, as Alertmanager sends it; who leaves the wording to us gets
blocks (`slack_blocks`). What labels and annotations say is escaped: they mention nobody and link nowhere.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pharos.notify.channels.calling import (
    Caller,
    Means,
    code_of,
    json_call,
    json_of,
    kept,
    taken,
)
from pharos.notify.channels.slack_blocks import blocks_of, without_picture
from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, with_texts
from pharos.outbound import Reply

POST: Final = "https://slack.com/api/chat.postMessage"
_POST_METHOD: Final = "chat.postMessage"
_UPDATE_METHOD: Final = "chat.update"
_TITLE: Final = 1024
_TEXT: Final = 12_000
_FIELD: Final = 2000
_LATER: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_GONE: Final = frozenset(
    {
        "message_not_found",
        "thread_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
    }
)
"""What says that there is nothing any more to go on with."""
_OURS: Final = {
    name: f'{{{{ template "slack.default.{name.replace("_", "")}" . }}}}'
    for name in ("title", "title_link", "pretext", "text", "fallback", "footer")
}
"""The wording of who left it to us."""
_THEIRS: Final = ("fields", "actions", "image_url", "thumb_url", "message_text")
_PARTS: Final = ("text", "fallback", "callback_id", "image_url", "thumb_url", "footer", "color")
_CONFIRMATION: Final = ("text", "title", "ok_text", "dismiss_text")
_GROUP_MENTION: Final = re.compile(r"@(?=channel|here|everyone)")


class Slack:
    """Posts to one webhook, or as one bot."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        plain = Wording(self._means.templates, message)
        content = await built(message, lambda: self._content(message, plain))
        url, headers = self._address()
        is_bot = url.endswith(_POST_METHOD)
        thread = dict(message.thread)
        if not is_bot or not _goes_on(message, thread):
            return _sent(await self._post(url, content, headers), message)
        try:
            return await self._go_on(url, content, headers, message)
        except NotSentError as exc:
            if exc.may_retry or not any(code in exc.reason for code in _GONE):
                raise
        return _sent(await self._post(url, content, headers), message)

    async def _go_on(
        self, url: str, content: dict[str, Any], headers: dict[str, str], message: Message
    ) -> Sent:
        """Change the group's message, or answer it in its thread, as the settings say."""
        values = self._values
        is_ours = self._is_ours()
        extra = values.part("pharos")
        thread = dict(message.thread)
        is_over = message.status is Status.RESOLVED
        updates = values.flag("update_message") or (is_ours and is_over)
        answers = values.flag("post_updates_to_thread") or (is_ours and extra.flag("thread", default=True))
        told = ""
        if updates:
            changed = {**content, "channel": thread["channel"], "ts": thread["ts"]}
            reply = await self._post(url.replace(_POST_METHOD, _UPDATE_METHOD), changed, headers)
            told = taken(reply)
        if answers:
            reply = await self._post(url, {**content, "thread_ts": thread["ts"]}, headers)
            told = taken(reply)
        if not told:
            return _sent(await self._post(url, content, headers), message)
        return Sent(told, {**thread, "status": message.status.value})

    def _address(self) -> tuple[str, dict[str, str]]:
        values = self._values
        if values.has("app_token"):
            return values.text("app_url") or POST, {"Authorization": f"Bearer {values.secret('app_token')}"}
        return values.secret("api_url"), {}

    async def _post(self, url: str, content: dict[str, Any], headers: dict[str, str]) -> Reply:
        try:
            return await self._post_once(url, content, headers)
        except NotSentError as exc:
            plain = without_picture(content)
            # Slack refuses all of a message whose picture it cannot fetch, from behind a wall for instance.
            if exc.may_retry or plain is None:
                raise
            return await self._post_once(url, plain, headers)

    async def _post_once(self, url: str, content: dict[str, Any], headers: dict[str, str]) -> Reply:
        reply = await self._caller.call(json_call(url, content, headers=headers, detail=_said))
        if reply.content_type.startswith("application/json"):
            said = json_of(reply)
            if not said:
                raise NotSentError("answered what is no JSON", may_retry=True)
            if not said.get("ok"):
                code = code_of(said.get("error"))
                raise NotSentError(f"refused: {code or 'no reason was told'}", may_retry=code in _LATER)
        elif reply.body.strip() != b"ok":
            raise NotSentError(f"refused: {_said(reply) or 'no reason was told'}", may_retry=False)
        return reply

    def _is_ours(self) -> bool:
        """Return whether the wording was left to us."""
        values = self._values
        wanted = values.part("pharos").raw("blocks")
        if wanted is not None:
            return bool(wanted)
        is_default = all(values.text(name) in {"", source} for name, source in _OURS.items())
        return is_default and not any(values.has(name) for name in _THEIRS)

    def _content(self, message: Message, plain: Wording) -> dict[str, Any]:
        values = self._values
        links_names = values.flag("link_names")
        escaped = with_texts(message, lambda value: escape(value, link_names=links_names))
        say = Wording(self._means.templates, escaped)
        whole = {
            "channel": plain.exact(values.text("channel"), "channel"),
            "username": plain.text(values.text("username")),
            "icon_emoji": plain.text(values.text("icon_emoji")),
            "icon_url": plain.text(values.text("icon_url")),
            "link_names": links_names or None,
        }
        if self._is_ours():
            attached, text = blocks_of(escaped, say, values)
        else:
            attached, text = self._attachment(say, plain), cut(say.text(values.text("message_text")), _TEXT)
        return kept({**whole, "text": text, "attachments": [attached]})

    def _attachment(self, say: Wording, plain: Wording) -> dict[str, Any]:
        values = self._values
        fields = [
            {
                "title": cut(say.text(one.text("title")), _FIELD),
                "value": cut(say.text(one.text("value")), _FIELD),
                "short": one.flag("short", default=values.flag("short_fields")),
            }
            for one in values.parts("fields")
        ]
        return {
            **kept(
                {
                    "title": cut(say.text(values.text("title")), _TITLE),
                    "title_link": plain.text(values.text("title_link")),
                    "pretext": cut(say.text(values.text("pretext")), _TEXT),
                }
            ),
            **{name: cut(say.text(values.text(name)), _TEXT) for name in ("text", "fallback")},
            **{name: plain.text(values.text(name)) for name in ("callback_id", "footer")},
            **kept(
                {
                    "fields": fields,
                    "actions": [_action(one, plain) for one in values.parts("actions")],
                    "image_url": plain.text(values.text("image_url")),
                    "thumb_url": plain.text(values.text("thumb_url")),
                    "color": plain.text(values.text("color")),
                    "mrkdwn_in": list(values.texts("mrkdwn_in")) or ["fallback", "pretext", "text"],
                }
            ),
        }


def _action(part: Values, say: Wording) -> dict[str, Any]:
    texts = {name: say.text(part.text(name)) for name in ("type", "text", "url", "style", "name", "value")}
    confirm = part.part("confirm")
    asked = kept({name: say.text(confirm.text(name)) for name in _CONFIRMATION})
    return kept({**texts, "confirm": asked})


def escape(value: str, *, link_names: bool = False) -> str:
    """Return text in which Slack finds no mention, link or entity."""
    plain = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _GROUP_MENTION.sub("@\u200b", plain) if link_names else plain


def _goes_on(message: Message, thread: dict[str, str]) -> bool:
    """Return whether a message stands that this one goes on from: one of this same time of trouble."""
    was_over = thread.get("status") == Status.RESOLVED.value and message.status is Status.FIRING
    return bool(thread.get("ts")) and bool(thread.get("channel")) and not was_over


def _sent(reply: Reply, message: Message) -> Sent:
    said = json_of(reply)
    where = {name: str(said[name]) for name in ("ts", "channel") if said.get(name)}
    thread = {**where, "status": message.status.value} if "ts" in where else {}
    return Sent(taken(reply) + (f", message {where['ts']}" if "ts" in where else ""), thread)


def _said(reply: Reply) -> str:
    """Return the code by which Slack says what is wrong."""
    return code_of(json_of(reply).get("error")) or code_of(reply.body[:100].decode(errors="replace").strip())
