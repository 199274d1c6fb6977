"""Webhooks: Alertmanager's payload to any address, signed if a secret is shared."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from pharos.notify.channels.calling import Call, Caller, Means, taken
from pharos.notify.gojson import go_json
from pharos.notify.message import Message, Sent
from pharos.notify.payload import webhook_body
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built

SIGNATURE: Final = "X-Pharos-Signature"
TIMESTAMP: Final = "X-Pharos-Timestamp"
KEY: Final = "X-Pharos-Idempotency-Key"


class Webhook:
    """Posts to one address."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        url = say.exact(values.secret("url"), "url")
        payload = values.raw("payload")

        def body_of() -> bytes:
            if payload is None:
                return webhook_body(message, values.number("max_alerts"))
            return go_json(say.filled(payload))

        body = await built(message, body_of)
        headers = {KEY: message.key, **self._signature(body)}
        reply = await self._caller.call(Call(url, body, headers=headers))
        return Sent(taken(reply))

    def _signature(self, body: bytes) -> dict[str, str]:
        secret = self._values.part("pharos").secret("hmac_secret")
        return signature_headers(secret, self._means.clock.now_ms(), body) if secret else {}


def signature_headers(secret: str, now_ms: int, body: bytes) -> dict[str, str]:
    """Return the headers by which a body can be known to be ours, and to be new.

    The signature is HMAC-SHA256 of the seconds since the epoch, a dot, and the body.
    """
    at = str(now_ms // 1000)
    signed = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP: at, SIGNATURE: f"sha256={signed}"}
