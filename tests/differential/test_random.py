"""Random queries, bounded: PHAROS_RANDOM_SECONDS (10 by default) for each comparison, PHAROS_RANDOM_SEED.

Long runs: `python -m tests.differential.random --queries 1000000 --seed 2`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.differential.arrays import ArraySource, on_the_wire
from tests.differential.compare import difference
from tests.differential.demo import in_order_of_time
from tests.differential.random import Ask, Times, differences, in_process, server
from tests.differential.random_series import random_series
from tests.differential.servers import Client, running_pharos, running_prometheus

SECONDS = float(os.environ.get("PHAROS_RANDOM_SECONDS", "10"))
SEED = int(os.environ.get("PHAROS_RANDOM_SEED", "1"))
LEAST = 50
FOUND = Path(__file__).with_name("found.yaml")


@pytest.fixture(scope="module")
def pharos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_pharos(tmp_path_factory.mktemp("random"), experimental=False) as client:
        yield client


def compare(found: Ask, wanted: Ask, *, modern: bool) -> None:
    until_s = time.monotonic() + SECONDS
    answers = differences(SEED, 1_000_000, found, wanted, modern=modern, until_s=until_s, least=LEAST)
    wrong = [str(one) for one in answers if one is not None]
    assert not wrong, "\n".join(wrong)


def test_server_answers_random_queries_as_the_evaluation_in_this_process(pharos: Client) -> None:
    series = random_series(SEED, everything=True)
    pharos.tenant = "everything"
    pharos.write(on_the_wire(series))
    compare(server(pharos), in_process(ArraySource(series), experimental=False), modern=True)


@pytest.mark.parametrize("case", yaml.safe_load(FOUND.read_text()), ids=lambda case: case["query"])
def test_server_answers_what_was_once_found_different(pharos: Client, case: dict[str, Any]) -> None:
    series = random_series(case["seed"], everything=True)
    pharos.tenant = f"found-{case['seed']}"
    pharos.write(on_the_wire(series))
    times = Times(*case["times_ms"])
    found = server(pharos)(case["query"], times)
    wanted = in_process(ArraySource(series), experimental=False)(case["query"], times)
    assert difference(found, wanted, notes=True) is None


@pytest.mark.needs("prometheus")
def test_server_answers_random_queries_as_prometheus_does(pharos: Client, tmp_path: Path) -> None:
    pharos.tenant = "older"
    with running_prometheus(tmp_path) as prometheus:
        for part in in_order_of_time(on_the_wire(random_series(SEED, everything=False))):
            pharos.write(part)
            prometheus.write(part)
        compare(server(pharos), server(prometheus), modern=False)
