"""Reports by mail on their page: made, paused, gone on with, taken away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import Visit, violations

CONFIG = """
global: {smtp_smarthost: '127.0.0.1:9', smtp_from: 'pharos@example.com'}
route: {receiver: ops}
receivers: [{name: ops, email_configs: [{to: 'team@example.com'}]}]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose alerting knows whom to mail."""
    folder = tmp_path_factory.mktemp("reports")
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG)
    found = Server(folder / "store", "--alertmanager-config", str(config))
    yield found
    assert found.stop() == 0, found.log.read_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_is_made_paused_and_taken_away(visit: Visit, server: Server, width: int) -> None:
    page = visit("/reports", width=width)
    page.get_by_role("button", name="New report").click()
    form = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
    form.get_by_label("Name").fill("weekly")
    form.get_by_role("combobox", name="Dashboard").click()
    page.get_by_role("option", name="Host").click()
    assert violations(page) == []
    form.get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name="Host", exact=True)).to_have_attribute("href", "/d/pharos-host/-")
    actions = page.get_by_role("button", name="Actions of weekly")
    actions.click()
    page.get_by_role("menuitem", name="Pause").click()
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    actions.click()
    page.get_by_role("menuitem", name="Go on sending").click()
    expect(page.get_by_text("paused", exact=True)).to_have_count(0)
    actions.click()
    page.get_by_role("menuitem", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No report yet")).to_be_visible()
