"""What `pharos up` prints can be pasted, and is what the home page and the documentation say."""

from __future__ import annotations

import logging
import re
import subprocess
from pathlib import Path

import pytest

from pharos.commands.up import announce, call_it_ours
from pharos.config import Settings
from pharos.errors import PharosError
from pharos.folder import hold_folder

ROOT = Path(__file__).parent.parent.parent
ADDRESS = "http://127.0.0.1:8080"


def test_the_printed_variables_send_metrics_logs_and_traces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(ADDRESS, settings=Settings(data=tmp_path), as_json=False)
    printed = capsys.readouterr().out
    assert f"- url: {ADDRESS}/api/v1/write" in printed
    exports = [line.strip() for line in printed.splitlines() if line.strip().startswith("export ")]
    shell = subprocess.run(
        ["sh", "-c", "\n".join([*exports, "env"])], env={}, capture_output=True, text=True, check=True
    )
    set_by_shell = dict(line.split("=", 1) for line in shell.stdout.splitlines() if line.startswith("OTEL_"))
    assert set_by_shell == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": ADDRESS,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
    }
    for file in ("ui/src/start/snippets.ts", "docs/otlp.md", "docs/getting-started.md"):
        told = set(re.findall(r"export (OTEL_\w+)=", (ROOT / file).read_text()))
        assert set(set_by_shell) <= told, file


def test_the_banner_says_what_is_watched_and_how_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.json").write_text('[{"targets": ["c:1", "d:1", "e:1"]}]')
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        "scrape_configs:\n"
        "- {job_name: a, static_configs: [{targets: ['a:1', 'b:1']}]}\n"
        "- {job_name: b, file_sd_configs: [{files: [more.json]}]}\n"
    )
    settings = Settings(data=tmp_path, prometheus=configuration)
    announce(ADDRESS, settings=settings, as_json=False)
    printed = capsys.readouterr().out
    assert f"Open {ADDRESS}" in printed
    assert f"watching this host; 2 jobs, 5 targets from {configuration}" in printed
    assert "Ctrl-C stops" in printed


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(PharosError, match=r"is not empty.*holiday.*--data"), hold_folder(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]


def test_an_empty_folder_and_our_own_are_taken(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    for _ in range(2):
        with hold_folder(tmp_path):
            (tmp_path / "engine").mkdir(exist_ok=True)


def test_lines_of_the_http_server_are_pharos_own() -> None:
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "broken", None, None)
    assert call_it_ours(record)
    assert record.name == "pharos.http"
