"""What `pharos up` prints can be pasted, and is what the home page and the documentation say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pharos.commands.up import _announce

ROOT = Path(__file__).parent.parent.parent
ADDRESS = "http://127.0.0.1:8080"


def test_the_printed_variables_send_metrics_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _announce(ADDRESS, folder=tmp_path, as_json=False)
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
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_TRACES_EXPORTER": "none",
    }
    for file in ("ui/src/home/SendData.tsx", "docs/otlp.md", "docs/getting-started.md"):
        told = set(re.findall(r"export (OTEL_\w+)=", (ROOT / file).read_text()))
        assert set(set_by_shell) <= told, file
