"""PagerDuty: Events API version 2 by a routing key, version 1 by a service key."""

from __future__ import annotations

import json
from typing import Any, Final

from yarl import URL

from pharos.notify.channels.calling import LATER, Call, Caller, Means, group_hash, json_of, kept, taken
from pharos.notify.gojson import go_json
from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, one_line
from pharos.outbound import Reply

URL_V2: Final = "https://events.pagerduty.com/v2/enqueue"
PATH_V1: Final = "/generic/2010-04-15/create_event.json"
MOST_BYTES: Final = 512_000
_SUMMARY: Final = 1024
_FORBIDDEN: Final = 403
"""How version 1 says that it is asked too often."""
_TOO_LARGE: Final = {
    "error": "the details were left out, since with them the event was larger than 512000 bytes"
}


class PagerDuty:
    """Triggers, acknowledges and resolves one incident for each group."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        is_old = values.has("service_key")
        name = "service_key" if is_old else "routing_key"
        key = say.exact(values.secret(name), name)
        if not key:
            raise NotSentError(f"{name} is empty", may_retry=False)
        url = values.text("url") or URL_V2
        make = self._event_v1 if is_old else self._event_v2
        event = await built(message, lambda: make(message, say, key))
        body = go_json(event)
        if len(body) > MOST_BYTES:
            where = event if is_old else event["payload"]
            where["details" if is_old else "custom_details"] = _TOO_LARGE
            body = go_json(event)
        later = LATER | {_FORBIDDEN} if is_old else LATER
        address = str(URL(url).with_path(PATH_V1)) if is_old else url
        return Sent(taken(await self._caller.call(Call(address, body, later=later, detail=_faults))))

    def _event_v1(self, message: Message, say: Wording, key: str) -> dict[str, Any]:
        values = self._values
        event = {
            "service_key": key,
            "event_type": _action(message),
            "incident_key": group_hash(message),
            "description": cut(say.text(values.text("description")), _SUMMARY),
            "details": _details(values, say),
        }
        if message.status is Status.FIRING:
            event["client"] = say.text(values.text("client"))
            event["client_url"] = say.text(values.text("client_url"))
        return kept(event)

    def _event_v2(self, message: Message, say: Wording, key: str) -> dict[str, Any]:
        values = self._values
        images = [_filled(one, say, "src", "alt", "href") for one in values.parts("images")]
        links = [_filled(one, say, "href", "text") for one in values.parts("links")]
        payload = {
            "summary": cut(say.text(values.text("description")), _SUMMARY) or message.group_key,
            "source": say.text(values.text("source") or values.text("client")),
            "severity": say.text(values.text("severity") or "error"),
            "class": say.text(values.text("class")),
            "component": say.text(values.text("component")),
            "group": say.text(values.text("group")),
            "custom_details": _details(values, say),
        }
        return kept(
            {
                "routing_key": key,
                "dedup_key": group_hash(message),
                "event_action": _action(message),
                "payload": kept(payload),
                "client": say.text(values.text("client")),
                "client_url": say.text(values.text("client_url")),
                "images": [one for one in images if one["src"]],
                "links": [one for one in links if one["href"]],
            }
        )


def _action(message: Message) -> str:
    if message.status is Status.RESOLVED:
        return "resolve"
    return "acknowledge" if message.reason == "acknowledged" else "trigger"


def _filled(part: Values, say: Wording, *names: str) -> dict[str, str]:
    return {name: say.text(part.text(name)) for name in names}


def _details(values: Values, say: Wording) -> dict[str, Any]:
    """Return the details with templates run; one that writes JSON becomes what it says."""
    return {name: _read(say.filled(one)) for name, one in values.pairs("details").items()}


def _read(found: Any) -> Any:
    if isinstance(found, str) and found[:1] in {"[", "{"}:
        try:
            return json.loads(found)
        except (ValueError, RecursionError):
            return found
    return found


def _faults(reply: Reply) -> str:
    """Return what PagerDuty says is wrong with an event."""
    said = json_of(reply)
    faults = said.get("errors")
    listed = ", ".join(str(one) for one in faults) if isinstance(faults, list) else ""
    return cut(one_line(f"{said.get('message', '')}: {listed}".strip(": ")), 300)
