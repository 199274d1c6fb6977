"""End to end: Argo Rollouts moves the traffic by what Pharos says, with the documents of docs/rollouts.md.

Services send spans of their requests all the while, by the weight that the cluster has. One release is good,
one is a fifth slower, and one is good while its controller and then Pharos are killed.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.hook import Hook, hooking
from tests.peers import ending_with_us
from tests.process import Server
from tests.versions.cluster import PHAROS, ROLLOUTS, SECRETS, SERVICES, TEMPLATES, Cluster
from tests.versions.services import Traffic, ask, send_spans, wait_until

GUIDE = Path(__file__).parents[2] / "docs" / "rollouts.md"
STAGES = [0, 10, 25, 50, 75, 100]
RPS = 200.0
SPREAD = 0.3
LONG_S = 600.0
"""A stage takes half a minute at least: so long requests may come in late."""
SPANS = 'resource.service.name = "{}" && kind = server && resource.service.version = "{{{{.group}}}}"'
ALERTS = """\
route: {receiver: shop, group_wait: 0s, group_by: [alertname, rollout]}
receivers: [{name: shop, webhook_configs: [{url: 'HOOK'}]}]
"""


def documents() -> dict[str, Any]:
    """Return the documents for Argo Rollouts that the guide has, by their kinds."""
    found = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)]
    return {one["kind"]: one for one in found if str(one.get("apiVersion", "")).startswith("argoproj.io/")}


def roll_back(name: str) -> Any:
    """Return the guide's action that rolls back, of another release than the guide's."""
    [action] = re.findall(r"actions/roll-back-checkout .*? -d '(.*?)'\n", GUIDE.read_text(), re.DOTALL)
    return json.loads(action.replace("checkout", name))


def rollout(name: str, stages: list[int]) -> dict[str, Any]:
    """Return the guide's Rollout of a release, with all its stages."""
    made: dict[str, Any] = json.loads(json.dumps(documents()["Rollout"]).replace("checkout", name))
    [_, analysis, *_] = made["spec"]["strategy"]["canary"]["steps"]
    steps: list[Any] = []
    for weight in stages:
        told = json.loads(json.dumps(analysis).replace('"10"', f'"{weight}"'))
        steps += [{"setWeight": weight}, told]
    made["spec"]["strategy"]["canary"]["steps"] = steps
    return made


