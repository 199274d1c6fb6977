"""Memory over minutes: new series all the time, scrapes, OTLP and three clients that ask."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cramjam
import numpy as np
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from bench.bodies import prefixed, varint
from bench.client import Client, QueryError
from bench.freshness import HEADERS
from bench.servers import Pharos, Server

NEW_SERIES: Final = 50
"""Series that begin each second; each lives for `_LIFE_S`, a sample every `_INTERVAL_S`."""
SETTLED_S: Final = 600.0
"""From here on memory is to be flat; a third of the time for shorter runs."""
_LIFE_S: Final = 300
_INTERVAL_S: Final = 15
_STEADY: Final = 2_000
"""Series that stay all the time, over remote write; a tenth of it by OTLP, a quarter on each scraped page."""
_LOOK_S: Final = 5.0
_OTLP_HEADERS: Final = {"Content-Type": "application/x-protobuf"}


@dataclass(slots=True)
class Result:
    """Private memory of the server at times of the run, and what it was asked meanwhile."""

    at_s: list[float] = field(default_factory=list)
    private_bytes: list[int] = field(default_factory=list)
    cpu_cores: float = 0.0
    series: int = 0
    """Series that began, over remote write."""
    answers: int = 0
    refusals: list[str] = field(default_factory=list)
    late: int = 0
    """How often the server's event loop came 50 ms late or later, of four looks a second."""

    @property
    def settled_s(self) -> float:
        """From when on memory counts."""
        return min(SETTLED_S, self.at_s[-1] / 3)

    def growth_bytes_a_minute(self) -> float:
        """Return the slope of the private memory since it settled."""
        kept = [
            (at, size) for at, size in zip(self.at_s, self.private_bytes, strict=True) if at >= self.settled_s
        ]
        times, sizes = (np.array(one, np.float64) for one in zip(*kept, strict=True))
        return float(np.polyfit(times / 60, sizes, 1)[0])

    def around(self, at_s: float) -> float:
        """Return the median of the private memory within a minute of a time."""
        near = [size for at, size in zip(self.at_s, self.private_bytes, strict=True) if abs(at - at_s) <= 60]
        return float(np.median(near))


class SoakedPharos(Pharos):
    """Pharos that scrapes the pages of this process."""

    settings = "prometheus: prometheus.yml\n"

    def watch(self, port: int) -> None:
        """Write the configuration that has it scrape two pages of `port`; before `start`."""
        targets = [f"127.0.0.1:{port}/{which}" for which in ("one", "two")]
        jobs = "".join(
            f"  - job_name: {which}\n    scrape_interval: 5s\n    metrics_path: /{which}\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
            for which in (target.rpartition("/")[2] for target in targets)
        )
        (self.folder / "prometheus.yml").write_text(f"scrape_configs:\n{jobs}")


