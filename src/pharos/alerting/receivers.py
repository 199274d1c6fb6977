"""Every kind of receiver that Alertmanager knows: its fields, their defaults, what must be there, and which
of the global settings stand in for what is not written.

A kind is the key in alertmanager.yml without `_configs`. Secrets are SecretText, `NAME_file` included in
NAME; durations are milliseconds; texts are templates mostly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from pharos.alerting.fields import (
    Field,
    Section,
    Values,
    address,
    always,
    anything,
    choice,
    duration,
    flag,
    go_duration,
    group,
    host_port,
    http,
    integer,
    is_one_of,
    many,
    mapping_of_anything,
    needs,
    needs_secret,
    one,
    plain_address_or_file,
    secret,
    secret_address,
    template,
    text,
    texts,
    tls,
    whole,
)
from pharos.alerting.own_receivers import OWN_KINDS
from pharos.alerting.receiver_kind import KindOfReceiver, kind_of
from pharos.alerting.receiver_parts import (
    MATTERMOST_ATTACHMENT,
    MATTERMOST_CARD,
    MATTERMOST_PRIORITY,
    MATTERMOST_PROPS,
    OPSGENIE_RESPONDER,
    PAGERDUTY_DETAILS,
    PAGERDUTY_IMAGE,
    PAGERDUTY_LINK,
    ROCKETCHAT_ACTION,
    ROCKETCHAT_FIELD,
    SIGV4,
    SLACK_ACTION,
    SLACK_FIELD,
    THREADING,
    headers,
    jira_field,
    jira_labels,
)
from pharos.http_options import HttpOptions, SecretText, TlsOptions
from pharos.secret import Secret

_SLACK_POST: Final = "https://slack.com/api/chat.postMessage"
_VICTOROPS_OWN: Final = (
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
)


def _texts(*names: str) -> dict[str, Field]:
    return dict.fromkeys(names, text())


def _templates(kind: str, *names: str) -> dict[str, Field]:
    """Fields that are default templates, which leave underscores out of their names."""
    return {name: template(f"{kind}.default.{name.replace('_', '')}") for name in names}


# What is odd about single kinds.


def _wants_authorization(values: Values) -> str:
    options: HttpOptions | None = values["http_config"]
    return (
        "" if options is not None and options.authorization_type else "http_config.authorization is missing"
    )


def _slack(values: Values) -> str:
    if values["api_url"] and values["app_token"]:
        return "at most one of api_url & app_token must be configured"
    for name in ("update_message", "post_updates_to_thread"):
        if values[name] and values["api_url"].inline.reveal() != _SLACK_POST:
            return f"{name} works with bot tokens alone: set api_url to {_SLACK_POST}"
    return ""


def _finish_slack(values: Values, global_: Values) -> str:
    values["app_url"] = values["app_url"] or global_["slack_app_url"]
    options: HttpOptions | None = values["http_config"]
    has_own = options is not None and options.authorization_type
    if not (values["app_token"] or has_own or values["api_url"].inline):
        values["app_token"] = global_["slack_app_token"]
    values["api_url"] = values["api_url"] or global_["slack_api_url"]
    if not (values["api_url"] or values["app_token"]):
        return "api_url or app_token is missing, and so are the global slack_api_url and slack_app_token"
    options = options or global_["http_config"]
    if values["app_token"]:
        if options.authorization_type:
            return "http_config.authorization cannot stand beside app_token"
        options = replace(options, authorization_type="Bearer", credentials=values["app_token"])
        values["api_url"] = SecretText(Secret(values["app_url"]))
    values["http_config"] = options
    return ""


def _pagerduty(values: Values) -> str:
    if not (values["routing_key"] or values["service_key"]):
        return "routing_key or service_key is missing"
    values["source"] = values["source"] or values["client"]
    values["details"] = {**PAGERDUTY_DETAILS, **values["details"]}
    return ""


def _email(values: Values) -> str:
    if values["threading"]["enabled"]:
        for name in ("References", "In-Reply-To"):
            if name in values["headers"]:
                return f"threading cannot stand beside a header {name} of one's own"
        if values["threading"]["thread_by_date"] not in {"none", "daily"}:
            return "threading.thread_by_date must be none or daily"
    return ""


def _finish_email(values: Values, global_: Values) -> str:
    if values["require_tls"] is None:
        values["require_tls"] = global_["smtp_require_tls"]
    if values["force_implicit_tls"] is None:
        values["force_implicit_tls"] = global_["smtp_force_implicit_tls"]
    return ""


def _wechat(values: Values) -> str:
    values["message_type"] = values["message_type"] or "text"
    return ""


def _victorops(values: Values) -> str:
    hidden = [name for name in _VICTOROPS_OWN if name in values["custom_fields"]]
    return f"custom_fields may not hide {hidden[0]}" if hidden else ""


def _pushover(values: Values) -> str:
    return (
        "at most one of monospace & html must be configured" if values["html"] and values["monospace"] else ""
    )


def _sns(values: Values) -> str:
    given = [bool(values[name]) for name in ("target_arn", "topic_arn", "phone_number")]
    # Upstream refuses none and two of them, and takes all three.
    return "" if sum(given) % 2 else "one of target_arn, topic_arn or phone_number must be written"


def _telegram(values: Values) -> str:
    if bool(values["chat_id"]) == bool(values["chat_id_file"]):
        return "one of chat_id or chat_id_file must be configured"
    return ""


def _incidentio(values: Values) -> str:
    options: HttpOptions | None = values["http_config"]
    if options is not None:
        if options.authorization_type and values["alert_source_token"]:
            return "alert_source_token cannot stand beside http_config.authorization"
        if not (options.authorization_type or values["alert_source_token"]):
            return "one of alert_source_token or http_config.authorization must be configured"
    return ""


def _finish_slashed(stand_in: str) -> Callable[[Values, Values], str]:
    """Has the address of an API end with a slash."""

    def finish(values: Values, global_: Values) -> str:
        values["api_url"] = values["api_url"] or global_[stand_in]
        head, mark, query = values["api_url"].partition("?")
        values["api_url"] = head.rstrip("/") + "/" + mark + query
        return ""

    return finish


_HTTP: Final = {"http_config": http()}
_WEBHOOK: Final = {**_HTTP, "webhook_url": secret_address()}

_KINDS: Final = (
    kind_of(
        "webhook",
        {
            **_HTTP,
            "url": secret_address(may_be_template=True),
            "max_alerts": whole(),
            "timeout": go_duration(),
            "payload": anything(),
        },
        needs_secret("url"),
    ),
    kind_of(
        "email",
        {
            **_texts("to", "from", "hello", "auth_username", "auth_identity", "text"),
            "smarthost": host_port(),
            "auth_password": secret(file_wins=True),
            "auth_secret": secret(file_wins=True),
            "headers": headers(),
            "html": template("email.default.html"),
            "require_tls": choice(),
            "tls_config": tls(),
            "force_implicit_tls": choice(),
            "threading": always(THREADING),
        },
        needs("to"),
        _email,
        sends_resolved=False,
        stand_ins={
            "smarthost": "smtp_smarthost",
            "from": "smtp_from",
            "hello": "smtp_hello",
            "auth_username": "smtp_auth_username",
            "auth_password": "smtp_auth_password",
            "auth_secret": "smtp_auth_secret",
            "auth_identity": "smtp_auth_identity",
            "tls_config": "smtp_tls_config",
        },
        required=("smarthost", "from"),
        finish=_finish_email,
    ),
    kind_of(
        "pagerduty",
        {
            **_HTTP,
            "service_key": secret(),
            "routing_key": secret(),
            "url": address(),
            "description": template("pagerduty.default.description"),
            "client": template("pagerduty.default.client"),
            "client_url": template("pagerduty.default.clientURL"),
            "details": mapping_of_anything(),
            "images": many(PAGERDUTY_IMAGE),
            "links": many(PAGERDUTY_LINK),
            **_texts("source", "severity", "class", "component", "group"),
            "timeout": go_duration(),
        },
        _pagerduty,
        stand_ins={"url": "pagerduty_url"},
        required=("url",),
    ),
    kind_of(
        "opsgenie",
        {
            **_HTTP,
            "api_key": secret(),
            "api_url": address(),
            **_templates("opsgenie", "message", "description", "source"),
            "details": group(),
            "responders": many(OPSGENIE_RESPONDER),
            **_texts("entity", "actions", "tags", "note", "priority"),
            "update_alerts": flag(),
        },
        stand_ins={"api_key": "opsgenie_api_key"},
        required=("api_key",),
        finish=_finish_slashed("opsgenie_api_url"),
    ),
    kind_of(
        "wechat",
        {
            **_HTTP,
            "api_secret": secret(),
            "api_url": address(),
            "corp_id": text(),
            "message_type": text(),
            "message": template("wechat.default.message"),
            **{
                name: template(f"wechat.default.{name}")
                for name in ("to_user", "to_party", "to_tag", "agent_id")
            },
        },
        _wechat,
        is_one_of("message_type", "text", "markdown"),
        sends_resolved=False,
        stand_ins={"api_secret": "wechat_api_secret", "corp_id": "wechat_api_corp_id"},
        required=("api_secret", "corp_id"),
        finish=_finish_slashed("wechat_api_url"),
    ),
    kind_of(
        "slack",
        {
            **_HTTP,
            "api_url": secret_address(),
            "app_token": secret(),
            "app_url": address(),
            **_texts("channel", "message_text", "image_url", "thumb_url"),
            **_templates(
                "slack", "color", "username", "title", "title_link", "icon_emoji", "icon_url", "pretext"
            ),
            **_templates("slack", "text", "fallback", "callback_id", "footer"),
            "fields": many(SLACK_FIELD),
            "actions": many(SLACK_ACTION),
            "mrkdwn_in": texts(),
            **dict.fromkeys(
                ("short_fields", "link_names", "update_message", "post_updates_to_thread"), flag()
            ),
            "timeout": go_duration(),
        },
        _slack,
        sends_resolved=False,
        finish=_finish_slack,
    ),
    kind_of(
        "victorops",
        {
            **_HTTP,
            "api_key": secret(),
            "api_url": address(),
            "routing_key": text(),
            "message_type": text("CRITICAL"),
            **{
                name: template(f"victorops.default.{name}")
                for name in ("state_message", "entity_display_name", "monitoring_tool")
            },
            "custom_fields": group(),
        },
        needs("routing_key"),
        _victorops,
        stand_ins={"api_key": "victorops_api_key"},
        required=("api_key",),
        finish=_finish_slashed("victorops_api_url"),
    ),
    kind_of(
        "pushover",
        {
            **_HTTP,
            "user_key": secret(),
            "token": secret(),
            **_templates("pushover", "title", "message", "url"),
            **_texts("url_title", "device", "sound"),
            "priority": text('{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
            "retry": go_duration(60_000, may_be_bare=False),
            "expire": go_duration(3_600_000, may_be_bare=False),
            "ttl": go_duration(may_be_bare=False),
            "html": flag(),
            "monospace": flag(),
        },
        needs_secret("user_key"),
        needs_secret("token"),
        _pushover,
    ),
    kind_of(
        "sns",
        {
            **_HTTP,
            **_texts("api_url", "topic_arn", "phone_number", "target_arn"),
            "sigv4": always(SIGV4),
            **_templates("sns", "subject", "message"),
            "attributes": group(),
            "use_aws_http_client": flag(),
        },
        _sns,
    ),
    kind_of(
        "telegram",
        {
            **_HTTP,
            "api_url": address(),
            "bot_token": secret(),
            "chat_id": integer(),
            "chat_id_file": text(),
            "message_thread_id": integer(),
            "message": template("telegram.default.message"),
            "disable_notifications": flag(),
            "parse_mode": text("HTML"),
            "timeout": go_duration(),
        },
        _telegram,
        is_one_of("parse_mode", "", "Markdown", "MarkdownV2", "HTML"),
        stand_ins={"api_url": "telegram_api_url", "bot_token": "telegram_bot_token"},
        required=("bot_token",),
    ),
    kind_of(
        "discord",
        {
            **_WEBHOOK,
            **_texts("content", "username", "avatar_url"),
            **_templates("discord", "title", "message"),
        },
        needs_secret("webhook_url"),
    ),
    kind_of(
        "webex",
        {**_HTTP, "api_url": address(), "room_id": text(), "message": template("webex.default.message")},
        needs("room_id"),
        _wants_authorization,
        stand_ins={"api_url": "webex_api_url"},
        required=("api_url",),
    ),
    kind_of(
        "msteams",
        {**_WEBHOOK, **_templates("msteams", "title", "summary", "text")},
        needs_secret("webhook_url"),
    ),
    kind_of(
        "msteamsv2",
        {**_WEBHOOK, **_templates("msteamsv2", "title", "text")},
        needs_secret("webhook_url"),
    ),
    kind_of(
        "jira",
        {
            **_HTTP,
            "api_url": address(),
            "api_type": text("auto"),
            "summary": jira_field("summary"),
            "description": jira_field("description"),
            "labels": jira_labels(),
            "priority": template("jira.default.priority"),
            **_texts(
                "project", "issue_type", "reopen_transition", "resolve_transition", "wont_fix_resolution"
            ),
            "reopen_duration": duration(),
            "fields": mapping_of_anything(),
        },
        needs("project"),
        needs("issue_type"),
        is_one_of("api_type", "auto", "cloud", "datacenter"),
        stand_ins={"api_url": "jira_api_url"},
        required=("api_url",),
    ),
    kind_of(
        "incidentio",
        {
            **_HTTP,
            "url": plain_address_or_file(),
            "alert_source_token": secret(),
            "max_alerts": whole(),
            "timeout": go_duration(),
            "metadata": group(),
        },
        needs_secret("url"),
        _incidentio,
    ),
    kind_of(
        "rocketchat",
        {
            **_HTTP,
            "api_url": address(),
            "token": secret(),
            "token_id": secret(),
            "color": text('{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
            **_templates("rocketchat", "emoji", "icon_url", "text", "title", "title_link"),
            **_texts("channel", "image_url", "thumb_url"),
            "fields": many(ROCKETCHAT_FIELD),
            "actions": many(ROCKETCHAT_ACTION),
            "short_fields": flag(),
            "link_names": flag(),
        },
        sends_resolved=False,
        stand_ins={
            "api_url": "rocketchat_api_url",
            "token": "rocketchat_token",
            "token_id": "rocketchat_token_id",
        },
        required=("token_id", "token"),
    ),
    kind_of(
        "mattermost",
        {
            **_WEBHOOK,
            **MATTERMOST_CARD,
            **_templates("mattermost", "username", "color", "text", "title", "title_link", "fallback"),
            **_texts("channel", "icon_url", "icon_emoji", "type"),
            "attachments": many(MATTERMOST_ATTACHMENT),
            "props": one(MATTERMOST_PROPS),
            "priority": one(MATTERMOST_PRIORITY),
        },
        stand_ins={"webhook_url": "mattermost_webhook_url"},
        required=("webhook_url",),
    ),
)

RECEIVERS: Final[Mapping[str, KindOfReceiver]] = {one.kind: one for one in (*_KINDS, *OWN_KINDS)}
"""By kind, in the order in which a receiver's integrations are told."""


