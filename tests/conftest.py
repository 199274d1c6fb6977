"""Fixtures that many tests share: a real server in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from tests.peers import ending_with_us, is_required, missing

# Commands look at their terminal when they are loaded, which is before pytest takes it away.
os.environ["TERM"] = "dumb"

# How long an example takes says what the machine does besides, and kernels are compiled at their first call.
settings.register_profile("pharos", deadline=None)
settings.load_profile("pharos")

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


_LONGEST_FIRST = ("e2e", "alerting", "api", "cli", "ui", "docs", "rules")
"""Folders whose tests start programs and wait for them."""
_TRIED_AGAIN = frozenset(
    {"anomalies", "api", "cli", "demo", "docs", "health", "reports", "slo", "ui", "versions"}
)
"""Folders whose tests talk to a server or a browser about what becomes visible soon.

None of those that kill, or compare answers with another program: what they find once is found.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that workers that take one file after the other end together.

    A test of a running server's API or pages that fails is tried once more: a busy machine has moments of its
    own. The summary names each that was.
    """
    places = {folder: place for place, folder in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(_folder(item), len(places)))
    for item in items:
        if _folder(item) in _TRIED_AGAIN:
            item.add_marker(pytest.mark.flaky(reruns=1))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Hold the servers that a folder's tests share once these are over, for a server is never quite idle.

    They live to the end, and ten of them would take a third of two cores from the tests that follow.
    """
    if nextitem is not None and _folder(nextitem) != _folder(item):
        for server in Server.living:
            server.hold()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that lacks what it is marked to need, with the reason; fail where that is required."""
    for marker in item.iter_markers("needs"):
        for need in marker.args:
            if reason := missing(need):
                (pytest.fail if is_required(need) else pytest.skip)(reason)


class Server:
    """`pharos up` on a free port; its address is printed once it answers."""

    living: ClassVar[set[Server]] = set()

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ending_with_us(
                    [
                        *(sys.executable, "-m", "pharos.cli", "up"),
                        *("--listen", "127.0.0.1:0", "--data", str(folder)),
                        # What it tells of itself would stand among what tests send.
                        *("--no-self-events", *arguments),
                    ]
                ),
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "COLUMNS": "200"},
            )
        self._drain = threading.Thread(target=self._read_on, daemon=True)
        self.living.add(self)
        try:
            self.url = self._address()
            self._drain.start()
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def _address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := _ADDRESS.search(line.decode()):
                return found[0]
        raise AssertionError(f"pharos did not start:\n{self.log.read_text()}")

    def _read_on(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.read()

    def wait_ready(self) -> None:
        """Wait until what a former process left is stored."""
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=10):
                    return
            except urllib.error.HTTPError as exc:
                exc.close()
                if self.process.poll() is not None:
                    break
                threading.Event().wait(0.1)
            except TimeoutError:
                # On a machine that others use, too, a start takes its time.
                continue
        raise AssertionError(f"pharos is not ready:\n{self.log.read_text()}")

    def hold(self) -> None:
        """Have it do nothing until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it do what it would do by now, if it was held."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.living.discard(self)
        self.go_on()
        self.process.terminate()
        code = self.process.wait(30)
        self._drain.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """End it without a warning."""
        self.living.discard(self)
        self.process.kill()
        self.process.wait(30)
        if self._drain.is_alive():
            self._drain.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def _pharos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the whole session shares; tests keep apart by tenants."""
    server = Server(tmp_path_factory.mktemp("pharos") / "store")
    yield server
    code = server.stop()
    assert code == 0, server.log.read_text()


@pytest.fixture(scope="module")
def pharos_url(_pharos: Server) -> str:
    """The address of the server that all share."""
    _pharos.go_on()
    return _pharos.url
