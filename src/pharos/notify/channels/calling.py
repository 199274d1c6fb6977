"""How channels call: one request, and what its answer means.

2xx is taken. 5xx, 429 and 408 mean later; all else means that the same would be refused again. No error says
more of the other side's body than an operator may read, and none says a secret.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from msgspec import Struct, field
from yarl import URL

from pharos.access import DEFAULT
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import valid_text
from pharos.notify.gojson import go_json
from pharos.notify.message import Message, NotSentError
from pharos.notify.values import Values
from pharos.notify.wording import Templates, cut, one_line
from pharos.outbound import HttpOptions, Outbound, Reply, Request

TIMEOUT_MS: Final = 30_000
"""How long an answer is awaited where nothing is configured."""
ANSWER_BYTES: Final = 64 * 1024
_TOLD: Final = 200
"""How much of an answer's body an error tells."""
_MOST_WAIT_S: Final = 3600.0
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,80}")
JSON: Final = "application/json"
LATER: Final = frozenset({408, 429})

Detail = Callable[[Reply], str]
"""Finds in an answer what its sender says is wrong; empty if it says nothing."""


class Means(Struct, frozen=True):
    """What a channel works with."""

    outbound: Outbound
    templates: Templates
    clock: Clock
    chance: random.Random


class Call(Struct, frozen=True):
    """One request."""

    url: str
    body: bytes
    method: str = "POST"
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    later: frozenset[int] = LATER
    """Statuses besides 5xx after which another try may succeed."""
    detail: Detail | None = None


def json_call(url: str, content: Any, **more: Any) -> Call:
    """Return a request with a JSON body."""
    return Call(url, go_json(content), **more)


def json_request(url: str, content: Any, timeout_s: float = 10.0) -> Request:
    """Return a request with a JSON body whose answer says by its status what came of it.

    Raises PharosError(INVALID) for what is no address.
    """
    try:
        address = URL(url)
    except ValueError:
        raise PharosError(Kind.INVALID, "the address cannot be read") from None
    return Request(
        address,
        method="POST",
        headers={"Content-Type": JSON, "Accept-Encoding": "identity"},
        body=go_json(content),
        timeout_s=timeout_s,
        body_limit=ANSWER_BYTES,
        is_path_secret=True,
        is_status_enough=True,
    )


class Caller:
    """Calls for one channel, with its settings."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means

    async def call(self, call: Call, options: HttpOptions | None = None) -> Reply:
        """Return an answer that means that it was taken. Raises NotSentError.

        `options` stand for those of the settings.
        """
        values = self._values
        try:
            url = URL(call.url)
        except ValueError:
            raise NotSentError("the address cannot be read", may_retry=False) from None
        if call.url.strip() != call.url or any(char.isspace() for char in call.url):
            raise NotSentError("the address has blanks in it", may_retry=False)
        request = Request(
            url,
            method=call.method,
            headers={"Content-Type": call.content_type, "Accept-Encoding": "identity", **call.headers},
            body=call.body,
            timeout_s=(values.number("timeout") or TIMEOUT_MS) / 1000,
            body_limit=ANSWER_BYTES,
            is_path_secret=True,
            is_status_enough=True,
        )
        try:
            reply = await self._means.outbound.send(request, options or values.http())
        except PharosError as exc:
            may_retry = exc.kind in {Kind.TIMEOUT, Kind.UNAVAILABLE}
            raise NotSentError(values.masked(str(exc)), may_retry=may_retry) from None
        if 200 <= reply.status < 300:
            return reply
        raise self._refused(reply, call)

    def _refused(self, reply: Reply, call: Call) -> NotSentError:
        said = call.detail(reply) if call.detail is not None else self.words_of(reply)
        text = f"answered {reply.status}" + (f": {said}" if said else "")
        may_retry = reply.status >= 500 or reply.status in call.later
        after_s = retry_after_s(reply.headers, self._means.clock) if may_retry else None
        return NotSentError(self._values.masked(text), may_retry=may_retry, retry_after_s=after_s)

    def words_of(self, reply: Reply) -> str:
        """Return the beginning of an answer's body, if who configured the address may read it."""
        if not self._means.outbound.allows_private:
            return ""
        return cut(one_line(reply.body[: 4 * _TOLD].decode(errors="replace")), _TOLD)


def retry_after_s(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds that a Retry-After header asks for (of both its forms), an hour at most."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), _MOST_WAIT_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(at.timestamp() - clock.now_ms() / 1000, 0.0), _MOST_WAIT_S)


def taken(reply: Reply) -> str:
    """Return what is told of an answer that took the message."""
    return f"{reply.status} {reply.reason}".rstrip()


def kept(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping without what is empty; numbers and truth values stay."""
    return {name: one for name, one in content.items() if one is not None and one not in ("", [], {}, ())}


def group_hash(message: Message) -> str:
    """Return what a group is called where keys are short: SHA-256 of its key, as Alertmanager's.

    Groups of different tenants have different ones, even if one outside account serves both.
    """
    return short_key(message.tenant, message.group_key)


def short_key(tenant: str, group_key: str) -> str:
    """Return what a tenant's group is called where keys are short."""
    prefix = "" if tenant == DEFAULT.tenant else f"{tenant}\x00"
    return hashlib.sha256(valid_text(prefix + group_key).encode()).hexdigest()


def json_of(reply: Reply) -> dict[str, Any]:
    """Return an answer's object; empty if it is none."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def code_of(found: object) -> str:
    """Return an error's code, such as `channel_not_found`; empty if it is anything but a code."""
    text = str(found or "")
    return text if _CODE.fullmatch(text) else ""
