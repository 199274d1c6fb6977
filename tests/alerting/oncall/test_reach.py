"""A contact becomes a receiver by what alertmanager.yml says of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.oncall.reach import is_severe_enough, person_of, receiver_of
from pharos.errors import PharosError
from pharos.state.oncall import Contact, ContactKind

BASE = "route: {receiver: team}\n"
TEAM = BASE + "receivers: [{name: team}]\n"
MAIL = "global: {smtp_smarthost: 'mail.example.org:25', smtp_from: 'pharos@example.org'}\n"
TWILIO = "{account_sid: AC1, auth_token: x, from: '+1', to: ['+2']}"
CASES: dict[str, tuple[ContactKind, str, str, dict[str, Any]]] = {
    "e-mail by the global mail server": (
        ContactKind.EMAIL,
        "ada@example.org",
        MAIL + TEAM,
        {"to": "ada@example.org", "from": "pharos@example.org"},
    ),
    "e-mail by the receiver oncall": (
        ContactKind.EMAIL,
        "ada@example.org",
        MAIL
        + BASE
        + "receivers:\n- {name: team, email_configs: [{to: t@x.org, from: team@x.org}]}\n"
        + "- {name: oncall, email_configs: [{to: t@x.org, from: on@x.org, headers: {To: t, X-A: b}}]}\n",
        {"to": "ada@example.org", "from": "on@x.org", "headers": {"X-A": "b"}},
    ),
    "a text message by any receiver that sends one": (
        ContactKind.SMS,
        "+1555",
        BASE + f"receivers: [{{name: team, twilio_configs: [{TWILIO}]}}]\n",
        {"to": ("+1555",), "voice": False, "account_sid": "AC1"},
    ),
    "a call": (
        ContactKind.VOICE,
        "+1555",
        BASE + f"receivers: [{{name: team, twilio_configs: [{TWILIO}]}}]\n",
        {"to": ("+1555",), "voice": True},
    ),
    "Slack by its global address": (
        ContactKind.SLACK,
        "U1",
        "global: {slack_api_url: 'https://hooks.slack.com/x'}\n" + TEAM,
        {"channel": "U1"},
    ),
    "Telegram by another chat's bot": (
        ContactKind.TELEGRAM,
        "-77",
        BASE + "receivers: [{name: team, telegram_configs: [{bot_token: t, chat_id: 5}]}]\n",
        {"chat_id": -77},
    ),
}


def config(text: str) -> AlertingConfig:
    return parse_alerting(text, "alertmanager.yml", Path("/"))


def contact(kind: ContactKind, address: str) -> Contact:
    return Contact("c1", "default", "ada/b", kind, address, 0, "", enabled=True, created_ms=0)


@pytest.mark.parametrize("name", CASES)
def test_a_contact_is_reached_as_the_configuration_says(name: str) -> None:
    kind, address, text, wanted = CASES[name]
    found = receiver_of(contact(kind, address), config(text))
    assert person_of(found.name) == "ada/b"
    [integration] = found.integrations
    assert {key: integration.values[key] for key in wanted} == wanted


@pytest.mark.parametrize("kind", ContactKind)
def test_where_nothing_says_how_a_kind_is_sent_nobody_is_reached_by_it(kind: ContactKind) -> None:
    with pytest.raises(PharosError, match=f"ada/b cannot be reached by {kind}|ada/b"):
        receiver_of(contact(kind, "5"), config(TEAM))


def test_severities_have_an_order_and_what_is_unknown_is_severe() -> None:
    assert is_severe_enough("critical", "warning")
    assert not is_severe_enough("warning", "critical")
    assert is_severe_enough("odd", "critical")
    assert is_severe_enough("", "")
