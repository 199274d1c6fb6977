"""Loops and the scraper against real HTTP servers: health, reports, staleness, reload, files, hostile
targets.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from tests.scrape.written import Collected, Written, read

from pharos.clock import FakeClock, SystemClock
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.loop import INLINE_BYTES, TargetLoop, offset_ms
from pharos.ingest.scrape.scraper import Scraper
from pharos.ingest.scrape.target import DroppedTarget, Health, TargetSpec, target_of

NOW_MS = 1_700_000_000_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Exporter:
    """A target on a loopback port whose answer a test may change at any time."""

    def __init__(self) -> None:
        self.page = "a 1\n"
        self.content_type = "text/plain; version=0.0.4"
        self.requests: list[web.Request] = []
        self.handler: Handler | None = None
        self.address = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.handler is not None:
            return await self.handler(request)
        return web.Response(body=self.page.encode(), headers={"Content-Type": self.content_type})


@pytest_asyncio.fixture
async def exporter() -> AsyncIterator[Exporter]:
    found = Exporter()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.address = "{}:{}".format(*runner.addresses[0][:2])
    yield found
    await runner.cleanup()


@pytest_asyncio.fixture
async def sink() -> Collected:
    return Collected()


@pytest_asyncio.fixture
async def scraper(sink: Collected) -> AsyncIterator[Scraper]:
    found = Scraper(sink, SystemClock(), random.Random(1))
    await found.start()
    yield found
    await found.stop()


def config(address: str, more: str = "", interval: str = "1h") -> Any:
    return load_scrape_config(
        f"scrape_configs:\n- job_name: j\n  scrape_interval: {interval}\n"
        f"  static_configs: [{{targets: ['{address}']}}]\n{more}"
    )


def only_loop(scraper: Scraper) -> TargetLoop:
    (loop,) = scraper.loops()
    return loop


async def scrape(scraper: Scraper, sink: Collected, time_ms: int = NOW_MS) -> Written:
    await only_loop(scraper).scrape(time_ms)
    return sink.last()


async def test_good_scrape_is_reported_and_shown(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = 'a{b="1"} 1\na{b="2"} 2\n# TYPE a gauge\n'
    await scraper.apply(config(exporter.address))
    written = await scrape(scraper, sink)
    labels = {"job": "j", "instance": exporter.address}
    assert written.value("up", **labels) == 1
    assert written.value("scrape_samples_scraped", **labels) == 2
    assert written.value("scrape_samples_post_metric_relabeling", **labels) == 2
    assert written.value("scrape_series_added", **labels) == 2
    assert 0 < written.value("scrape_duration_seconds", **labels) < 5
    assert written.value("a", b="2", **labels) == 2
    assert sink.sent_bytes == [len(exporter.page)]
    status = scraper.targets()[0]
    assert (status.health, status.last_error, status.last_scrape_ms) == (Health.UP, "", NOW_MS)
    assert status.scrape_url == f"http://{exporter.address}/metrics"
    assert scraper.target_metadata()[0][1][0].family == "a"


async def test_request_is_what_prometheus_sends(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    more = (
        "  metrics_path: /p/x\n  params: {b: ['1', '2'], a: ['ä &']}\n  scrape_timeout: 1500ms\n"
        "  basic_auth: {username: u, password: p}\n  http_headers: {X-T: {values: [v]}}\n"
    )
    await scraper.apply(config(exporter.address, more))
    await scrape(scraper, sink)
    request = exporter.requests[0]
    assert request.raw_path == "/p/x?a=%C3%A4+%26&b=1&b=2"
    assert request.headers["X-Prometheus-Scrape-Timeout-Seconds"] == "1.5"
    assert request.headers["Authorization"] == "Basic dTpw"
    assert request.headers["X-T"] == "v"
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.headers["Accept"] == (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )


async def fail_with(status: int) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="nope")

    return handler


async def test_failed_scrape_marks_everything_stale_and_recovers(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    await scraper.apply(config(exporter.address))
    await scrape(scraper, sink)
    exporter.handler = await fail_with(500)
    failed = await scrape(scraper, sink, NOW_MS + 1000)
    assert failed.stale() == {"a"}
    assert failed.value("up") == 0
    assert failed.value("scrape_samples_scraped") == 0
    status = scraper.targets()[0]
    assert status.health is Health.DOWN
    assert status.last_error == "server returned HTTP status 500 Internal Server Error"
    exporter.handler = None
    again = await scrape(scraper, sink, NOW_MS + 2000)
    assert (again.value("up"), again.value("a"), again.value("scrape_series_added")) == (1, 1, 0)


@pytest.mark.parametrize(
    ("content_type", "page", "reason"),
    [
        ("text/html", "a 1\n", "received unsupported Content-Type 'text/html'"),
        ("", "a 1\n", "scrape target sent a blank Content-Type"),
        ("text/plain", "a one\n", "line 1: the value is not a number while parsing: 'a one'"),
        ("application/openmetrics-text", "a 1\n", "data does not end with # EOF"),
    ],
)
async def test_unreadable_page_is_down_with_its_reason(
    exporter: Exporter, sink: Collected, scraper: Scraper, content_type: str, page: str, reason: str
) -> None:
    exporter.content_type, exporter.page = content_type, page
    await scraper.apply(config(exporter.address))
    assert (await scrape(scraper, sink)).value("up") == 0
    assert reason in scraper.targets()[0].last_error


async def test_fallback_protocol_reads_a_page_without_a_type(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.content_type = ""
    await scraper.apply(config(exporter.address, "  fallback_scrape_protocol: PrometheusText0.0.4\n"))
    assert (await scrape(scraper, sink)).value("a") == 1


async def test_no_connection_is_down_without_secrets(sink: Collected, scraper: Scraper) -> None:
    await scraper.apply(config("127.0.0.1:1", "  basic_auth: {username: u, password: hunter2}\n"))
    assert (await scrape(scraper, sink)).value("up") == 0
    error = scraper.targets()[0].last_error
    assert "127.0.0.1:1" in error
    assert "hunter2" not in error


async def test_gzip_bomb_ends_at_the_body_limit(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    bomb = gzip.compress(b"a 1\n" * 50_000_000, compresslevel=1)

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    exporter.handler = handler
    await scraper.apply(config(exporter.address, "  body_size_limit: 1MB\n  extra_scrape_metrics: true\n"))
    written = await scrape(scraper, sink)
    assert (written.value("up"), written.value("scrape_body_size_bytes")) == (0, -1)
    assert "body size limit exceeded" in scraper.targets()[0].last_error


async def test_endless_body_ends_at_the_limit_or_the_timeout(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b'a{b="c"} 1\n' * 1000)

    exporter.handler = handler
    await scraper.apply(config(exporter.address, "  body_size_limit: 3MB\n"))
    assert (await scrape(scraper, sink)).value("up") == 0
    assert "body size limit exceeded" in scraper.targets()[0].last_error


async def test_slow_target_ends_at_its_timeout(exporter: Exporter, sink: Collected, scraper: Scraper) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    exporter.handler = handler
    await scraper.apply(config(exporter.address, "  scrape_timeout: 100ms\n"))
    written = await scrape(scraper, sink)
    assert written.value("up") == 0
    assert 0.1 <= written.value("scrape_duration_seconds") < 5
    assert "no answer within 0.1s" in scraper.targets()[0].last_error


async def test_hundred_thousand_labels_pass_or_fail_by_the_limit(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "a{" + ",".join(f'l{n}="v"' for n in range(100_000)) + "} 1\n"
    await scraper.apply(config(exporter.address, "  label_limit: 30\n"))
    assert (await scrape(scraper, sink)).value("up") == 0
    assert "label_limit exceeded (metric: a, number of labels: 100003" in scraper.targets()[0].last_error


async def test_large_page_is_digested_on_a_thread(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "".join(f'a{{n="{n}",pad="{"x" * 80}"}} {n}\n' for n in range(12_000))
    assert len(exporter.page) > INLINE_BYTES
    await scraper.apply(config(exporter.address))
    for _ in range(2):
        written = await scrape(scraper, sink)
        assert written.value("a", n="11999") == 11_999
        assert written.value("scrape_samples_scraped") == 12_000


async def test_refused_body_is_shown_and_markers_come_again(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "a 1\nb 1\n"
    await scraper.apply(config(exporter.address))
    await scrape(scraper, sink)
    exporter.page = "a 1\n"
    sink.refusal = PharosError(Kind.UNAVAILABLE, "the disk is full")
    with pytest.raises(PharosError):
        await only_loop(scraper).scrape(NOW_MS + 1000)
    status = scraper.targets()[0]
    assert (status.health, status.last_error) == (Health.UP, "not stored: the disk is full")
    sink.refusal = None
    assert (await scrape(scraper, sink, NOW_MS + 2000)).stale() == {"b"}


async def test_a_page_that_a_limit_cut_says_so_until_all_of_it_is_taken(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "a 1\nb 1\n"
    await scraper.apply(config(exporter.address))
    sink.receipt = Accepted(samples=1, beyond_series=1, beyond_samples=1, max_series=1)
    await scrape(scraper, sink)
    status = scraper.targets()[0]
    assert status.health is Health.UP
    assert status.last_error.startswith("not all stored: 1 new series would be more than the 1 active series")
    sink.receipt = Accepted(samples=2)
    await scrape(scraper, sink, NOW_MS + 1000)
    assert scraper.targets()[0].last_error == ""


async def test_too_many_targets_fail_all_of_the_job(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    await scraper.apply(config(f"{exporter.address}', 'other:1", "  target_limit: 1\n"))
    for loop in scraper.loops():
        await loop.scrape(NOW_MS)
    assert exporter.requests == []
    assert {one.last_error for one in scraper.targets()} == {
        "target_limit exceeded (number of targets: 2, limit: 1)"
    }


async def test_local_source_goes_the_same_way(sink: Collected, scraper: Scraper) -> None:
    pages = iter([b"a 1\nb 1\n", b"a 2\n", b"bad page\n"])
    scraper.register_local("pharos", "self", 3_600_000, lambda: next(pages))
    loop = only_loop(scraper)
    await eventually(lambda: bool(sink.bodies))
    assert sink.last().value("a", job="pharos", instance="self") == 1
    await loop.scrape(NOW_MS + 1)
    assert sink.last().stale() == {"b"}
    await loop.scrape(NOW_MS + 2)
    assert sink.last().value("up") == 0
    assert sink.sources == ["self"] * 3
    assert scraper.targets()[0].scrape_pool == "pharos"


async def test_local_source_is_scraped_at_once_and_may_fail(sink: Collected, scraper: Scraper) -> None:
    def produce() -> bytes:
        raise OSError("no such device")

    scraper.register_local("host", "self", 3_600_000, produce)
    await eventually(lambda: bool(sink.bodies))
    assert sink.last().value("up", job="host") == 0
    assert scraper.targets()[0].last_error == "host cannot be read: no such device"


async def test_unchanged_job_keeps_its_loop_and_changed_one_its_memory(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "a 1\nb 1\n"
    await scraper.apply(config(exporter.address))
    before = only_loop(scraper)
    await scrape(scraper, sink)
    await scraper.apply(config(exporter.address))
    assert only_loop(scraper) is before
    rule = "  metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]\n"
    await scraper.apply(config(exporter.address, rule))
    assert only_loop(scraper) is not before
    written = await scrape(scraper, sink, NOW_MS + 1000)
    # The new rules hold at once, and what they drop is marked stale.
    assert written.stale() == {"b"}
    assert written.value("a") == 1


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event of its own)
            await asyncio.sleep(0.01)


async def test_removed_target_is_marked_stale_after_two_intervals(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    await scraper.apply(config(exporter.address, "  scrape_timeout: 100ms\n", interval="100ms"))
    await eventually(lambda: len(sink.bodies) > 1)
    last_ms = scraper.targets()[0].last_scrape_ms
    await scraper.apply(load_scrape_config(""))
    assert scraper.targets() == []
    await eventually(lambda: bool(read(sink.bodies[-1]).stale()))
    written = sink.last()
    assert written.stale() == {
        "a",
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    }
    assert all(time_ms >= last_ms + 100 for _, time_ms, _ in written.samples)
    # It is over: nothing of it goes on when the target comes back.
    exporter.page = "b 1\n"
    await scraper.apply(config(exporter.address))
    assert (await scrape(scraper, sink)).stale() == set()


async def test_target_that_comes_back_takes_its_memory_over(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    exporter.page = "a 1\nb 1\n"
    await scraper.apply(config(exporter.address))
    await scrape(scraper, sink)
    await scraper.apply(load_scrape_config(""))
    await scraper.apply(config(exporter.address))
    exporter.page = "a 1\n"
    assert (await scrape(scraper, sink, NOW_MS + 1000)).stale() == {"b"}


async def test_stop_writes_no_markers(exporter: Exporter, sink: Collected) -> None:
    scraper = Scraper(sink, SystemClock(), random.Random(1))
    await scraper.start()
    await scraper.apply(config(exporter.address))
    await scrape(scraper, sink)
    await scraper.stop()
    assert sink.all().stale() == set()


async def test_discovery_files_come_change_break_and_go(
    exporter: Exporter, sink: Collected, scraper: Scraper, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"targets": ["x:1"], "labels": {"l": "1"}}]))
    (tmp_path / "b.yml").write_text("- targets: [y:1, z:1]\n")
    text = "scrape_configs:\n- job_name: j\n  file_sd_configs: [{files: ['*.json', 'b.yml']}]\n"
    await scraper.apply(load_scrape_config(text, tmp_path))

    def shown() -> set[tuple[str, str]]:
        return {(dict(one.labels)["instance"], dict(one.labels).get("l", "")) for one in scraper.targets()}

    assert shown() == {("x:1", "1"), ("y:1", ""), ("z:1", "")}
    found = {dict(one.discovered_labels)["__meta_filepath"] for one in scraper.targets()}
    assert found == {str(tmp_path / "a.json"), str(tmp_path / "b.yml")}
    kept = next(loop for loop in scraper.loops() if "x" in loop.spec.url)
    (tmp_path / "b.yml").write_text("- targets: [y:1]\n  labels: {l: '2'}\n")
    await scraper.refresh_discovery()
    assert shown() == {("x:1", "1"), ("y:1", "2")}
    (tmp_path / "b.yml").write_text("- targets: [y:1\n")
    (tmp_path / "a.json").write_text('[{"targets": [1]}]')
    await scraper.refresh_discovery()
    assert shown() == {("x:1", "1"), ("y:1", "2")}
    (tmp_path / "b.yml").unlink()
    await scraper.refresh_discovery()
    assert shown() == {("x:1", "1")}
    assert scraper.loops() == [kept]


async def test_targets_that_an_address_tells_come_and_go_and_stay_while_it_fails(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    said: Any = [{"targets": [exporter.address], "labels": {"dc": "x"}}]
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path != "/sd":
            return web.Response(text="a 1\n", content_type="text/plain")
        asked.append({**request.headers})
        return web.Response(status=503) if said is None else web.json_response(said)

    async def asked_again() -> None:
        before = len(asked)
        # The second was begun after what it was told was taken over.
        await eventually(lambda: len(asked) > before + 2)

    exporter.handler = answer
    url = f"http://{exporter.address}/sd"
    job = (
        "scrape_configs:\n- job_name: j\n  scrape_interval: 1h\n"
        f"  http_sd_configs: [{{url: '{url}', refresh_interval: 100ms, bearer_token: secret}}]\n"
    )
    await scraper.apply(load_scrape_config(job))
    await eventually(lambda: len(scraper.loops()) == 1)
    written = await scrape(scraper, sink)
    assert written.value("up", job="j", instance=exporter.address, dc="x") == 1
    assert dict(scraper.targets()[0].discovered_labels)["__meta_url"] == url
    assert asked[0]["Authorization"] == "Bearer secret"
    assert float(asked[0]["X-Prometheus-Refresh-Interval-Seconds"]) == 0.1
    kept = only_loop(scraper)
    said = None
    await asked_again()
    assert (scraper.loops(), scraper.discovery_errors()) == ([kept], [("j", f"{url} answered 503")])
    await scraper.apply(load_scrape_config(f"{job}  metrics_path: /other\n"))
    assert only_loop(scraper).spec.url == f"http://{exporter.address}/other", "told before the reload"
    said = []
    await eventually(lambda: scraper.loops() == [] and not scraper.discovery_errors())
    said = [{"targets": [exporter.address]}]
    await eventually(lambda: len(scraper.loops()) == 1)
    await scraper.apply(load_scrape_config(""))
    assert scraper.loops() == []


async def test_dropped_targets_are_listed_up_to_their_limit(scraper: Scraper) -> None:
    rule = "  relabel_configs: [{source_labels: [__address__], regex: 'x.*', action: drop}]\n"
    await scraper.apply(config("x:1', 'x:2', 'y:1", rule))
    assert [(one.dropped, dict(one.discovered_labels)["__address__"]) for one in scraper.targets()] == [
        (False, "y:1"),
        (True, "x:1"),
        (True, "x:2"),
    ]
    await scraper.apply(config("x:1', 'x:2', 'y:1", rule + "  keep_dropped_targets: 1\n"))
    assert len(scraper.targets()) == 2


async def test_redirect_keeps_credentials_at_their_origin(
    exporter: Exporter, sink: Collected, scraper: Scraper
) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        if request.path == "/metrics":
            raise web.HTTPFound("/same")
        if request.path == "/same":
            raise web.HTTPFound(f"http://localhost:{exporter.address.rpartition(':')[2]}/other")
        return web.Response(body=b"a 1\n", headers={"Content-Type": "text/plain"})

    exporter.handler = handler
    await scraper.apply(config(exporter.address, "  bearer_token: t\n"))
    assert (await scrape(scraper, sink)).value("up") == 1
    assert seen == ["Bearer t", "Bearer t", None]


def job_of(more: str = "") -> Any:
    return load_scrape_config(f"scrape_configs:\n- job_name: j\n{more}").jobs[0]


@pytest.mark.parametrize(
    ("found", "more", "url", "labels"),
    [
        ({"__address__": "h"}, "", "http://h:80/metrics", {"instance": "h", "job": "j"}),
        ({"__address__": "h"}, "  scheme: https\n", "https://h:443/metrics", {"instance": "h", "job": "j"}),
        ({"__address__": "h"}, "  scheme: HTTPS\n", "https://h:443/metrics", {"instance": "h", "job": "j"}),
        ({"__address__": "h"}, "  scheme: ''\n", "http://h:80/metrics", {"instance": "h", "job": "j"}),
        ({"__address__": "h", "__scheme__": "Http"}, "", "http://h:80/metrics", {"instance": "h", "job": "j"}),  # noqa: E501
        ({"__address__": "[::1]:9"}, "", "http://[::1]:9/metrics", {"instance": "[::1]:9", "job": "j"}),
        (
            {"__address__": "h:1", "job": "own", "instance": "i"},
            "",
            "http://h:1/metrics",
            {"instance": "i", "job": "own"},
        ),
        (
            {"__address__": "h:1", "__meta_x": "y", "__metrics_path__": "/q?", "__param_a": "b"},
            "  params: {a: [c, d], e: [f]}\n",
            "http://h:1/q%3F?a=c&a=d&e=f",
            {"instance": "h:1", "job": "j"},
        ),
    ],
)  # fmt: skip
def test_discovered_address_becomes_a_target(
    found: dict[str, str], more: str, url: str, labels: dict[str, str]
) -> None:
    spec = target_of(job_of(more), found)
    assert isinstance(spec, TargetSpec)
    assert (spec.url, dict(spec.labels)) == (url, labels)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{target_label: __address__, replacement: ''}", "no address"),
        ("{target_label: __address__, replacement: 'a/b'}", "not a valid hostname"),
        ("{target_label: __scheme__, replacement: ftp}", "invalid scheme"),
        ("{target_label: __scrape_interval__, replacement: often}", "error parsing scrape interval"),
        ("{target_label: __scrape_interval__, replacement: 0s}", "scrape interval cannot be 0"),
        ("{target_label: __scrape_timeout__, replacement: 2h}", "scrape timeout cannot be greater"),
        ("{target_label: __address__, replacement: 'h:port'}", "not a valid target address"),
    ],
)
def test_relabelling_to_no_target_is_refused(rule: str, reason: str) -> None:
    with pytest.raises(PharosError) as raised:
        target_of(job_of(f"  relabel_configs: [{rule}]\n"), {"__address__": "h:1"})
    assert reason in str(raised.value)


def test_interval_and_timeout_may_come_from_relabelling() -> None:
    rules = (
        "  relabel_configs: [{target_label: __scrape_interval__, replacement: 7s},"
        " {target_label: __scrape_timeout__, replacement: 3s}]\n"
    )
    spec = target_of(job_of(rules), {"__address__": "h:1"})
    assert isinstance(spec, TargetSpec)
    assert (spec.interval_ms, spec.timeout_ms) == (7_000, 3_000)
    assert isinstance(
        target_of(job_of("  relabel_configs: [{action: drop, regex: ''}]\n"), {"__address__": "h:1"}),
        DroppedTarget,
    )


def test_first_scrapes_spread_over_the_interval_and_keep_their_place() -> None:
    specs = [TargetSpec("j", (("instance", str(n)),), f"http://{n}", 15_000, 10_000, ()) for n in range(300)]
    clock = FakeClock(NOW_MS)
    places = {(clock.now_ms() + offset_ms(spec, clock.now_ms(), 5)) % 15_000 for spec in specs}
    assert len(places) > 250
    thirds = [sum(1 for place in places if n * 5_000 <= place < (n + 1) * 5_000) for n in range(3)]
    assert min(thirds) > 50
    later = NOW_MS + 123_456
    assert {(later + offset_ms(spec, later, 5)) % 15_000 for spec in specs} == places
    assert all(0 <= offset_ms(spec, later, 5) <= 15_000 for spec in specs)


async def test_stamps_follow_a_wall_clock_that_is_set(sink: Collected, exporter: Exporter) -> None:
    clock = FakeClock(NOW_MS)
    scraper = Scraper(sink, clock, random.Random(1))
    await scraper.start()
    scraper.register_local("j", "i", 40, lambda: b"a 1\n")
    await eventually(lambda: len(sink.bodies) >= 2)
    clock.advance_ms(3_600_000)
    seen = len(sink.bodies)
    await eventually(lambda: len(sink.bodies) >= seen + 3)
    await scraper.stop()
    times = [time_ms for labels, time_ms, _ in sink.all().samples if dict(labels)["__name__"] == "up"]
    # A clock that stands still while ticks go on counts as set at each of them.
    assert times[0] == NOW_MS
    assert set(times[-2:]) == {NOW_MS + 3_600_000}


async def test_ticks_keep_their_pace_and_stamps(
    sink: Collected, exporter: Exporter, scraper: Scraper
) -> None:
    await scraper.apply(config(exporter.address, "  scrape_timeout: 50ms\n", interval="50ms"))
    await eventually(lambda: len(sink.bodies) >= 8)
    times = [time_ms for labels, time_ms, _ in sink.all().samples if dict(labels)["__name__"] == "up"]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
