"""What channels say: templates over a message, with files of templates and the defaults."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.notify.messages import START_MS, message_of

from pharos.alerting.receivers import RECEIVERS
from pharos.errors import Kind, PharosError
from pharos.notify.message import Message
from pharos.notify.template import Templates

HOSTILE = {
    "alerts": [
        {
            "labels": {"alertname": "<script>x()</script>", "quote": "\"'><img src=x onerror=y()>"},
            "annotations": {"summary": "</style><b>&amp;", "runbook_url": "javascript:x()"},
            "generator_url": "javascript:x()",
        }
    ],
    "group_labels": {"alertname": "<script>x()</script>"},
}


def _texts(message: Message, *templates: str) -> list[str]:
    return [Templates().text(template, message) for template in templates]


def test_every_default_of_a_receiver_is_a_template() -> None:
    known = set(Templates().names())
    wanted = set(re.findall(r'template "([^"]+)"', repr(RECEIVERS)))
    assert len(wanted) > 30
    assert wanted <= known


def test_every_default_says_something_of_any_message() -> None:
    templates = Templates()
    for message in (message_of(), message_of({"alerts": [], "group_labels": {}}), message_of(HOSTILE)):
        for name in templates.names():
            if name.startswith("__") or name.endswith(".tmpl") or name == "pagerduty.default.instances":
                continue
            templates.text(f'{{{{ template "{name}" . }}}}', message)
            templates.html(f'{{{{ template "{name}" . }}}}', message)


def test_a_message_is_told_as_alertmanager_tells_it() -> None:
    message = message_of({"receiver": "team/x+y"})
    assert _texts(
        message,
        '{{ template "slack.default.title" . }}',
        "{{ .Receiver }}",
        "{{ (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).EndsAt.IsZero }} {{ since (now) }}",
        '{{ (index .Alerts 0).Fingerprint | match "^[0-9a-f]{16}$" }}',
        "{{ .CommonLabels }}|{{ .GroupLabels.SortedPairs }}",
    ) == [
        "[FIRING:1] DiskFull (db-1 critical)",
        r"team/x\+y",
        "2023-11-14 22:13:20 +0000 UTC true 0s",
        "true",
        "alertname=DiskFull, instance=db-1, severity=critical|alertname=DiskFull",
    ]


def test_since_counts_from_the_messages_own_time() -> None:
    (text,) = _texts(message_of(), "{{ (index .Alerts 0).StartsAt | since | humanizeDuration }}")
    seconds = (message_of().now_ms - START_MS) // 1000
    assert text == f"{seconds // 60}m {seconds % 60}s"


def test_files_define_and_replace(tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text('{{ define "__subject" }}ours of {{ .Receiver }}{{ end }}')
    (tmp_path / "b.tmpl").write_text('{{ define "mine" }}{{ template "__subject" . }}!{{ end }}')
    templates = Templates.load([tmp_path / "*.tmpl", tmp_path / "none" / "*.tmpl"])
    assert templates.text('{{ template "mine" . }}', message_of()) == "ours of team!"
    assert templates.text('{{ template "email.default.subject" . }}', message_of()) == "ours of team"
    assert templates.is_other("__subject", Templates())
    assert not templates.is_other("__notes", Templates())


def test_a_bad_file_is_told_with_its_name_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text('{{ define "x" }}\n{{ nosuch . }}{{ end }}')
    with pytest.raises(PharosError, match=r'template: a.tmpl:2: function "nosuch" not defined') as raised:
        Templates.load([tmp_path / "*.tmpl"])
    assert raised.value.kind is Kind.INVALID


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").mkdir()
    with pytest.raises(PharosError, match="cannot read the templates"):
        Templates.load([tmp_path / "a.tmpl"])


def test_a_label_of_the_route_may_be_a_template_but_not_of_itself() -> None:
    message = message_of()
    labelled = Message(
        **{
            **{name: getattr(message, name) for name in Message.__struct_fields__},
            "route_labels": (
                ("a", "{{ .Receiver }}/{{ routeLabels `b` }}"),
                ("b", "plain"),
                ("c", "{{ routeLabels `c` }}"),
            ),
        }
    )
    assert Templates().text('{{ routeLabels "a" }}|{{ routeLabels "none" }}', labelled) == "team/plain|"
    with pytest.raises(PharosError, match="refers to itself"):
        Templates().text('{{ routeLabels "c" }}', labelled)


class _Page(HTMLParser):
    """Collects what a page could do."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_no_label_breaks_the_default_page() -> None:
    page = _Page()
    page.feed(Templates().html('{{ template "email.default.html" . }}', message_of(HOSTILE)))
    assert not page.tags & {"script", "img", "b", "iframe"}
    assert not {name for name in page.names if name.startswith("on")}
    assert "#ZgotmplZ" in page.addresses
    assert not [address for address in page.addresses if "javascript" in address]


def test_the_default_page_tells_all_and_links_to_what_can_be_done() -> None:
    message = message_of()
    page = Templates().html('{{ template "email.default.html" . }}', message)
    for text in ("DiskFull", "Disk of db-1 is full", "critical", "1 firing", message.links.acknowledge):
        assert text in page


def test_the_default_page_of_many_alerts_stays_small_enough_to_be_shown() -> None:
    labels = {f"label{number}": "x" * 30 for number in range(10)}
    alerts = [{"labels": {"alertname": "A", "n": str(number), **labels}} for number in range(2000)]
    page = Templates().html('{{ template "email.default.html" . }}', message_of({"alerts": alerts}))
    assert "2000 firing" in page
    assert "The first 50 of 2000 are shown." in page
    assert len(page) < 400_000


def test_line_ends_of_labels_stay_what_they_are() -> None:
    message = message_of(
        {"alerts": [{"labels": {"alertname": "a\r\nBcc: x"}}], "group_labels": {"alertname": "a\r\nBcc: x"}}
    )
    assert _texts(message, '{{ template "email.default.subject" . }}') == ["[FIRING:1] a\r\nBcc: x "]


def test_texts_are_kept_parsed_up_to_a_bound() -> None:
    templates = Templates()
    assert [templates.text(f"{{{{ {number} }}}}", message_of()) for number in range(1200)][-1] == "1199"
    assert templates.text("{{ 0 }}", message_of()) == "0"
