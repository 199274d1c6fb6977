"""Reminders: before a silence ends, those hear of it who would be told of what it hides.

Only where people read, and nothing is opened or rings: who wants to sleep until then is not woken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from pharos.alert import Alert
from pharos.alerting.content import told
from pharos.alerting.flush import integration_name
from pharos.alerting.group import Desk, Group, Moment
from pharos.state.outbox import Owed
from pharos.state.silences import Silence

READ_BY_PEOPLE: Final = frozenset(
    {
        "dashboard",
        "discord",
        "email",
        "mattermost",
        "msteams",
        "msteamsv2",
        "rocketchat",
        "slack",
        "telegram",
        "webex",
        "webhook",
        "wechat",
    }
)
NOTE: Final = "reminder"
"""The annotation that says what it is."""


def owed_reminders(silences: Sequence[Silence], desk_of: Callable[[str], Desk], moment: Moment) -> list[Owed]:
    """Return what is owed about silences that end soon."""
    rows = []
    for silence in silences:
        desk = desk_of(silence.tenant_id)
        for group in desk.groups.values():
            hidden = [
                known.alert
                for known in group.alerts.values()
                if silence in desk.silences_of(known) and not known.is_over_at(moment.now_s)
            ]
            if hidden and silence.receiver in {"", group.receiver}:
                rows += _of_group(desk, group, silence, hidden, moment)
    return rows


def _of_group(
    desk: Desk, group: Group, silence: Silence, hidden: Sequence[Alert], moment: Moment
) -> list[Owed]:
    ends = datetime.fromtimestamp(silence.ends_ms / 1000, UTC)
    who, until = silence.created_by or "somebody", f"{ends:%Y-%m-%d %H:%M} UTC"
    text = f"The silence of {who} ends at {until}: {silence.comment}"
    noted = [
        replace(alert, annotations=tuple(sorted({**dict(alert.annotations), NOTE: text}.items())))
        for alert in hidden
    ]
    content = told(((one, False) for one in noted), group.labels, (), moment.steady_ms, NOTE).document()
    return [
        Owed(
            group.tenant,
            group.key,
            group.receiver,
            integration_name(integration),
            content,
            purpose=f"reminder:{silence.id}",
        )
        for integration in desk.receiver_of(group).integrations
        if integration.kind in READ_BY_PEOPLE
    ]
