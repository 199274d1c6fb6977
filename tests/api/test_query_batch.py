"""A batch of queries is answered as its queries are one by one."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from tests.api.peers import Peer

from pharos.access import Scope
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.native.query_batch import MOST_QUERIES, QueryBatchApi, parse_batch
from pharos.api.prometheus.parameters import Parameters
from pharos.api.prometheus.queries import PrometheusApi
from pharos.errors import PharosError


def _ask(pharos: Peer, queries: Sequence[Mapping[str, Any]], **headers: str) -> dict[int, Any]:
    answer = pharos.ask("POST", "/api/query_batch", json.dumps({"queries": queries}).encode(), headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-ndjson"
    body = answer.body
    if answer.headers.get("content-encoding") == "gzip":
        body = zlib.decompress(body, 31)
    lines = [json.loads(line) for line in body.splitlines()]
    assert len(lines) == len(queries)
    return {line["index"]: line["answer"] for line in lines}


def test_each_line_is_the_body_of_the_query_alone(pharos: Peer, end_ms: int) -> None:
    end = end_ms / 1000
    over = {"start": end - 300, "end": end, "step": 15}
    queries: list[Mapping[str, Any]] = [
        {"query": "sum by (job) (requests_total)", "time": end},
        {"query": "rate(requests_total[2m])", **over},
        {"query": "requests_total", **over, "limit": 1},
        {"query": "requests_total{", "time": end},
        {"query": '"text"', **over},
        {"query": "up", "time": "nonsense"},
        {"query": "1", "start": end, "end": end - 1, "step": "15s"},
        {"query": "requests_total + on () requests_total", "time": end},
    ]
    answers = _ask(pharos, queries)
    for index, asked in enumerate(queries):
        path = "/api/v1/query_range" if "step" in asked else "/api/v1/query"
        assert answers[index] == pharos.get(path, **asked).json(), asked


def test_an_empty_batch_has_no_lines(pharos: Peer) -> None:
    assert _ask(pharos, []) == {}


def test_a_batch_is_of_the_tenant_that_asks(pharos: Peer, end_ms: int) -> None:
    asked = [{"query": "count(requests_total)", "time": end_ms / 1000}]
    assert _ask(pharos, asked)[0]["data"]["result"] != []
    assert _ask(Peer(pharos.url, "nobody"), asked)[0]["data"]["result"] == []


def test_a_packed_batch_holds_the_same_lines(pharos: Peer, end_ms: int) -> None:
    asked = [{"query": "requests_total", "time": end_ms / 1000}, {"query": "1", "time": end_ms / 1000}]
    assert _ask(pharos, asked, **{"Accept-Encoding": "gzip"}) == _ask(pharos, asked)


def test_statistics_come_only_where_they_are_asked_for(pharos: Peer, end_ms: int) -> None:
    plain = {"query": "requests_total", "time": end_ms / 1000}
    answers = _ask(pharos, [plain, {**plain, "stats": True}])
    assert "stats" not in answers[0]["data"]
    assert answers[1]["data"]["stats"]["samples"]["totalQueryableSamples"] > 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is no JSON"),
        (b"[", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", 'the body must be {"queries": [...]}'),
        (b"{}", 'the body must be {"queries": [...]}'),
        (b'{"queries": {}}', 'the body must be {"queries": [...]}'),
        (b'{"queries": [], "more": 1}', 'the body must be {"queries": [...]}'),
        (b'{"queries": ["up"]}', "queries[0] is no object"),
        (b'{"queries": [{"query": "1"}, {"qeury": "1"}]}', 'queries[1] has an unknown parameter "qeury"'),
        (b'{"queries": [{"query": "1"}, {"time": 1}]}', "queries[1] has no query"),
        (b'{"queries": [{"query": ["up"]}]}', "queries[0].query is neither text nor a number"),
        (json.dumps({"queries": [{}] * (MOST_QUERIES + 1)}).encode(), "100 are the most of a batch"),
    ],
)
def test_what_is_no_batch_is_refused_with_its_place(pharos: Peer, body: bytes, says: str) -> None:
    answer = pharos.ask("POST", "/api/query_batch", body)
    assert answer.status == 400
    refusal = answer.json()
    assert (refusal["status"], refusal["errorType"]) == ("error", "bad_data")
    assert says in refusal["error"]


def test_values_read_as_a_query_string_would_have_them() -> None:
    (one,) = parse_batch(b'{"queries": [{"query": "up", "time": 1795270000.5, "nocache": true, "limit": 3}]}')
    assert (one.first("time"), one.flag("nocache"), one.limit()) == ("1795270000.5", True, 3)


class _Slow:
    """Queries that are answered when the test says so."""

    def __init__(self) -> None:
        self.under_way = 0
        self.ended = 0
        self.go = asyncio.Event()

    async def answer_body(self, scope: Scope, parameters: Parameters) -> bytes:
        del scope, parameters
        self.under_way += 1
        try:
            await self.go.wait()
        finally:
            self.ended += 1
        return b"{}"


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_few_are_under_way_and_none_goes_on_without_its_reader() -> None:
    slow = _Slow()
    batch = QueryBatchApi(cast("PrometheusApi", slow), Bodies(BodyLimits()))
    lines = batch.lines(Scope("a"), [Parameters(()) for _ in range(10)])
    first = asyncio.ensure_future(anext(lines))
    await _settle()
    assert slow.under_way == 4
    slow.go.set()
    await first
    await _settle()
    # One was read, and its turn is given on only when the next one is asked for.
    assert slow.under_way == 4
    await anext(lines)
    slow.go.clear()
    await _settle()
    assert slow.under_way <= 6
    await lines.aclose()  # type: ignore[attr-defined]
    assert slow.ended == slow.under_way


async def test_a_fault_of_ours_breaks_the_answer_off_instead_of_leaving_it_open() -> None:
    class Broken:
        async def answer_body(self, scope: Scope, parameters: Parameters) -> bytes:
            raise RuntimeError("a fault")

    batch = QueryBatchApi(cast("PrometheusApi", Broken()), Bodies(BodyLimits()))
    with pytest.raises(RuntimeError, match="a fault"):
        await anext(batch.lines(Scope("a"), [Parameters(())]))


def test_a_batch_of_bad_values_names_the_query() -> None:
    with pytest.raises(PharosError, match=r"queries\[1\].step"):
        parse_batch(b'{"queries": [{"query": "1"}, {"query": "1", "step": null}]}')
