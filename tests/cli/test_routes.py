"""`pharos routes` and `pharos check` of an alertmanager.yml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Run, run_apart

CONFIG = """
route:
  receiver: root
  routes:
  - matchers: [severity="page"]
    receiver: pager
    continue: true
  - matchers: ['severity=~"page|warn"']
    group_by: [team]
    receiver: chat
receivers: [{name: root}, {name: pager}, {name: chat}]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "routing.yml"
    path.write_text(CONFIG)
    return str(path)


def test_the_first_line_names_the_receivers_in_order(run: Run, config: str) -> None:
    assert run("routes", "test", "--config", config, "severity=page").out == "pager,chat\n"
    assert run("routes", "test", "--config.file", config, 'severity="x"', "a=b").out == "root\n"
    assert run("routes", "test", "--config", config).out == "root\n"


def test_receivers_are_verified(run: Run, config: str) -> None:
    arguments = ("routes", "test", "--config", config, "severity=page", "--verify.receivers")
    assert run(*arguments, "pager,chat").code == 0
    ended = run(*arguments, "chat,pager")
    assert (ended.code, ended.out) == (1, "pager,chat\n")
    assert "expected chat,pager" in ended.err


def test_a_batch_is_answered_line_by_line(config: str) -> None:
    lines = '{"severity": "page"}\n{}\n\n{"severity": "warn"}\n'
    ended = run_apart("routes", "test", "--batch", "--config", config, read=lines)
    assert ended.out == "pager,chat\nroot\nchat\n"


@pytest.mark.parametrize("lines", ["{\n", "[]\n", '{"a": 1}\n'])
def test_a_batch_that_is_no_labels_ends(config: str, lines: str) -> None:
    ended = run_apart("routes", "test", "--batch", "--config", config, read=lines)
    assert ended.code == 2
    assert "line 1" in ended.err


def test_the_way_is_told(run: Run, config: str) -> None:
    told = run("routes", "test", "--config", config, "severity=warn", "team=a", "--why").out.splitlines()
    assert told[0] == "chat"
    assert told[1].startswith('chat: line 8: {} > {severity=~"page|warn"}; grouped by team=a; group_wait 30s')
    (taken,) = json.loads(run("routes", "test", "--config", config, "severity=warn", "--json").out)
    assert taken["path"] == ["{}", '{severity=~"page|warn"}']
    assert taken["group_key"] == '{}/{severity=~"page|warn"}:{}'


TIMES = """
route:
  receiver: root
  routes:
  - {matchers: [team="a"], receiver: chat, active_time_intervals: [office]}
  - {matchers: [team="b"], receiver: chat, mute_time_intervals: [weekend]}
receivers: [{name: root}, {name: chat}]
time_intervals:
- {name: office, time_intervals: [{times: [{start_time: '09:00', end_time: '17:00'}]}]}
- {name: weekend, time_intervals: [{weekdays: [saturday, sunday]}]}
"""


@pytest.mark.parametrize(
    ("label", "at", "held"),
    [
        ("team=a", "2026-01-05T10:00:00Z", None),
        ("team=a", "2026-01-05T20:00:00+01:00", "inactive office"),
        ("team=b", "2026-01-05T10:00:00Z", None),
        ("team=b", "2026-01-04T10:00:00Z", "muted weekend"),
        ("team=c", "2026-01-04T10:00:00Z", None),
    ],
)
def test_times_of_another_moment_are_tried(
    run: Run, tmp_path: Path, label: str, at: str, held: str | None
) -> None:
    path = tmp_path / "times.yml"
    path.write_text(TIMES)
    lines = run("routes", "test", "--config", str(path), label, "--at", at).out.splitlines()
    assert lines[1:] == ([] if held is None else [f"chat: held back at {at}: {held}"])
    (taken,) = json.loads(run("routes", "test", "--config", str(path), label, "--at", at, "--json").out)
    by = taken.get("held_by")
    assert (None if by is None else f"{by['reason']} {by['source']}") == held


def test_what_is_no_time_is_refused(run: Run, config: str) -> None:
    ended = run("routes", "test", "--config", config, "--at", "noon")
    assert ended.code == 2
    assert "'noon' is no time" in ended.err


def test_the_tree_is_drawn(run: Run, config: str) -> None:
    assert run("routes", "show", "--config", config).out.splitlines() == [
        "{}  receiver: root",
        '├── {severity="page"}  continue: true  receiver: pager',
        '└── {severity=~"page|warn"}  receiver: chat',
    ]
    tree = json.loads(run("routes", "show", "--config", config, "--json").out)
    assert [one["receiver"] for one in tree["routes"]] == ["pager", "chat"]


@pytest.mark.parametrize("label", ["severity", "severity!=page", "=x", 'a="b'])
def test_a_label_is_a_name_and_a_value(run: Run, config: str, label: str) -> None:
    ended = run("routes", "test", "--config", config, label)
    assert (ended.code, ended.out) == (2, "")
    assert label in ended.err


def test_a_bad_tree_is_a_finding(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "am.yml"
    path.write_text("route: {receiver: nobody}\n")
    ended = run("routes", "test", "--config", str(path))
    assert ended.code == 1
    assert f"{path}:1: undefined receiver 'nobody' used in route" in ended.err


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("x.yml", CONFIG, "alertmanager"),
        ("alertmanager.yml", "global: {}\n", "alertmanager"),
        ("x.yml", "scrape_configs: []\n", "prometheus"),
        ("prometheus.yml", "", "prometheus"),
        ("pharos.yml", "", "pharos"),
    ],
)
def test_a_file_is_recognised(run: Run, tmp_path: Path, name: str, text: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    (verdict,) = json.loads(run("check", str(path), "--json").out)
    assert verdict["kind"] == kind


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_file_that_tells_nothing_is_a_fault_unless_it_is_said_what_it_is(
    run: Run, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    assert run("check", str(path)).code == 1
    assert run("check", str(path), "--as", "prometheus").code == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [("http://x/{{ .GroupLabels.a }}", 0), ("http://x/{{ .a", 1), ("{{ nonsense .a }}", 1)],
)
def test_an_address_that_is_a_template_is_looked_at(run: Run, tmp_path: Path, url: str, code: int) -> None:
    path = tmp_path / "am.yml"
    path.write_text(f"route: {{receiver: a}}\nreceivers:\n- name: a\n  webhook_configs: [{{url: '{url}'}}]\n")
    ended = run("check", str(path))
    assert ended.code == code
    assert ".a" not in ended.out.replace("GroupLabels.a", "")


def test_files_of_templates_are_looked_at_where_they_are(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "am.yml"
    path.write_text("route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['*.tmpl']\n")
    assert run("check", str(path)).code == 0
    (tmp_path / "bad.tmpl").write_text("{{ define }}")
    ended = run("check", str(path))
    assert (ended.code, "bad.tmpl" in ended.out) == (1, True)
