"""What the commands say, and the exit codes that scripts trust."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import Ended, Run, run_apart

from pharos import __version__
from pharos.cli import Deferred, build
from pharos.folder import LOCK_FILE


def _error(ended: Ended) -> dict[str, str]:
    found: dict[str, str] = json.loads(ended.err)["error"]
    assert set(found) == {"kind", "message", "hint"}
    return found


def test_the_version_is_printed_both_ways(run: Run) -> None:
    assert run("--version").out.strip() == __version__
    assert run("version").out.strip() == __version__
    assert json.loads(run("version", "--json").out) == {"version": __version__}


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    ended = run("dance")
    assert ended.code == 2
    assert "dance" in ended.err


def test_explain_shows_type_layout_and_plan(run: Run) -> None:
    ended = run("explain", "sum(rate(m[5m]))by(job)")
    assert ended.code == 0
    assert "type: instant vector" in ended.out
    assert "sum by (job) (rate(m[5m]))" in ended.out
    assert 'fetch 0: {__name__="m"}' in ended.out


def test_explain_as_json_has_the_tree(run: Run) -> None:
    document = json.loads(run("explain", "1 + 2", "--last", "0", "--json").out)
    assert document["type"] == "scalar"
    assert document["formatted"] == "1 + 2"
    assert document["tree"]["type"] == "binaryExpr"
    assert document["plan"][0].startswith("query from ")


def test_a_wrong_expression_is_a_finding_that_points_at_the_place(run: Run) -> None:
    ended = run("explain", "sum by (job) (rate(m[5m])")
    assert ended.code == 1
    assert "unclosed left parenthesis" in ended.err
    assert "^" in ended.err.splitlines()[-1]


def test_a_query_is_answered_as_a_table(run: Run, pharos_url: str) -> None:
    ended = run("query", "--server", pharos_url, 'label_replace(vector(42), "case", "table", "", "")')
    assert ended.code == 0
    assert '{case="table"}' in ended.out
    assert "42" in ended.out


def test_a_range_is_summed_up_by_series(run: Run, pharos_url: str) -> None:
    asked = ("query", "--server", pharos_url, "vector(time())", "--start", "1000", "--end", "1060")
    ended = run(*asked, "--step", "20s")
    words = ended.out.splitlines()[-1].split()
    assert words == ["{}", "4", "1000", "1060", "1000", "1060"]


def test_a_query_as_json_is_the_servers_own_answer(run: Run, pharos_url: str) -> None:
    document = json.loads(run("query", "--server", pharos_url, "1", "--time", "5", "--json").out)
    assert document == {"status": "success", "data": {"resultType": "scalar", "result": [5, "1"]}}


def test_nothing_found_is_said_and_no_failure(run: Run, pharos_url: str) -> None:
    ended = run("query", "--server", pharos_url, "no_such_metric_at_all")
    assert (ended.code, ended.out, ended.err) == (0, "", "no series\n")


def test_a_query_that_the_server_refuses_is_a_finding(run: Run, pharos_url: str) -> None:
    ended = run("query", "--server", pharos_url, "up{", "--json")
    assert ended.code == 1
    assert _error(ended)["kind"] == "invalid"


def test_no_server_is_no_finding(run: Run) -> None:
    ended = run("query", "--server", "http://127.0.0.1:9", "up", "--json")
    assert ended.code == 2
    error = _error(ended)
    assert error["kind"] == "unavailable"
    assert "--server" in error["hint"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--last", "1h", "--start", "5"),
        ("--end", "5"),
        ("--start", "5"),
        ("--start", "5", "--step", "1s", "--time", "6"),
        ("--last", "soon"),
        ("--server", "ftp://x"),
        ("--server", "127.0.0.1:8080"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("query", "up", *arguments).code in {1, 2}


def test_check_names_file_and_line_of_each_fault(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "prometheus.yml", tmp_path / "pharos.yml"
    good.write_text("global:\n  scrape_interval: 30s\n")
    bad.write_text("ingest:\n  max_bodyy: 1MB\n")
    ended = run("check", str(good), str(bad))
    assert ended.code == 1
    assert f"good  {good}" in ended.out
    assert f"{bad}:2: ingest.max_bodyy" in ended.out

    verdicts = json.loads(run("check", str(good), str(bad), "--json").out)
    assert [(one["file"], bool(one["faults"])) for one in verdicts] == [(str(good), False), (str(bad), True)]


def test_check_is_content_with_good_files(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pharos-home.yml"
    file.write_text("retention:\n  metrics: 7d\n")
    assert run("check", str(file)).code == 0


def test_check_looks_into_the_prometheus_yml_that_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scrape.yml").write_text("scrape_configs:\n  - job_nam: x\n")
    file = tmp_path / "pharos.yml"
    file.write_text("prometheus: scrape.yml\n")
    ended = run("check", str(file))
    assert ended.code == 1
    assert "scrape.yml:2" in ended.out


def test_check_looks_at_the_targets_and_files_that_a_prometheus_yml_names(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(
        """scrape_configs:
