"""Replays of pages: who would have been told of alerts, why not, and what another configuration changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharos.alert import fingerprint
from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.escalate import read_policy
from pharos.alerting.group import Muting
from pharos.alerting.replay import Circumstances, Episode, Page, difference, paged
from pharos.alerting.silences import Silences
from pharos.errors import PharosError
from pharos.labels import Matcher, MatchOp, labels_of
from pharos.state.silences import Silence

MINUTE_MS = 60_000
CONFIG = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
  - matchers: [severity="page"]
    receiver: phone
    mute_time_intervals: [night]
time_intervals:
- name: night
  time_intervals: [{times: [{start_time: "02:00", end_time: "04:00"}]}]
inhibit_rules:
- name: disk hides load
  source_matchers: [alertname="Disk"]
  target_matchers: [alertname="Load"]
  equal: [host]
receivers:
- name: team
  webhook_configs: [{url: "http://127.0.0.1:1/team"}]
- name: phone
  webhook_configs: [{url: "http://127.0.0.1:1/phone", send_resolved: false}]
"""


def config_of(text: str = CONFIG) -> AlertingConfig:
    return parse_alerting(text, "alertmanager.yml", Path())


def episode(name: str, from_min: float, until_min: float | None, **labels: str) -> Episode:
    until_ms = None if until_min is None else round(until_min * MINUTE_MS)
    return Episode(labels_of({"alertname": name, **labels}), (), round(from_min * MINUTE_MS), until_ms)


def told(pages: tuple[Page, ...]) -> list[str]:
    shown = []
    for page in pages:
        counts = f"{len(page.firing)}+{len(page.resolved)}"
        shown.append(f"{page.at_ms / MINUTE_MS:g} {page.receiver} {page.reason.value} {counts}")
    return shown


def test_groups_wait_add_repeat_and_end() -> None:
    episodes = [
        episode("Load", 10, 100, host="a"),
        episode("Load", 10.2, 20, host="b"),
        episode("Load", 12, 90, host="c"),
        episode("Other", 11, 11.2),
    ]
    found = paged(config_of(), episodes, 200 * MINUTE_MS)
    assert told(found.pages) == [
        "10.5 team first 2+0",
        "15.5 team added 3+0",
        "20.5 team some_resolved 2+1",
        "80.5 team repeat 2+0",
        "90.5 team some_resolved 1+1",
        "100.5 team all_resolved 0+1",
    ]
    assert found.untold == (episodes[3],)


def test_who_wants_no_resolved_hears_of_none_and_times_hold_back() -> None:
    night = [episode("Night", 150, 200, severity="page"), episode("Day", 230, 260, severity="page")]
    found = paged(config_of(), night, 600 * MINUTE_MS)
    assert told(found.pages) == ["240.5 phone first 1+0"]
    assert [(one.why.value, one.source, one.labels) for one in found.held] == [
        ("muted", "night", night[0].labels),
        ("muted", "night", night[1].labels),
    ]
    assert found.untold == (night[0],)


def test_inhibitions_and_silences_hold_back() -> None:
    silences = Silences()
    matcher = Matcher("host", MatchOp.EQUAL, "b")
    silence = Silence("s1", "t", (matcher,), 0, 30 * MINUTE_MS)
    silences.take([silence], 0)
    episodes = [
        episode("Disk", 5, 60, host="a"),
        episode("Load", 6, 50, host="a"),
        episode("Load", 7, 50, host="b"),
        episode("Load", 8, 20, host="c"),
    ]
    found = paged(config_of(), episodes, 55 * MINUTE_MS, Circumstances(Muting(silences)), "t")
    assert told(found.pages) == [
        "5.5 team first 1+0",
        "11.5 team first 1+0",
        "21.5 team all_resolved 0+1",
        "31.5 team added 1+0",
        "51.5 team all_resolved 0+1",
    ]
    held = {(one.why.value, one.labels): one.source for one in found.held}
    assert held == {
        ("silenced", episodes[2].labels): "s1",
        ("inhibited", episodes[1].labels): fingerprint(episodes[0].labels),
    }
    assert found.untold == (episodes[1],)


