"""Which channels there are: one table, by the key of alertmanager.yml without `_configs`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.notify.channels.apprise import Apprise
from pharos.notify.channels.calling import Means
from pharos.notify.channels.discord import Discord
from pharos.notify.channels.email import Email
from pharos.notify.channels.incidentio import IncidentIo
from pharos.notify.channels.jira import Jira
from pharos.notify.channels.mattermost import Mattermost
from pharos.notify.channels.opsgenie import Opsgenie
from pharos.notify.channels.own import Dashboard, Governance
from pharos.notify.channels.pagerduty import PagerDuty
from pharos.notify.channels.pushover import Pushover
from pharos.notify.channels.rocketchat import RocketChat
from pharos.notify.channels.slack import Slack
from pharos.notify.channels.sns import Sns
from pharos.notify.channels.teams import Teams, TeamsV2
from pharos.notify.channels.telegram import Telegram
from pharos.notify.channels.twilio import Twilio
from pharos.notify.channels.victorops import VictorOps
from pharos.notify.channels.webex import Webex
from pharos.notify.channels.webhook import Webhook
from pharos.notify.channels.wechat import WeChat
from pharos.notify.counted import Counted
from pharos.notify.message import Channel
from pharos.notify.restraint import Quiet, Recent, Restrained, never, terms_of, unknown
from pharos.notify.values import Values
from pharos.notify.wording import Templates
from pharos.outbound import Outbound

CHANNELS: Final[Mapping[str, Callable[[Values, Means], Channel]]] = {
    "webhook": Webhook,
    "email": Email,
    "slack": Slack,
    "pagerduty": PagerDuty,
    "opsgenie": Opsgenie,
    "msteams": Teams,
    "msteamsv2": TeamsV2,
    "discord": Discord,
    "telegram": Telegram,
    "victorops": VictorOps,
    "pushover": Pushover,
    "webex": Webex,
    "sns": Sns,
    "wechat": WeChat,
    "jira": Jira,
    "rocketchat": RocketChat,
    "mattermost": Mattermost,
    "incidentio": IncidentIo,
    "twilio": Twilio,
    "dashboard": Dashboard,
    "governance": Governance,
    "apprise": Apprise,
}


def open_channel(
    kind: str,
    values: Mapping[str, Any],
    outbound: Outbound,
    templates: Templates,
    clock: Clock,
    chance: random.Random,
    quiet: Quiet = never,
    recent: Recent = unknown,
) -> Channel:
    """Return the channel of one integration, which keeps nothing open between two messages.

    `values` are its settings by the names of alertmanager.yml. What `outbound` may not call, the channel may
    not: where it refuses private addresses, since a tenant set them, files of this machine are refused too.
    `quiet` knows the configuration's time intervals, `recent` what went out by it lately.
    Raises PharosError: UNSUPPORTED for a kind that there is not, DENIED for a file that may not be named.
    """
    made = CHANNELS.get(kind)
    if made is None:
        raise PharosError(
            Kind.UNSUPPORTED, f"there is no channel {kind!r}; there are {', '.join(sorted(CHANNELS))}"
        )
    settings = Values(values)
    if not outbound.allows_private:
        settings.require_no_files()
    channel = Counted(kind, made(settings, Means(outbound, templates, clock, chance)), clock)
    terms = terms_of(kind, settings)
    return Restrained(channel, terms, clock, quiet, recent) if terms.is_any else channel
