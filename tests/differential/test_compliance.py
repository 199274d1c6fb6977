"""The public compliance queries: Pharos answers as Prometheus does.

The installed Prometheus is a 2.x. Times are chosen so that no sample and no step of a subquery lies on the
border of a window, where 2.x counts it and 3.x does not; the border itself is asked of the evaluation in
this process, which the promqltest files of 3.x hold to upstream. What else 3.x does otherwise stands in
NEW_IN_3 and in docs/promql-differences.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.differential.arrays import ArraySource
from tests.differential.compare import difference
from tests.differential.compliance import compliance_queries
from tests.differential.demo import (
    END_MS,
    OFF_MS,
    QUERY_STEP_MS,
    START_MS,
    demo_series,
    in_order_of_time,
)
from tests.differential.servers import Client, running_pharos, running_prometheus
from tests.peers import CONFORMANCE

from pharos.api.prometheus.encode import encode_answer
from pharos.errors import PharosError
from pharos.promql.answer import evaluate_text

QUERIES = CONFORMANCE / "promql-compliance-queries.yml"

NEW_IN_3 = {
    # Any UTF-8 text may be a label's name (validation scheme utf8), so nothing is wrong with these.
    'label_replace(demo_num_cpus, "~invalid", "", "src", "(.*)")',
    'label_join(demo_num_cpus, "~invalid", "-", "instance")',
}


@pytest.fixture(scope="module")
def pharos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_pharos(tmp_path_factory.mktemp("compliance"), experimental=False) as client:
        for part in in_order_of_time(demo_series()):
            client.write(part)
        yield client


def _ask(client: Client, query: str, shift_ms: int, *, ranged: bool) -> Any:
    if ranged:
        return client.ranged(query, START_MS + shift_ms, END_MS + shift_ms, QUERY_STEP_MS)
    return client.instant(query, END_MS + shift_ms)


def _evaluated(source: ArraySource, query: str, shift_ms: int, *, ranged: bool) -> Any:
    start, step = (START_MS, QUERY_STEP_MS) if ranged else (END_MS, 0)
    try:
        answer = evaluate_text(query, source, start + shift_ms, END_MS + shift_ms, step)
    except PharosError as exc:
        return {"status": "error", "error": exc.message}
    return json.loads(b"".join(encode_answer(answer)))


def _against_prometheus(pharos: Client, folder: Path) -> list[str]:
    found = []
    with running_prometheus(folder) as prometheus:
        for part in in_order_of_time(demo_series()):
            prometheus.write(part)
        for asked in compliance_queries(QUERIES):
            for ranged in (True, False):
                ours, theirs = (_ask(one, asked.query, 0, ranged=ranged) for one in (pharos, prometheus))
                assert (theirs["status"] == "error") == asked.should_fail, asked.query
                if asked.query in NEW_IN_3:
                    assert ours["status"] == "success", asked.query
                elif differs := difference(ours, theirs, notes=False):
                    found.append(f"{'range' if ranged else 'instant'} {asked.query}\n  {differs}")
    return found


@pytest.mark.needs("prometheus", "conformance")
def test_compliance_queries_answer_as_prometheus_does(pharos: Client, tmp_path: Path) -> None:
    assert len(compliance_queries(QUERIES)) > 500
    found = _against_prometheus(pharos, tmp_path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("shift_ms", [OFF_MS - 3_000, -3_000], ids=["samples", "subquery steps"])
@pytest.mark.needs("conformance")
def test_compliance_queries_on_the_border_answer_as_the_evaluation_in_this_process(
    pharos: Client, shift_ms: int
) -> None:
    source = ArraySource(demo_series())
    found = []
    for asked in compliance_queries(QUERIES):
        for ranged in (True, False):
            ours = _ask(pharos, asked.query, shift_ms, ranged=ranged)
            if differs := difference(ours, _evaluated(source, asked.query, shift_ms, ranged=ranged)):
                found.append(f"{'range' if ranged else 'instant'} {asked.query}\n  {differs}")
    assert not found, "\n".join(found)


def test_a_window_does_not_hold_the_sample_at_its_beginning(pharos: Client) -> None:
    at_ms = START_MS - 3_000 + OFF_MS
    query = 'count_over_time(demo_num_cpus{instance="demo.promlabs.com:10000"}[1m])'
    answer = pharos.instant(query, at_ms)
    assert [one["value"][1] for one in answer["data"]["result"]] == ["12"]