def private_bytes(pid: int) -> int:
    """Return the resident bytes that no file backs (Linux: smaps_rollup).

    Pages of libraries are not among them: they come in as their code is first run, and are counted as private
    or not by whether another process has the same library.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) << 10 for kb in re.findall(r"^Anonymous: +(\d+) kB", text, re.MULTILINE))


def measure(minutes: float, say: Callable[[str], None] = lambda _: None) -> Result:
    """Run a fresh Pharos for so long, and look at its private memory every few seconds."""
    result, stopping = Result(), threading.Event()
    with ExitStack() as stack:
        server = SoakedPharos()
        stack.callback(server.stop)
        pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        stack.callback(pages.server_close)
        stack.callback(pages.shutdown)
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        server.watch(pages.server_address[1])
        server.start()
        began, cpu = time.monotonic(), server.cpu_s()
        work = (_write, _export, _refresh, _count, _browse)
        threads = [threading.Thread(target=one, args=(server, stopping, result)) for one in work]
        for thread in threads:
            thread.start()
        try:
            while (now := time.monotonic() - began) < 60 * minutes:
                result.at_s.append(now)
                result.private_bytes.append(private_bytes(server.pid))
                if len(result.at_s) % 12 == 1:
                    say(f"{now / 60:.0f} min: {result.private_bytes[-1] / 1e6:.0f} MB private")
                stopping.wait(_LOOK_S)
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        result.cpu_cores = (server.cpu_s() - cpu) / (time.monotonic() - began)
        text = Client(server.port).get("/metrics").decode()
        result.late = _beyond(text, "pharos_loop_lag_seconds", 0.05)
    return result


def _beyond(text: str, name: str, bound: float) -> int:
    """Return how many observations of a histogram on a page are above one of its bounds."""
    counts = {
        le: float(count)
        for le, count in re.findall(rf'^{name}_bucket{{le="(.+)"}} (\S+)', text, re.MULTILINE)
    }
    return int(counts["+Inf"] - counts[str(bound)])


class _Pages(http.server.BaseHTTPRequestHandler):
    """Pages of an exporter; a fifth of their series has another label every minute."""

    def do_GET(self) -> None:
        turn = int(time.time()) // 60
        lines = ["# TYPE soak_page_total counter\n"]
        for number in range(_STEADY // 4):
            pod = f"pod-{turn}-{number}" if number % 5 == 0 else f"pod-{number}"
            lines.append(
                f'soak_page_total{{pod="{pod}",zone="z{number % 3}"}} {int(time.time()) * number % 99991}\n'
            )
        body = "".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _series(name: str, labels: dict[str, str], time_ms: int, value: float) -> bytes:
    text = b"".join(
        prefixed(b"\x0a", prefixed(b"\x0a", key.encode()) + prefixed(b"\x12", one.encode()))
        for key, one in sorted({"__name__": name, **labels}.items())
    )
    sample = prefixed(b"\x12", b"\x09" + np.float64(value).tobytes() + b"\x10" + varint(time_ms))
    return prefixed(b"\x0a", text + sample)


def _write(server: Server, stopping: threading.Event, result: Result) -> None:
    """Send each second what is due: all series in turn, so that a request has some hundreds of samples."""
    client, second = Client(server.port), 0
    began = time.monotonic()
    while not stopping.wait(max(0.0, began + second - time.monotonic())):
        now_ms = int(time.time() * 1000)
        parts = [
            _series(
                "soak_steady_total",
                {"job": f"job-{one % 20}", "instance": f"host-{one}"},
                now_ms,
                second * one,
            )
            for one in range(second % _INTERVAL_S, _STEADY, _INTERVAL_S)
        ]
        for age in range(0, min(second + 1, _LIFE_S), _INTERVAL_S):
            born = second - age
            parts += [
                _series(
                    "soak_passing_total",
                    {"job": f"job-{one % 20}", "pod": f"pod-{born}-{one}", "node": f"node-{one % 7}"},
                    now_ms,
                    float(age * one),
                )
                for one in range(NEW_SERIES)
            ]
        body = bytes(cramjam.snappy.compress_raw(b"".join(parts)))
        status, content = client.request("POST", server.write_path, body, HEADERS)
        if status not in {200, 204}:
            result.refusals.append(f"write: {status} {content[:200].decode(errors='replace')}")
        result.series += NEW_SERIES
        second += 1


def _export(server: Server, stopping: threading.Event, result: Result) -> None:
    """Send OTLP every two seconds: gauges that stay, and histograms of routes that come and go."""
    client = Client(server.port)
    while not stopping.wait(2.0):
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        attribute = resource.resource.attributes.add(key="service.name")
        attribute.value.string_value = "soak"
        metrics = resource.scope_metrics.add().metrics
        now_ns, turn = time.time_ns(), int(time.time()) // 60
        gauge = metrics.add(name="soak.gauge").gauge
        for number in range(_STEADY // 10):
            point = gauge.data_points.add(time_unix_nano=now_ns, as_double=float(number))
            point.attributes.add(key="queue").value.string_value = f"queue-{number}"
        histogram = metrics.add(name="soak.duration", unit="s").histogram
        histogram.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        for number in range(10):
            at = histogram.data_points.add(time_unix_nano=now_ns, count=6, sum=3.0)
            at.explicit_bounds.extend([0.1, 0.5, 1.0, 5.0])
            at.bucket_counts.extend([1, 2, 1, 1, 1])
            at.attributes.add(key="route").value.string_value = f"/{turn}/{number}"
        status, content = client.request("POST", "/v1/metrics", request.SerializeToString(), _OTLP_HEADERS)
        if status != 200:
            result.refusals.append(f"OTLP: {status} {content[:200].decode(errors='replace')}")


def _asking(
    server: Server, stopping: threading.Event, result: Result, ask: Callable[[Client, int], object]
) -> None:
    client, turn = Client(server.port), 0
    while not stopping.wait(0.5):
        try:
            ask(client, turn)
        except QueryError as error:
            result.refusals.append(str(error)[:200])
        turn += 1
        result.answers += 1


_PANELS: Final = (
    "sum by (job) (rate(soak_passing_total[1m]))",
    "sum by (zone) (rate(soak_page_total[1m]))",
    "histogram_quantile(0.9, sum by (le) (rate(soak_duration_seconds_bucket[1m])))",
    "topk(5, rate(soak_steady_total[1m]))",
    "sum(rate(pharos_ingest_samples_total[1m]))",
)


def _refresh(server: Server, stopping: threading.Event, result: Result) -> None:
    """Be a dashboard: ranges of fifteen minutes that move with the time."""

    def ask(client: Client, turn: int) -> object:
        end = int(time.time()) // 15 * 15
        return client.range_bytes(_PANELS[turn % len(_PANELS)], end - 900, end, 15)

    _asking(server, stopping, result, ask)


def _count(server: Server, stopping: threading.Event, result: Result) -> None:
    """Ask at the present for all series."""

    def ask(client: Client, turn: int) -> object:
        return client.get(
            "/api/v1/query", query=('count({__name__=~"soak_.+"})', "soak_passing_total")[turn % 2]
        )

    _asking(server, stopping, result, ask)


def _browse(server: Server, stopping: threading.Event, result: Result) -> None:
    """Look through series and labels, and ask for a series that nobody asked for before."""

    def ask(client: Client, turn: int) -> object:
        match turn % 4:
            case 0:
                return client.get("/api/v1/series", **{"match[]": 'soak_passing_total{node="node-1"}'})
            case 1:
                return client.get("/api/v1/label/pod/values")
            case 2:
                return client.get("/api/v1/labels")
            case _:
                pod = f"pod-{turn // 2}-{turn % NEW_SERIES}"
                return client.get("/api/v1/query", query=f'rate(soak_passing_total{{pod="{pod}"}}[5m])')

    _asking(server, stopping, result, ask)
