"""What is secret is shown nowhere: no answer, no log, no backup, no message about a fault holds any of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from tests.conftest import Server

from pharos.config import Settings
from pharos.folder import ADMIN_KEY_FILE

_PROMETHEUS = """\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: basic
    basic_auth: {username: CANARY-user, password: CANARY-password}
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: basic-file
    basic_auth: {username: someone, password_file: password}
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: bearer
    authorization: {credentials: CANARY-credentials}
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: old-bearer
    bearer_token: CANARY-bearer
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: headers
    http_headers: {X-Key: {secrets: [CANARY-header]}}
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: proxy
    proxy_url: http://CANARY-proxy-user:CANARY-proxy-password@127.0.0.1:1
    static_configs: [{targets: ["127.0.0.1:1"]}]
"""
_MARK = "CANARY"
_PHAROS = (sys.executable, "-m", "pharos.cli")


def _answers(server: Server) -> Iterator[tuple[str, str]]:
    """Yield (address, answer) of everything that can be asked without changing anything."""
    with urllib.request.urlopen(f"{server.url}/api/openapi.json", timeout=30) as answer:
        paths = json.loads(answer.read())["paths"]
    for path, methods in paths.items():
        if "get" not in methods:
            continue
        query = "?query=up&start=0&end=1&step=1&match[]=up" if "/api/v1/" in path else ""
        address = f"{path.replace('{name}', 'job')}{query}"
        try:
            with urllib.request.urlopen(f"{server.url}{address}", timeout=30) as answer:
                yield address, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as exc:
            yield address, exc.read().decode(errors="replace")


def _scraped(server: Server) -> bool:
    with urllib.request.urlopen(f"{server.url}/api/v1/targets", timeout=30) as answer:
        targets = json.loads(answer.read())["data"]["activeTargets"]
    ours = [target for target in targets if "127.0.0.1:1" in target["scrapeUrl"]]
    return len(ours) == 6 and all(target["lastError"] for target in ours)


def test_no_answer_log_or_backup_holds_a_secret(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(_PROMETHEUS)
    (tmp_path / "password").write_text("CANARY-file")
    (tmp_path / "pharos.yml").write_text("prometheus: prometheus.yml\n")
    server = Server(tmp_path / "store", "--config", str(tmp_path / "pharos.yml"))
    key = (tmp_path / "store" / ADMIN_KEY_FILE).read_text()
    for _ in range(600):
        if _scraped(server):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the targets were not scraped")
    shown = {address: text for address, text in _answers(server) if _MARK in text or key in text}
    assert shown == {}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pharos.cli",
            "backup",
            str(tmp_path / "copy"),
            "--data",
            str(tmp_path / "store"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.stop() == 0
    told = server.log.read_text() + done.stdout + done.stderr
    assert _MARK not in told
    assert key not in told
    kept = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert kept
    marks = (_MARK.encode(), key.encode())
    assert [path for path in kept if any(mark in path.read_bytes() for mark in marks)] == []


def test_a_fault_names_the_place_and_not_the_secret(tmp_path: Path) -> None:
    faults = {
        "basic_auth: {password: CANARY-a, password_file: b}": "basic_auth",
        "proxy_url: ftp://CANARY-user:CANARY-password@proxy": "proxy_url",
        "authorization: {type: basic, credentials: CANARY-b}": "basic",
        "basic_auth: {password: [CANARY-c]}": "password",
        "http_headers: {Authorization: {secrets: [CANARY-d]}}": "Authorization",
    }
    for fault, named in faults.items():
        path = tmp_path / "prometheus.yml"
        path.write_text(f"scrape_configs:\n  - job_name: x\n    {fault}\n")
        done = subprocess.run(
            [*_PHAROS, "check", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        assert named in done.stdout + done.stderr
        assert _MARK not in done.stdout + done.stderr


_SECRET_NAME = re.compile(r"password|secret|token|credential|key\Z|dsn\Z")


def _bare(model: type[BaseModel]) -> list[str]:
    """Return the settings that hold a secret, by their names, and would be shown."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += [f"{name}.{inner}" for inner in _bare(kind)]
        # The path of a file tells nothing of what is in it.
        elif _SECRET_NAME.search(name) and not re.search("SecretStr|Path", repr(kind)):
            found.append(name)
    return found


class _Mail(BaseModel):
    password: str = ""
    auth_token: SecretStr | None = None


class _Careless(BaseModel):
    mail: _Mail = _Mail()


def test_settings_that_hold_secrets_are_of_a_type_that_is_not_shown() -> None:
    assert _bare(_Careless) == ["mail.password"]
    assert _bare(Settings) == []
    assert "hidden" not in _Mail(auth_token=SecretStr("hidden")).model_dump_json()
