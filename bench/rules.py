"""What it costs to evaluate rules every 15 seconds over 10,000 series that come in meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from bench.client import Client
from bench.report import Row
from bench.sender import Plan, Sending
from bench.series import build
from bench.servers import Pharos, Prometheus, Server, VictoriaMetrics, find_program, free_port

SERIES: Final = 10_000
INTERVAL_S: Final = 15
OF_A_GROUP: Final = 10
_HISTORY_STEPS: Final = 28
_WINDOWS: Final = ("5m", "4m", "6m", "3m", "2m")


@dataclass(frozen=True, slots=True)
class Result:
    """What one server used for its rules alone, and whether it kept up."""

    cores: float
    """With rules, less the same load without them."""
    without: float
    missed: int
    evaluated: int
    failed: int


def rule_file(rules: int) -> str:
    """Return a rule file: every other rule records ten series, the others would alert about ten."""
    lines = ["groups:"]
    for number in range(rules):
        if number % OF_A_GROUP == 0:
            lines += [f"- name: group-{number // OF_A_GROUP}", f"  interval: {INTERVAL_S}s", "  rules:"]
        which = number % 1000
        window = _WINDOWS[number // 1000 % len(_WINDOWS)]
        jobs = sorted({dict(labels)["job"] for labels in _counters()})
        job, handler = jobs[which % len(jobs)], f"/api/v1/resource-{which // len(jobs):03d}"
        rate = f'rate(requests_total{{job="{job}",handler="{handler}"}}[{window}])'
        if number % 2:
            lines += [f"  - alert: Busy{number}", f"    expr: '{rate} > 1e12'", "    for: 1m"]
        else:
            lines += [f"  - record: job:rate{number}", f"    expr: 'sum by (instance) ({rate})'"]
    return "\n".join(lines) + "\n"


def _counters() -> list[tuple[tuple[str, str], ...]]:
    if not _COUNTERS:
        _COUNTERS.extend(labels for labels in build("query", SERIES).labels if len(labels) > 3)
    return _COUNTERS


_COUNTERS: Final[list[tuple[tuple[str, str], ...]]] = []


class RulingPharos(Pharos):
    """Pharos with the rules of a file."""

    settings = "rules: [rules.yml]\n"
    missed: ClassVar[str] = "pharos_rule_group_iterations_missed_total"
    evaluated: ClassVar[str] = "pharos_rule_evaluations_total"
    failed: ClassVar[str] = "pharos_rule_evaluation_failures_total"


class RulingPrometheus(Prometheus):
    """Prometheus with the rules of a file."""

    missed: ClassVar[str] = "prometheus_rule_group_iterations_missed_total"
    evaluated: ClassVar[str] = "prometheus_rule_evaluations_total"
    failed: ClassVar[str] = "prometheus_rule_evaluation_failures_total"

    def command(self) -> list[str]:
        command = super().command()
        (self.folder / "prometheus.yml").write_text("rule_files: [rules.yml]\n")
        return command


class VmAlert(Server):
    """vmalert beside a VictoriaMetrics."""

    name = "vmalert"
    ready_path = "/health"
    missed: ClassVar[str] = "vmalert_iteration_missed_total"
    evaluated: ClassVar[str] = "vmalert_execution_total"
    failed: ClassVar[str] = "vmalert_execution_errors_total"

    def __init__(self, folder: Path, store: Server) -> None:
        super().__init__(folder, free_port())
        self._store = f"http://127.0.0.1:{store.port}"

    def command(self) -> list[str]:
        return [
            find_program("vmalert"), f"-rule={self.folder / 'rules.yml'}", f"-datasource.url={self._store}",
            f"-remoteWrite.url={self._store}", f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-evaluationInterval={INTERVAL_S}s", "-notifier.url=http://127.0.0.1:9", "-loggerLevel=ERROR",
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Running:
    servers: list[Server]
    """All whose CPU counts; the last one evaluates the rules."""
    store: Server


@contextmanager
def _running(kind: type[Server], rules: int) -> Iterator[_Running]:
    """Give a fresh server that evaluates so many rules, with some minutes of history."""
    ruling = {Pharos: RulingPharos, Prometheus: RulingPrometheus}.get(kind, kind)
    store = ruling()
    alerts: VmAlert | None = None
    try:
        (store.folder / "rules.yml").write_text(rule_file(rules))
        store.start()
        _send_history(store)
        servers: list[Server] = [store]
        if kind is VictoriaMetrics and rules:
            alerts = VmAlert(store.folder, store)
            alerts.start()
            servers.append(alerts)
        yield _Running(servers, store)
    finally:
        if alerts is not None:
            alerts.stop()
        store.stop()


def _plan(server: Server, **more: float) -> Plan:
    return Plan(
        server.port, server.write_path, layout="query", series=SERIES, connections=1, samples=0,
        interval_ms=INTERVAL_S * 1000, lead_steps=1000, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _send_history(server: Server) -> None:
    begin_ms = int(time.time() * 1000) - _HISTORY_STEPS * INTERVAL_S * 1000
    sending = Sending(_plan(server, steps=_HISTORY_STEPS, start_ms=begin_ms))
    try:
        sending.begin(begin_ms)
        sending.outcome()
    finally:
        sending.kill()


def measure(kind: type[Server], rules: int, duration_s: float) -> Result:
    """Return what so many rules cost a server, beside the load that it has anyway."""
    without, _ = _cores(kind, 0, duration_s)
    cores, counted = _cores(kind, rules, duration_s)
    return Result(cores - without, without, *counted)


def rows(count: int, found: dict[str, Result]) -> list[Row]:
    """Return the figures of so many rules."""
    return [
        Row(f"{count:,} rules: CPU", "%", {name: 100 * one.cores for name, one in found.items()}),
        Row(
            f"{count:,} rules: iterations missed", "",
            {name: float(one.missed) for name, one in found.items()}, compared=False,
        ),
        Row(
            f"{count:,} rules: evaluated", "",
            {name: float(one.evaluated) for name, one in found.items()}, compared=False,
        ),
        Row(
            f"{count:,} rules: evaluations failed", "",
            {name: float(one.failed) for name, one in found.items()}, compared=False,
        ),
        Row("CPU without rules", "%", {name: 100 * one.without for name, one in found.items()}),
    ]  # fmt: skip


def _cores(kind: type[Server], rules: int, duration_s: float) -> tuple[float, tuple[int, int, int]]:
    """Return the cores used, and how many iterations were missed, rules evaluated, and evaluations failed."""
    with _running(kind, rules) as running:
        rate = len(build("query", SERIES)) / INTERVAL_S
        sending = Sending(_plan(running.store, rate=rate, first_step=_HISTORY_STEPS))
        try:
            sending.begin(int(time.time() * 1000) - _HISTORY_STEPS * INTERVAL_S * 1000)
            # Every group was evaluated once, and what is compiled or learnt at first is.
            time.sleep(2 * INTERVAL_S + 5)
            before = [server.cpu_s() for server in running.servers]
            counted = _counted(running.servers[-1]) if rules else (0, 0, 0)
            begun = time.monotonic()
            time.sleep(duration_s)
            took_s = time.monotonic() - begun
            used = sum(server.cpu_s() for server in running.servers) - sum(before)
            after = _counted(running.servers[-1]) if rules else (0, 0, 0)
        finally:
            sending.kill()
    missed, evaluated, failed = (now - then for now, then in zip(after, counted, strict=True))
    return used / took_s, (missed, evaluated, failed)


def _counted(server: Server) -> tuple[int, int, int]:
    text = Client(server.port).get("/metrics").decode()

    def total(name: str) -> int:
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return round(sum(map(float, found)))

    kind = type(server)
    return total(getattr(kind, "missed")), total(getattr(kind, "evaluated")), total(getattr(kind, "failed"))  # noqa: B009
