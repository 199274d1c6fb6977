"""Random queries, as many as are wanted: `python -m tests.differential.random --queries 10000 --seed 7`.

Each is asked as a range and as an instant query. By default the server's answer is held against the
evaluation in this process over the same samples; with --prometheus against the installed Prometheus, without
what only 3.x has. Prints every difference, and ends with 1 if there was one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.differential.arrays import ArraySource, on_the_wire
from tests.differential.compare import TOLERANCE, difference
from tests.differential.demo import BASE_MS, in_order_of_time
from tests.differential.generator import Generator
from tests.differential.random_series import LAST_MS, STEP_MS, random_series
from tests.differential.servers import Client, running_pharos, running_prometheus

from pharos.api.prometheus.encode import encode_answer
from pharos.errors import PharosError
from pharos.promql.answer import evaluate_text
from pharos.promql.evaluate import EvalOptions

SLOW_S = 20.0
_AHEAD = 4
"""How many queries the server is asked while this process evaluates an earlier one."""
_AGAIN = 0.1
"""How often a range query is asked once more."""
Ask = Callable[[str, "Times"], Any]


@dataclass(frozen=True, slots=True)
class Times:
    """When a query is asked; a step of 0 asks for the instant `end_ms`."""

    start_ms: int
    end_ms: int
    step_ms: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A query that two evaluations answer differently."""

    query: str
    times: Times
    text: str

    def __str__(self) -> str:
        times = self.times
        return f"{self.query}\n  {times.start_ms} {times.end_ms} {times.step_ms}\n  {self.text}"


