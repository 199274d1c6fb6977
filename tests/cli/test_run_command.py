"""`pharos run`: runs told of from a shell, commands that are runs, and what is asked of engines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cli.running import Ended, Run
from tests.process import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("runs") / "data")
    yield running
    assert running.stop() == 0


Call = Callable[..., Ended]


@pytest.fixture
def call(server: Server, run: Run) -> Call:
    """Run a command of `pharos run` against the server."""

    def called(*arguments: str) -> Ended:
        words = list(arguments)
        # What stands behind the name of `exec` is the command's.
        place = 1 if words[0] == "exec" else len(words)
        return run("run", *words[:place], "--data", str(server.folder), *words[place:])

    return called


@pytest.fixture
def found(call: Call) -> Callable[..., Any]:
    """Run such a command, and return what it answers in JSON."""

    def asked(*arguments: str) -> Any:
        ended = call(*arguments, "--json")
        assert ended.code == 0, ended.err
        return json.loads(ended.out or "null")

    return asked


def test_a_script_tells_of_its_run_step_by_step(call: Call, found: Callable[..., Any]) -> None:
    run = call("start", "load", "--input", "day=1", "--input-size", "12").out.strip()
    assert run
    for arguments in (
        ("step", run, "extract"),
        ("step", run, "extract", "--state", "succeeded"),
        ("step", run, "insert", "--after", "extract"),
        ("progress", run, "0.5", "--message", "half"),
        ("heartbeat", run),
    ):
        assert call(*arguments).code == 0
    running = found("show", run)
    assert running["run"]["state"] == "running"
    assert running["inputs"] == {"day": "1"}
    assert running["edges"] == [["extract", "insert"]]
    assert call("end", run, "--state", "failed", "--error", "disk full").code == 0
    over = found("list", "--workflow", "load")["runs"]
    assert [(one["run_id"], one["state"], one["error"]) for one in over] == [(run, "failed", "disk full")]
    shown = call("show", run)
    assert f"load {run}: failed" in shown.out
    assert "disk full" in shown.out
    listed = call("list", "--state", "failed")
    assert run in listed.out
    assert "no run" in call("list", "--workflow", "other").err


def test_a_tenant_that_is_not_there_is_told_as_that_and_not_as_one_without_runs(call: Call) -> None:
    for arguments in (("list",), ("list", "--json"), ("show", "r"), ("hook", "list")):
        told = call(*arguments, "--tenant", "nobodys")
        assert (told.code, "there is no tenant 'nobodys'" in told.err + told.out) == (1, True), arguments


def test_bad_words_are_findings(call: Call, found: Callable[..., Any]) -> None:
    missing = call("show", "no-such-run")
    assert (missing.code, "no-such-run" in missing.err) == (1, True)
    nameless = call("show", "")
    assert (nameless.code, "an id is expected" in nameless.err) == (2, True)
    assert call("end", "r", "--state", "fine").code == 1
    assert call("start", "w", "--input", "novalue").code == 2
    assert call("progress", "r", "1.5").code == 2
    unhooked = call("launch", "w")
    assert (unhooked.code, "no control hook" in unhooked.err) == (1, True)


@pytest.mark.parametrize("run_id", ["manual__2026-11-30T00:00:00+00:00", "a/b?c#d", "x y%20z", "ü%"])
def test_a_run_is_found_by_whatever_id_its_engine_gave_it(
    call: Call, found: Callable[..., Any], run_id: str
) -> None:
    assert call("start", "named", "--id", run_id).code == 0
    assert found("show", run_id)["run"]["run_id"] == run_id


def test_a_command_is_a_run_with_its_code_and_its_last_words(call: Call, found: Callable[..., Any]) -> None:
    script = 'echo out; echo err >&2; pharos_run=$PHAROS_RUN_ID; echo "$pharos_run"; exit 3'
    ended = call("exec", "--id", "job-1", "job", "--", "sh", "-c", script)
    assert ended.code == 3
    assert ended.out == "out\njob-1\n"
    assert "err\n" in ended.err
    run = found("show", "job-1")
    assert (run["run"]["state"], run["attributes"]["exit_code"]) == ("failed", 3)
    assert run["attributes"]["command"] == "sh"
    assert run["run"]["error"].startswith("exit code 3\n")
    assert script not in json.dumps(run)
    good = call("exec", "--id", "job-2", "job", "--", "true")
    assert (good.code, good.out, good.err) == (0, "", "")
    assert found("show", "job-2")["run"]["state"] == "succeeded"
    gone = call("exec", "--id", "job-3", "job", "--", "/no/such/program")
    assert gone.code == 127
    assert "No such file" in found("show", "job-3")["run"]["error"]


def test_the_end_of_its_output_is_found_among_the_logs(server: Server, call: Call) -> None:
    call("exec", "--id", "talk-1", "talker", "--", "sh", "-c", "echo first; echo last line")
    query = urllib.parse.urlencode({"query": '{service_name="talker"}'})
    until_s = time.monotonic() + 20
    lines: list[str] = []
    while len(lines) < 2 and time.monotonic() < until_s:
        with urllib.request.urlopen(f"{server.url}/loki/api/v1/query_range?{query}") as answer:
            streams = json.loads(answer.read())["data"]["result"]
        lines = sorted(value[1] for stream in streams for value in stream["values"])
    assert lines == ["first", "last line"]


def test_a_command_runs_though_nobody_can_be_told(run: Run) -> None:
    words = ("--", "sh", "-c", "echo ran; exit 4")
    ended = run("run", "exec", "--server", "http://127.0.0.1:9", "job", *words)
    assert (ended.code, ended.out) == (4, "ran\n")
    assert "the run is not told of" in ended.err


def test_a_signal_goes_to_the_command(server: Server, found: Callable[..., Any]) -> None:
    arguments = (
        "exec",
        "--id",
        "stopped",
        "--data",
        str(server.folder),
        "job",
        "--",
        "sh",
        "-c",
        "echo up; exec sleep 60",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pharos.cli", "run", *arguments], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stdout.close()
    run = found("show", "stopped")["run"]
    assert (run["state"], run["error"].splitlines()[0]) == ("aborted", "ended by SIGTERM")


def test_an_engine_is_asked_through_its_queue(call: Call, found: Callable[..., Any]) -> None:
    assert found("hook", "set", "queued", "--queue", "--action", "start", "--action", "abort")["version"] == 1
    listed = found("hook", "list")
    assert [(one["workflow"], one["hook"]["actions"]) for one in listed] == [("queued", ["start", "abort"])]
    made = found("launch", "queued", "--parameter", "day=1", "--wait", "0s", "--reason", "late")
    assert (made["status"], made["parameters"], made["reason"]) == ("waiting", {"day": "1"}, "late")
    run = call("start", "queued").out.strip()
    asked = call("abort", run, "--wait", "0s")
    assert (asked.code, asked.out) == (0, f"abort {run}: waiting\n")
    assert call("pause", run, "--wait", "0s").code == 1
    assert "abort by" in call("show", run).out
    assert found("hook", "drop", "queued")["workflow"] == "queued"
    unsigned = call("hook", "set", "w", "--url", "https://a.example/x")
    assert (unsigned.code, "needs a secret" in unsigned.err) == (2, True)
