"""Templates of log lines: what varies becomes a hole, what is another message stays apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.search.patterns import Patterns, new_since

CASES = yaml.safe_load((Path(__file__).parent / "patterns.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_templates_of_lines(case: dict[str, Any]) -> None:
    patterns = Patterns(0, 10)
    for at, line in enumerate(case["lines"]):
        patterns.add(line, at)
    assert {one.template: one.count for one in patterns.found()} == case["templates"]


def test_lines_are_counted_by_step_and_new_templates_are_told() -> None:
    patterns = Patterns(100, 10)
    for ts, line in ((100, "job 1 done"), (109, "job 2 done"), (121, "job 3 done"), (122, "disk full")):
        patterns.add(line, ts)
    jobs, disk = patterns.found()
    assert (jobs.template, jobs.by_step, jobs.first_ns, jobs.last_ns) == (
        "job <_> done",
        {0: 2, 2: 1},
        100,
        121,
    )
    assert new_since([jobs, disk], 110) == [disk]


def test_levels_stay_apart() -> None:
    patterns = Patterns(0, 1)
    patterns.add("job 1 done", 0, "info")
    patterns.add("job 2 done", 0, "error")
    assert [(one.level, one.count) for one in patterns.found()] == [("info", 1), ("error", 1)]


@given(st.lists(st.text(max_size=30), max_size=20))
def test_every_line_is_counted_once(lines: list[str]) -> None:
    patterns = Patterns(0, 1)
    for line in lines:
        patterns.add(line, 0)
    assert sum(one.count for one in patterns.found()) == len(lines)
