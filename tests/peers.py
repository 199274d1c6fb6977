"""What tests compare Pharos with and the repository does not hold: other servers, and the conformance suite.

A test says what it needs with `@pytest.mark.needs(...)`. Where that is missing the test is skipped with the
reason, and fails if `PHAROS_REQUIRE` names it (`peers`, `conformance`; `.ci/run` sets it).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CONFORMANCE: Final = Path(os.environ.get("PHAROS_CONFORMANCE") or ROOT.parent / "shared/conformance")
"""The public suites that upstream keeps: beside the repository, or where the variable says."""


def _newest(pattern: str) -> str | None:
    """Return the last of the files that Debian keeps off the path, each version in a folder of its own."""
    found = map(str, Path("/usr/lib").glob(pattern))
    return max(found, key=lambda path: [*map(int, re.findall("[0-9]+", path))], default=None)


PEERS: Final = {
    "prometheus": shutil.which("prometheus"),
    "node-exporter": shutil.which("prometheus-node-exporter") or shutil.which("node_exporter"),
    "amtool": shutil.which("amtool"),
    "vmalert": shutil.which("vmalert"),
    # Not on the path of everybody.
    "rsyslog": shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin"),
    "postgresql": shutil.which("postgres") or _newest("postgresql/*/bin/postgres"),
}


def missing(need: str, peers: Mapping[str, str | None] = PEERS, conformance: Path = CONFORMANCE) -> str:
    """Return why a test cannot have what it needs, empty if it can."""
    if need == "conformance":
        return "" if conformance.is_dir() else f"the conformance suite is not at {conformance}"
    return "" if peers[need] else f"{need} is not installed"


def is_required(need: str) -> bool:
    """Return whether a test must not be skipped for want of it."""
    kind = "conformance" if need == "conformance" else "peers"
    return kind in os.environ.get("PHAROS_REQUIRE", "").split(",")


def program(peer: str) -> str:
    """Return the path of an installed peer."""
    found = PEERS[peer]
    assert found is not None, missing(peer)
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ending_with_us(command: Sequence[str]) -> list[str]:
    """Return the command of a program that the system ends when the runner of the tests is killed."""
    return [*(("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()), *command]


@contextmanager
def prometheus_at(folder: Path, configuration: str, *flags: str) -> Iterator[str]:
    """Run the installed Prometheus over an empty folder, open for remote write; yield its address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(configuration)
    port, log = free_port(), folder / "log"
    command = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        *flags,
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(ending_with_us(command), stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(f"{url}/-/ready", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError as exc:
            if isinstance(exc, urllib.error.HTTPError):
                exc.close()
            threading.Event().wait(0.1)
    raise AssertionError(f"prometheus is not ready:\n{log.read_text()}")
