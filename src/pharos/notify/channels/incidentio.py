"""incident.io: the webhook's payload to an alert source."""

from __future__ import annotations

from typing import Final

from pharos.notify.channels.calling import Call, Caller, Means, json_of, taken
from pharos.notify.message import Message, Sent
from pharos.notify.payload import webhook_body
from pharos.notify.values import Values
from pharos.notify.wording import Wording, cut, one_line
from pharos.outbound import Reply

_VERSION: Final = "1"
_MOST_BYTES: Final = 512 * 1024


class IncidentIo:
    """Posts to one alert source."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        metadata = say.filled(values.pairs("metadata"))
        more = {"metadata": metadata} if metadata else None
        body = webhook_body(
            message, values.number("max_alerts"), version=_VERSION, most_bytes=_MOST_BYTES, more=more
        )
        token = values.secret("alert_source_token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        call = Call(values.secret("url"), body, headers=headers, detail=_said)
        return Sent(taken(await self._caller.call(call)))


def _said(reply: Reply) -> str:
    said = json_of(reply)
    faults = said.get("errors")
    parts = [said.get("message"), said.get("error")]
    parts += [", ".join(str(one) for one in faults)] if isinstance(faults, list) else []
    return cut(one_line(": ".join(str(one) for one in parts if one)), 200)
