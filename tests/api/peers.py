"""Two servers with the same samples, asked the same: Pharos and, where it is installed, a Prometheus."""

from __future__ import annotations

import http.client
import json
import math
import struct
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ingest import rw_messages as rw
from tests.peers import prometheus_at

TENANT = "api"
STEP_MS = 15_000
POINTS = 120
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Peer:
    """A server that speaks the Prometheus API."""

    url: str
    tenant: str = TENANT

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; `path` may hold raw bytes of a query string, which are escaped."""
        target = urllib.parse.quote(path, safe="/?&=%:+[]{}()\"'~!@#$*,;|<>\\^`-._", encoding="latin-1")
        for char in ' "<>\\^`{}|':
            target = target.replace(char, urllib.parse.quote(char))
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(
                method, target, body, {"X-Scope-OrgID": self.tenant, "User-Agent": "t", **(headers or {})}
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **parameters: Any) -> Answer:
        """Send a GET with parameters; lists repeat their name."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        return self.ask("GET", f"{path}?{query}" if query else path)

    def data(self, path: str, **parameters: Any) -> Any:
        """Return the `data` of a success."""
        answer = self.get(path, **parameters)
        assert answer.status == 200, answer.body
        return answer.json()["data"]

    def post(self, path: str, **parameters: Any) -> Answer:
        """Send a POST with a form."""
        form = urllib.parse.urlencode(parameters, doseq=True).encode()
        return self.ask("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def write(self, series: Sequence[Mapping[str, Any]]) -> None:
        """Send samples by remote write 1.0."""
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        answer = self.ask("POST", "/api/v1/write", rw.compress(rw.v1_body(series)), headers)
        assert answer.status in {200, 204}, answer.body

    def wait_for(self, expression: str, at_s: float, value: float) -> None:
        """Ask until an expression has the value that it must have once all is stored."""
        found: Any = None
        for _ in range(200):
            found = self.data("/api/v1/query", query=expression, time=at_s)["result"]
            if found and float(found[0]["value"][1]) == value:
                return
            time.sleep(0.05)
        raise AssertionError(f"{expression} is {found}, not {value}")


def samples(end_ms: int) -> list[dict[str, Any]]:
    """Return some of everything: counters with exemplars, odd values, a stale end, bucket series, UTF-8."""
    times = [end_ms - STEP_MS * (POINTS - 1 - i) for i in range(POINTS)]
    series: list[dict[str, Any]] = []
    for number, (job, instance, code) in enumerate(
        (job, instance, code) for job in ("a", "b") for instance in ("1", "2", "3") for code in ("200", "500")
    ):
        labels = [("__name__", "requests_total"), ("code", code), ("instance", instance), ("job", job)]
        values = [float((i * (number + 1)) % (1000 + number)) for i in range(POINTS)]
        exemplars = [{"labels": [("trace_id", f"t{number}")], "value": 0.25, "timestamp": times[-2]}]
        series.append(
            {"labels": labels, "samples": list(zip(times, values, strict=True)), "exemplars": exemplars}
        )
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-7, 123456789.125, 1e21, 5e-324, 0.1]
    series.append(
        {
            "labels": [("__name__", "odd"), ("instance", ""), ("job", "a")][::2],
            "samples": [(at, odd[i % len(odd)]) for i, at in enumerate(times)],
        }
    )
    for i, value in enumerate((1.5, -2.0, 1e6, 123456.0, 1234567.0, 1e-5, 0.00012, math.inf)):
        labels = [("__name__", "shown"), ("kind", f"k{i}"), ("text", f'quote " back \\ line \n ü {i}')]
        series.append({"labels": labels, "samples": [(times[-1], value)]})
    gone = [(at, float(i)) for i, at in enumerate(times[: POINTS // 2])]
    series.append(
        {"labels": [("__name__", "gone"), ("job", "a")], "samples": [*gone, (times[POINTS // 2], STALE)]}
    )
    for bound, share in (("0.1", 0.5), ("1", 0.8), ("+Inf", 1.0)):
        labels = [("__name__", "lat_bucket"), ("job", "a"), ("le", bound)]
        series.append({"labels": labels, "samples": [(at, i * 10 * share) for i, at in enumerate(times)]})
    return series


@contextmanager
def running_prometheus(folder: Path, configuration: str = "global: {}\n") -> Iterator[Peer]:
    """Run a Prometheus with everything on that Debian's knows."""
    features = "--enable-feature=exemplar-storage,native-histograms,promql-per-step-stats"
    with prometheus_at(folder, configuration, "--web.enable-admin-api", features) as url:
        yield Peer(url)
