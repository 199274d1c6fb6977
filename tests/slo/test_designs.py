"""How soon the alerts of each design tell of an outage, and clear after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.rules.unit_test import run_unit_tests
from pharos.slo.specification import groups_of, read_specification
from pharos.slo.windows import Design
from pharos.slo.written import Form, written_rules

_SLO = """\
version: prometheus/v1
service: s
slos:
- name: a
  objective: 99.9
  sli:
    events:
      error_query: sum(rate(bad_total[{{.window}}]))
      total_query: sum(rate(all_total[{{.window}}]))
  alerting: {name: Burns, ticket_alert: {disable: true}}
"""
_GOOD_S = 3600
_OUTAGE_S = 1800


def _faults(folder: Path, test: dict[str, Any]) -> list[str]:
    """Return what is wrong with a unit test of `rules.yml`, as promtool's."""
    path = folder / "tests.yml"
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": test["interval"], "tests": [test]}
    path.write_text(yaml.safe_dump(tests))
    verdict = run_unit_tests(path, lambda _: True)
    return [*verdict.faults, *(fault for each in verdict.tests for fault in each.faults)]


@pytest.mark.parametrize(
    ("design", "silent_s", "told_s", "clear_s"),
    [(Design.GATED, 15, 75, 330), (Design.FAST, 0, 45, 210)],
)
def test_an_outage_is_told_in_a_minute_and_cleared_soon_after_it(
    design: Design, silent_s: int, told_s: int, clear_s: int, tmp_path: Path
) -> None:
    (one,) = read_specification([(_SLO, "s.yml")]).objectives
    groups = groups_of(one, design=design, is_drop_in=True)
    (tmp_path / "rules.yml").write_text(written_rules(groups, Form.PROMETHEUS))
    firing = 'count(ALERTS{alertname="Burns",alertstate="firing"}) or vector(0)'
    looks = {
        _GOOD_S + silent_s: 0,
        _GOOD_S + told_s: 1,
        _GOOD_S + _OUTAGE_S: 1,
        _GOOD_S + _OUTAGE_S + clear_s: 0,
    }
    test = {
        "name": "an outage of half an hour",
        "interval": "15s",
        "input_series": [
            {"series": "all_total", "values": "0+1500x400"},
            {"series": "bad_total", "values": "0x240 1500+1500x119 180000x40"},
        ],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{at_s}s", "exp_samples": [{"value": value}]}
            for at_s, value in looks.items()
        ],
    }
    assert _faults(tmp_path, test) == []


_BY_TRAFFIC = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: a}
spec:
  target: '99'
  window: 4w
  indicator:
    ratio:
      errors: {metric: 'r_total{code="500"}'}
      total: {metric: r_total}
      grouping: [path]
  alerting: {burnRateType: KIND}
"""


@pytest.mark.parametrize(("kind", "quiet", "busy"), [("static", 1, 0), ("dynamic", 0, 1)])
def test_by_traffic_it_is_the_share_of_the_budget_that_counts_and_not_the_ratio(
    kind: str, quiet: int, busy: int, tmp_path: Path
) -> None:
    (one,) = read_specification([(_BY_TRAFFIC.replace("KIND", kind), "s.yml")]).objectives
    groups = groups_of(one, is_drop_in=True)
    (tmp_path / "rules.yml").write_text(written_rules(groups, Form.PROMETHEUS))
    # In five minutes: 500 events for a day; then five, of which half are bad; and 500 with 2 % for two hours.
    series = {"200": "0+500x288 144000+2.5x24 144060+490x24", "500": "0x288 0+2.5x24 60+10x24"}
    firing = 'count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",long="1h",path="/a"}) or vector(0)'
    looks = {"24h": 0, "25h45m": quiet, "28h": busy}
    test = {
        "name": "an outage at night, and some errors at noon",
        "interval": "5m",
        "input_series": [
            *({"series": f'r_total{{code="{code}",path="/a"}}', "values": series[code]} for code in series),
            {"series": 'r_total{code="200",path="/b"}', "values": "0+7x340"},
        ],
        "promql_expr_test": [
            {"expr": firing, "eval_time": at, "exp_samples": [{"value": value}]}
            for at, value in looks.items()
        ],
    }
    assert _faults(tmp_path, test) == []
