"""Fixtures of the page tests: a server with something to show, and Debian's Chromium to look at it.

The browser is closed after every module, because an open one keeps an event loop running in the main thread,
which tests of asynchronous code elsewhere could not share. The server ends with the last of these tests: one
that is idle still scrapes.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect, sync_playwright
from tests.process import Server

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""The browser without its windows: the same pages for a quarter of the processor."""
AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
"""The accessibility checker, among the packages that the pages are built with."""
PLACES = Path(__file__).parents[2] / "ui/src/address/places.ts"
"""The addresses of all pages, among them those that no menu shows."""
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
OUT_OF_REACH = """() => {
    const wide = document.documentElement.clientWidth, found = [];
    const tell = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 200)}`);
    const cut = (element) => element.scrollWidth > element.clientWidth + 1;
    const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX) && cut(element);
    if (document.documentElement.scrollWidth > wide) tell('the page scrolls sideways', document.body);
    for (const table of document.querySelectorAll('[role=grid], [role=table], table')) {
        // A region that has a name and can be entered says itself that there is more of it.
        if (table.closest('.visually-hidden, [role=region][tabindex="0"]')) continue;
        for (let at = table; at !== document.body; at = at.parentElement)
            if (scrolls(at) || (at === table && cut(at))) { tell('a table is cut off', table); break; }
    }
    const controls = 'a, button, input, select, textarea, [role=tab], [contenteditable=true]';
    for (const control of document.querySelectorAll(controls)) {
        const { left, right, width } = control.getBoundingClientRect();
        if (!control.checkVisibility({ visibilityProperty: true })) continue;
        if (width <= 1 || control.matches('.skip-link')) continue;
        let from = 0, to = wide;
        for (let at = control.parentElement; at !== document.documentElement; at = at.parentElement) {
            const { overflowX, textOverflow } = getComputedStyle(at);
            // Dots tell of the rest of a link's words, and what scrolls can be brought into sight.
            const is_told = textOverflow === 'ellipsis' && control.matches('a');
            if (scrolls(at) || is_told) { to = Infinity; break; }
            if (overflowX === 'visible') continue;
            const box = at.getBoundingClientRect();
            [from, to] = [Math.max(from, box.left), Math.min(to, box.right)];
        }
        if (left < from - 1 || right > to + 1) tell('a control is out of reach', control);
    }
    return found;
}"""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
XSS = '<img src=x onerror="window.__xss=1">'
HOSTILE = XSS + "n" * 60
"""Markup that is longer than there is room for."""
FLEET = 240
"""More series than a graph shows at first."""
ENOUGH = 12
# A server that has never run compiles its kernels at the first query of a kind.
expect.set_options(timeout=20_000)


def _exposition() -> bytes:
    second = int(time.time())
    lines = ["# TYPE fleet_requests_total counter"]
    lines += [f'fleet_requests_total{{host="host-{i:03d}"}} {second * (1 + i % 7)}' for i in range(FLEET)]
    lines += ["# TYPE queue_bytes gauge", f"queue_bytes {1_000_000 + second % 60 * 1000}"]
    lines += ["# TYPE wait_seconds histogram"]
    lines += [
        f'wait_seconds_bucket{{le="{le}"}} {second * share}'
        for le, share in (("0.1", 2), ("0.5", 3), ("+Inf", 4))
    ]
    lines += [f"wait_seconds_sum {second}", f"wait_seconds_count {second * 4}"]
    lines += [f'hostile_info{{payload={json.dumps(XSS)},quote="a\\"b"}} 1']
    return "\n".join(lines).encode() + b"\n"


class _Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _exposition()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Who asked may have given up: it waits for a second.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="package")
def exporter_address() -> Iterator[str]:
    """The address of a target whose samples grow by the second."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def wait_for_samples(url: str, expression: str) -> None:
    """Return once an expression has a result."""
    query = urllib.parse.urlencode({"query": expression})
    for _ in range(300):
        with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=60) as answer:
            if json.load(answer)["data"]["result"]:
                return
        threading.Event().wait(0.2)
    raise AssertionError("the exporter's samples did not arrive within a minute")


@contextlib.contextmanager
def serving(folder: Path, exporter_address: str) -> Iterator[str]:
    """Have a server that scrapes the exporter every second, and a target that is not there."""
    config = folder / "prometheus.yml"
    config.write_text(
        f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: fleet
    static_configs: [{{targets: ["{exporter_address}"], labels: {{team: '{XSS}'}}}}]
  - job_name: missing
    static_configs: [{{targets: ["127.0.0.1:9"]}}]
"""
    )
    server = Server(folder / "store", "--prometheus", str(config))
    # Enough for a graph of rates.
    wait_for_samples(server.url, f"count_over_time(queue_bytes[1m]) >= {ENOUGH}")
    yield server.url
    code = server.stop()
    assert code == 0, server.log.read_text()


