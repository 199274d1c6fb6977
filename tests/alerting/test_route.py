"""By which routes alerts go."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE, program

from pharos.alerting.config import load_alerting, parse_alerting
from pharos.alerting.route import path_to

KIT = CONFORMANCE / "alerting/routing"
CASES = yaml.safe_load((Path(__file__).parent / "cases/routes.yml").read_text())
TREES = sorted(path.stem for path in KIT.glob("trees/*.yml"))
RANDOM_SETS = 4
"""Of each tree that are asked of amtool too; the kit's runner makes as many as are wanted."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_labels_take_routes_in_groups(case: dict[str, Any]) -> None:
    root = parse_alerting(case["text"], "am.yml", Path()).route
    for alert in case["alerts"]:
        labels = alert["labels"]
        taken = [
            [route.receiver, route.group_key(route.group_labels(labels)), route.id]
            for route in root.match(labels)
        ]
        assert taken == alert["taken"], labels


def test_what_is_not_said_is_inherited_but_for_times_of_silence() -> None:
    text = """
route:
  receiver: a
  group_by: [x]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 3s
  labels: {one: '1', two: '2'}
  routes:
  - matchers: [b=c]
    mute_time_intervals: [t]
    labels: {two: two}
    routes:
    - matchers: [d=e]
      group_by: ['...']
      active_time_intervals: [t]
      routes: [{matchers: [f=g]}]
receivers: [{name: a}]
time_intervals: [{name: t, time_intervals: [{}]}]
"""
    root = parse_alerting(text, "am.yml", Path()).route
    first, second, third = list(root.walk())[1:]
    assert (first.group_by, first.group_wait_ms, first.group_interval_ms) == (("x",), 1000, 2000)
    assert (first.repeat_interval_ms, first.mute_intervals, first.labels) == (
        3000,
        ("t",),
        {"one": "1", "two": "two"},
    )
    assert (second.group_by_all, second.mute_intervals, second.active_intervals) == (True, (), ("t",))
    assert (third.group_by_all, third.active_intervals, third.receiver) == (True, (), "a")
    assert path_to(root, third) == (root, first, second, third)
    assert [route.line for route in root.walk()] == [3, 10, 14, 17]


def test_an_empty_group_by_takes_the_parents_away() -> None:
    text = """
route: {receiver: a, group_by: ['...'], routes: [{matchers: [b=c], group_by: []}]}
receivers: [{name: a}]
"""
    (child,) = parse_alerting(text, "am.yml", Path()).route.routes
    assert (child.group_by, child.group_by_all) == ((), False)


def kit_cases(tree: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((KIT / f"{tree}.yml").read_text())["cases"])


@pytest.mark.needs("conformance")
@pytest.mark.parametrize("tree", TREES)
def test_labels_reach_the_receivers_that_amtool_names(tree: str) -> None:
    root = load_alerting(KIT / f"trees/{tree}.yml").route
    for case in kit_cases(tree):
        assert [route.receiver for route in root.match(case["labels"])] == case["receivers"], case["name"]


@pytest.mark.needs("conformance", "amtool")
@pytest.mark.parametrize("tree", TREES)
def test_made_up_labels_reach_the_receivers_that_amtool_names(tree: str) -> None:
    path = KIT / f"trees/{tree}.yml"
    root = load_alerting(path).route
    sets = list(made_up(kit_cases(tree)))
    with ThreadPoolExecutor(2) as pool:
        named = list(pool.map(lambda labels: asked(path, labels), sets))
    assert [",".join(route.receiver for route in root.match(labels)) for labels in sets] == named


def made_up(cases: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield label sets of the names and values of a tree's cases."""
    values: dict[str, set[str | None]] = {}
    for case in cases:
        for name, value in case["labels"].items():
            values.setdefault(name, {None}).add(value)
    chance = random.Random(json.dumps([case["name"] for case in cases]))
    for _ in range(RANDOM_SETS):
        drawn = {name: chance.choice(sorted(one, key=str)) for name, one in values.items()}
        yield {name: value for name, value in drawn.items() if value is not None}


def asked(path: Path, labels: dict[str, str]) -> str:
    words = [f"{written(name)}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()]
    command = [program("amtool"), "config", "routes", "test", f"--config.file={path}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def written(name: str) -> str:
    return name if re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) else json.dumps(name, ensure_ascii=False)
