"""What is about the same thing, by attributes and by labels, and how its metrics are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.labels import Matcher, MatchOp
from pharos.promql.language.printer import format_matcher
from pharos.query.events.rows import Origin, ValueKind
from pharos.query.metrics.catalog import MetricFound
from pharos.related.metrics import metrics_of
from pharos.related.resource import Reason, bonded, resource_of

_CASES = yaml.safe_load((Path(__file__).parent / "resource.yaml").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES["bonds"]])
def test_the_closest_that_two_have_in_common(case: dict[str, Any]) -> None:
    left, right = (resource_of(case[side].items()) for side in ("left", "right"))
    assert left.bond(right) == case["bond"]
    assert right.bond(left) == case["bond"]


@pytest.mark.parametrize("case", _CASES["matchers"])
def test_series_of_the_same_are_found_by_these_matchers(case: dict[str, Any]) -> None:
    found = resource_of(case["about"].items()).matchers(Reason(case["bond"]))
    assert [format_matcher(one) for one in found] == case["found"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES["metrics"]])
def test_metrics_are_looked_at_so(case: dict[str, Any]) -> None:
    job = Matcher("job", MatchOp.EQUAL, "a")
    found = metrics_of([MetricFound(name, job, 1) for name in case["found"]])
    assert [one.expression() for one in found] == case["shown"]


def test_origins_are_put_together_by_what_they_have_in_common() -> None:
    def origin(number: int, **resource: str) -> Origin:
        pairs = tuple((name, value, ValueKind.TEXT) for name, value in resource.items())
        return Origin(number, resource.get("service", "unknown_service"), pairs)

    origins = [
        origin(1, service="b", host="h"),
        origin(2, service="a", pod="a-2"),
        origin(3, service="a", pod="a-1"),
        origin(4, service="c", host="other"),
    ]
    about = resource_of([("service", "a"), ("pod", "a-1"), ("host", "h")])
    assert bonded(about, origins) == [
        (Reason.POD, (3,)),
        (Reason.SERVICE, (2,)),
        (Reason.HOST, (1,)),
    ]
