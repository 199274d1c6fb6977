"""Own configurations, routes, maintenance windows and dependencies over HTTP."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import run_apart
from tests.peers import program
from tests.process import Server

FILE = """
route:
  receiver: servers
  group_by: [alertname]
  routes: [{matchers: [team=a], mute_time_intervals: [always]}]
receivers: [{name: servers}]
time_intervals: [{name: always, time_intervals: [{}]}]
"""
OWN = """
route: {receiver: mine, routes: [{matchers: [severity=page], receiver: pager, group_by: ['...']}]}
receivers:
- name: mine
- name: pager
  webhook_configs: [{url: 'https://example.org/secret-address'}]
"""
WINDOW = {
    "starts": "2020-01-01T00:00",
    "ends": "2020-01-02T00:00",
    "zone": "Europe/Berlin",
    "repeats": "FREQ=DAILY",
    "matchers": ['site="s1"'],
    "reason": "the power is worked on",
}


class Peer:
    """Asks a server in one tenant."""

    def __init__(self, url: str, tenant: str) -> None:
        self.url, self.tenant = url, tenant

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-Scope-OrgID": self.tenant, "Content-Type": "application/json"}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read().decode()
                return answer.status, json.loads(text)["data"] if text.startswith("{") else text
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.loads(exc.read())["error"]

    def good(self, method: str, path: str, body: Any = None) -> Any:
        status, found = self.ask(method, path, body)
        assert status in {200, 201}, found
        return found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("routing")
    file = folder / "alertmanager.yml"
    file.write_text(FILE)
    server = Server(folder / "data", "--alertmanager-config", str(file))
    yield server.url
    server.stop()


@pytest.fixture
def peer(url: str) -> Peer:
    return Peer(url, "default")


@pytest.fixture(autouse=True)
def _cleared(peer: Peer) -> Iterator[None]:
    yield
    peer.ask("DELETE", "/api/alerting/config")
    for kind in ("maintenance", "dependencies"):
        for one in peer.good("GET", f"/api/alerting/{kind}"):
            peer.good("DELETE", f"/api/alerting/{kind}/{urllib.parse.quote(one['name'])}")


def receivers(peer: Peer, **labels: str) -> list[str]:
    return list(peer.good("POST", "/api/alerting/routes/test", {"labels": labels})["receivers"])


def test_labels_go_by_the_servers_file_until_a_tenant_has_its_own(peer: Peer) -> None:
    assert receivers(peer, severity="page") == ["servers"]
    shown = peer.good("GET", "/api/alerting/config")
    assert (shown["source"], shown["version"]) == ("server", 0)
    made = peer.good("PUT", "/api/alerting/config", {"config": OWN, "reason": "ours"})
    assert (made["source"], made["reason"]) == ("tenant", "ours")
    assert "secret-address" not in json.dumps(made)
    assert receivers(peer, severity="page") == ["pager"]
    (taken,) = peer.good("POST", "/api/alerting/routes/test", {"labels": {"severity": "page", "a": "b"}})[
        "routes"
    ]
    assert taken["path"] == [
        {"matchers": "{}", "receiver": "mine", "line": 2},
        {"matchers": '{severity="page"}', "receiver": "pager", "line": 2},
    ]
    assert taken["group_key"] == '{}/{severity="page"}:{a="b", severity="page"}'
    assert (taken["integrations"], taken["held_by"]) == (["webhook[0]"], None)
    # What is shown is taken back as it is, and what it hides stays.
    again = peer.good("PUT", "/api/alerting/config", {"config": made["config"]})
    assert again["version"] == made["version"] + 1
    peer.good("DELETE", "/api/alerting/config")
    assert receivers(peer, severity="page") == ["servers"]


def test_versions_are_kept_and_an_old_one_is_not_overwritten(peer: Peer) -> None:
    before = len(peer.good("GET", "/api/alerting/config/versions"))
    made = peer.good("PUT", "/api/alerting/config", {"config": OWN, "version": 0})
    status, fault = peer.ask("PUT", "/api/alerting/config", {"config": FILE, "version": 0})
    assert status == 400
    assert f"is at version {made['version']}, not 0" in fault
    versions = peer.good("GET", "/api/alerting/config/versions")
    assert len(versions) == before + 1
    assert "<secret>" in versions[0]["config"]


def test_a_bad_configuration_changes_nothing_and_every_fault_is_told(peer: Peer) -> None:
    bad = {"config": "route: {receiver: x}\nreceivers: [{name: y, email_configs: [{}]}]\n"}
    status, fault = peer.ask("PUT", "/api/alerting/config", bad)
    assert status == 400
    assert "alertmanager.yml:1: undefined receiver 'x'" in fault
    found = peer.good("POST", "/api/alerting/config/check", bad)
    assert [one.partition(": ")[0] for one in found["faults"]] == ["alertmanager.yml:1", "alertmanager.yml:2"]
    good = peer.good("POST", "/api/alerting/config/check", {"config": OWN})
    assert good == {"faults": [], "notices": [], "receivers": ["mine", "pager"]}
    assert receivers(peer) == ["servers"]


def test_a_configuration_comes_as_mimir_has_it(peer: Peer) -> None:
    body = json.dumps({"alertmanager_config": OWN, "template_files": {}}).encode()
    assert peer.ask("POST", "/api/v1/alerts", body)[0] == 201
    assert receivers(peer, severity="page") == ["pager"]
    assert peer.ask("POST", "/api/v1/alerts", b"alertmanager_config: 'route: {}'")[0] == 400
    assert peer.ask("POST", "/api/v1/alerts", b"nonsense: 1")[0] == 400
    assert peer.ask("DELETE", "/api/v1/alerts")[0] == 200
    assert peer.ask("DELETE", "/api/v1/alerts")[0] == 200
    assert receivers(peer, severity="page") == ["servers"]


def test_the_test_of_routes_says_what_would_hold_a_page_back(peer: Peer) -> None:
    def held(**labels: str) -> Any:
        (taken,) = peer.good("POST", "/api/alerting/routes/test", {"labels": labels})["routes"]
        return taken["held_by"]

    assert held(team="a")["reason"] == "muted"
    assert held(site="s1") is None
    peer.good("PUT", "/api/alerting/maintenance/power", WINDOW)
    found = held(site="s1")
    assert (found["reason"], found["source"], found["by"]) == ("maintenance", "power", WINDOW["reason"])
    early = {"labels": {"site": "s1"}, "at": "2019-01-01T00:00:00Z"}
    assert peer.good("POST", "/api/alerting/routes/test", early)["routes"][0]["held_by"] is None
    trial = {"labels": {"severity": "page"}, "config": OWN}
    assert peer.good("POST", "/api/alerting/routes/test", trial)["receivers"] == ["pager"]


def test_a_window_has_versions_a_preview_and_a_calendar(peer: Peer) -> None:
    made = peer.good("PUT", "/api/alerting/maintenance/power%20works", WINDOW)
    assert (made["name"], made["is_open"]) == ("power works", True)
    again = peer.good("PUT", "/api/alerting/maintenance/power%20works", {**WINDOW, "reason": "again"})
    assert again["version"] == made["version"] + 1
    versions = peer.good("GET", "/api/alerting/maintenance/power%20works/versions")
    assert [one["definition"]["reason"] for one in versions[:2]] == ["again", WINDOW["reason"]]
    preview = peer.good("POST", "/api/alerting/maintenance/preview", WINDOW)
    assert len(preview["occurrences"]) == 50
    assert list(preview["labels"]) == preview["alerts"]
    calendar = peer.good("GET", "/api/alerting/maintenance.ics")
    assert "SUMMARY:Maintenance: power works" in calendar
    assert peer.ask("GET", "/api/alerting/maintenance/nothing")[0] == 404
    status, fault = peer.ask("PUT", "/api/alerting/maintenance/x", {**WINDOW, "zone": "Mars"})
    assert (status, "there is no time zone" in fault) == (400, True)


def test_a_parent_holds_its_children_back(peer: Peer) -> None:
    depends = {"parent": ["alertname=RouterDown"], "child": ["job=web"], "equal": ["site"]}
    labels = [
        {"alertname": "RouterDown", "site": "s2"},
        {"alertname": "Slow", "job": "web", "site": "s2"},
        {"alertname": "Slow", "job": "web", "site": "s3"},
    ]
    status, _ = peer.ask("POST", "/api/v2/alerts", [{"labels": one} for one in labels])
    assert status == 200
    preview = peer.good("POST", "/api/alerting/dependencies/preview", depends)
    assert (len(preview["parents"]), len(preview["children"]), len(preview["held_back"])) == (1, 2, 1)
    assert preview["labels"][preview["held_back"][0]] == labels[1]
    assert [preview["labels"][name] for name in preview["parents"]] == labels[:1]
    peer.good("PUT", "/api/alerting/dependencies/router", depends)

    def held_by(site: str) -> Any:
        asked = {"labels": {"alertname": "Other", "job": "web", "site": site}}
        return peer.good("POST", "/api/alerting/routes/test", asked)["routes"][0]["held_by"]

    assert (held_by("s2")["reason"], held_by("s2")["by"]) == ("dependency", "router")
    assert held_by("s2")["alert"] == labels[0]
    (child,) = (
        one
        for one in peer.good("GET", "/api/alerting/alerts")["alerts"]
        if one["held_by"] and one["labels"] == labels[1]
    )
    assert [one["alert"] for one in child["held_by"]] == [labels[0]]
    like = ("alertname=Other", "job=web", "site=s2")
    told = run_apart("routes", "ask", *like, "--server", peer.url, "--tenant", "default")
    assert told.out.rstrip().endswith('held back: dependency by RouterDown{site="s2"} router')
    assert held_by("s3") is None
    ended = [{"labels": labels[0], "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}]
    assert peer.ask("POST", "/api/v2/alerts", ended)[0] == 200
    assert held_by("s2") is None


@pytest.mark.needs("amtool")
def test_amtool_routes_by_the_configuration_that_the_server_shows(peer: Peer) -> None:
    peer.good("PUT", "/api/alerting/config", {"config": OWN})
    command = [
        program("amtool"),
        f"--alertmanager.url={peer.url}",
        "config",
        "routes",
        "test",
        "severity=page",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "pager\n"), done.stderr


def test_the_command_asks_a_running_server(peer: Peer) -> None:
    peer.good("PUT", "/api/alerting/maintenance/power", WINDOW)
    ended = run_apart("routes", "ask", "site=s1", "alertname=x", "--server", peer.url, "--tenant", "default")
    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            "servers",
            "servers: {}; grouped by alertname=x; held back: maintenance by power the power is worked on",
        ],
    )