- job_name: written
  static_configs: [{targets: ['http://a', b, '']}]
  relabel_configs: [{target_label: x, replacement: y}]
- job_name: found
  authorization: {credentials_file: token}
  tls_config: {cert_file: a.crt, key_file: a.key}
  file_sd_configs: [{files: ['*.json', later.yml]}]
  kubernetes_sd_configs: [{role: pod, api_server: 'https://k', bearer_token_file: role}]
"""
    )
    (tmp_path / "good.json").write_text('[{"targets": ["c/d"]}]')
    (tmp_path / "bad.json").write_text("[1]")
    ended = run("check", str(file))
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if line.startswith("fault")] == [
        f"fault {file}: job 'written', static_configs: 'http://a' is not a valid hostname",
        f"fault {file}: job 'written', static_configs: a target has no address",
        f"fault {file}: job 'found', authorization: there is no file {tmp_path}/token",
        f"fault {file}: job 'found', tls_config.cert_file: there is no file {tmp_path}/a.crt",
        f"fault {file}: job 'found', tls_config.key_file: there is no file {tmp_path}/a.key",
        f"fault {file}: job 'found', kubernetes_sd_configs, authorization: there is no file {tmp_path}/role",
        f"fault {tmp_path}/bad.json:0: nil target group item found",
        f"fault {tmp_path}/good.json: job 'found': 'c/d' is not a valid hostname",
    ]
    file.write_text("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [later.yml]}]\n")
    ended = run("check", str(file))
    assert ended.code == 0
    assert f"{file}: file_sd_configs: there is no {tmp_path}/later.yml yet" in ended.out
    # For a cluster that is not this computer's nothing is asked of it either.
    file.write_text("scrape_configs:\n- job_name: a\n  kubernetes_sd_configs: [{role: node}]\n")
    ended = run("check", str(file))
    assert ended.code == 0
    assert f"{file}:3: kubernetes_sd_configs: Pharos runs in no cluster" in ended.out


def _no_folder(folder: Path) -> Path:
    (folder / "data").touch()
    return folder / "data"


def _no_store(folder: Path) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / LOCK_FILE).touch()
    (folder / "data" / "engine").touch()
    return folder / "data"


def _store_that_does_not_open(folder: Path) -> Path:
    (folder / "data" / "engine").mkdir(parents=True)
    (folder / "data" / LOCK_FILE).touch()
    (folder / "data" / "engine" / "store").touch()
    return folder / "data"


@pytest.mark.parametrize("make", [_no_folder, _no_store, _store_that_does_not_open])
def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    ended = run_apart("up", "--listen", "127.0.0.1:0", "--data", str(make(tmp_path)))
    assert ended.code == 2
    assert "Traceback" not in ended.err
    said = [line for line in ended.err.splitlines() if line.startswith("pharos: cannot ")]
    assert len(said) == 1
    assert str(tmp_path / "data") in said[0]


def test_a_prometheus_yml_that_is_not_there_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pharos.yml"
    file.write_text("# scraping\nprometheus: gone.yml\n")
    for ended in (run("check", str(file)), run("up", "--config", str(file), "--listen", "127.0.0.1:0")):
        assert (
            f"{file}:2: prometheus: {tmp_path / 'gone.yml'}: there is no such file" in ended.out + ended.err
        )


def test_a_port_that_is_taken_is_named(run: Run, tmp_path: Path, pharos_url: str) -> None:
    listen = pharos_url.removeprefix("http://")
    ended = run("up", "--listen", listen, "--data", str(tmp_path / "data"))
    assert ended.code == 2
    assert listen in ended.err


_LISTED = """
import sys
from pharos.cli import main
sys.argv = ["pharos", "--help"]
try:
    main()
except SystemExit:
    pass
print(sorted(name for name in sys.modules if name in {"pharos.app", "numba", "numpy", "aiohttp", "chdb"}))
"""


def test_the_list_of_commands_needs_no_server() -> None:
    done = subprocess.run([sys.executable, "-c", _LISTED], capture_output=True, text=True, check=True)
    assert "Start the server." in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_list_says_of_each_command_what_it_says_of_itself() -> None:
    listed = {name: one for name, one in build().commands.items() if isinstance(one, Deferred)}
    assert {name: one.help for name, one in listed.items()} == {
        name: one.load().help for name, one in listed.items()
    }
