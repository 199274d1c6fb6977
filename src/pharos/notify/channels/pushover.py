"""Pushover: notifications to telephones."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import urlencode

from pharos.notify.channels.calling import Call, Caller, Means, json_of, taken
from pharos.notify.message import Message, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, one_line
from pharos.outbound import Reply

API: Final = "https://api.pushover.net/1/messages.json"
FORM: Final = "application/x-www-form-urlencoded"
_TITLE: Final = 250
_MESSAGE: Final = 1024
_URL: Final = 512
_TAG: Final = re.compile(r"<[^>]*>")


class Pushover:
    """Sends to one user or group."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        fields = {
            "token": say.exact(values.secret("token"), "token"),
            "user": say.exact(values.secret("user_key"), "user_key"),
            "title": cut(say.text(values.text("title")), _TITLE),
            **await built(message, lambda: _content(say, values)),
            "url": cut(say.text(values.text("url")), _URL),
            "url_title": cut(say.text(values.text("url_title")), 100),
            "priority": say.exact(values.text("priority"), "priority"),
            "retry": str(values.number("retry", 60_000) // 1000),
            "expire": str(values.number("expire", 3_600_000) // 1000),
            "device": say.exact(values.text("device"), "device"),
            "sound": say.text(values.text("sound")),
        }
        if (ttl_s := values.number("ttl") // 1000) > 0:
            fields["ttl"] = str(ttl_s)
        if values.flag("monospace"):
            fields["monospace"] = "1"
        # In the body and not in the address, as addresses are written into logs on the way.
        call = Call(
            values.text("api_url") or API, urlencode(fields).encode(), content_type=FORM, detail=_said
        )
        return Sent(taken(await self._caller.call(call)))


def _content(say: Wording, values: Values) -> dict[str, str]:
    source = values.text("message")
    if values.flag("html"):
        found = say.html(source)
        if found is not None:
            whole = found.strip() or "(no details)"
            if len(whole) <= _MESSAGE:
                return {"message": whole, "html": "1"}
            return {"message": cut(html.unescape(_TAG.sub("", whole)), _MESSAGE)}
    return {"message": cut(say.text(source).strip(), _MESSAGE) or "(no details)"}


def _said(reply: Reply) -> str:
    faults = json_of(reply).get("errors")
    return cut(one_line(", ".join(str(one) for one in faults)), 200) if isinstance(faults, list) else ""
