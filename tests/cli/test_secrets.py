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
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from tests.process import Server

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
                # A stream does not end by itself.
                is_stream = answer.headers.get_content_type() == "text/event-stream"
                yield address, (answer.readline() if is_stream else answer.read()).decode(errors="replace")
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


_HEADERS: dict[str, list[str]] = {
    "Authorization": [
        "Bearer CANARY-bearer",
        "Bearer pha_CANARY-like-one-of-ours",
        "Basic Q0FOQVJZOkNBTkFSWQ==",
    ],
    "X-Pharos-Key": ["CANARY-key"],
    "Cookie": [
        "pharos_session=CANARY-session",
        "__Host-pharos_session=CANARY-host; pharos_sso=CANARY-pending",
    ],
    "X-CSRF-Token": ["CANARY-csrf"],
    "Proxy-Authorization": ["Basic CANARY-proxy"],
    "X-API-Key": ["CANARY-of-something-else"],
    "Forwarded": ["for=CANARY-forwarded"],
    "X-Forwarded-For": ["CANARY-address"],
    "User-Agent": ["agent"],
}
_BODIES: dict[str, Any] = {
    "POST /api/sign_in": {"name": "root", "password": "CANARY-wrong-password"},
    "POST /api/links/use": {"code": "CANARY-code", "password": "CANARY-chosen-password", "name": "x"},
    "POST /api/me/password": {"current": "CANARY-current", "new": "CANARY-new-password"},
    "POST /api/users": {"name": "eve", "password": "CANARY-first", "passwort": "CANARY-misspelt"},
    "PATCH /api/users/root": {"password": ["CANARY-no-text"]},
    "POST /api/tokens": {"name": "x", "roles": ["viewer"], "text": "CANARY-text"},
}
_QUERIES = (
    "/api/sso/corp/callback?code=CANARY-oidc-code&state=CANARY-state",
    "/api/sso/corp/callback?error=access_denied&error_description=CANARY",
    "/api/v1/query?query=up(&token=CANARY-token",
)


def _asked(server: Server, address: str, headers: dict[str, str], body: Any = None) -> str:
    """Return what a server answers, with its headers."""
    method, _, path = address.partition(" ")
    packed = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(server.url + path, packed, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return f"{answer.headers} {answer.read().decode(errors='replace')}"
    except urllib.error.HTTPError as exc:
        with exc:
            return f"{exc.headers} {exc.read().decode(errors='replace')}"


def test_what_settings_and_requests_bring_is_kept_nowhere_and_told_to_nobody(tmp_path: Path) -> None:
    """Passwords that hold are kept as hashes, tokens too; whatever else looks like a secret is not kept."""
    (tmp_path / "client-secret").write_text("CANARY-client-secret")
    provider = {"id": "corp", "issuer": "http://127.0.0.1:1", "client_id": "pharos"}
    provider["client_secret_file"] = "client-secret"
    (tmp_path / "pharos.yml").write_text(json.dumps({"providers": [provider]}))
    server = Server(tmp_path / "store", "--config", str(tmp_path / "pharos.yml"))
    owner = {"X-Pharos-Key": (tmp_path / "store" / ADMIN_KEY_FILE).read_text()}
    kept = {"name": "root", "password": "CANARY that is the password of root"}
    answers = [_asked(server, "POST /api/users", owner, kept)]
    made = _asked(server, "POST /api/tokens", owner, {"name": "one", "roles": ["viewer"]})
    token = str(json.loads(made.partition("\n\n")[2])["data"]["text"])
    for name, values in _HEADERS.items():
        for value in values:
            answers.append(_asked(server, "GET /api/me", {name: value}))
            answers.append(_asked(server, "POST /api/v1/write", {name: value}, {}))
    for address, body in _BODIES.items():
        answers += [_asked(server, address, {}, body), _asked(server, address, owner, body)]
    answers += [_asked(server, f"GET {path}", owner) for path in _QUERIES]
    # Whoever comes in has a cookie, which is told to them alone.
    came_in = _asked(server, "POST /api/sign_in", {}, kept)
    session = re.search(r"pharos_session=([^;]+)", came_in)
    assert session is not None
    for path in ("/api/audit?everywhere=true", "/api/audit/export?everywhere=true", "/metrics",
                 "/api/v1/status/config", "/api/users", "/api/tokens", "/api/me"):  # fmt: skip
        answers.append(_asked(server, f"GET {path}", owner))
    copy = tmp_path / "copy"
    command = [*_PHAROS, "backup", str(copy), "--data", str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert server.stop() == 0
    marks = [_MARK, token, session[1], owner["X-Pharos-Key"]]
    told = [*answers, server.log.read_text(), done.stdout, done.stderr]
    assert [text for text in told if any(mark in text for mark in marks)] == []
    files = [path for place in (copy, tmp_path / "store") for path in place.rglob("*") if path.is_file()]
    assert any(path.name == "state.db" for path in files)
    found = {path.name for path in files if any(mark.encode() in path.read_bytes() for mark in marks)}
    # The key of the data folder lies there, for its owner.
    assert found == {ADMIN_KEY_FILE}


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
