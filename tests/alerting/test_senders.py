"""What people run against Alertmanager works against Pharos: amtool, Prometheus, vmalert."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench.hook import Hook, hooking
from bench.servers import free_port
from tests.alerting.test_kills import Paging
from tests.peers import program

RULES = """
groups:
- name: always
  interval: 1s
  rules:
  - {alert: Always, expr: vector(1), labels: {severity: page}, annotations: {summary: 'it is {{ $value }}'}}
"""


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with hooking() as found:
        yield found


@pytest.fixture(scope="module")
def server(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paging]:
    made = Paging(tmp_path_factory.mktemp("paging"), hook)
    made.start()
    yield made
    made.stop()


def amtool(server: Paging, *words: str, fails: bool = False) -> str:
    command = [program("amtool"), f"--alertmanager.url=http://127.0.0.1:{server.port}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running(folder: Path, *command: str) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@pytest.mark.needs("amtool")
def test_amtool_shows_the_configuration(server: Paging) -> None:
    assert "group_interval: 1s" in amtool(server, "config", "show")
    assert "Always" not in amtool(server, "config", "routes", "show")
    assert amtool(server, "config", "routes", "test", "alertname=A").strip() == "hook"


@pytest.mark.needs("amtool")
def test_amtool_adds_alerts_and_lists_them(server: Paging, hook: Hook) -> None:
    amtool(server, "alert", "add", "alertname=Tool", "host=a", "--annotation=summary=by hand")
    assert hook.wait(lambda: hook.told("Tool") == ["firing"])
    (found,) = json.loads(amtool(server, "-o", "json", "alert", "query", "host=a"))
    assert found["annotations"] == {"summary": "by hand"}
    assert found["receivers"] == [{"name": "hook"}]
    assert amtool(server, "-o", "simple", "alert", "query", "alertname=nothing").count("\n") <= 1


@pytest.mark.needs("amtool")
def test_amtool_makes_changes_and_ends_silences(server: Paging) -> None:
    words = ("--author=me", "--comment=why", "--duration=1h")
    silence = amtool(server, "silence", "add", *words, "alertname=~Quiet.*", "host!=b").strip()
    amtool(server, "alert", "add", "alertname=Quiet1", "host=a")
    amtool(server, "alert", "add", "alertname=Quiet2", "host=b")
    held = json.loads(amtool(server, "-o", "json", "alert", "query", "--silenced", "alertname=~Quiet.*"))
    assert [one["status"]["silencedBy"] for one in held] == [[silence]]
    assert silence in amtool(server, "-o", "extended", "silence", "query")
    assert amtool(server, "silence", "query", "-q", "host!=b").strip() == silence
    amtool(server, "silence", "update", "--duration=2h", "--comment=longer", silence)
    (found,) = json.loads(amtool(server, "-o", "json", "silence", "query"))
    assert (found["id"], found["comment"]) == (silence, "longer")
    amtool(server, "silence", "expire", silence)
    assert amtool(server, "silence", "query", "-q").strip() == ""
    assert silence in amtool(server, "silence", "query", "-q", "--expired")
    amtool(server, "silence", "expire", "no-such-silence", fails=True)


@pytest.mark.needs("prometheus")
def test_prometheus_sends_its_alerts_here(server: Paging, hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES.replace("Always", "FromPrometheus"))
    (tmp_path / "prometheus.yml").write_text(
        "global: {evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]}}]}}\n"
    )
    command = [
        program("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        # It knows its Alertmanagers only some seconds after it found the alert.
        "--rules.alert.resend-delay=1s",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    ]
    with running(tmp_path, *command):
        assert hook.wait(lambda: hook.told("FromPrometheus") == ["firing"])
    message = next(one for _, one in hook.accepted if one["commonLabels"]["alertname"] == "FromPrometheus")
    assert message["alerts"][0]["annotations"] == {"summary": "it is 1"}
    assert "/graph?g0.expr=" in message["alerts"][0]["generatorURL"]


@pytest.mark.needs("vmalert")
def test_vmalert_sends_its_alerts_here(server: Paging, hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES.replace("Always", "FromVmalert"))
    here = f"http://127.0.0.1:{server.port}"
    command = [
        program("vmalert"),
        "-rule=rules.yml",
        f"-datasource.url={here}",
        f"-notifier.url={here}",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
        "-evaluationInterval=1s",
    ]
    with running(tmp_path, *command):
        assert hook.wait(lambda: hook.told("FromVmalert") == ["firing"])
