"""`pharos slo`: specifications of objectives, checked and made rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.cli.running import Run

GOOD = """version: prometheus/v1
service: shop
slos:
- name: ok
  objective: 99.9
  sli: {raw: {error_ratio_query: 'avg_over_time(bad[{{.window}}])'}}
  alerting: {name: Burns}
"""
WINDOWS = """apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 7d
  page:
    quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}
    slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yml"
    path.write_text(GOOD)
    return path


def test_rules_are_printed_that_are_good(run: Run, good: Path) -> None:
    ended = run("slo", "generate", str(good))
    assert ended.code == 0
    rules = good.with_name("rules.yml")
    rules.write_text(ended.out)
    assert run("rules", "check", "--strict", str(rules)).code == 0


def test_rules_are_written_as_an_object_or_json(run: Run, good: Path) -> None:
    out = good.with_name("rule.yml")
    ended = run("slo", "generate", str(good), "--format", "kubernetes", "--drop-in", "--out", str(out))
    assert ended.out == f"{out}: 17 rules in 3 groups of 1 objectives\n"
    written = yaml.safe_load(out.read_text())
    assert (written["kind"], written["metadata"]["name"]) == ("PrometheusRule", "shop")
    ended = run("slo", "generate", str(good), "--format", "json", "--drop-in")
    assert json.loads(ended.out) == written["spec"]


def test_windows_are_taken_from_beside_the_file(run: Run, good: Path) -> None:
    good.with_name("shop.windows.yml").write_text(WINDOWS)
    assert "(13.44 * 0.0009999999999999432)" in run("slo", "generate", str(good), "--period", "7d").out
    good.with_name("shop.windows.yml").write_text("kind: AlertWindows\n")
    ended = run("slo", "check", str(good))
    assert ended.code == 1
    assert "shop.windows.yml:1: no alert windows" in ended.out


def test_specifications_are_checked(run: Run, good: Path) -> None:
    ended = run("slo", "check", str(good))
    assert (ended.code, ended.out) == (0, "good  shop-ok: 99.9 % in 30d, sloth\n")
    (verdict,) = json.loads(run("slo", "check", "--json", str(good)).out)["objectives"]
    assert verdict["window"] == "30d"
    bad = good.with_name("bad.yml")
    bad.write_text(GOOD.replace("99.9", "0"))
    ended = run("slo", "check", str(bad))
    assert ended.code == 1
    assert f"fault {bad}:5: slos[0].objective: a target is above 0 and at most 100" in ended.out
    ended = run("slo", "generate", str(bad))
    assert (ended.code, ended.out) == (1, "")
    assert run("slo", "check", str(good), "--period", "soon").code == 1
    assert run("slo", "generate", str(good), "--period", "0").code == 1


def test_a_budget_is_tried_on_traffic_that_is_made_up(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "outage.yml"
    path.write_text(
        "slo: {objective: 99.9, window: 30d}\n"
        "alerts: [{severity: page, long: 1h, short: 5m, factor: 14.4}]\n"
        "traffic: [{for: 1d, total: 10, errors: 0.001}, {for: 30m, total: 10, errors: 10}]\n"
        "points: [1d, 1d30m]\n"
    )
    ended = run("slo", "simulate", str(path))
    assert ended.code == 0
    assert (
        ended.out.splitlines()
        == [
            "      1d  90.0% of the budget left, burn rate 0.1, spent in 270d",
            "  1d30m  -1951.0% of the budget left, burn rate 500, spent in 0s",
            "page at 1d1m, still fires",
        ]
        or ended.out
    )
    told = json.loads(run("slo", "simulate", "--json", str(path)).out)
    assert told["alerts"] == [{"severity": "page", "fires_at_s": 86460, "clears_at_s": None}]
    assert told["points"][0]["budgetRemaining"] == pytest.approx(0.9)
    path.write_text("slo: {}\n")
    assert run("slo", "simulate", str(path)).code == 1
