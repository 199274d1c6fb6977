"""Why was I (not) paged at 02:14? What happened, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.alerting.matchers import parse_matchers
from pharos.alerting.why import sentence, stories
from pharos.state.timeline import Entry, Step

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "why.yaml").read_text())
MIDNIGHT_MS = 1_767_571_200_000
MINUTE_MS = 60_000


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_it_is_said_why_somebody_was_told_or_not(case: dict[str, Any]) -> None:
    entries = [
        Entry("t", "f", Step(step), MIDNIGHT_MS + minute * MINUTE_MS, detail, "g", number)
        for number, (minute, step, detail) in enumerate(case["steps"])
    ]
    at_ms = MIDNIGHT_MS + case["at"] * MINUTE_MS
    matchers = parse_matchers('alertname="DiskFull"') if case.get("matched") else ()
    [story] = stories(entries, at_ms, 5 * MINUTE_MS, matchers, case.get("who", ""))
    assert (story.is_paged, story.verdict) == (case["paged"], case["says"])
    if "lines" in case:
        assert [line.text for line in story.lines] == case["lines"]


def test_alerts_that_were_not_there_are_told_of_only_when_asked_for() -> None:
    entries = [
        Entry("t", "f", Step.FIRING, MIDNIGHT_MS, {"labels": {"alertname": "A"}}, "g", 1),
        Entry("t", "f", Step.RESOLVED, MIDNIGHT_MS + 1, {"labels": {"alertname": "A"}}, "g", 2),
    ]
    later_ms = MIDNIGHT_MS + 60 * MINUTE_MS
    assert stories(entries, later_ms, MINUTE_MS) == ()
    assert len(stories(entries, later_ms, MINUTE_MS, parse_matchers("alertname=A"))) == 1
    assert stories(entries, later_ms, MINUTE_MS, parse_matchers("alertname=B")) == ()


@pytest.mark.parametrize("step", Step)
def test_every_step_is_a_sentence_also_without_details(step: Step) -> None:
    assert sentence(Entry("t", "f", step, 0))
