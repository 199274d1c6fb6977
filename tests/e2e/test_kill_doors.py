"""Kill -9 while every door of lines and spans is sent to at once, with sampling on.

What was acknowledged is there once, or was sampled away whole; what was not is there once or not at all.
PHAROS_KILLS sets how often (3 by default), PHAROS_KILL_SEED which moments.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.every_door import (
    DOORS_OF_LINES,
    DOORS_OF_SPANS,
    LINES,
    SAMPLES,
    SPANS,
    Fates,
    Ports,
    load,
    texts,
    trace_id,
    until_taken,
)
from tests.peers import free_port
from tests.process import Server
from tests.servers import counted

KILLS = int(os.environ.get("PHAROS_KILLS", "3"))
SEED = int(os.environ.get("PHAROS_KILL_SEED", "1"))
PATIENCE_S = 120.0
_AT_ONCE = 50
_CONFIGURATION = """
otlp: {{grpc: "127.0.0.1:{grpc}", http: "off"}}
forward: {{listen: "127.0.0.1:{forward}"}}
sampling:
  logs: [{{shares: {{debug: 50%}}}}]
  traces: [{{share: 50%}}]
  decide_after: 10s
"""


def _read(server: Server, path: str, parameters: list[tuple[str, str]]) -> Any:
    url = f"{server.url}{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def _lines(server: Server, door: str, since_s: float) -> Counter[str]:
    """Return how often each line of a door is stored."""
    found: Counter[str] = Counter()
    cursor = ""
    while True:
        asked = [
            ("query", f'service:"{door}"'),
            ("limit", "1000"),
            ("start", str(since_s)),
            ("cursor", cursor),
        ]
        page = _read(server, "/api/logs/search", asked if cursor else asked[:-1])
        found.update(line["body"] for line in page["lines"])
        cursor = page["cursor"]
        if not cursor:
            return found


def _spans(server: Server, door: str, fates: Fates) -> dict[int, list[str]]:
    """Return the spans of the traces of a door as they are stored, by the numbers of the requests."""
    numbers = {int(trace_id(door, one), 16): one for one in (*fates.acknowledged, *fates.unknown)}
    ids = [f"{one:032x}" for one in numbers]
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        asked = [("traceID", one) for one in ids[start : start + _AT_ONCE]]
        for trace in _read(server, "/api/traces", [*asked, ("raw", "true")]):
            found[numbers[int(trace["traceID"], 16)]] = [one["spanID"] for one in trace["spans"]]
    return found


def _wrong_lines(door: str, fates: Fates, stored: Counter[str]) -> list[str]:
    wrong = [f"{text} is there {count} times" for text, count in stored.items() if count > 1]
    for number in fates.acknowledged:
        # The last is one of debug, of which sampling keeps some.
        wrong += [f"{text} is lost" for text in texts(door, number)[:-1] if not stored[text]]
    for number in fates.unknown:
        there = sum(bool(stored[text]) for text in texts(door, number)[:-1])
        wrong += [f"{door} {number} is there in part"] * (there not in {0, LINES - 1})
    return wrong


def _wrong_traces(door: str, fates: Fates, stored: dict[int, list[str]]) -> list[str]:
    wrong = [f"{door} {number}: {spans}" for number, spans in stored.items() if len(spans) != SPANS]
    return wrong + [
        f"{door} {number}, which failed, is lost"
        for number in fates.acknowledged
        if number % 2 == 0 and number not in stored
    ]


@pytest.mark.parametrize("kills", [KILLS])
def test_killed_while_every_door_is_sent_to_nothing_acknowledged_is_lost_or_doubled(
    kills: int, tmp_path: Path
) -> None:
    chance, begun_s = random.Random(SEED), time.time()
    ports = Ports(free_port(), free_port(), free_port())
    configuration = tmp_path / "pharos.yml"
    configuration.write_text(_CONFIGURATION.format(grpc=ports.grpc, forward=ports.forward))
    arguments = ("--config", str(configuration), "--listen", f"127.0.0.1:{ports.http}")
    server = Server(tmp_path / "store", *arguments)
    try:
        with load(ports) as fates:
            for _ in range(kills):
                until_taken(fates, 3, PATIENCE_S)
                time.sleep(chance.uniform(0.0, 2.0))
                server.kill()
                server = Server(tmp_path / "store", *arguments)
            until_taken(fates, 3, PATIENCE_S)
        assert sum(len(one.unknown) for one in fates.values()) >= kills
        deadline = time.monotonic() + PATIENCE_S
        while True:
            wrong = [
                fault
                for door in DOORS_OF_LINES
                for fault in _wrong_lines(door, fates[door], _lines(server, door, begun_s))
            ]
            traces = {door: _spans(server, door, fates[door]) for door in DOORS_OF_SPANS}
            wrong += [
                fault for door in DOORS_OF_SPANS for fault in _wrong_traces(door, fates[door], traces[door])
            ]
            samples = counted(server.url, "kill_samples") - len(fates[SAMPLES].acknowledged)
            if not 0 <= samples <= len(fates[SAMPLES].unknown):
                wrong.append(f"{samples} samples more than were acknowledged")
            dropped = sum(
                number not in traces[door]
                for door in DOORS_OF_SPANS
                for number in fates[door].acknowledged
                if number % 2
            )
            if (not wrong and dropped) or time.monotonic() > deadline:
                break
            time.sleep(1.0)
        print({door: (len(one.acknowledged), len(one.unknown)) for door, one in fates.items()}, dropped)
        assert wrong == []
        assert dropped, "no trace was sampled away"
    except BaseException:
        server.kill()
        raise
    assert server.stop() == 0