def test_escalations_go_on_until_somebody_reacts() -> None:
    policy = read_policy(
        {
            "severities": ["page"],
            "levels": [
                {"name": "first", "timeout": "5m", "targets": [{"person": "ann"}]},
                {"name": "second", "timeout": "15m", "targets": [{"person": "bob"}]},
            ],
            "repeat": 1,
        },
        "default",
    )
    episodes = [episode("Disk", 0, 30, severity="page"), episode("Load", 0, 300)]
    around = Circumstances(policies={"default": policy})
    found = paged(config_of(), episodes, 300 * MINUTE_MS, around).escalated
    levels = [(one.at_ms / MINUTE_MS, one.level, one.labels) for one in found]
    labels = episodes[0].labels
    assert levels == [
        (0.5, "first", labels),
        (5.5, "second", labels),
        (20.5, "first", labels),
        (25.5, "second", labels),
    ]
    reacted = Circumstances(policies={"default": policy}, acknowledged_after_ms=6 * MINUTE_MS)
    found = paged(config_of(), episodes, 300 * MINUTE_MS, reacted).escalated
    assert [one.level for one in found] == ["first", "second"]
    pages = paged(config_of(), episodes, 320 * MINUTE_MS, reacted).pages
    assert [page.reason.value for page in pages if page.receiver == "team"] == ["first", "all_resolved"]


def test_a_group_has_one_chain_which_rests_while_all_of_it_is_held_back() -> None:
    levels = [
        {"name": "first", "timeout": "5m", "targets": [{"person": "ann"}]},
        {"name": "second", "timeout": "5m", "targets": [{"person": "bob"}], "quorum": 2},
    ]
    policy = read_policy({"levels": levels, "final": [{"person": "eve"}]}, "p")
    episodes = [
        episode("Load", 0, 60, host="a"),
        episode("Load", 4, 60, host="b"),
        episode("Load", 100, 130, host="c"),
    ]
    around = Circumstances(policies={"p": policy})
    found = paged(config_of(), episodes, 300 * MINUTE_MS, around).escalated
    assert [(one.at_ms / MINUTE_MS, one.level, dict(one.labels)) for one in found] == [
        (0.5, "first", {"alertname": "Load", "host": "a"}),
        (5.5, "second", {"alertname": "Load"}),
        (10.5, "final", {"alertname": "Load"}),
        (100.5, "first", {"alertname": "Load", "host": "c"}),
        (105.5, "second", {"alertname": "Load", "host": "c"}),
        (110.5, "final", {"alertname": "Load", "host": "c"}),
    ]
    reacted = Circumstances(policies={"p": policy}, acknowledged_after_ms=2 * MINUTE_MS)
    found = paged(config_of(), episodes, 300 * MINUTE_MS, reacted).escalated
    # The second alert begins it anew, for nobody looks after that.
    assert [(one.at_ms / MINUTE_MS, one.level) for one in found] == [
        (0.5, "first"),
        (5.5, "first"),
        (100.5, "first"),
    ]
    matcher = Matcher("alertname", MatchOp.EQUAL, "Load")
    silences = Silences()
    silences.take([Silence("s", "t", (matcher,), 3 * MINUTE_MS, 20 * MINUTE_MS)], 0)
    quiet = Circumstances(Muting(silences), {"p": policy})
    found = paged(config_of(), episodes[:1], 300 * MINUTE_MS, quiet, "t").escalated
    assert [(one.at_ms / MINUTE_MS, one.level) for one in found] == [
        (0.5, "first"),
        (20.5, "first"),
        (25.5, "second"),
        (30.5, "final"),
    ]


def test_two_configurations_are_compared_by_their_pages() -> None:
    episodes = [episode("Load", 10, 40, host="a"), episode("Disk", 200, 230, host="b")]
    other = CONFIG.replace("group_wait: 30s", "group_wait: 2m").replace('alertname="Disk"', 'alertname="No"')
    before, after = (
        paged(config_of(), episodes, 400 * MINUTE_MS),
        paged(config_of(other), episodes, 400 * MINUTE_MS),
    )
    assert difference(before, after, episodes, episodes) == difference(before, before, episodes, episodes)
    silent = paged(
        config_of(CONFIG.replace('matchers: [severity="page"]', 'matchers: [alertname="Disk"]')),
        episodes,
        400 * MINUTE_MS,
    )
    found = difference(before, silent, episodes, episodes)
    assert [page.receiver for page in found.saved] == ["team", "team"]
    assert [page.receiver for page in found.added] == []
    assert (found.lost, found.gained) == ((episodes[1],), ())
    back = difference(silent, before, episodes, episodes)
    assert (back.saved, back.added, back.gained) == (found.added, found.saved, found.lost)
    # Rules that let an alert fire no more, and earlier.
    fires = [episode("Load", 5, 40, host="a")]
    changed = difference(before, paged(config_of(), fires, 400 * MINUTE_MS), episodes, fires)
    assert (changed.lost, [page.firing[:1] for page in changed.saved][:1]) == (
        (episodes[1],),
        [(episodes[1].labels,)],
    )


def test_a_replay_of_pages_is_bounded() -> None:
    episodes = [episode("Load", 0, None, host="a"), episode("Disk", 0, None)]
    with pytest.raises(PharosError, match="looked at more than 100 times"):
        paged(config_of(), episodes, 60 * 5 * MINUTE_MS, Circumstances(flushes_max=100))
