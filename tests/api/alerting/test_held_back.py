"""Maintenance windows and dependencies hold pages back, and never that something is over."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.alerting.test_receivers import Hook, hook, told
from tests.process import Server

__all__ = ("hook",)

CONFIG = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
- name: ops
  webhook_configs: [{{url: '{hook}/ops'}}]
"""
WINDOW = {
    "starts": "2020-01-01T00:00",
    "ends": "2020-01-02T00:00",
    "repeats": "FREQ=DAILY",
    "matchers": ["site=s1"],
    "reason": "the power is worked on",
}


@pytest.fixture(scope="module")
def server(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("held")
    (folder / "alertmanager.yml").write_text(CONFIG.format(hook=hook.url))
    running = Server(folder / "store", "--alertmanager-config", str(folder / "alertmanager.yml"))
    yield running
    assert running.stop() == 0, running.log.read_text()


def post(server: Server, name: str, *, ends: str = "", **labels: str) -> None:
    alert: dict[str, Any] = {"labels": {"alertname": name, **labels}}
    if ends:
        alert |= {"startsAt": "2020-01-01T00:00:00Z", "endsAt": ends}
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts", json.dumps([alert]).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def names(hook: Hook, status: str) -> list[str]:
    """Return which alerts were told of so, in order."""
    told_of = [body for _, body in list(hook.taken) if body["status"] == status]
    return [
        one["labels"]["alertname"] for body in told_of for one in body["alerts"] if one["status"] == status
    ]


def test_a_window_holds_back_until_it_is_gone_and_lets_through_that_it_is_over(
    server: Server, hook: Hook
) -> None:
    told(server, "PUT", "/api/alerting/maintenance/power", WINDOW)
    post(server, "Held", site="s1")
    post(server, "Free", site="s2")
    hook.wait_for("/ops", "Free")
    # What comes in later is told of first, so the other one is not on its way.
    post(server, "Later", site="s2")
    hook.wait_for("/ops", "Later")
    assert "Held" not in names(hook, "firing")
    told(server, "DELETE", "/api/alerting/maintenance/power")
    hook.wait_for("/ops", "Held")
    told(server, "PUT", "/api/alerting/maintenance/power", WINDOW)
    post(server, "Held", site="s1", ends="2020-01-01T00:01:00Z")
    hook.wait_for("/ops", "Held", '"status": "resolved"')
    told(server, "DELETE", "/api/alerting/maintenance/power")


def test_a_child_is_told_of_when_its_parent_is_over(server: Server, hook: Hook) -> None:
    depends = {"parent": ["alertname=Router"], "child": ["job=web"], "equal": ["site"]}
    told(server, "PUT", "/api/alerting/dependencies/router", depends)
    post(server, "Router", site="s3")
    hook.wait_for("/ops", "Router")
    post(server, "Child", site="s3", job="web")
    post(server, "Elsewhere", site="s4", job="web")
    hook.wait_for("/ops", "Elsewhere")
    post(server, "Marker", site="s4")
    hook.wait_for("/ops", "Marker")
    assert "Child" not in names(hook, "firing")
    like = {"labels": {"job": "web", "site": "s3"}}
    (view,) = told(server, "POST", "/api/alerting/routes/test", like)["routes"]
    assert (view["held_by"]["reason"], view["held_by"]["by"]) == ("dependency", "router")
    post(server, "Router", site="s3", ends="2020-01-01T00:01:00Z")
    hook.wait_for("/ops", "Child")
    told(server, "DELETE", "/api/alerting/dependencies/router")
