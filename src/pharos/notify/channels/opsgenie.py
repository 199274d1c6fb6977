"""Opsgenie: an alert for each group, created, updated, acknowledged and closed by its alias."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from pharos.notify.channels.calling import Caller, Means, group_hash, json_call, kept, taken
from pharos.notify.message import Message, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut

API: Final = "https://api.opsgenie.com/"
_MESSAGE: Final = 130
_DESCRIPTION: Final = 15_000
_DETAIL: Final = 8000
_NOTE: Final = 25_000
_ACKNOWLEDGED: Final = "acknowledged in Pharos"
_EMPTY: Final = {"type": ""}


class Opsgenie:
    """Creates, updates and closes alerts."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._caller = Caller(values, means)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        values = self._values
        say = Wording(self._means.templates, message)
        key = say.exact(values.secret("api_key"), "api_key")
        headers = {"Authorization": f"GenieKey {key}"}
        alias = group_hash(message)
        base = (values.text("api_url") or API).rstrip("/") + "/v2/alerts"
        one = f"{base}/{quote(alias)}"
        if message.status is Status.RESOLVED:
            closing = {"source": say.text(values.text("source"))}
            url = f"{one}/close?identifierType=alias"
            return Sent(taken(await self._caller.call(json_call(url, closing, headers=headers))))
        if message.reason == "acknowledged":
            said = {"source": say.text(values.text("source")), "note": _ACKNOWLEDGED}
            url = f"{one}/acknowledge?identifierType=alias"
            return Sent(taken(await self._caller.call(json_call(url, said, headers=headers))))
        alert = await built(message, lambda: self._alert(message, say, alias))
        reply = await self._caller.call(json_call(base, alert, headers=headers))
        if values.flag("update_alerts"):
            for name in ("message", "description"):
                url = f"{one}/{name}?identifierType=alias"
                content = kept({name: alert.get(name, "")})
                await self._caller.call(json_call(url, content, method="PUT", headers=headers))
        return Sent(taken(reply))

    def _alert(self, message: Message, say: Wording, alias: str) -> dict[str, Any]:
        values = self._values
        details = {**dict(message.common_labels), **say.filled(values.pairs("details"))}
        return {
            "alias": alias,
            "message": cut(say.text(values.text("message")), _MESSAGE),
            "details": {name: cut(str(one), _DETAIL) for name, one in details.items()},
            "source": say.text(values.text("source")),
            **kept(
                {
                    "description": cut(say.text(values.text("description")), _DESCRIPTION),
                    "responders": _responders(values, "responders", say),
                    "visibleTo": _responders(values, "visible_to", say),
                    "tags": _listed(say.text(values.text("tags"))),
                    "note": cut(say.text(values.text("note")), _NOTE),
                    "priority": say.text(values.text("priority")),
                    "entity": say.text(values.text("entity")),
                    "actions": _listed(say.text(values.text("actions"))),
                }
            ),
        }


def _listed(text: str) -> list[str]:
    return [one for one in text.strip().split(",") if one]


def _responders(values: Values, name: str, say: Wording) -> list[dict[str, Any]]:
    """Return who is to be told; `teams` stands for several by their names, who is empty for nobody."""
    found: list[dict[str, Any]] = []
    for part in values.parts(name):
        who = {key: say.exact(part.text(key), name) for key in ("id", "name", "username", "type")}
        if who["type"] == "teams":
            found += [{"name": team, "type": "team"} for team in _listed(who["name"])]
        elif any(who[key] for key in ("id", "name", "username")):
            found.append({**kept(who), "type": who["type"]})
    return found