def _global_slack(values: Values) -> str:
    if values["slack_app_token"] and values["slack_api_url"]:
        api_url: SecretText = values["slack_api_url"]
        if api_url.inline.reveal() != values["slack_app_url"]:
            return "at most one of slack_app_token & slack_api_url must be configured"
    return ""


GLOBAL: Final = Section(
    "global",
    {
        "resolve_timeout": duration(300_000),
        "http_config": Field(http().read, HttpOptions(), HttpOptions()),
        **_texts("smtp_from", "smtp_auth_username", "smtp_auth_identity", "wechat_api_corp_id"),
        "smtp_hello": text("localhost"),
        "smtp_smarthost": host_port(),
        "smtp_require_tls": flag(default=True),
        "smtp_tls_config": Field(tls().read, TlsOptions(), TlsOptions()),
        "smtp_force_implicit_tls": choice(),
        "slack_api_url": secret_address(),
        "mattermost_webhook_url": secret_address(),
        **dict.fromkeys(
            (
                "smtp_auth_password",
                "smtp_auth_secret",
                "slack_app_token",
                "opsgenie_api_key",
                "victorops_api_key",
                "telegram_bot_token",
                "rocketchat_token",
                "rocketchat_token_id",
                "wechat_api_secret",
            ),
            secret(),
        ),
        "jira_api_url": address(),
        "slack_app_url": address(_SLACK_POST),
        "pagerduty_url": address("https://events.pagerduty.com/v2/enqueue"),
        "opsgenie_api_url": address("https://api.opsgenie.com/"),
        "wechat_api_url": address("https://qyapi.weixin.qq.com/cgi-bin/"),
        "victorops_api_url": address("https://alert.victorops.com/integrations/generic/20131114/alert/"),
        "telegram_api_url": address("https://api.telegram.org"),
        "webex_api_url": address("https://webexapis.com/v1/messages"),
        "rocketchat_api_url": address("https://open.rocket.chat/"),
    },
    (_global_slack,),
)
"""What is said once for all receivers."""
