"""What all tests share: their order, what they need, and a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.peers import is_required, missing
from tests.process import Server

# Commands look at their terminal when they are loaded, which is before pytest takes it away.
os.environ["TERM"] = "dumb"

# How long an example takes says what the machine does besides, and kernels are compiled at their first call.
settings.register_profile("pharos", deadline=None)
settings.load_profile("pharos")


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold the servers that other folders' tests share, for a server is never quite idle.

    They live to the end, and ten of them would take a third of two cores from the tests that follow.

    Skip a test that lacks what it is marked to need, with the reason; fail where that is required.
    """
    Server.serve_only(_folder(item))
    for marker in item.iter_markers("needs"):
        for need in marker.args:
            if reason := missing(need):
                (pytest.fail if is_required(need) else pytest.skip)(reason)


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
