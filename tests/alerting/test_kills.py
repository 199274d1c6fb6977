"""Kill -9 at every stage of a page: none is lost, at most one is there twice for each kill.

PHAROS_KILLS sets how often (once for each stage by default, 50 for the whole claim), PHAROS_KILL_SEED which
moments.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bench.hook import Hook, hooking
from bench.servers import Pharos, free_port

SEED = int(os.environ.get("PHAROS_KILL_SEED", "1"))
PATIENCE_S = 240.0
"""However busy the machine is, what was not told by then is lost."""
GROUP_WAIT_S = 1.0
CONFIG = """
route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers:
- {name: hook, webhook_configs: [{url: 'HOOK'}]}
- {name: first, webhook_configs: [{url: 'HOOK'}]}
- {name: second, webhook_configs: [{url: 'HOOK'}]}
"""
TIMEOUT_S = 3.0
POLICY = {
    "matchers": ["escalates=yes"],
    "levels": [
        {"targets": [{"receiver": "first"}], "timeout": f"{TIMEOUT_S:g}s"},
        {"targets": [{"receiver": "second"}], "timeout": "1h"},
    ],
}
RULES = """
groups:
- name: waiting
  interval: 1s
  rules:
  - {alert: Pending, expr: vector(1), for: 4s}
