"""Traces in Jaeger's JSON: what the cases say of each span, and what upstream's own fixtures say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.span_rows import rows_of

from pharos.api.jaeger.adjust import adjusted, stored
from pharos.api.jaeger.trace_json import trace_json
from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    resource_of,
    scope_of,
    span,
)

_CASES = Path(__file__).parents[1] / "cases"


def _cases(name: str) -> list[Any]:
    found = yaml.safe_load((_CASES / f"{name}.yaml").read_text())
    return [pytest.param(case, id=case["name"]) for case in found]


def _id(text: str, digits: int) -> bytes:
    return bytes.fromhex(text.rjust(digits, "0"))


def _links(found: Sequence[Mapping[str, Any]]) -> list[SpanLinkValues]:
    return [
        SpanLinkValues(
            _id(one["trace"], 32), _id(one["span"], 16), attributes=tuple(one.get("attributes", {}).items())
        )
        for one in found
    ]


def _one_span(case: Mapping[str, Any]) -> bytes:
    said = case.get("span", {})
    start_ns = said.get("start_ns", 1_000)
    made = span(
        said.get("name", "work"),
        trace_id=_id("0a", 32),
        span_id=_id("01", 16),
        parent_id=_id(said["parent_id"], 16) if "parent_id" in said else b"",
        kind=said.get("kind", 0),
        start_ns=start_ns,
        end_ns=said.get("end_ns", start_ns + 5_000),
        attributes=said.get("attributes", {}).items(),
        events=[
            SpanEventValues(one["at_ns"], one["name"], tuple(one.get("attributes", {}).items()))
            for one in said.get("events", [])
        ],
        links=_links(said.get("links", [])),
        status=said.get("status", 0),
        status_message=said.get("status_message", ""),
        trace_state=said.get("trace_state", ""),
    )
    request = EventRequest()
    scope = scope_of(*case["scope"]) if "scope" in case else b""
    request.add(resource_of(case.get("resource", {"service.name": "s"}).items()), made, scope)
    return request.body()


@pytest.mark.parametrize("case", _cases("jaeger_spans"))
def test_a_span_is_shown_as_jaeger_shows_it(case: dict[str, Any]) -> None:
    trace = trace_json(stored(rows_of(_one_span(case))))
    (shown,) = trace["spans"]
    wanted = case.get("shown", {})
    assert {key: shown[key] for key in wanted} == wanted
    process = trace["processes"][shown["processID"]]
    assert process == case.get("process", {"serviceName": "s", "tags": []})


def _trace(case: Mapping[str, Any]) -> bytes:
    request = EventRequest()
    for one in case["spans"]:
        start_us = one.get("start_us", 1)
        made = span(
            one.get("name", "work"),
            trace_id=_id("0a", 32),
            span_id=_id(one["span"], 16),
            parent_id=_id(one["parent"], 16) if "parent" in one else b"",
            kind=one.get("kind", 0),
            start_ns=start_us * 1000,
            end_ns=one.get("end_us", start_us + 5) * 1000,
            attributes=one.get("attributes", {}).items(),
            links=_links(one.get("links", [])),
        )
        resource = {"service.name": "s", **case.get("resource", {}), **one.get("resource", {})}
        request.add(resource_of(resource.items()), made)
    return request.body()


def _plain(tags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in tags}


def _seen(trace: Mapping[str, Any], shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the case asks for of a span."""
    parents = [one["spanID"] for one in shown["references"] if one["traceID"] == shown["traceID"]]
    known = {
        **shown,
        "tags": _plain(shown["tags"]),
        "process": _plain(trace["processes"][shown["processID"]]["tags"]),
        "parent": parents[0] if parents else None,
    }
    return {key: known[key] for key in wanted}


@pytest.mark.parametrize("case", _cases("jaeger_adjusted"))
def test_a_trace_is_put_right_as_jaeger_does_it(case: dict[str, Any]) -> None:
    trace = trace_json(adjusted(rows_of(_trace(case))))
    assert len(trace["spans"]) == len(case["shown"])
    for shown, wanted in zip(trace["spans"], case["shown"], strict=True):
        assert _seen(trace, shown, wanted) == wanted


def test_a_trace_id_with_an_empty_half_has_16_digits() -> None:
    assert trace_json(stored(rows_of(_one_span({}))))["traceID"] == "000000000000000a"


def test_spans_of_one_process_share_it() -> None:
    trace = trace_json(stored(rows_of(_trace({"spans": [{"span": "1"}, {"span": "2"}]}))))
    assert [one["processID"] for one in trace["spans"]] == ["p1", "p1"]
    assert json.dumps(trace)