@pytest.fixture(scope="package")
def ui_url(exporter_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of such a server, which all files share that send nothing to it."""
    with serving(tmp_path_factory.mktemp("ui"), exporter_address) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, shared by a module's tests."""
    assert Path(CHROMIUM).exists(), "these tests drive it: apt-get install chromium-headless-shell"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page and everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def forget(self, pattern: str) -> None:
        """Drop faults that a test provoked; there must be one."""
        kept = [fault for fault in self.faults if not re.search(pattern, fault)]
        assert len(kept) < len(self.faults), f"no fault matched {pattern!r}"
        self.faults = kept


@pytest.fixture
def open_page(browser: Browser, ui_url: str) -> Iterator[Callable[..., Watched]]:
    """Opens pages of the server; afterwards none of them may have logged an error or broken the policy.

    With `own_clock` the time of the page goes on by itself, and can be moved on by `page.clock`.
    """
    opened: list[Watched] = []

    def open_(
        path: str, *, width: int = 1440, height: int = 900, scheme: str = "dark", own_clock: bool = False
    ) -> Watched:
        context = browser.new_context(
            base_url=ui_url,
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
        )
        watched = Watched(context.new_page())
        opened.append(watched)
        if own_clock:
            watched.page.clock.install()
        watched.page.goto(path)
        return watched

    yield open_
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Opens pages of the module's `server`; afterwards nothing may have run that a name or a label held.

    What a pattern in `fails` fits is answered 503.
    """
    opened: list[Page] = []

    def visit_(path: str, *, width: int = 1280, scheme: str = "dark", fails: str = "") -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": 860},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
        )
        page = context.new_page()
        opened.append(page)
        page.set_default_timeout(20_000)
        if fails:
            page.route(fails, refuse)
        page.goto(path)
        return page

    yield visit_
    for page in opened:
        assert page.evaluate("window.__xss") is None
        page.context.close()


def refuse(route: Route) -> None:
    """Answer a request as a server that cannot now."""
    route.fulfill(status=503, json={"status": "error", "errorType": "unavailable", "error": "not now"})


def warn(page: Page, pattern: str, warning: str) -> None:
    """Have what is asked at an address answered with a warning beside."""

    def warned(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "warnings": [warning]})

    page.route(pattern, warned)


def send(server: Server, method: str, path: str, document: object) -> None:
    """Have a document taken."""
    request = urllib.request.Request(
        server.url + path, json.dumps(document).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def kept(server: Server, path: str) -> list[dict[str, Any]]:
    """Return the list that an address answers with."""
    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]
        return found


def painted_share(page: Page, selector: str) -> float:
    """The share of a canvas' pixels that are not transparent."""
    return float(
        page.locator(selector).first.evaluate(
            """(canvas) => {
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                let painted = 0;
                for (let i = 3; i < data.length; i += 4) if (data[i] > 0) painted += 1;
                return painted / (data.length / 4);
            }"""
        )
    )


def violations(page: Page, *within: Locator) -> list[str]:
    """What the accessibility checker finds on a page: each rule with the element that breaks it.

    With `within` it looks at those elements alone, as at what opened over a page that was looked at before:
    most of its time goes into the colours behind each text.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(
        """([rules, within]) => axe.run(
            within.length > 0 ? { include: within } : document,
            { runOnly: rules, resultTypes: ['violations'] },
        ).then(({ violations }) => violations.flatMap(
            ({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)))""",
        [AXE_RULES, [locator.element_handle() for locator in within]],
    )
    return found


def out_of_reach(page: Page) -> list[str]:
    """What cannot be seen or pressed at the width that a page has, without scrolling the page sideways."""
    found: list[str] = page.evaluate(OUT_OF_REACH)
    return found
