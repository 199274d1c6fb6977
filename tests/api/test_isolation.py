"""Nothing of another tenant comes back, whatever is read and however it is written."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from bench.events.isolation import EventReader, write_events, write_runs
from tests.process import Server

from bench import isolation

READS = 700
"""Of a few seconds; `python -m bench isolation` makes 5,000."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = Server(tmp_path_factory.mktemp("isolation") / "store")
    yield int(server.url.rpartition(":")[2])
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture(scope="module")
def end_ms(port: int) -> int:
    end_ms = time.time_ns() // 1_000_000 - 5_000
    isolation.write(port, end_ms)
    write_events(port, end_ms)
    return end_ms


def test_what_would_leak_is_seen() -> None:
    end_ms = 1_700_000_000_000
    theirs = isolation.unpacked(isolation.body_of(isolation.THEIRS, end_ms), "snappy")
    mine = isolation.unpacked(isolation.body_of(isolation.MINE, end_ms), "snappy")
    assert isolation.is_theirs(theirs)
    assert not isolation.is_theirs(mine)
    assert isolation.is_miscounted(b'{"data":{"result":[{"value":[1,"48"]}]}}', 12.0)
    reads = list(isolation.Reader(1, end_ms).reads(3_000))
    assert not any(isolation.MARK in f"{one}" for one in reads)
    assert len({one.route for one in reads}) > 12


def test_random_reads_see_nothing_of_another_tenant(port: int, end_ms: int) -> None:
    found = isolation.read_all(port, isolation.Reader(7, end_ms).reads(READS))
    assert found.leaks == []
    assert found.faults == []
    assert found.reads == READS
    # Most are answered, and every route is among these: what is refused shows nothing.
    assert found.by_status[200] > READS // 2
    assert {"query", "query_range", "series", "labels", "federate", "read", "query_batch"} <= set(
        found.answered
    )
    assert {"dashboard_query", "dashboard_variables"} <= set(found.answered)
    assert {"metadata", "query_exemplars", "status/tsdb", "label/__name__/values"} <= set(found.answered)


def test_random_reads_of_logs_traces_and_runs_see_nothing_of_another_tenant(port: int, end_ms: int) -> None:
    write_runs(port, end_ms)
    found = isolation.read_all(port, EventReader(7, end_ms).reads(READS))
    assert found.leaks == []
    assert found.faults == []
    assert found.by_status[200] > READS // 2
    roots = {
        "/api/logs/",
        "/loki/api/v1/",
        "/api/spans/",
        "/api/traces",
        "/api/v3/",
        "/tempo/",
        "/api/related",
        "/api/v1/run",
        "/api/v1/workflows",
    }
    assert {root for root in roots if not any(route.startswith(root) for route in found.answered)} == set()
    # What is not answered is so however it is spelled; a route that never is would show nothing.
    assert len(found.answered) > 35
