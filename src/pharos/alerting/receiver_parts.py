"""Parts of receivers' settings: attachments, fields, actions, images, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from pharos.alerting.fields import (
    Check,
    Field,
    Section,
    Values,
    choice,
    duration,
    flag,
    inline_secret,
    many,
    needs,
    one,
    read_section,
    secret,
    text,
    texts,
    whole,
)
from pharos.document import Mapping, Value
from pharos.notify.restraint import RANKS

_RESPONDERS: Final = ("team", "teams", "user", "escalation", "schedule")


def _all_texts(*names: str) -> dict[str, Field]:
    return dict.fromkeys(names, text())


# What Pharos knows beside Alertmanager's settings, of receivers of all kinds.


def _knows_severity(name: str) -> Check:
    """Refuses a severity whose rank nobody knows: it would hold nothing back, or everything."""
    words = ", ".join(sorted(RANKS))
    return lambda values: (
        ""
        if not values[name] or values[name].lower() in RANKS
        else f"{name}: {values[name]!r} is none of {words}"
    )


_RATE_LIMIT: Final = Section(
    "rate_limit",
    {"messages": whole(), "per": duration(60_000)},
    (
        needs("messages", "messages is missing, or 0: a receiver that is to be told nothing needs no route"),
        needs("per", "per: expected a time of more than 0s"),
    ),
)
_QUIET_HOURS: Final = Section(
    "quiet_hours",
    {"times": texts(), "except_severity": text()},
    (needs("times"), _knows_severity("except_severity")),
)
EXTRAS: Final = Section(
    "pharos",
    {
        "min_severity": text(),
        "cooldown": duration(),
        "rate_limit": one(_RATE_LIMIT),
        "quiet_hours": one(_QUIET_HOURS),
        "hmac_secret": secret(),
        **dict.fromkeys(("blocks", "thread"), choice()),
        "interactive": flag(),
    },
    (_knows_severity("min_severity"),),
)

# Slack.


def _settled_action(values: Values) -> str:
    """Clear what a button with an address has no use for."""
    if values["url"]:
        values.update(name="", value="", confirm=None)
    elif not values["name"]:
        return "missing name or url"
    return ""


SLACK_CONFIRMATION: Final = Section(
    "Slack confirmation", _all_texts("text", "title", "ok_text", "dismiss_text"), (needs("text"),)
)
SLACK_ACTION: Final = Section(
    "Slack action",
    {**_all_texts("type", "text", "url", "style", "name", "value"), "confirm": one(SLACK_CONFIRMATION)},
    (needs("type"), needs("text"), _settled_action),
)
SLACK_FIELD: Final = Section(
    "Slack field", {**_all_texts("title", "value"), "short": choice()}, (needs("title"), needs("value"))
)

# Mattermost.

MATTERMOST_FIELD: Final = Section(
    "Mattermost field", {**_all_texts("title", "value"), "short": choice()}, (needs("title"), needs("value"))
)
MATTERMOST_CARD: Final = {
    **_all_texts(
        "fallback", "color", "pretext", "text", "author_name", "author_link", "author_icon", "title"
    ),
    **_all_texts("title_link", "thumb_url", "footer", "footer_icon", "image_url"),
    "fields": many(MATTERMOST_FIELD),
}
MATTERMOST_ATTACHMENT: Final = Section("Mattermost attachment", MATTERMOST_CARD)
MATTERMOST_PROPS: Final = Section("Mattermost props", _all_texts("card"))
MATTERMOST_PRIORITY: Final = Section(
    "Mattermost priority",
    {"priority": text(), "requested_ack": flag(), "persistent_notifications": flag()},
)

# Rocket.Chat. Upstream reads names without their underscores; with them they are meant.

ROCKETCHAT_FIELD: Final = Section("Rocket.Chat field", {"short": choice(), **_all_texts("title", "value")})
ROCKETCHAT_ACTION: Final = Section(
    "Rocket.Chat action",
    {
        **_all_texts(
            "type", "text", "url", "imageurl", "image_url", "webviewheightratio", "webview_height_ratio"
        ),
        **_all_texts("msg", "msgprocessingtype", "msg_processing_type"),
        **dict.fromkeys(("iswebview", "is_webview", "msginchatwindow", "msg_in_chat_window"), flag()),
    },
)

# PagerDuty.

PAGERDUTY_IMAGE: Final = Section("PagerDuty image", _all_texts("src", "alt", "href"))
PAGERDUTY_LINK: Final = Section("PagerDuty link", _all_texts("href", "text"))
PAGERDUTY_DETAILS: Final = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}

# Opsgenie.


def _knows_responder(values: Values) -> str:
    if not (values["id"] or values["name"] or values["username"]):
        return "one of id, name or username must be written"
    if "{{" not in values["type"] and values["type"].lower() not in _RESPONDERS:
        return f"type {values['type']!r} is none of {', '.join(_RESPONDERS)}"
    return ""


OPSGENIE_RESPONDER: Final = Section(
    "Opsgenie responder", _all_texts("id", "name", "username", "type"), (_knows_responder,)
)

# Amazon SNS.

SIGV4: Final = Section(
    "sigv4",
    {
        **_all_texts("region", "access_key", "profile", "role_arn", "external_id", "service_name"),
        "secret_key": inline_secret(),
        "use_fips_sts_endpoint": flag(),
    },
    (
        lambda values: (
            ""
            if bool(values["access_key"]) == bool(values["secret_key"])
            else "access_key and secret_key are needed together"
        ),
    ),
)

# E-mail.

THREADING: Final = Section("threading", {"enabled": flag(), "thread_by_date": text()})
_HEADER: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def header_name(name: str) -> str:
    """Return a header's name in its one spelling: `in-reply-to` is `In-Reply-To`."""
    return "-".join(part.capitalize() for part in name.split("-")) if _HEADER.fullmatch(name) else name


def _headers(value: Value, _: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, line, inner in value.pairs():
        spelled = header_name(name)
        if spelled in found:
            raise value.source.fault(line, f"{value.path}: header {spelled!r} is there twice")
        found[spelled] = inner.text()
    return found


def headers() -> Field:
    """Headers of mails; the case of a name does not matter."""
    return Field(_headers, {}, {})


# Jira, whose fields and labels have a short form and a long one.


def jira_field(name: str) -> Field:
    """A template, and whether it is filled in again when an issue is updated."""
    default = f'{{{{ template "jira.default.{name}" . }}}}'
    section = Section("Jira field", {"template": text(default), "enable_update": choice()})

    def read(value: Value, base_dir: Path) -> Values:
        if isinstance(value.node, Mapping):
            return read_section(section, value, base_dir)
        return {"template": value.text(), "enable_update": None}

    return Field(read, {"template": default, "enable_update": None}, {"template": "", "enable_update": None})


_JIRA_LABELS: Final = Section("Jira labels", {"values": texts(), "enable_update": choice()})


def _jira_labels(value: Value, base_dir: Path) -> Any:
    if isinstance(value.node, Mapping):
        return read_section(_JIRA_LABELS, value, base_dir)
    return {"values": value.texts(), "enable_update": None}


def jira_labels() -> Field:
    """Labels of issues, and whether they are set again when one is updated."""
    nothing = {"values": (), "enable_update": None}
    return Field(_jira_labels, nothing, nothing)
