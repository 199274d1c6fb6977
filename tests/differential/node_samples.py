"""What a real node_exporter shows, stamped with times of our own, so that two servers hold the same samples;
and series for the metrics of other exporters, made up from the selectors that ask for them.
"""

from __future__ import annotations

import random
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.differential.demo import BASE_MS, OFF_MS, Labels
from tests.peers import ending_with_us, free_port, program

from pharos.labels import METRIC_NAME, MatchOp
from pharos.promql.language.ast import VectorSelector

STEP_MS = 15_000
STEPS = 320
PAGES = 8
"""How many pages are really scraped; between them counters and gauges go on in a straight line."""


def node_pages() -> list[str]:
    """Return pages of the installed node_exporter, one after another."""
    port = free_port()
    process = subprocess.Popen(
        ending_with_us([program("node-exporter"), f"--web.listen-address=127.0.0.1:{port}"]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return [_page(f"http://127.0.0.1:{port}/metrics") for _ in range(PAGES)]
    finally:
        process.terminate()
        process.wait(30)


def _page(url: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "node_exporter does not answer"
            time.sleep(0.1)


def _values(page: str) -> dict[Labels, float]:
    own = {"job": "node", "instance": "n:9100"}
    return {
        tuple(sorted({**sample.labels, METRIC_NAME: sample.name, **own}.items())): float(sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def node_series(pages: Iterable[str]) -> list[dict[str, Any]]:
    """Return the series of the pages, one sample every STEP_MS."""
    columns: dict[Labels, list[float]] = {}
    for page in pages:
        for labels, value in _values(page).items():
            columns.setdefault(labels, []).append(value)
    return [{"labels": labels, "samples": _spread(values)} for labels, values in columns.items()]


def _spread(values: list[float]) -> list[tuple[int, float]]:
    out = []
    for i in range(STEPS):
        place = i * (len(values) - 1) / STEPS
        low = int(place)
        high = min(low + 1, len(values) - 1)
        # Twice of everything at the end: a page is younger than the last by milliseconds only.
        grown = values[low] + (values[high] - values[low]) * (place - low)
        out.append((BASE_MS + i * STEP_MS + OFF_MS, grown + (grown * i / STEPS if grown > 100 else 0.0)))
    return out


_COMMON = {"job": ("node", "app"), "instance": ("n:9100", "m:1"), "namespace": ("one", "two")}
_COUNTERS = ("_total", "_bucket", "_count", "_sum", "_requests", "_commit", "_queries", "_fetched")
_BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")


def made_up_series(selectors: Iterable[VectorSelector], known: set[str]) -> Iterator[dict[str, Any]]:
    """Yield series for every metric that is asked for and not known, such that most selectors match."""
    asked: dict[str, dict[str, set[str]]] = {}
    for selector in selectors:
        names = [m.value for m in selector.matchers if m.name == METRIC_NAME and m.op is MatchOp.EQUAL]
        if not names or names[0] in known:
            continue
        labels = asked.setdefault(names[0], {})
        for matcher in selector.matchers:
            if matcher.name != METRIC_NAME:
                labels.setdefault(matcher.name, set()).update(_fitting(matcher.op, matcher.value))
    for name in sorted(asked):
        yield from _series_of(name, asked[name])


def _fitting(op: MatchOp, value: str) -> list[str]:
    """Return values of which some fit a matcher and some do not."""
    if op is MatchOp.EQUAL:
        return [value, "other"]
    if op is MatchOp.REGEX:
        return [part.replace("..", "03").replace(".*", "x").strip("()^$") for part in value.split("|")][:2]
    return ["other", "200"]


def _series_of(name: str, wanted: dict[str, set[str]]) -> Iterator[dict[str, Any]]:
    rng = random.Random(name)
    bounds = _BOUNDS if name.endswith("_bucket") else ("",)
    choices = {**{key: set(values) for key, values in _COMMON.items()}, **wanted}
    for row in range(6):
        picked = {key: sorted(values)[row % len(values)] for key, values in choices.items()}
        picked |= {"pod": f"p{row}", METRIC_NAME: name}
        picked.setdefault("cluster", "c")
        total, running = rng.uniform(1e5, 2e5), 0.0
        for bound in bounds:
            running += rng.randrange(1, 5)
            labels = {**picked, **({"le": bound} if bound else {})}
            yield {
                "labels": tuple(sorted((key, value) for key, value in labels.items() if value)),
                "samples": _walk(name, total, running, rng),
            }


def _walk(name: str, total: float, speed: float, rng: random.Random) -> list[tuple[int, float]]:
    out = []
    counts = name.endswith(_COUNTERS)
    for i in range(STEPS):
        value = total + speed * i if counts else total + speed * rng.uniform(0, 10)
        out.append((BASE_MS + i * STEP_MS + OFF_MS, value))
    return out
