"""How severe a line is that was sent without saying so: what its resource and its text tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.query.events.requests import NOON_NS

from pharos.ingest.events.chunks import decode_logs
from pharos.ingest.events.levels import LEVELS, level_of
from pharos.ingest.events.origins import KnownOrigins
from pharos.ingest.events.requests import EventRequest, log_record, resource_of

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "levels.yaml").read_text())
WORDS = ["TRC", "finest", "Debug", "fine", "INF", "information", "notice", "warning", "eror", "severe"]
WORDS += ["critical", "emergency", "panic", "", "high", "informationalx", "INFORMATIONAL", "ÉRROR"]


def level(line: str, *resource: tuple[str, str], **record: Any) -> str:
    """Return the level that is stored of a line."""
    request = EventRequest()
    made = log_record(line, ts_ns=NOON_NS, **record)
    request.add(resource_of([("service.name", "shop"), *resource]), made)
    chunk = decode_logs(request.body(), NOON_NS, KnownOrigins())
    return LEVELS[int(chunk.level[0])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["line"][:40] or "nothing")
def test_a_line_tells_its_level(case: dict[str, str]) -> None:
    assert level(case["line"]) == case["level"]


def test_what_a_sender_says_counts_more_than_what_a_line_tells() -> None:
    line = "level=fatal ERROR"
    assert level(line, severity=5) == "debug"
    assert level(line, severity_text="Warning") == "warn"
    assert level(line, attributes=[("level", "info")]) == "info"
    assert level(line, ("level", "trace")) == "trace"
    assert level(line, ("level", "trace"), attributes=[("level", "info")]) == "info"
    assert level(line, ("level", "high")) == "fatal"


@pytest.mark.parametrize("name", ["level", "lvl", "severity", "log.level", "loglevel", "LEVEL", "Level"])
def test_a_resource_has_a_level_of_all_its_lines(name: str) -> None:
    # As a stream of Loki's has, whose labels are the resource.
    assert level("plain words", (name, "warning")) == "warn"


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_the_same_level_in_a_resource_as_in_a_record(word: str) -> None:
    assert LEVELS[level_of(word)] == level("plain words", severity_text=word)


def test_only_the_beginning_of_a_line_is_looked_at() -> None:
    assert level("." * 250 + " level=error") == ""
    assert level("." * 120 + " ERROR") == "error"
    assert level("." * 140 + " ERROR") == ""
    assert level("." * 140 + " level=error") == "error"


@given(st.text(st.sampled_from('level=":[]E0115 INFO\né{},'), max_size=300))
def test_any_line_is_taken(line: str) -> None:
    assert level(line) in LEVELS


def test_a_body_that_is_no_text_tells_nothing() -> None:
    request = EventRequest()
    request.add(resource_of([("service.name", "shop")]), log_record(5, ts_ns=NOON_NS))
    chunk = decode_logs(request.body(), NOON_NS, KnownOrigins())
    assert np.array_equal(chunk.level, [0])
