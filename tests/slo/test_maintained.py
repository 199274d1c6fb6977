"""Which windows of maintenance spare an objective what, and of which of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.alerting.maintenance import read_window
from pharos.promql.language.parse import parse
from pharos.slo.coverage import BAD
from pharos.slo.definition import read_definition
from pharos.slo.maintained import counted_in, range_of, spared_times

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases/maintained.yml").read_text())
DAY_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
DEFINITION = {
    "service": "s",
    "target": 99,
    "window": "7d",
    "indicator": {"type": "availability", "metric": "up"},
    "by": ["region"],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_maintenance_spares_an_objective_or_a_part_of_it(case: dict[str, Any]) -> None:
    objective = read_definition(DEFINITION, "a").objective
    windows = {
        str(number): read_window(
            {
                "starts": f"2026-01-01T{one['hours'][0]:02}:00",
                "ends": f"2026-01-01T{one['hours'][1]:02}:00",
                "matchers": [text.replace("s-a-0", objective.id) for text in one["matchers"]],
                "reason": "moving",
            },
            "move",
        )
        for number, one in enumerate(case["windows"])
    }
    found = spared_times(objective, windows, DAY_MS, DAY_MS + 24 * HOUR_MS)
    told = [
        [
            (span.start_ms - DAY_MS) // HOUR_MS,
            (span.end_ms - DAY_MS) // HOUR_MS,
            [",".join(f'{one.name}{one.op}"{one.value}"' for one in matchers) for matchers in only],
        ]
        for span, only in found.within(DAY_MS, DAY_MS + 24 * HOUR_MS)
    ]
    assert told == case["spared"]
    for span, only in found.within(DAY_MS, DAY_MS + 24 * HOUR_MS):
        parse(f"sum({counted_in(BAD, objective, range_of(span), only)})")
