"""Side by side with a real Prometheus and a real node_exporter: one configuration, the same series and
values.

Debian's Prometheus is a 2.x: it does not spell bucket bounds canonically (`le="1"`), so the page here has
bounds that both spell alike, and content types are given because 3.x insists on them.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.peers import program
from tests.scrape.written import Collected, Labels, Written

from pharos.clock import SystemClock
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.exposition.text import canonical_bound
from pharos.ingest.scrape.scraper import Scraper

TEXT = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{path="/",code="200"} 1027
requests_total{path="/\\"x\\"\\\\yz",code="500"} 3
lines{text="x\\ny"} 1
requests_total { code="404" , path="ü" , } 1.5e3
job_label{job="own",instance="mine"} 1
special{v="nan"} NaN
special{v="inf"} +Inf
special{v="ninf"} -Inf
precise 0.1234567890123456789
huge 1.7976931348623157e308
tiny 5e-324
drop_me{x="1"} 1
twice 1
twice 1
# TYPE h histogram
h_bucket{le="0.5"} 1
h_bucket{le="+Inf"} 2
h_sum 1.25
h_count 2
"""

OPENMETRICS = """\
# TYPE jobs counter
jobs_total{kind="a"} 17.0
jobs_created{kind="a"} 1520872607.123
# TYPE states stateset
states{states="on"} 1
# EOF
"""

CONFIG = """\
global: {scrape_interval: 1s, external_labels: {replica: x}}
scrape_configs:
- job_name: text
  static_configs: [{targets: ['PAGES'], labels: {env: test}}]
  params: {page: [text]}
  relabel_configs:
  - {source_labels: [__address__], regex: '(.*):.*', target_label: host, replacement: '$1'}
  - {source_labels: [__param_page], target_label: page}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'drop_.*', action: drop}
  - {source_labels: [path], regex: '(.+)', target_label: route, replacement: 'r:$1'}
  - {source_labels: [code], modulus: 7, target_label: shard, action: hashmod}
- job_name: honest
  honor_labels: true
  static_configs: [{targets: ['PAGES']}]
  params: {page: [text]}
- job_name: open
  static_configs: [{targets: ['PAGES']}]
  params: {page: [open]}
- job_name: broken
  static_configs: [{targets: ['PAGES']}]
  params: {page: [broken]}
- job_name: node
  static_configs: [{targets: ['NODE']}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


@asynccontextmanager
async def pages() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        match request.query.get("page"):
            case "text":
                return web.Response(body=TEXT.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})
            case "open":
                kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
                return web.Response(body=OPENMETRICS.encode(), headers={"Content-Type": kind})
        return web.Response(body=b"a 1\nb\n", headers={"Content-Type": "text/plain"})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def ask(session: aiohttp.ClientSession, url: str, **params: str) -> Any:
    async with session.get(url, params=params) as response:
        # One that starts says so in words.
        response.raise_for_status()
        return json.loads(await response.read())


async def until(ready: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if await ready():
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


def spelled(value: int) -> str:
    number = struct.unpack("<d", struct.pack("<Q", value))[0]
    return repr(number)


async def theirs(session: aiohttp.ClientSession, base: str) -> dict[Labels, str]:
    found = await ask(session, f"{base}/api/v1/query", query='{job!=""}')
    series = {}
    for one in found["data"]["result"]:
        labels = one["metric"]
        for bound in {"le", "quantile"} & set(labels):
            labels[bound] = canonical_bound(labels[bound])
        series[tuple(sorted(labels.items()))] = repr(float(one["value"][1]))
    return series


def ours(written: Written) -> dict[Labels, str]:
    return {labels: spelled(values[-1][1]) for labels, values in written.by_series().items()}


def of_job(found: dict[Labels, str], *jobs: str) -> dict[Labels, str]:
    return {labels: value for labels, value in found.items() if dict(labels)["job"] in jobs}


def is_steady(labels: Labels) -> bool:
    name = dict(labels)["__name__"]
    return name != "scrape_duration_seconds" and dict(labels)["job"] != "node"


async def compare(tmp_path: Path) -> None:
    node, port = f"127.0.0.1:{free_port()}", free_port()
    sink = Collected()
    async with pages() as address, aiohttp.ClientSession() as session:
        text = CONFIG.replace("PAGES", address).replace("NODE", node)
        (tmp_path / "prometheus.yml").write_text(text)
        scraper = Scraper(sink, SystemClock(), random.Random(1))
        await scraper.apply(load_scrape_config(tmp_path / "prometheus.yml"))
        base = f"http://127.0.0.1:{port}"
        async with (
            running(program("node-exporter"), f"--web.listen-address={node}", "--collector.disable-defaults",
                    "--collector.loadavg", "--collector.meminfo", "--collector.uname"),
            running(program("prometheus"), f"--config.file={tmp_path}/prometheus.yml",
                    f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"),
        ):  # fmt: skip
            await scraper.start()

            async def both_scraped() -> bool:
                names = {dict(labels)["job"] for labels in await theirs(session, base)}
                enough = all(one.last_scrape_ms for one in scraper.targets()) and len(sink.bodies) > 15
                return enough and names == {"text", "honest", "open", "broken", "node", "own"}

            await until(both_scraped)
            expected, found = await theirs(session, base), ours(sink.all())
            shown = await ask(session, f"{base}/api/v1/targets", state="active")
            await scraper.stop()
        assert set(found) == set(expected)
        added = "scrape_series_added"
        steady = [one for one in expected if is_steady(one) and dict(one)["__name__"] != added]
        assert len(steady) > 40
        assert {one: found[one] for one in steady} == {one: expected[one] for one in steady}
        assert len(of_job(found, "node")) > 50
        for active in shown["data"]["activeTargets"]:
            mine = next(one for one in scraper.targets() if one.scrape_pool == active["scrapePool"])
            assert dict(mine.labels) == active["labels"]
            assert dict(mine.discovered_labels) == active["discoveredLabels"]
            assert (mine.scrape_url, mine.health) == (active["scrapeUrl"], active["health"])
            assert bool(mine.last_error) == bool(active["lastError"])


@pytest.mark.needs("prometheus", "node-exporter")
async def test_same_series_and_values_as_prometheus(tmp_path: Path) -> None:
    await compare(tmp_path)
