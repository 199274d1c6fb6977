"""Texts of receivers that could not be said are told when the configuration is checked."""

from __future__ import annotations

from pathlib import Path

from pharos.alerting.config import load_alerting
from pharos.alerting.texts import bad_texts
from pharos.notify.template import Templates

CONFIG = """
route: {receiver: r}
receivers:
- name: r
  slack_configs:
  - api_url: http://hooks.example.org/x
    channel: '#a'
    title: '{{ template "slack.default.title" . }} {{ .Status | toupper }}'
    text: '{{ template "nosuch" . }}'
    fields: [{title: x, value: '{{ if }}'}]
  webhook_configs:
  - url: http://hooks.example.org/y
"""


def test_each_bad_text_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(CONFIG)
    assert bad_texts(load_alerting(path), Templates()) == [
        "receiver 'r': slack_configs[0]: title: template: :1: function \"toupper\" not defined",
        "receiver 'r': slack_configs[0]: text: there is no template 'nosuch'",
        "receiver 'r': slack_configs[0]: fields[0]: value: template: :1: missing value for if",
    ]


def test_no_default_of_a_receiver_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(
        CONFIG.split("    title:", maxsplit=1)[0]
        + "  webhook_configs:\n  - url: http://hooks.example.org/y\n"
    )
    assert bad_texts(load_alerting(path), Templates()) == []