def random_times(rng: random.Random, *, exact: bool) -> Times:
    """Return times within the samples; `exact` ones may fall on samples, others are never on a border."""
    if exact and rng.random() < 0.5:
        end = BASE_MS + rng.randrange(20, LAST_MS // STEP_MS - BASE_MS // STEP_MS) * STEP_MS
    else:
        end = rng.randrange(BASE_MS + 600_000, LAST_MS + 600_000) // 60_000 * 60_000 + 3_000
    if rng.random() < 0.5:
        return Times(end, end, 0)
    step = rng.choice((15_000, 60_000, 300_000, 35_000))
    return Times(end - rng.choice((0, 4, 20, 60)) * step, end, step)


def server(client: Client) -> Ask:
    """Return how to ask a server."""

    def ask(query: str, times: Times) -> Any:
        if times.step_ms:
            return client.ranged(query, times.start_ms, times.end_ms, times.step_ms)
        return client.instant(query, times.end_ms)

    return ask


def in_process(source: ArraySource, *, experimental: bool) -> Ask:
    """Return how to ask the evaluation in this process."""
    options = EvalOptions(delayed_name_removal=experimental)

    def ask(query: str, times: Times) -> Any:
        try:
            answer = evaluate_text(
                query, source, times.start_ms, times.end_ms, times.step_ms, options=options
            )
        except PharosError as exc:
            return {"status": "error", "error": exc.message}
        return json.loads(b"".join(encode_answer(answer)))

    return ask


_SPREAD = re.compile("std(dev|var)|deriv|predict_linear|smoothing")
_SPREAD_TOLERANCE = 1e-5
"""Where nearly equal numbers are subtracted, the order of a sum shows earlier."""


_NOISE = 4e-15
_SHAKES = 4
_TOLD_EVERY = 20_000


def is_rounding(series: Sequence[Mapping[str, Any]], query: str, times: Times) -> bool:
    """Return whether an answer turns on the last bits of the samples, as `floor(avg(...))` or `topk` may.

    The order in which series are added, or come first among equals, is open, in Prometheus from one query to
    the next, so such answers may differ between two that are right.
    """
    rng = random.Random(query)
    plain = in_process(ArraySource(series), experimental=False)(query, times)
    for _ in range(_SHAKES):
        noisy = [
            {**one, "samples": [(ts, v * (1 + rng.uniform(-_NOISE, _NOISE))) for ts, v in one["samples"]]}
            for one in series
        ]
        shuffled = ArraySource(noisy, order=lambda _: rng.random())
        shaken = in_process(shuffled, experimental=False)(query, times)
        if difference(shaken, plain, notes=False) is not None:
            return True
    return False


def differences(
    seed: int,
    queries: int,
    found: Ask,
    wanted: Ask,
    *,
    modern: bool,
    until_s: float = float("inf"),
    least: int = 0,
) -> Iterator[Difference | None]:
    """Yield for each query how the answers differ, None where they do not.

    Stops when the time is up, but not before `least` queries.

    What comes of rounding alone is not yielded as a difference.
    """
    series = random_series(seed, everything=modern)
    with ThreadPoolExecutor(1) as asking:
        ahead: deque[tuple[str, Times, Future[tuple[Any, float]]]] = deque()
        for number, (query, times) in enumerate(_questions(seed, queries, modern=modern)):
            if number >= least and time.monotonic() > until_s:
                break
            ahead.append((query, times, asking.submit(_timed, found, query, times)))
            if len(ahead) > _AHEAD:
                yield _compared(*ahead.popleft(), wanted, series, modern=modern)
        while ahead:
            yield _compared(*ahead.popleft(), wanted, series, modern=modern)


def _questions(seed: int, queries: int, *, modern: bool) -> Iterator[tuple[str, Times]]:
    """Yield queries; some range queries come again a few steps later, as a dashboard asks them."""
    rng = random.Random(seed)
    generator = Generator(rng, modern=modern)
    left = queries
    while left > 0:
        query, times = generator.expression(), random_times(rng, exact=modern)
        yield query, times
        left -= 1
        while left > 0 and times.step_ms and rng.random() < _AGAIN:
            shift = rng.choice((0, 1, 1, 2, 10)) * times.step_ms
            start = times.start_ms + rng.choice((0, shift))
            times = Times(start, times.end_ms + shift, times.step_ms)
            yield query, times
            left -= 1


def _timed(ask: Ask, query: str, times: Times) -> tuple[Any, float]:
    began = time.monotonic()
    answer = ask(query, times)
    return answer, time.monotonic() - began


def _compared(
    query: str,
    times: Times,
    answered: Future[tuple[Any, float]],
    wanted: Ask,
    series: Sequence[Mapping[str, Any]],
    *,
    modern: bool,
) -> Difference | None:
    expected = wanted(query, times)
    ours, took_s = answered.result()
    tolerance = _SPREAD_TOLERANCE if _SPREAD.search(query) else TOLERANCE
    text = difference(ours, expected, notes=modern, tolerance=tolerance)
    if text is None and took_s > SLOW_S:
        text = f"took {took_s:.0f} s"
    elif text is not None and is_rounding(series, query, times):
        print(f"rounding: {query}", file=sys.stderr)
        text = None
    return None if text is None else Difference(query, times, text)


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prometheus", action="store_true", help="against the installed Prometheus")
    parser.add_argument("--experimental", action="store_true", help="with delayed name removal")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pharos-random-") as folder:
        count = _run(asked, Path(folder))
    print(f"{asked.queries} queries, {count} differences, {time.monotonic() - began:.0f} s")
    return 1 if count else 0


def _run(asked: argparse.Namespace, folder: Path) -> int:
    modern = not asked.prometheus
    series = random_series(asked.seed, everything=modern)
    with running_pharos(folder / "pharos", experimental=asked.experimental) as pharos:
        for part in in_order_of_time(on_the_wire(series)) if asked.prometheus else [on_the_wire(series)]:
            pharos.write(part)
        if not asked.prometheus:
            reference = in_process(ArraySource(series), experimental=asked.experimental)
            return _report(asked, server(pharos), reference, modern=modern)
        with running_prometheus(folder / "prometheus") as prometheus:
            for part in in_order_of_time(on_the_wire(series)):
                prometheus.write(part)
            return _report(asked, server(pharos), server(prometheus), modern=modern)


def _report(asked: argparse.Namespace, found: Ask, wanted: Ask, *, modern: bool) -> int:
    count = 0
    compared = differences(asked.seed, asked.queries, found, wanted, modern=modern)
    for asked_total, one in enumerate(compared, 1):
        if one is not None:
            count += 1
            print(one, flush=True)
        if asked_total % _TOLD_EVERY == 0:
            print(f"{asked_total} queries asked, {count} differences", file=sys.stderr, flush=True)
    return count


if __name__ == "__main__":
    sys.exit(main())