@dataclass(slots=True)
class World:
    """A cluster whose releases a Pharos of its own judges."""

    folder: Path
    cluster: Cluster
    hook: Hook
    server: Server = field(init=False)
    controllers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _services: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "token").write_text(PHAROS)
        (self.folder / "alertmanager.yml").write_text(ALERTS.replace("HOOK", self.hook.url))
        (self.folder / "pharos.yml").write_text(
            f"actions: {{clusters: {{main: {{server: '{self.cluster.url}', token_file: token}}}}}}\n"
        )
        token = base64.b64encode(b"of no account").decode()
        self.cluster.put(f"{SECRETS}pharos", {"data": {"token": token}})
        self.cluster.put(f"{TEMPLATES}pharos", documents()["AnalysisTemplate"])
        self.start_pharos()

    def start_pharos(self) -> None:
        """Start Pharos, upon what one before left, and tell the cluster's names where it is."""
        self.server = Server(
            self.folder / "data",
            *("--config", str(self.folder / "pharos.yml")),
            *("--alertmanager-config", str(self.folder / "alertmanager.yml")),
        )
        self.cluster.put(f"{SERVICES}pharos.example.org", {"spec": {"externalName": self.server.url}})

    def start_controller(self, name: str) -> None:
        """Start a controller, which goes on where the cluster says that the release is."""
        words = [sys.executable, "-m", "tests.versions.argo", self.cluster.url, name]
        self.controllers[name] = subprocess.Popen(ending_with_us(words))

    def release(self, name: str, slower: float = 1.0, stages: list[int] = STAGES) -> None:
        """Bring a version out, with the guide's way back, and have services send what they do meanwhile."""
        asked = {
            "spans": f"{{ {SPANS.format(name)} }}",
            "stages": stages,
            "advance": "manual",
            "least_time": "1s",
            "labels": {"team": "shop"},
        }
        path, url = f"/api/v1/rollouts/{name}", self.server.url
        assert ask(url, "PUT", path, {"rollout": asked})[0] == 200
        assert ask(url, "PUT", f"/api/alerting/actions/roll-back-{name}", roll_back(name))[0] == 200
        self.cluster.put(f"{ROLLOUTS}{name}", rollout(name, stages))
        assert ask(url, "POST", f"{path}/start", {"baseline": "1.4.0", "canary": "1.5.0"})[0] == 200
        sends = threading.Thread(target=self._serve, args=(name, slower), daemon=True)
        sends.start()
        self._services.append(sends)
        self.start_controller(name)

    def _serve(self, name: str, slower: float) -> None:
        """Send the spans of a service's requests as they end; what cannot be sent is sent later."""
        sent_s, batch = time.time(), 1
        while not self._over.wait(0.5):
            now_s, part = time.time(), self.status(name).get("weight", 0) / 100
            parts = (("1.4.0", 1 - part, 1.0), ("1.5.0", part, slower))
            try:
                for version, share, times in parts:
                    of = Traffic(name, version, sent_s, now_s - sent_s, RPS * share, times, SPREAD, batch)
                    send_spans(self.server.url, of)
            except OSError:
                continue
            sent_s, batch = now_s, batch + 1

    def status(self, name: str) -> dict[str, Any]:
        """Return how the cluster says that a release is."""
        found: dict[str, Any] = self.cluster.get(f"{ROLLOUTS}{name}").get("status", {})
        return found

    def run(self, name: str) -> Any:
        """Return how Pharos says that a release is."""
        return ask(self.server.url, "GET", f"/api/v1/rollouts/{name}")[1]["run"]

    def over(self, name: str) -> str:
        """Return the phase in which a release ended, once it did."""
        assert self.controllers[name].wait(LONG_S) == 0
        return str(self.status(name)["phase"])

    def close(self) -> None:
        """End all of it."""
        self._over.set()
        for controller in self.controllers.values():
            controller.kill()
            controller.wait()
        for sends in self._services:
            sends.join()
        self.cluster.close()
        assert self.server.stop() == 0, self.server.log.read_text()


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with hooking() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def worlds(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """One world whose parts live on, and one whose parts are killed: all releases go on together."""
    folder = tmp_path_factory.mktemp("argo")
    calm, killed = (World(folder / name, Cluster(), hook) for name in ("calm", "killed"))
    calm.release("good")
    calm.release("slow", slower=1.2)
    killed.release("shaken", stages=[0, 25, 50, 100])
    yield calm, killed
    calm.close()
    killed.close()


def test_a_slower_version_is_rolled_back_with_its_evidence(worlds: tuple[World, World], hook: Hook) -> None:
    calm, _ = worlds
    assert calm.over("slow") == "Degraded"
    assert (calm.status("slow")["weight"], calm.status("slow")["abort"]) == (0, True)
    [patch] = wait_until(calm.cluster.patches, bool)
    assert patch.path == f"{ROLLOUTS}slow/status"
    run = calm.run("slow")
    assert run["phase"] == "failed"
    stage = run["stages"][-1]
    assert (stage["outcome"], stage["verdict"]["verdict"]) == ("fail", "fail")
    assert stage["verdict"]["latency"]["low"] > 1
    # Somebody is told, with the evidence, and what was done is kept.
    assert hook.wait(lambda: hook.told("RolloutFailed") == ["firing"])
    [alert] = [
        one
        for _, message in hook.accepted
        for one in message["alerts"]
        if one["labels"]["alertname"] == "RolloutFailed"
    ]
    assert (alert["labels"]["rollout"], alert["labels"]["team"]) == ("slow", "shop")
    assert json.loads(alert["annotations"]["evidence"])["verdict"] == stage["verdict"]
    [done] = wait_until(
        lambda: ask(calm.server.url, "GET", "/api/alerting/responses?status=done")[1],
        lambda found: len(found) == 1,
    )
    assert done["labels"]["canary"] == "1.5.0"


def test_a_release_goes_on_after_its_controller_and_pharos_are_killed(worlds: tuple[World, World]) -> None:
    _, world = worlds
    wait_until(lambda: world.status("shaken").get("weight"), lambda weight: weight == 25, LONG_S)
    world.controllers["shaken"].kill()
    assert world.controllers["shaken"].wait() != 0
    world.start_controller("shaken")
    wait_until(lambda: world.run("shaken")["weight"], lambda weight: weight == 50, LONG_S)
    world.server.kill()
    # The controller sees that nobody answers, and asks again.
    errors = world.status("shaken").get("analysis", {}).get("error", 0)
    wait_until(
        lambda: world.status("shaken").get("analysis", {}).get("error", 0), lambda now: now > errors, LONG_S
    )
    world.start_pharos()
    assert world.over("shaken") == "Healthy"
    run = world.run("shaken")
    assert run["phase"] == "passed"
    assert [(one["weight"], one["outcome"]) for one in run["stages"]] == [
        (weight, "pass") for weight in (0, 25, 50, 100)
    ]
    assert world.cluster.patches() == []


def test_a_good_version_gets_through_all_stages(worlds: tuple[World, World]) -> None:
    calm, _ = worlds
    assert calm.over("good") == "Healthy"
    run = calm.run("good")
    assert (run["phase"], run["canary"]) == ("passed", "1.5.0")
    assert [(one["weight"], one["outcome"]) for one in run["stages"]] == [
        (weight, "pass") for weight in STAGES
    ]
    judged = [one["verdict"]["canary_requests"] for one in run["stages"] if 0 < one["weight"] < 100]
    assert all(judged)
    assert {one.path for one in calm.cluster.patches()} == {f"{ROLLOUTS}slow/status"}


def test_what_was_judged_of_another_version_counts_for_nothing(worlds: tuple[World, World]) -> None:
    calm, _ = worlds
    asked = {"canary": "1.6.0", "weight": "10", "decided": True}
    status, told = ask(calm.server.url, "POST", "/api/v1/rollouts/slow/judge", asked)
    assert (status, "not of '1.6.0'" in json.dumps(told).replace("\\u0027", "'")) == (409, True)
