"""What is watched: what is asked of a line, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.anomalies.golden import automatic_watches
from pharos.anomalies.watch import line_watch, read_watch
from pharos.errors import PharosError
from pharos.query.metrics.query import parse_query

_CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())


@pytest.mark.parametrize("case", _CASES, ids=lambda case: str(case["series"]))
def test_a_line_is_watched_or_refused(case: dict[str, Any]) -> None:
    if "says" in case:
        with pytest.raises(PharosError, match=case["says"]):
            line_watch(case["series"])
        return
    watch = line_watch(case["series"])
    assert watch.query == case["query"]
    parse_query(watch.query)


@pytest.mark.parametrize(
    ("name", "document", "says"),
    [
        ("a/b", {"series": "up"}, "no name of a watch"),
        ("a", {}, "series must be set"),
        ("a", {"series": "up", "gap": True}, 'did you mean "gaps"'),
        ("a", {"series": "up", "alerts": "perhaps"}, "expected true or false"),
    ],
)
def test_a_watch_that_is_none_is_refused(name: str, document: dict[str, Any], says: str) -> None:
    with pytest.raises(PharosError, match=says):
        read_watch(document, name)


def test_what_is_watched_by_itself_can_be_asked() -> None:
    watches = list(automatic_watches())
    assert len({one.name for one in watches}) == len(watches)
    for one in watches:
        parse_query(one.query)