"""


class Paging(Pharos):
    """A server with an alertmanager.yml and rules."""

    settings = "rules: [rules.yml]\n"

    def __init__(self, folder: Path, hook: Hook) -> None:
        super().__init__(folder, free_port())
        self.config = folder / "alertmanager.yml"
        self.config.write_text(CONFIG.replace("HOOK", hook.url))
        (folder / "rules.yml").write_text(RULES)

    def start(self, timeout_s: float = PATIENCE_S) -> None:
        super().start(timeout_s)

    def command(self) -> list[str]:
        return [*super().command(), "--alertmanager-config", str(self.config)]


@dataclass
class Trial:
    """A server that is killed again and again, and what came of it."""

    server: Paging
    hook: Hook
    chance: random.Random
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            found = answer.read()
        return json.loads(found) if found else None

    def fires(self, name: str, **labels: str) -> None:
        self.ask("POST", "/api/v2/alerts", [{"labels": {"alertname": name, **labels}}])

    def ends(self, name: str, **labels: str) -> None:
        self.ask("POST", "/api/v2/alerts", [{"labels": {"alertname": name, **labels}, "endsAt": _at(0)}])

    def acknowledges(self, name: str) -> str:
        """Have an alert be looked after; return its fingerprint."""
        (alert,) = self.ask("GET", f"/api/v2/alerts?filter=alertname={name}")
        body = {"fingerprints": [alert["fingerprint"]], "comment": "mine"}
        self.ask("POST", "/api/alerting/acknowledgements", body)
        return str(alert["fingerprint"])

    def keeps_acknowledgement(self, name: str, fingerprint: str) -> None:
        """Note it as lost unless somebody looks after the alert."""
        if fingerprint not in json.dumps(self.ask("GET", "/api/alerting/acknowledgements")["data"]):
            self.lost.append(f"acknowledgement of {name}")

    def kill(self, within_s: float = 0.0) -> None:
        time.sleep(self.chance.uniform(0, within_s))
        self.server.kill()
        self.kills += 1

    def fire_and_wait(self, name: str) -> None:
        self.fires(name)
        self.wants(name, ["firing"])

    def wants(self, name: str, statuses: list[str], receiver: str = "hook") -> None:
        """Wait until a receiver was told of an alert in these statuses; note what is lost or there twice."""
        self.hook.wait(lambda: set(statuses) <= set(self.hook.told(name, receiver)), PATIENCE_S)
        told = self.hook.told(name, receiver)
        for status in statuses:
            if status not in told:
                self.lost.append(f"{name} {status} {receiver}")
            self.twice += [f"{name} {status} {receiver}"] * max(0, told.count(status) - 1)


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def right_after_the_answer(trial: Trial, name: str) -> None:
    trial.fires(name)
    trial.kill()
    trial.server.start()
    trial.wants(name, ["firing"])


def in_group_wait(trial: Trial, name: str) -> None:
    trial.fires(name)
    trial.kill(within_s=GROUP_WAIT_S)
    trial.server.start()
    trial.wants(name, ["firing"])


def before_it_is_taken(trial: Trial, name: str) -> None:
    trial.hook.status = 503
    before = trial.hook.tries
    trial.fires(name)
    trial.hook.wait(lambda: trial.hook.tries > before, PATIENCE_S)
    trial.kill(within_s=1.0)
    trial.hook.status = 200
    trial.server.start()
    trial.wants(name, ["firing"])


def while_it_is_sent(trial: Trial, name: str) -> None:
    trial.hook.hold = hold = threading.Event()
    trial.fires(name)
    trial.hook.wait(lambda: bool(trial.hook.told(name)), PATIENCE_S)
    trial.kill()
    trial.hook.hold = None
    hold.set()
    trial.server.start()
    trial.ends(name)
    trial.wants(name, ["firing", "resolved"])


def after_it_was_sent(trial: Trial, name: str) -> None:
    trial.fire_and_wait(name)
    trial.kill(within_s=0.5)
    trial.server.start()
    trial.fires(name)
    trial.ends(name)
    trial.wants(name, ["firing", "resolved"])


def while_it_resolves(trial: Trial, name: str) -> None:
    trial.fire_and_wait(name)
    trial.ends(name)
    trial.kill(within_s=GROUP_WAIT_S)
    trial.server.start()
    trial.wants(name, ["firing", "resolved"])


def when_a_silence_was_just_made(trial: Trial, name: str) -> None:
    matcher = {"name": "alertname", "value": name, "isRegex": False}
    made = {
        "matchers": [matcher],
        "startsAt": _at(0),
        "endsAt": _at(3600),
        "createdBy": "test",
        "comment": "kept",
    }
    silence = trial.ask("POST", "/api/v2/silences", made)["silenceID"]
    trial.kill()
    trial.server.start()
    if trial.ask("GET", f"/api/v2/silence/{silence}")["status"]["state"] != "active":
        trial.lost.append(f"silence of {name}")
    trial.fires(name)
    # Of a group that was due at the same time, so that the silenced one would have been told of.
    trial.fires(f"{name}-after")
    trial.wants(f"{name}-after", ["firing"])
    trial.lost += [f"silence of {name} did not hold"] * len(trial.hook.told(name))


def when_it_was_just_acknowledged(trial: Trial, name: str) -> None:
    trial.fire_and_wait(name)
    fingerprint = trial.acknowledges(name)
    trial.kill()
    trial.server.start()
    trial.keeps_acknowledgement(name, fingerprint)
    trial.ends(name)
    trial.wants(name, ["firing", "resolved"])


def while_it_escalates(trial: Trial, name: str) -> None:
    trial.fires(name, escalates="yes")
    trial.wants(name, ["firing"], "first")
    # The next level is due, or is told, or was told, when it is killed.
    trial.kill(within_s=TIMEOUT_S + 1.0)
    trial.server.start()
    for receiver in ("hook", "first", "second"):
        trial.wants(name, ["firing"], receiver)
    trial.ends(name, escalates="yes")
    trial.kill(within_s=1.0)
    trial.server.start()
    for receiver in ("hook", "first", "second"):
        trial.wants(name, ["resolved"], receiver)


def while_it_escalates_and_was_acknowledged(trial: Trial, name: str) -> None:
    began = time.monotonic()
    trial.fires(name, escalates="yes")
    trial.wants(name, ["firing"], "first")
    # Of another one nobody says anything: when its next level is told, that of the first would have been.
    trial.fires(f"{name}-after", escalates="yes")
    fingerprint = trial.acknowledges(name)
    # On a busy machine the next level may be owed before anybody says anything.
    is_in_time = time.monotonic() - began < TIMEOUT_S
    trial.kill()
    trial.server.start()
    trial.keeps_acknowledgement(name, fingerprint)
    trial.wants(f"{name}-after", ["firing"], "second")
    if is_in_time:
        trial.lost += [f"acknowledgement of {name}"] * len(trial.hook.told(name, "second"))
    trial.ends(name, escalates="yes")
    trial.ends(f"{name}-after", escalates="yes")
    trial.wants(name, ["firing", "resolved"])
    trial.wants(name, ["resolved"], "first")


def while_a_rule_is_pending(trial: Trial, name: str) -> None:
    rule = {"alert": name, "expr": "vector(1)", "for": "3s"}
    path = f"/api/alerting/rules/kills/{name[-40:]}"
    trial.ask("PUT", path, {"group": {"interval": "1s", "rules": [rule]}})
    trial.kill(within_s=3.0)
    trial.server.start()
    trial.wants(name, ["firing"])
    trial.ask("DELETE", path)
    trial.wants(name, ["resolved"])


STAGES: list[Callable[[Trial, str], None]] = [
    right_after_the_answer,
    in_group_wait,
    before_it_is_taken,
    while_it_is_sent,
    after_it_was_sent,
    while_it_resolves,
    when_a_silence_was_just_made,
    when_it_was_just_acknowledged,
    while_it_escalates,
    while_it_escalates_and_was_acknowledged,
    while_a_rule_is_pending,
]
KILLS = int(os.environ.get("PHAROS_KILLS", str(len(STAGES) + 1)))


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with hooking() as hook:
        server = Paging(tmp_path, hook)
        server.start()
        try:
            yield Trial(server, hook, random.Random(SEED))
        finally:
            server.stop()


def test_killed_at_every_stage_no_page_is_lost(trial: Trial) -> None:
    # The first kill comes while a rule's condition holds, not yet for long enough.
    trial.ask("PUT", "/api/alerting/escalation_policies/kills", {"policy": POLICY})
    trial.kill(within_s=2.0)
    trial.server.start()
    number = 0
    while trial.kills <= KILLS:
        stage = STAGES[number % len(STAGES)]
        stage(trial, f"{stage.__name__}-{number}")
        number += 1
        print(f"{trial.kills} kills, {stage.__name__}: lost {trial.lost}, twice {trial.twice}", flush=True)
    trial.wants("Pending", ["firing"])
    # What is told twice may come late.
    kills = trial.kills
    print(f"kills={kills} lost={len(trial.lost)} duplicates={len(trial.twice)} {trial.twice}")
    assert trial.lost == []
    assert len(trial.twice) <= kills
    assert all(trial.twice.count(one) == 1 for one in trial.twice)
