"""alertmanager.yml as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.alerting.config import AlertingConfig, Integration, load_alerting, parse_alerting
from pharos.alerting.matchers import format_matchers
from pharos.alerting.receivers import RECEIVERS
from pharos.document import FaultsError
from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions, SecretText
from pharos.secret import Secret

KIT = CONFORMANCE / "alerting/amconfig"
VERDICTS = Path(__file__).parent / "cases/verdicts.yml"
FAULTS = yaml.safe_load((Path(__file__).parent / "cases/faults.yml").read_text())


def kit_cases() -> list[dict[str, Any]]:
    path = KIT / "index.yml"
    return list(yaml.safe_load(path.read_text())["cases"]) if path.is_file() else []


def parse(text: str) -> AlertingConfig:
    return parse_alerting(text, "am.yml", Path("/etc/am"))


def only(receiver: str, global_: str = "") -> Integration:
    """Return the one integration of a receiver."""
    config = parse(f"global: {{{global_}}}\nroute: {{receiver: a}}\nreceivers:\n- name: a\n  {receiver}\n")
    (found,) = config.receivers["a"].integrations
    return found


@pytest.mark.needs("conformance")
@pytest.mark.parametrize("case", kit_cases(), ids=lambda case: str(case["name"]))
def test_a_file_is_taken_or_refused_as_by_alertmanager(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        load_alerting(KIT / case["file"])
        return
    with pytest.raises(PharosError):
        load_alerting(KIT / case["file"])


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: str(case["name"]))
def test_every_fault_has_its_line(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as told:
        parse(case["text"])
    found = told.value.faults if isinstance(told.value, FaultsError) else [told.value]
    assert [str(one).removeprefix("am.yml:") for one in found] == case["faults"]


@pytest.mark.parametrize(
    "case", yaml.safe_load(VERDICTS.read_text()), ids=lambda case: " ".join(map(str, case.values()))
)
def test_odd_configurations_are_taken_or_refused_as_by_amtool(case: dict[str, Any]) -> None:
    text = (
        f"global: {{{case.get('global', '')}}}\n"
        f"route: {case.get('route', '{receiver: a}')}\n"
        f"receivers:\n- name: a\n  {case.get('receiver', '')}\n"
        f"time_intervals: [{{name: t, time_intervals: [{case.get('interval', '')}]}}]\n"
    )
    try:
        parse(text)
    except PharosError as exc:
        told = str(exc)
    else:
        told = ""
    assert (not told) is case["good"], told


def test_global_settings_stand_in_for_what_is_not_written() -> None:
    found = only(
        "opsgenie_configs: [{message: m}]", "opsgenie_api_key_file: key, opsgenie_api_url: 'http://o/x'"
    )
    assert (found.kind, found.index, found.send_resolved) == ("opsgenie", 0, True)
    assert found.values["api_key"] == SecretText(path="/etc/am/key")
    assert found.values["api_url"] == "http://o/x/"
    assert found.values["message"] == "m"
    assert found.values["source"] == '{{ template "opsgenie.default.source" . }}'
    assert found.values["http_config"] == HttpOptions()


def test_what_is_written_as_nothing_is_no_default() -> None:
    assert only("pushover_configs: [{user_key: u, token: t, title: }]").values["title"] == ""
    assert not only("webhook_configs: [{url: 'http://x', send_resolved: }]").send_resolved


def test_a_slack_token_becomes_the_authorization() -> None:
    found = only("slack_configs: [{app_token_file: token}]", "slack_api_url: 'https://hooks.example.org/x'")
    assert found.values["api_url"].read() == "https://slack.com/api/chat.postMessage"
    assert found.values["http_config"].authorization_type == "Bearer"
    assert found.values["http_config"].credentials == SecretText(path="/etc/am/token")
    own = "slack_configs: [{http_config: {authorization: {credentials: x}}}]"
    hook = "slack_app_token: t, slack_api_url: 'https://slack.com/api/chat.postMessage'"
    assert only(own, hook).values["app_token"] == SecretText()


def test_mails_have_the_global_server_and_their_own_headers() -> None:
    found = only(
        "email_configs: [{to: a@b, headers: {in-reply-to: x}, require_tls: false}]",
        "smtp_smarthost: '[::1]:25', smtp_from: f, smtp_auth_password_file: p, "
        "smtp_tls_config: {server_name: s}",
    )
    values = found.values
    assert not found.send_resolved
    assert (values["smarthost"], values["from"], values["hello"]) == ("[::1]:25", "f", "localhost")
    assert (values["require_tls"], values["force_implicit_tls"]) == (False, None)
    assert values["auth_password"] == SecretText(path="/etc/am/p")
    assert values["headers"] == {"In-Reply-To": "x"}
    assert values["tls_config"].server_name == "s"


def test_details_for_pagerduty_are_any_values_beside_the_usual_ones() -> None:
    values = only(
        "pagerduty_configs: [{routing_key: k, details: {firing: f, n: 5, deep: {a: [x, true]}}}]"
    ).values
    assert values["details"]["firing"] == "f"
    assert values["details"]["num_firing"] == "{{ .Alerts.Firing | len }}"
    assert (values["details"]["n"], values["details"]["deep"]) == (5, {"a": ["x", True]})
    assert values["source"] == '{{ template "pagerduty.default.client" . }}'


def test_durations_are_milliseconds_as_each_field_writes_them() -> None:
    values = only("pushover_configs: [{user_key: u, token: t, retry: 1m30s, expire: 1.5h}]").values
    assert (values["retry"], values["expire"], values["ttl"]) == (90_000, 5_400_000, 0)
    assert only("webhook_configs: [{url: 'http://x', timeout: 5000000000}]").values["timeout"] == 5000


def test_jira_has_short_forms() -> None:
    key = "jira_api_url: 'https://j'"
    rest = "project: P, issue_type: Bug"
    off = "enable_update: false"
    short = only(f"jira_configs: [{{{rest}, summary: s, labels: [a]}}]", key).values
    long = only(f"jira_configs: [{{{rest}, summary: {{{off}}}, labels: {{values: [a], {off}}}}}]", key).values
    assert short["summary"] == {"template": "s", "enable_update": None}
    assert long["summary"] == {"template": '{{ template "jira.default.summary" . }}', "enable_update": False}
    assert short["labels"] == {"values": ("a",), "enable_update": None}
    assert long["labels"] == {"values": ("a",), "enable_update": False}


def test_integrations_are_told_in_the_order_of_kinds_and_then_of_the_file() -> None:
    config = parse(
        "route: {receiver: a}\nreceivers:\n- name: a\n"
        "  discord_configs: [{webhook_url: 'http://d'}]\n"
        "  webhook_configs: [{url: 'http://1'}, {url: 'http://2'}]\n"
    )
    told = [(one.kind, one.index) for one in config.receivers["a"].integrations]
    assert told == [("webhook", 0), ("webhook", 1), ("discord", 0)]


def test_inhibitions_have_one_source_or_several() -> None:
    config = parse(
        "route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules:\n"
        "- {name: n, source_match: {b: c}, source_matchers: [a=b], target_match_re: {d: e}, equal: [x.y]}\n"
        "- {sources: [{matchers: [a=b], equal: [z]}, {matchers: [c=d]}], target_matchers: ['t=\"u\"']}\n"
        "- {}\n"
    )
    first, second, third = config.inhibitions
    assert (first.name, format_matchers(first.sources[0].matchers)) == ("n", '{a="b",b="c"}')
    assert (first.sources[0].equal, format_matchers(first.target)) == (("x.y",), '{d=~"^(?:e)$"}')
    assert [source.equal for source in second.sources] == [("z",), ()]
    assert (third.sources[0].matchers, third.target) == ((), ())


def test_files_are_seen_from_the_configurations_folder_and_only_its_first_document_counts() -> None:
    config = parse("route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['t/*.tmpl', /abs]\n---\nx: y\n")
    assert config.templates == ("/etc/am/t/*.tmpl", "/abs")
    assert config.resolve_timeout_ms == 300_000


def test_what_is_not_served_is_taken_and_noted() -> None:
    config = parse(
        "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n"
        "  - url: http://x\n    http_config: {proxy_url: foo, no_proxy: x}\n"
    )
    assert len(config.notices) == 2
    assert all(notice.startswith("am.yml:6: ") for notice in config.notices)


CANARY = "canary-7f3a"
SECRETS = f"""\
global:
  smtp_auth_password: {CANARY}
  smtp_auth_secret: {CANARY}
  slack_api_url: http://x/{CANARY}
  mattermost_webhook_url: http://x/{CANARY}
  opsgenie_api_key: {CANARY}
  victorops_api_key: {CANARY}
  telegram_bot_token: {CANARY}
  rocketchat_token: {CANARY}
  rocketchat_token_id: {CANARY}
  wechat_api_secret: {CANARY}
  http_config:
    proxy_url: http://u:{CANARY}@p
    basic_auth: {{username: {CANARY}, password: {CANARY}}}
    http_headers: {{x-key: {{secrets: [{CANARY}]}}}}
