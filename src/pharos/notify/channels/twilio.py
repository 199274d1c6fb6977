"""SMS and calls by Twilio: short words to telephones, one request a number."""

from __future__ import annotations

import base64
import html
from typing import Final
from urllib.parse import quote, urlencode

from pharos.notify.channels.calling import Call, Caller, Means, json_of
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, headline, one_line
from pharos.outbound import Reply

API: Final = "https://api.twilio.com"
FORM: Final = "application/x-www-form-urlencoded"
_SMS: Final = 480
"""Three parts of an SMS or so: who is woken reads the rest elsewhere."""
_SPOKEN: Final = 600
_REMEMBERED: Final = 256


class Twilio:
    """Sends to each of its numbers; a number that was told is not told again when another is tried again."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)
        self._told: dict[tuple[str, str], str] = {}

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError if a number was not told."""
        values = self._values
        say = Wording(self._means.templates, message)
        text = await built(message, lambda: self._text(message, say))
        numbers = [say.exact(one, "to") for one in values.texts("to")]
        faults: list[NotSentError] = []
        answers: list[str] = []
        for number in numbers:
            done = self._told.get((message.key, number))
            if done is None:
                try:
                    done = await self._tell(number, text)
                except NotSentError as exc:
                    faults.append(exc)
                    continue
                self._remember(message.key, number, done)
            answers.append(done)
        if not numbers:
            raise NotSentError("to names no number", may_retry=False)
        worst = next((one for one in faults if one.may_retry), faults[0] if faults else None)
        if worst is not None and (worst.may_retry or not answers):
            told = f"{len(answers)} of {len(numbers)} numbers told: " if answers else ""
            raise NotSentError(
                told + worst.reason, may_retry=worst.may_retry, retry_after_s=worst.retry_after_s
            )
        # Whom nobody can reach keeps the others from being told of the end no more than of the beginning.
        refused = f"; {len(faults)} of {len(numbers)} numbers refused: {worst.reason}" if worst else ""
        return Sent(", ".join(answers) + refused)

    def _remember(self, key: str, number: str, answer: str) -> None:
        self._told[key, number] = answer
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def _text(self, message: Message, say: Wording) -> str:
        own = say.text(self._values.text("text"))
        text = one_line(own) or headline(message)
        if self._values.flag("voice"):
            return cut(text, _SPOKEN)
        link = message.links.acknowledge or message.links.page
        return f"{cut(text, _SMS - len(link) - 1)} {link}" if 0 < len(link) < _SMS // 2 else cut(text, _SMS)

    async def _tell(self, number: str, text: str) -> str:
        values = self._values
        sid, token = values.text("account_sid"), values.secret("auth_token")
        account = quote(sid, safe="")
        what = "Calls" if values.flag("voice") else "Messages"
        url = f"{(values.text('api_url') or API).rstrip('/')}/2010-04-01/Accounts/{account}/{what}.json"
        fields = {"To": number, "From": values.text("from")}
        if values.flag("voice"):
            fields["Twiml"] = _spoken(text, values.text("language", "en-US"))
        else:
            fields["Body"] = text
        credentials = base64.b64encode(f"{sid}:{token}".encode()).decode()
        call = Call(
            url,
            urlencode(fields).encode(),
            content_type=FORM,
            headers={"Authorization": f"Basic {credentials}"},
            detail=_said,
        )
        reply = await self._caller.call(call)
        return one_line(str(json_of(reply).get("sid", ""))) or str(reply.status)


def _spoken(text: str, language: str) -> str:
    """Return what is said, twice, in Twilio's markup."""
    said = f'<Say language="{html.escape(language)}">{html.escape(text)}</Say>'
    return f'<Response>{said}<Pause length="1"/>{said}</Response>'


def _said(reply: Reply) -> str:
    said = json_of(reply)
    code = f"{said['code']}: " if isinstance(said.get("code"), int) else ""
    return cut(one_line(code + str(said.get("message", ""))), 200)
