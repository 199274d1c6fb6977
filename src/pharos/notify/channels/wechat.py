"""WeChat Work: a message of an application, sent with a token that is asked for first."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from pharos.notify.channels.calling import Call, Caller, Means, json_call, json_of, kept, taken
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut_bytes

API: Final = "https://qyapi.weixin.qq.com/cgi-bin/"
_KEPT_MS: Final = 3_600_000
_MOST_BYTES: Final = 2048
_STALE: Final = frozenset({40001, 40014, 42001})
_BUSY: Final = frozenset({-1, 45009})


class WeChat:
    """Sends as one application."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)
        self._token = ""
        self._token_ms = 0

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        base = (values.text("api_url") or API).rstrip("/")
        if not self._token or self._means.clock.now_ms() - self._token_ms > _KEPT_MS:
            await self._ask(base, say)
        kind = "markdown" if values.text("message_type") == "markdown" else "text"
        text = await built(message, lambda: say.text(values.text("message")))
        content: dict[str, Any] = {
            kind: {"content": cut_bytes(text, _MOST_BYTES)},
            **kept(
                {
                    "touser": say.exact(values.text("to_user"), "to_user"),
                    "toparty": say.exact(values.text("to_party"), "to_party"),
                    "totag": say.exact(values.text("to_tag"), "to_tag"),
                    "agentid": say.exact(values.text("agent_id"), "agent_id"),
                }
            ),
            "safe": "0",
            "msgtype": kind,
        }
        url = f"{base}/message/send?{urlencode({'access_token': self._token})}"
        reply = await self._caller.call(json_call(url, content))
        code = json_of(reply).get("errcode")
        if code == 0:
            return Sent(taken(reply))
        if code in _STALE:
            self._token = ""
        raise NotSentError(
            f"refused: errcode {_number(code)}", may_retry=code in _STALE | _BUSY or code is None
        )

    async def _ask(self, base: str, say: Wording) -> None:
        """Ask for a token."""
        values = self._values
        secret = say.exact(values.secret("api_secret"), "api_secret")
        asked = urlencode({"corpsecret": secret, "corpid": say.exact(values.text("corp_id"), "corp_id")})
        reply = await self._caller.call(Call(f"{base}/gettoken?{asked}", b"", method="GET"))
        said = json_of(reply)
        token = said.get("access_token")
        if not isinstance(token, str) or not token:
            raise NotSentError(f"gave no token: errcode {_number(said.get('errcode'))}", may_retry=not said)
        self._token, self._token_ms = token, self._means.clock.now_ms()


def _number(code: object) -> str:
    return str(code) if isinstance(code, int) else "unknown"
