"""From an alert to its page: thousands at once, and how long after a sample's acknowledgement it comes.

Alertmanager, with Prometheus' rules in front of it, stands in Prometheus' column.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.bodies import single
from bench.client import Client
from bench.freshness import HEADERS
from bench.hook import Hook, hooking
from bench.report import Row
from bench.servers import Pharos, Prometheus, Server, find_program, free_port

ALERTS = 2_000
GROUP_WAIT_S = 1.0
_AT_MOST_S = 120.0
_CONFIG = """
route: {receiver: hook, group_by: [alertname, n], group_wait: 1s, group_interval: 5s, repeat_interval: 1h}
receivers:
- {name: hook, webhook_configs: [{url: 'HOOK'}]}
"""
_RULES = """
groups:
- name: probes
  interval: 1s
  rules:
  - {alert: Probe, expr: bench_page > 0}
"""


@dataclass(slots=True)
class Result:
    """What one server did."""

    lost: int = 0
    twice: int = 0
    last_s: float = 0.0
    """From the post of all alerts to the last of their pages."""
    pages_s: list[float] = field(default_factory=list)
    """From a sample's acknowledgement to its page."""

    def percentile(self, part: int) -> float:
        """Return a percentile of the pages' times, in seconds."""
        found = sorted(self.pages_s)
        return found[min(len(found) - 1, len(found) * part // 100)] if found else float("nan")


class PagingPharos(Pharos):
    """Pharos with rules and an alertmanager.yml."""

    settings = "rules: [rules.yml]\nalertmanager: alertmanager.yml\n"


class Alertmanager(Server):
    """Alertmanager, with everything in its folder."""

    name = "Alertmanager"
    ready_path = "/-/ready"

    def command(self) -> list[str]:
        return [
            find_program("prometheus-alertmanager"), f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=", "--log.level=error",
        ]  # fmt: skip


class RulingPrometheus(Prometheus):
    """Prometheus that sends the alerts of its rules to an Alertmanager."""

    def __init__(self, folder: Path, port: int, alertmanager: int) -> None:
        super().__init__(folder, port)
        self._alertmanager = alertmanager

    def command(self) -> list[str]:
        command = super().command()
        (self.folder / "prometheus.yml").write_text(
            "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
            "alerting: {alertmanagers: [{static_configs: [{targets: "
            f"['127.0.0.1:{self._alertmanager}']}}]}}]}}\n"
        )
        return command


@dataclass(frozen=True, slots=True)
class _Running:
    taker: Server
    """Who takes alerts."""
    store: Server
    """Who takes samples."""


@contextmanager
def _running(kind: type[Server], hook: Hook) -> Iterator[_Running]:
    folder = Path(tempfile.mkdtemp(prefix="bench-paging-"))
    (folder / "rules.yml").write_text(_RULES)
    (folder / "alertmanager.yml").write_text(_CONFIG.replace("HOOK", hook.url))
    servers: list[Server] = []
    try:
        if kind is Pharos:
            servers = [PagingPharos(folder, free_port())]
        else:
            taker = Alertmanager(folder, free_port())
            servers = [taker, RulingPrometheus(folder, free_port(), taker.port)]
        for server in servers:
            server.start()
        yield _Running(servers[0], servers[-1])
    finally:
        for server in servers:
            server.stop()


def measure(kind: type[Server], alerts: int, probes: int) -> Result:
    """Return how a fresh server pages."""
    result = Result()
    with hooking() as hook, _running(kind, hook) as running:
        _burst(running, hook, result, alerts)
        if kind is not Pharos:
            # It looks for its Alertmanager some seconds after its start.
            time.sleep(6)
        _probe(running, hook, result, probes)
    return result


def _burst(running: _Running, hook: Hook, result: Result, alerts: int) -> None:
    names = [f"Burst{number}" for number in range(alerts)]
    body = json.dumps([{"labels": {"alertname": name, "job": "burst"}} for name in names]).encode()
    client = Client(running.taker.port, timeout_s=60)
    posted = time.monotonic()
    status, content = client.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
    if status != 200:
        raise RuntimeError(f"alerts were answered with {status} {content[:200]!r}")
    hook.wait(lambda: len(hook.accepted) >= alerts, _AT_MOST_S)
    told = [name for _, message in hook.accepted for name in [message["commonLabels"].get("alertname")]]
    result.lost = len(set(names) - set(told))
    result.twice = len(told) - len(set(told))
    result.last_s = max((at for at, _ in hook.accepted), default=float("nan")) - posted


def _probe(running: _Running, hook: Hook, result: Result, probes: int) -> None:
    client = Client(running.store.port)
    for number in range(probes):
        before = len(hook.accepted)
        # Each is a group of its own, of which nobody was told.
        labels = (("__name__", "bench_page"), ("n", str(number)))
        body = single(labels, 1, int(time.time() * 1000))
        status, content = client.request("POST", running.store.write_path, body, HEADERS)
        if status not in {200, 204}:
            raise RuntimeError(f"a sample was answered with {status} {content[:200]!r}")
        acknowledged = time.monotonic()
        name = str(number)
        if hook.wait(lambda before=before, name=name: _page_of(hook, before, name) > 0, 60):  # type: ignore[misc]
            result.pages_s.append(_page_of(hook, before, name) - acknowledged)


def _page_of(hook: Hook, first: int, name: str) -> float:
    """Return when a probe was told of; 0 if it was not."""
    for at, message in hook.accepted[first:]:
        if any(alert["labels"].get("n") == name for alert in message["alerts"]):
            return at
    return 0.0


def rows(found: dict[str, Result], alerts: int) -> list[Row]:
    """Return the figures."""
    what = f"{alerts:,} alerts at once"
    return [
        Row(f"{what}: lost", "", {name: float(one.lost) for name, one in found.items()}, compared=False),
        Row(
            f"{what}: told twice", "", {name: float(one.twice) for name, one in found.items()}, compared=False
        ),
        Row(f"{what}: last page after", "s", {name: one.last_s for name, one in found.items()}),
        *(
            Row(
                f"a sample's acknowledgement to its page, p{part}", "s",
                {name: one.percentile(part) for name, one in found.items()},
            )
            for part in (50, 99)
        ),
    ]  # fmt: skip


def summary(result: Result) -> str:
    """Return a result in a line."""
    median = statistics.median(result.pages_s) if result.pages_s else float("nan")
    return f"lost {result.lost}, last page {result.last_s:.1f} s, sample to page {median:.2f} s"
