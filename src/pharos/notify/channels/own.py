"""Pharos' own pages, and an organisation's governance, which is told with who has to agree."""

from __future__ import annotations

from typing import Final

from pharos.notify.channels.calling import Call, Caller, Means, kept, taken
from pharos.notify.channels.webhook import KEY, signature_headers
from pharos.notify.gojson import go_json
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.payload import payload_of
from pharos.notify.values import Values

EVENT: Final = "pharos.alerts.v1"
_CUT: Final = 4096


class Dashboard:
    """Tells nobody outside: what was sent is shown on our own pages, which is all that is asked for."""

    def __init__(self, values: Values, means: Means) -> None:
        del values, means

    async def send(self, message: Message) -> Sent:
        """Take it."""
        return Sent(f"{len(message.alerts)} alerts shown")


class Governance:
    """Posts what happened, signed, with how many of whom have to acknowledge it and where."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        members = list(values.texts("members"))
        content = {
            "event": EVENT,
            "id": message.key,
            "tenant": message.tenant,
            "reason": message.reason,
            "quorum": kept(
                {
                    "needed": max(values.number("quorum", 1), 1),
                    "members": members,
                    "acknowledge": message.links.acknowledge,
                }
            ),
            **payload_of(message, message.alerts, _CUT),
        }
        body = go_json(content)
        secret = values.secret("secret")
        if not secret:
            raise NotSentError("governance endpoints are signed: secret is missing", may_retry=False)
        headers = {KEY: message.key, **signature_headers(secret, self._means.clock.now_ms(), body)}
        return Sent(taken(await self._caller.call(Call(values.secret("url"), body, headers=headers))))
