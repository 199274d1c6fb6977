"""Two whole servers on one PostgreSQL, one of which is killed: nothing is down by it, no page comes twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.hook import Hook, hooking
from tests.health.conftest import Asking
from tests.postgres import Postgres, postgres_at
from tests.process import Server

pytestmark = pytest.mark.needs("postgresql")

CHECKS = "/api/v1/health/checks"
PAGING = """
route: {receiver: hook, group_by: [check], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers:
- {name: hook, webhook_configs: [{url: 'HOOK'}]}
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooking() as found:
        yield found


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with postgres_at() as running:
        yield running


def begun(folder: Path, postgres_url: str, hook: Hook) -> Server:
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(PAGING.replace("HOOK", hook.url))
    (folder / "pharos.yml").write_text(
        f"state: {postgres_url}\nevaluation: {{interval: 1s}}\nhealth: {{private_checks: true}}\n"
        "alertmanager: alertmanager.yml\n"
    )
    return Server(folder / "store", "--config", str(folder / "pharos.yml"))


def test_the_one_that_makes_the_checks_is_killed(tmp_path: Path, postgres: Postgres, hook: Hook) -> None:
    address = postgres.new_database().reveal()
    one, other = (begun(tmp_path / name, address, hook) for name in ("one", "other"))
    alive = [one, other]
    try:
        here, there = Asking(one.url), Asking(other.url)
        # Something that is down, something that is well, and a job whose signs of life arrive anywhere.
        made = {
            "gone": {"type": "tcp", "host": "127.0.0.1", "port": 1, "interval": "1s", "fail_after": 1},
            "fine": {"type": "promql", "query": "vector(1) > 2", "interval": "1s"},
            "job": {"type": "heartbeat", "every": "15s", "grace": "45s", "interval": "1s", "fail_after": 1},
        }
        for name, check in made.items():
            assert here(f"PUT {CHECKS}/{name}", {"check": check})[0] == 200
        path = here(f"POST {CHECKS}/job/address")[1]["path"]
        there.until(f"GET {CHECKS}", lambda found: len(found) == 3)
        there.until("GET /api/v1/health/system", lambda _: there(f"POST {path}")[0] == 200)
        for ask in (here, there):
            ask.until(f"GET {CHECKS}/gone", lambda found: found["state"] == "down")
            for name in ("fine", "job"):
                ask.until(f"GET {CHECKS}/{name}", lambda found: found["state"] == "up")
        assert hook.wait(lambda: hook.told("HealthCheckDown") == ["firing"])

        assert there(f"POST {path}/start")[0] == 200
        one.kill()
        alive.remove(one)
        killed = there(f"GET {CHECKS}/fine")[1]["looked"]
        assert there(f"POST {path}/0")[0] == 200
        for name in made:
            there.until(f"GET {CHECKS}/{name}", lambda found: found["looked"] > killed)
        # Both series are there, of the time before and after.
        changes = there("GET /api/v1/health/events")[1]
        assert sorted((one["check"], one["became"]) for one in changes) == [
            ("fine", "up"), ("gone", "down"), ("job", "up"),
        ]  # fmt: skip
        assert hook.told("HealthCheckDown") == ["firing"]

        # What goes wrong from now on is told, by the one that is left.
        assert there(f"POST {path}/7")[0] == 200
        there.until(f"GET {CHECKS}/job", lambda found: found["state"] == "down")
        assert hook.wait(lambda: len(hook.told("HealthCheckDown")) > 1)
        told = [one["labels"]["check"] for _, sent in hook.accepted for one in sent["alerts"]]
        assert told == ["gone", "job"], json.dumps([sent for _, sent in hook.accepted])
    finally:
        for server in alive:
            server.kill()
