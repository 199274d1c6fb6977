"""A report over HTTP: made, refused, saved as a page, sent by a real server to a real mail server."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.notify.fakes.smtp import mailing
from tests.process import Server

CONFIG = """
global: {{smtp_smarthost: '{address}', smtp_from: 'pharos@example.com', smtp_require_tls: false}}
route: {{receiver: ops}}
receivers: [{{name: ops, email_configs: [{{to: 'team@example.com'}}]}}]
"""
REPORT = {"uid": "pharos-self", "receiver": "ops", "every": "week", "hour": 8, "start": "now-15m"}


def _ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{url}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith("{") else text
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())


def _made_and_sent(url: str) -> None:
    for wrong, told in (
        ({"receiver": "nobody"}, "receivers with email_configs: ops"),
        ({"uid": "none"}, "none"),
        ({"hour": 25}, "hour"),
        ({"every": "day", "zone": "x"}, "time zone"),
        ({"more": 1}, "no field more"),
    ):
        status, found = _ask(url, "PUT", "/api/reports/weekly", {**REPORT, **wrong})
        assert status in {400, 404}, found
        assert told in found["error"]
    status, found = _ask(url, "PUT", "/api/reports/weekly", REPORT)
    assert (status, found["data"]["version"]) == (200, 1)
    status, found = _ask(url, "PUT", "/api/reports/weekly", {**REPORT, "hour": 9, "version": 0})
    assert status == 400
    _, found = _ask(url, "GET", "/api/reports")
    assert found["data"]["receivers"] == ["ops"]
    assert [one["name"] for one in found["data"]["reports"]] == ["weekly"]
    status, page = _ask(url, "GET", "/api/reports/weekly/preview")
    assert status == 200
    assert "data:image/svg+xml;base64," in page
    assert _ask(url, "GET", "/api/reports/other/preview")[0] == 404
    assert _ask(url, "POST", "/api/reports/other/send")[0] == 404
    assert _ask(url, "POST", "/api/reports/weekly/send") == (200, {"status": "success", "data": {"mails": 1}})


async def test_a_report_is_made_and_sent_with_its_pictures(tmp_path: Path) -> None:
    async with mailing() as mails:
        config = tmp_path / "alertmanager.yml"
        config.write_text(CONFIG.format(address=mails.address))
        server = await asyncio.to_thread(Server, tmp_path / "store", "--alertmanager-config", str(config))
        try:
            await asyncio.to_thread(_made_and_sent, server.url)
            async with asyncio.timeout(30):
                while not mails.taken:  # noqa: ASYNC110 - the mail server tells nobody
                    await asyncio.sleep(0.05)
            letter = mails.letter()
            page = letter.get_body(("html",))
            assert page is not None
            assert letter["Subject"]
            assert letter["To"] == "team@example.com"
            pictures = [part for part in letter.walk() if part.get_content_type() == "image/png"]
            assert pictures
            assert f'src="cid:{pictures[0]["Content-ID"].strip("<>")}"' in page.get_content()
            status, _ = await asyncio.to_thread(_ask, server.url, "DELETE", "/api/reports/weekly")
            assert status == 200
            _, found = await asyncio.to_thread(_ask, server.url, "GET", "/api/reports")
            assert found["data"]["reports"] == []
        finally:
            assert await asyncio.to_thread(server.stop) == 0