route: {{receiver: a}}
receivers:
- name: a
  webhook_configs: [{{url: 'http://x/{CANARY}', http_config: {{authorization: {{credentials: {CANARY}}}}}}}]
  slack_configs: [{{}}, {{api_url: 'http://x/{CANARY}'}}, {{app_token: {CANARY}}}]
  discord_configs: [{{webhook_url: 'http://x/{CANARY}'}}]
  pagerduty_configs: [{{routing_key: {CANARY}, service_key: {CANARY}}}]
  pushover_configs: [{{user_key: {CANARY}, token: {CANARY}}}]
  sns_configs: [{{topic_arn: t, sigv4: {{access_key: k, secret_key: {CANARY}}}}}]
  incidentio_configs: [{{url: 'http://x', alert_source_token: {CANARY}}}]
  telegram_configs: [{{chat_id: -5}}]
  webex_configs: [{{room_id: r, http_config: {{bearer_token: {CANARY}}}}}]
"""


def test_no_secret_is_shown() -> None:
    config = parse(SECRETS)
    assert CANARY not in repr(config)
    assert CANARY not in config.shown
    assert config.shown.count("<secret>") == SECRETS.count(CANARY)
    telegram = next(one for one in config.receivers["a"].integrations if one.kind == "telegram")
    assert telegram.values["bot_token"] == SecretText(Secret(CANARY))
    assert telegram.values["chat_id"] == -5


def test_what_is_shown_is_read_again_as_the_same() -> None:
    shown = parse(SECRETS).shown
    assert parse(shown).shown == shown


def test_every_kind_has_a_section_that_a_misspelling_is_found_in() -> None:
    for kind in RECEIVERS:
        with pytest.raises(FaultsError, match=f"field nonsense not found in {kind}_configs"):
            only(f"{kind}_configs: [{{nonsense: 1}}]")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("route: " + "{routes: [" * 60 + "]}" * 60, Kind.INVALID),
        ("[" * 100_000, Kind.INVALID),
        ("route: {receiver: a}\nreceivers: [{name: a}]\n" + "x: " + "y" * (17 << 20), Kind.TOO_LARGE),
        (
            "route: {receiver: a, routes: [{matchers: ['a=~\"" + "(x{1000}){1000}" * 10 + "\"']}]}",
            Kind.INVALID,
        ),
        ("route: {receiver: a, routes: [{matchers: ['a=~\"" + "(a|b)?" * 200_000 + "\"']}]}", Kind.INVALID),
        ("&a [*a]", Kind.INVALID),
        ("!!python/object:os.system {}", Kind.INVALID),
    ],
)
def test_a_hostile_configuration_ends_in_a_clear_error(text: str, kind: Kind) -> None:
    with pytest.raises(PharosError) as told:
        parse(text)
    assert told.value.kind is kind
    assert len(str(told.value)) < 20_000
