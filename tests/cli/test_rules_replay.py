"""`pharos rules replay` against a server that has stored an hour."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.freshness import HEADERS
from tests.cli.running import Run
from tests.process import Server
from tests.servers import body_of, counted

MINUTES = 60
RULES = """
groups:
- name: g
  interval: 30s
  rules:
  - record: load:double
    expr: load * 2
  - alert: Load
    expr: load:double > 10
    for: 2m
    labels: {severity: page}
    annotations: {text: 'load is {{ $value }}'}
"""
ALERTMANAGER = """
route: {receiver: team, group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
receivers:
- name: team
  webhook_configs: [{url: "http://127.0.0.1:9/"}]
"""


@pytest.fixture(scope="module")
def end_s() -> int:
    return int(time.time()) // 60 * 60 - 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, end_s: int) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "rules.yml").write_text(RULES)
    (folder / "alertmanager.yml").write_text(ALERTMANAGER)
    (folder / "pharos.yml").write_text(
        "rules: [rules.yml]\nalertmanager: alertmanager.yml\ningest: {max_sample_age: 0}\n"
    )
    running = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    values = [
        ((end_s - (MINUTES * 4 - step) * 15) * 1000, 9.0 if 60 <= step < 120 else 1.0)
        for step in range(MINUTES * 4)
    ]
    request = urllib.request.Request(
        f"{running.url}/api/v1/write", body_of("load", values), HEADERS, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}
    while counted(running.url, "load") < MINUTES * 3:
        time.sleep(0.1)
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def options(server: Server, end_s: int) -> list[str]:
    return ["--server", server.url, "--end", str(end_s), "--last", "1h"]


def replayed(run: Run, *arguments: str) -> Any:
    ended = run("rules", "replay", *arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_the_servers_rules_are_run_over_what_is_stored(run: Run, options: list[str], end_s: int) -> None:
    outcome = replayed(run, *options)["outcome"]
    (rule,) = outcome["rules"]
    (firing,) = rule["firings"]
    assert firing["labels"] == {"alertname": "Load", "severity": "page"}
    assert (firing["value"], firing["annotations"]) == ("18", {"text": "load is 18"})
    assert (outcome["fired"], outcome["pages"], outcome["pages_by_receiver"]) == (1, 2, {"team": 2})
    assert [(page["reason"], len(page["firing"])) for page in outcome["sent"]] == [
        ("first", 1),
        ("all_resolved", 0),
    ]
    from_s, until_s = (_seconds(firing[name]) for name in ("start", "end"))
    assert 600 <= until_s - from_s <= 900
    assert end_s - 3600 < from_s < end_s
    ended = run("rules", "replay", *options)
    assert "    1  Load (g, every 30s)" in ended.out
    assert "fired 1, pages 2 (team 2), escalated 0, nobody told of 0" in ended.out


def test_a_change_of_rules_and_of_the_configuration_is_compared(
    run: Run, options: list[str], tmp_path: Path
) -> None:
    rules, config = tmp_path / "rules.yml", tmp_path / "alertmanager.yml"
    rules.write_text(RULES.replace("for: 2m", "for: 30m"))
    found = replayed(run, *options, "--against", str(rules))["difference"]
    assert (found["saved"], found["added"], found["lost"]) == (2, 0, 1)
    config.write_text(ALERTMANAGER.replace("webhook_configs", "# webhook_configs"))
    found = replayed(run, *options, "--against-config", str(config))
    assert (found["compared"]["fired"], found["compared"]["untold"], found["difference"]["saved"]) == (
        1,
        1,
        2,
    )
    ended = run("rules", "replay", str(rules), str(tmp_path / "other.yml"), *options)
    assert "there is no such file" in ended.err
    ended = run("rules", "replay", *options, "--against-config", str(config))
    assert "the change saves 2 pages, adds 0; 1 alerts reach nobody any more" in ended.out


def test_an_alert_that_holds_another_back_is_named_by_its_labels(
    run: Run, options: list[str], tmp_path: Path
) -> None:
    rules, config = tmp_path / "rules.yml", tmp_path / "alertmanager.yml"
    more = "  - alert: Slow\n    expr: load * 2 > 10\n    for: 4m\n"
    rules.write_text(RULES.lstrip("\n") + more)
    inhibits = "inhibit_rules:\n- {source_matchers: [alertname=Load], target_matchers: [alertname=Slow]}\n"
    config.write_text(ALERTMANAGER + inhibits)
    asked = (str(rules), "--config", str(config), *options)
    (held,) = replayed(run, *asked)["outcome"]["held"]
    assert (held["reason"], held["labels"]) == ("inhibited", {"alertname": "Slow"})
    assert held["alert"] == {"alertname": "Load", "severity": "page"}
    assert held["source"] not in run("rules", "replay", *asked).out
    assert 'team: Slow is inhibited by Load{severity="page"}' in run("rules", "replay", *asked).out


def test_what_is_wrong_is_told(run: Run, options: list[str], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: 'x >'}]}]")
    ended = run("rules", "replay", str(rules), *options)
    assert ended.code == 1
    assert "rules:1: group 'g', rule 1, 'A': could not parse expression" in ended.err
    assert run("rules", "replay", *options, "--start", "5").code == 1
    assert run("rules", "replay", *options[:4], "--last", "900d").code == 1


def _seconds(text: str) -> float:
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
