"""Checks in a server: of files and of people, their series, alerts, components, heartbeats."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

from tests.cli.running import run_apart
from tests.health.conftest import Asking
from tests.process import Server

ROOT = "/api/v1/health"
HTTP = {"type": "http", "url": "https://a.example.com/", "enabled": False}


def named(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found}


def query(ask: Asking, expression: str) -> str:
    return f"GET /api/v1/query?{urllib.parse.urlencode({'query': expression})}"


def test_checks_of_files_are_made_and_what_depends_is_not_blamed(ask: Asking) -> None:
    found = ask.until(
        f"GET {ROOT}/system", lambda one: one["checks"]["up"] == 3 and one["checks"]["down"] == 1
    )
    assert found["health"] == "down"
    assert found["components"] == {"site": "healthy", "shop": "down"}
    checks = named(ask.until(f"GET {ROOT}/checks", lambda one: named(one)["cart"]["because"]))
    assert {name: one["state"] for name, one in checks.items()} == {
        "home": "up", "intranet-db": "down", "cart": "unknown", "scrapes": "up", "panics": "up"
    }  # fmt: skip
    assert checks["intranet-db"]["reason"] == "cannot reach 127.0.0.1:1: connection refused"
    assert checks["cart"]["because"] == "intranet-db"
    assert checks["home"]["source"] == "file"
    (shop,) = (one for one in ask(f"GET {ROOT}/components")[1] if one["name"] == "shop")
    assert (shop["title"], shop["health"], shop["source"]) == ("The shop", "down", "file")
    assert [one["check"] for one in shop["reasons"]] == ["intranet-db", "cart"]


def test_a_check_has_its_history(ask: Asking) -> None:
    one = ask.until(f"GET {ROOT}/checks/home", lambda found: len(found["runs"]) > 2 and found["uptime"])
    assert (one["uptime"], len(one["days"]), len(one["strip"])) == (1.0, 90, 90)
    assert one["strip"][-1] == 1.0
    assert one["days"][0] == {"day": one["days"][0]["day"], "uptime": None, "coverage": 0.0}
    assert 0 < one["days"][-1]["coverage"] < 1
    assert one["runs"][0]["facts"]["http_status_code"] == 200
    events = ask.until(f"GET {ROOT}/events?check=intranet-db", bool)
    assert (events[-1]["was"], events[-1]["became"]) == ("unknown", "down")
    assert ask(f"GET {ROOT}/events?limit=0")[0] == 400
    assert ask(f"GET {ROOT}/checks/nothing")[0] == 404


def test_results_are_series_and_the_shipped_rules_tell_of_them(ask: Asking) -> None:
    found = ask.until(query(ask, "health_check_healthy"), lambda one: len(one["result"]) >= 4)
    values = {one["metric"]["check"]: one["value"][1] for one in found["result"]}
    assert values == {"home": "1", "intranet-db": "0", "scrapes": "1", "panics": "1"}
    found = ask(query(ask, 'health_check_duration_seconds{check="home",component="site",type="http"}'))[1]
    assert float(found["result"][0]["value"][1]) > 0
    alerts = ask.until("GET /api/v1/alerts", lambda one: bool(one["alerts"]))["alerts"]
    (alert,) = (one for one in alerts if one["labels"]["alertname"] == "HealthCheckDown")
    assert alert["labels"]["check"] == "intranet-db"
    assert (alert["labels"]["severity"], alert["labels"]["region"]) == ("critical", "eu")


def test_people_keep_checks_in_versions_without_showing_secrets(ask: Asking) -> None:
    path = f"{ROOT}/checks/kept"
    secret = {**HTTP, "headers": {"X-Key": "sesame"}, "labels": {"team": "a"}}
    assert ask(f"PUT {path}", {"check": secret, "version": 0})[0] == 200
    one = ask(f"GET {path}")[1]
    assert (one["source"], one["version"], one["enabled"], one["reason"]) == (
        "kept",
        1,
        False,
        "switched off",
    )
    assert one["definition"]["headers"] == {"X-Key": "<secret>"}
    changed = {**one["definition"], "title": "Kept"}
    status, told = ask(f"PUT {path}", {"check": {**changed, "url": "https://b.example.com/"}})
    assert (status, "another address" in told) == (400, True)
    assert ask(f"PUT {path}", {"check": changed, "version": 7})[0] == 400
    assert ask(f"PUT {path}", {"check": changed, "version": 1})[1]["version"] == 2
    versions = ask(f"GET {path}/versions")[1]
    assert [one["version"] for one in versions] == [2, 1]
    assert "sesame" not in str(versions)
    assert ask(f"DELETE {path}")[0] == 200
    assert ask(f"GET {path}")[0] == 404


def test_what_is_wrong_is_refused_and_changes_nothing(ask: Asking) -> None:
    assert ask(f"PUT {ROOT}/checks/home", {"check": HTTP})[0] == 400
    assert ask(f"DELETE {ROOT}/checks/home")[0] == 400
    for check in (
        {},
        {"type": "http"},
        {**HTTP, "depends_on": ["nothing"]},
        {**HTTP, "name": "another"},
        {**HTTP, "interval": 1.5},
        {**HTTP, "headers": {"a": "\0"}},
        {**HTTP, "url": "http://\ud800/"},
    ):
        assert ask(f"PUT {ROOT}/checks/bad", {"check": check})[0] == 400, check
    assert ask(f"PUT {ROOT}/checks/Bad%20name", {"check": HTTP})[0] == 400
    assert ask(f"PUT {ROOT}/components/a", {"part_of": "a"})[0] == 400
    assert "bad" not in named(ask(f"GET {ROOT}/checks")[1])


def test_checks_over_the_api_do_not_go_inside(ask: Asking, target: int) -> None:
    check = {"name": "x", "type": "http", "url": f"http://127.0.0.1:{target}/"}
    status, found = ask(f"POST {ROOT}/test", {"check": check})
    assert (status, found["up"]) == (200, False)
    assert "private address" in found["reason"]
    assert ask(f"POST {ROOT}/test", {"check": {"name": "x", "type": "heartbeat", "every": "1h"}})[0] == 400
    found = ask(f"POST {ROOT}/test", {"check": {"name": "x", "type": "promql", "query": "vector(1) > 2"}})[1]
    assert found["up"] is True


def test_another_tenant_sees_and_changes_nothing(ask: Asking) -> None:
    assert ask(f"GET {ROOT}/checks", tenant="other") == (200, [])
    assert ask(f"GET {ROOT}/checks/home", tenant="other")[0] == 404
    assert ask(f"GET {ROOT}/events", tenant="other") == (200, [])
    assert ask(f"GET {ROOT}/system", tenant="other")[1]["health"] == "unknown"
    assert ask(f"PUT {ROOT}/checks/home", {"check": HTTP}, tenant="other")[0] == 200
    assert named(ask(f"GET {ROOT}/checks")[1])["home"]["type"] == "http"
    assert ask(f"GET {ROOT}/checks/home")[1]["source"] == "file"
    assert ask(f"DELETE {ROOT}/checks/home", tenant="other")[0] == 200


def test_a_heartbeat_comes_in_at_its_secret_address(ask: Asking) -> None:
    path = f"{ROOT}/checks/nightly"
    beat = {"type": "heartbeat", "every": "1h", "component": "jobs"}
    assert ask(f"PUT {path}", {"check": beat})[0] == 200
    one = ask.until(f"GET {path}", lambda found: found["looked"])
    assert (one["state"], one["reason"]) == ("unknown", "waits for the first sign of life")
    first = ask(f"POST {path}/address")[1]
    assert first["url"] == f"https://pharos.example.com{first['path']}"
    for told, state in (("", "up"), ("/start", "up"), ("/fail", "down"), ("/0", "up"), ("/3", "down")):
        assert ask(f"POST {first['path']}{told}")[0] == 200
        assert ask(f"GET {path}")[1]["state"] == state
    one = ask(f"GET {path}")[1]
    assert one["reason"] == "the job failed with exit code 3"
    assert one["beats"]["exit_code"] == 3
    assert ask(f"GET {first['path']}")[1] == {"taken": "success"}
    second = ask(f"POST {path}/address")[1]
    assert ask(f"POST {first['path']}")[0] == 404
    assert ask(f"POST {second['path']}", tenant="other")[0] == 200
    assert ask(f"POST {second['path']}/stop")[0] == 404
    assert ask(f"DELETE {path}")[0] == 200
    assert ask(f"POST {second['path']}")[0] == 404


def test_maintenance_windows_cover_checks(ask: Asking) -> None:
    window = {
        "starts": "2020-01-01T00:00",
        "ends": "2020-12-31T00:00",
        "repeats": "FREQ=YEARLY",
        "matchers": ['check="intranet-db"'],
        "reason": "moving house",
    }
    assert ask("PUT /api/alerting/maintenance/move", window)[0] == 200
    try:
        one = ask.until(f"GET {ROOT}/checks/intranet-db", lambda found: found["maintenance"])
        assert one["maintenance"] == "moving house"
        assert ask(f"GET {ROOT}/system")[1]["components"]["shop"] == "maintenance"
    finally:
        assert ask("DELETE /api/alerting/maintenance/move")[0] == 200
    ask.until(f"GET {ROOT}/checks/intranet-db", lambda found: not found["maintenance"])


def test_the_command_makes_checks_or_asks_a_server(server: Server, checks_file: Path, tmp_path: Path) -> None:
    found = run_apart("check", "health", str(checks_file))
    assert found.code == 1
    assert "down        intranet-db" in found.out
    assert "up          home" in found.out
    asked = run_apart("check", "health", "--server", server.url, "--json")
    assert asked.code == 1
    assert '"name": "intranet-db"' in asked.out
    bad = tmp_path / "bad.yml"
    bad.write_text("checks:\n- {name: a}\n")
    found = run_apart("check", str(bad), str(checks_file))
    assert found.code == 1
    assert "bad.yml:2" in found.out
    assert f"good  {checks_file} (read as checks.yml)\n" in found.out
