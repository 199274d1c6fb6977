"""The page of Pharos' own metrics says what the client library's own writer says of them."""

from __future__ import annotations

from prometheus_client import generate_latest

from pharos.telemetry import REGISTRY, RULE_GROUP_INTERVAL, RULE_GROUP_ITERATIONS, STATE_SECONDS, exposition


def _lines(page: bytes) -> list[str]:
    # The process goes on between two pages.
    return [line for line in page.decode().splitlines() if not line.startswith("process_")]


def test_the_page_is_that_of_the_client_library() -> None:
    names = ("default", 'C:\\rules.yml;a "quoted"\nname')
    RULE_GROUP_ITERATIONS.labels(*names).inc(3)
    STATE_SECONDS.labels("read").observe(0.02)
    try:
        for value in (0.0, 1.5e-7, 12345678.9, 1e21, float("inf"), float("-inf"), float("nan")):
            RULE_GROUP_INTERVAL.labels(*names).set(value)
            found = _lines(exposition())
            assert found == _lines(generate_latest(REGISTRY))
            assert any(line.startswith("pharos_rule_group_interval_seconds{") for line in found)
    finally:
        RULE_GROUP_ITERATIONS.remove(*names)
        RULE_GROUP_INTERVAL.remove(*names)
