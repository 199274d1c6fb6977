"""Splunk On-Call, which was VictorOps: events to its REST endpoint."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from pharos.notify.channels.calling import Caller, Means, group_hash, json_call, taken
from pharos.notify.message import Message, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut

API: Final = "https://alert.victorops.com/integrations/generic/20131114/alert/"
_STATE: Final = 20_480
_KINDS: Final = frozenset({"INFO", "WARNING", "CRITICAL"})


class VictorOps:
    """Opens and recovers one incident for each group."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        route = quote(say.exact(values.text("routing_key"), "routing_key"), safe="")
        url = f"{(values.text('api_url') or API).rstrip('/')}/{values.secret('api_key')}/{route}"
        kind = say.text(values.text("message_type"))
        if message.status is Status.RESOLVED:
            kind = "RECOVERY"
        elif kind not in _KINDS:
            kind = "CRITICAL"
        state = await built(message, lambda: say.text(values.text("state_message")))
        event = {
            "message_type": kind,
            "entity_id": group_hash(message),
            "entity_display_name": cut(say.text(values.text("entity_display_name")), _STATE),
            "state_message": cut(state, _STATE),
            "monitoring_tool": say.text(values.text("monitoring_tool")),
            **{
                name: cut(str(one), _STATE) for name, one in say.filled(values.pairs("custom_fields")).items()
            },
        }
        return Sent(taken(await self._caller.call(json_call(url, event))))
