"""A running receiver answers each remote write request as the specifications say, and stores what it took.

Read back over /api/v1/query, /series, /metadata and /query_exemplars. The cases are data:
compliance/receiver.yaml and hostile/series.yaml.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Any

import pytest
from tests.ingest import rw_messages as rw
from tests.ingest.rw_cases import STALE, TYPES, read_cases
from tests.ingest.rw_client import Answer, Receiver, eventually, seconds

CASES = [*read_cases("compliance/receiver.yaml"), *read_cases("hostile/series.yaml")]


def metric_of(series: dict[str, Any]) -> dict[str, str]:
    """Return the labels a series is stored under."""
    return {name: value for name, value in series["labels"] if value}


def selector(metric: dict[str, str]) -> str:
    return f"{{__name__={json.dumps(metric['__name__'], ensure_ascii=False)}}}"


def is_same(text: str, value: float) -> bool:
    if math.isnan(value):
        return text == "NaN"
    return float(text) == value and math.copysign(1.0, float(text)) == math.copysign(1.0, value)


def assert_sample(receiver: Receiver, metric: dict[str, str], time_ms: int, value: float) -> None:
    """Assert that an instant query at the time of the sample answers its value."""

    def found() -> list[str]:
        vector = receiver.get("/api/v1/query", query=selector(metric), time=seconds(time_ms))["result"]
        return [one["value"][1] for one in vector if one["metric"] == metric]

    answer = eventually(found)
    assert len(answer) == 1, f"{metric} at {time_ms}: {answer}"
    assert is_same(answer[0], value), f"{metric} at {time_ms}: {answer[0]}, not {value}"


def is_stale(value: Any) -> bool:
    return value is STALE


def assert_exemplar(receiver: Receiver, metric: dict[str, str], exemplar: dict[str, Any]) -> None:
    time_ms = exemplar["timestamp"]
    near = {"start": seconds(time_ms - 1000), "end": seconds(time_ms + 1000)}

    def found() -> list[Any]:
        groups = receiver.get("/api/v1/query_exemplars", query=selector(metric), **near)
        return [
            one
            for group in groups
            if group["seriesLabels"] == metric
            for one in group["exemplars"]
            if one["labels"] == dict(exemplar["labels"]) and round(float(one["timestamp"]) * 1000) == time_ms
        ]

    answer = eventually(found)
    assert len(answer) == 1, f"{metric} at {time_ms}: {answer}"
    assert is_same(answer[0]["value"], exemplar["value"])


def assert_metadata(receiver: Receiver, metric: dict[str, str], described: dict[str, Any]) -> None:
    name = metric["__name__"]
    expected = {"type": TYPES[described["type"]], "help": described["help"], "unit": described["unit"]}
    answer = eventually(lambda: receiver.get("/api/v1/metadata", metric=name))
    assert expected in answer.get(name, []), f"{name}: {answer}"


def assert_listed(receiver: Receiver, metric: dict[str, str], time_ms: int) -> None:
    """Assert that the series is listed near this time."""
    near = {"start": seconds(time_ms - 60_000), "end": seconds(time_ms + 60_000)}

    def found() -> bool:
        listed = receiver.get("/api/v1/series", **{"match[]": selector(metric)}, **near)
        return metric in listed

    assert eventually(found), f"{metric} near {time_ms}"


def assert_stored(receiver: Receiver, series: dict[str, Any], parts: list[str], now_ms: int) -> None:
    """Assert that what a receiver can keep of the series is there: nothing far from now is asked for."""
    metric = metric_of(series)
    for time_ms, value, *_ in series["samples"] if "samples" in parts else ():
        if abs(time_ms - now_ms) > 7_200_000:
            continue
        assert_listed(receiver, metric, time_ms)
        if not is_stale(value):
            assert_sample(receiver, metric, time_ms, value)
    for histogram in series["histograms"] if "histograms" in parts else ():
        assert_listed(receiver, metric, histogram["timestamp"])
    for exemplar in series["exemplars"] if "exemplars" in parts else ():
        assert_exemplar(receiver, metric, exemplar)
    if "metadata" in series and "metadata" in parts:
        assert_metadata(receiver, metric, series["metadata"])


def write_later_request(receiver: Receiver, version: int, now_ms: int) -> None:
    later = [{"labels": [("__name__", "later")], "samples": [(now_ms, 1.0)]}]
    body = rw.v2_body(later) if version == 2 else rw.v1_body(later)
    assert receiver.write(body, version).status == 204


def assert_only_later_request_is_stored(receiver: Receiver, now_ms: int) -> None:
    """Assert that the good request after the refused one is stored, and that the tenant has nothing else."""
    assert_sample(receiver, {"__name__": "later"}, now_ms, 1.0)
    everything = {"match[]": '{__name__!~"^$"}', "start": "0", "end": seconds(now_ms + 3_600_000)}
    assert receiver.get("/api/v1/series", **everything) == [{"__name__": "later"}]


@dataclass(frozen=True)
class Sent:
    """A case's request, as it was sent and answered."""

    receiver: Receiver
    now_ms: int
    series: list[dict[str, Any]]
    answer: Answer


@pytest.fixture(scope="module")
def sent(pharos_url: str) -> list[Sent]:
    """Every case's request in turn, so that what must become visible is waited for once and not each time."""
    done = []
    for number, case in enumerate(CASES):
        receiver = Receiver(pharos_url, f"{number}-{case.label}"[:100])
        now_ms = time.time_ns() // 1_000_000
        body, series = case.request(now_ms)
        done.append(Sent(receiver, now_ms, series, receiver.write(body, case.version)))
        if case.stored == []:
            write_later_request(receiver, case.version, now_ms)
    return done


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.label for case in CASES])
def test_a_request_is_answered_and_stored_as_its_case_says(number: int, sent: list[Sent]) -> None:
    case, request = CASES[number], sent[number]
    answer = request.answer
    assert answer.status in case.statuses, f"{answer.status} {answer.text[:500]}"
    if answer.status == 204:
        assert answer.text == ""
    else:
        assert case.reason in answer.text
    if case.version == 1:
        assert answer.written() == [0, 0, 0], "a 1.0 response with headers of 2.0 misleads senders"
    elif case.written is not None:
        assert answer.written() == case.written, answer.text[:500]
    for index in case.stored:
        assert_stored(request.receiver, request.series[index], case.stored_parts, request.now_ms)
    if case.stored == []:
        assert_only_later_request_is_stored(request.receiver, request.now_ms)
