"""Tenants' own configurations: what they may say, and that their secrets are kept and not told."""

from __future__ import annotations

from typing import Any

import pytest

from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, Receiver
from pharos.alerting.own_config import read_own, shown_document, take_own
from pharos.alerting.route import Route
from pharos.alerting.tenants_own import Maintenance, read_tenants_own
from pharos.errors import Kind, PharosError
from pharos.http_options import SecretText
from pharos.labels import labels_of
from pharos.secret import Secret
from pharos.state.documents import Defined, Version

CONFIG = """\
# Ours.
global: {opsgenie_api_key: global-key}
route: {receiver: a, routes: [{matchers: [x=y], receiver: b}]}
receivers:
- name: a
  webhook_configs: [{url: 'http://example.org/first'}, {url: 'http://example.org/second'}]
- name: b
  slack_configs: [{api_url: 'http://example.org/slack', text: '{{ template "ours" . }}'}]
  opsgenie_configs: [{}]
templates: [ours.tmpl]
"""
TEMPLATES = {"ours.tmpl": '{{ define "ours" }}{{ .Status }}{{ end }}'}
SERVERS = AlertingConfig(Route("nobody"), {"nobody": Receiver("nobody")})


def urls(config: AlertingConfig) -> list[str]:
    return [str(one.values["url"].read()) for one in config.receivers["a"].integrations]


def test_what_is_given_is_kept_as_it_was_written_and_shown_without_secrets() -> None:
    own = take_own(CONFIG, TEMPLATES, None)
    assert own.document == {"config": CONFIG, "template_files": TEMPLATES}
    assert own.config.template_files == TEMPLATES
    shown = shown_document(own.document)
    assert shown["template_files"] == TEMPLATES
    for secret in ("global-key", "/first", "/second", "/slack"):
        assert secret not in shown["config"]
    assert read_own(own.document).config.receivers.keys() == {"a", "b"}


def test_what_is_shown_can_be_given_back_with_receivers_in_another_order() -> None:
    kept = take_own(CONFIG, TEMPLATES, None).document
    shown = shown_document(kept)["config"]
    head, _, rest = shown.partition("receivers:\n")
    first, _, second = rest.partition("- name: b\n")
    second, _, tail = second.partition("templates:")
    turned = f"{head}receivers:\n- name: b\n{second}{first}templates:{tail}"
    own = take_own(turned, TEMPLATES, kept)
    assert urls(own.config) == ["http://example.org/first", "http://example.org/second"]
    slack, *_ = (one for one in own.config.receivers["b"].integrations if one.kind == "slack")
    assert slack.values["api_url"] == SecretText(Secret("http://example.org/slack"))
    assert "<secret>" not in str(own.document["config"])


def test_a_secret_that_is_not_kept_there_is_asked_for() -> None:
    kept = take_own(CONFIG, TEMPLATES, None).document
    moved = (
        shown_document(kept)["config"]
        .replace("name: a\n", "name: c\n")
        .replace("receiver: a\n", "receiver: c\n")
    )
    with pytest.raises(PharosError, match="stands for a secret that is kept, and none is") as told:
        take_own(moved, TEMPLATES, kept)
    assert "[c]" in str(told.value)
    with pytest.raises(PharosError, match="write it"):
        take_own(shown_document(kept)["config"], TEMPLATES, None)


@pytest.mark.parametrize(
    "receiver",
    [
        "webhook_configs: [{url_file: /etc/passwd}]",
        "webhook_configs: [{url: 'http://x', http_config: {authorization: {credentials_file: /etc/passwd}}}]",
        "webhook_configs: [{url: 'http://x', http_config: {tls_config: {ca_file: /etc/passwd}}}]",
        "webhook_configs: [{url: 'http://x', http_config: {http_headers: {a: {files: [/etc/passwd]}}}}]",
        "telegram_configs: [{bot_token: t, chat_id_file: /etc/passwd}]",
        "email_configs: [{to: a@b, from: c@d, smarthost: 'e:25', tls_config: {ca_file: /etc/passwd}}]",
    ],
)
def test_files_of_the_server_may_not_be_named(receiver: str) -> None:
    text = f"route: {{receiver: a}}\nreceivers:\n- name: a\n  {receiver}\n"
    with pytest.raises(PharosError, match="may not name files of the server"):
        take_own(text, {}, None)
    with pytest.raises(PharosError, match="may not name files of the server"):
        take_own("global: {slack_api_url_file: x}\nroute: {receiver: a}\nreceivers: [{name: a}]\n", {}, None)


@pytest.mark.parametrize(
    ("change", "templates", "fault"),
    [
        (("", ""), {}, "there is no 'ours.tmpl' among template_files"),
        (("", ""), {"ours.tmpl": "{{ if }}"}, "ours.tmpl"),
        (("", ""), {**TEMPLATES, "../x.tmpl": ""}, "not a name of a file of templates"),
        (('template "ours"', "nonsense"), TEMPLATES, "receiver 'b', slack_configs[0]"),
        (("receiver: a", "receiver: c"), TEMPLATES, "undefined receiver 'c'"),
        (("# Ours.", "#" + "x" * (1 << 20)), TEMPLATES, "at most 1048576 bytes"),
    ],
)
def test_what_is_not_good_is_refused(change: tuple[str, str], templates: dict[str, str], fault: str) -> None:
    with pytest.raises(PharosError) as told:
        take_own(CONFIG.replace(*change) if change[0] else CONFIG, templates, None)
    assert told.value.kind in {Kind.INVALID, Kind.TOO_LARGE}
    assert fault in str(told.value)


def version(tenant: str, kind: Defined, name: str, document: dict[str, Any]) -> Version:
    return Version(tenant, kind, name, 1, document, "user:1", "Ada", "", 0)


def test_each_tenant_goes_by_what_it_defines_and_the_others_by_the_servers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    window = {
        "starts": "1970-01-02T00:00",
        "ends": "1970-01-03T00:00",
        "matchers": ["a=b"],
        "reason": "moved",
    }
    depends = {"parent": ["a=b"], "child": ["c=d"]}
    own = read_tenants_own(
        [
            version(
                "t1", Defined.ALERTING, "alertmanager.yml", {"config": CONFIG, "template_files": TEMPLATES}
            ),
            version("t2", Defined.ALERTING, "alertmanager.yml", {"config": "nonsense: 1"}),
            version("t2", Defined.MAINTENANCE, "w", window),
            version("t2", Defined.MAINTENANCE, "broken", {}),
            version("t2", Defined.DEPENDENCY, "d", depends),
        ],
        0,
    )
    assert own.config("t1", SERVERS).receivers.keys() == {"a", "b"}
    assert own.config("t3", SERVERS) is SERVERS
    assert own.config("t2", SERVERS).receivers is SERVERS.receivers
    assert [one.name for one in own.config("t2", SERVERS).dependencies] == ["d"]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["tenant t2", "tenant t2"]
    maintenance = Maintenance(lambda: own)
    alert = Alert(labels_of({"a": "b"}))
    held = maintenance.held("t2", alert, "r", 86_400_000)
    assert held is not None
    assert held.shown() == {"reason": "maintenance", "source": "w", "by": "moved", "until_ms": 172_800_000}
    assert maintenance.held("t2", alert, "r", 172_800_000) is None
    assert maintenance.held("t1", alert, "r", 86_400_000) is None
