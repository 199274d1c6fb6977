"""Whatever is sent to the receiver, it answers with the right status and keeps what was good."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from ruamel.yaml import YAML
from tests.ingest import rw_messages as rw
from tests.ingest.hostile.bodies import BODIES, good, good_v2
from tests.ingest.rw_client import SENDER, Answer, Receiver, eventually, seconds

MEMORY_GROWTH_BYTES_AT_MOST = 400 << 20
REQUESTS: list[dict[str, Any]] = YAML(typ="safe").load(
    (Path(__file__).parent / "hostile" / "requests.yaml").read_text(encoding="utf-8")
)


def tenant_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]


def now() -> int:
    return time.time_ns() // 1_000_000


def values_of_good(receiver: Receiver, time_ms: int) -> list[str]:
    vector = receiver.get("/api/v1/query", query="good", time=seconds(time_ms))["result"]
    return [one["value"][1] for one in vector]


def write_later_request(receiver: Receiver) -> int:
    """Send a request that is in order and return its time."""
    time_ms = now()
    body = rw.v1_body([{"labels": [("__name__", "later")], "samples": [(time_ms, 3.0)]}])
    assert receiver.write(body, 1).status == 204
    return time_ms


def assert_is_stored(receiver: Receiver, time_ms: int) -> None:
    """Assert that the later request of that time is there."""
    query = {"query": "later", "time": seconds(time_ms)}
    assert eventually(lambda: receiver.get("/api/v1/query", **query)["result"])


def assert_is_clear(answer: Answer) -> None:
    """Assert that a refusal says something that a person can use, and a success nothing."""
    if answer.status == 204:
        assert answer.text == ""
    else:
        assert 10 < len(answer.text) < 2000
        assert "Traceback" not in answer.text


@dataclass(frozen=True)
class Sent:
    """A request as it was sent and answered, and when the good one after it was."""

    receiver: Receiver
    time_ms: int
    answer: Answer
    later_ms: int


@pytest.fixture(scope="module")
def sent_bodies(pharos_url: str) -> list[Sent]:
    """Every hostile body in turn, each followed by a good request of its tenant."""
    done = []
    for body in BODIES:
        receiver, time_ms = Receiver(pharos_url, tenant_of(body.name)), now()
        answer = receiver.write(body.build(time_ms), body.version, packed=body.packed)
        done.append(Sent(receiver, time_ms, answer, write_later_request(receiver)))
    return done


@pytest.mark.parametrize("number", range(len(BODIES)), ids=[tenant_of(body.name) for body in BODIES])
def test_a_hostile_body_is_answered_and_good_data_still_stored(number: int, sent_bodies: list[Sent]) -> None:
    body, sent = BODIES[number], sent_bodies[number]
    assert sent.answer.status in body.statuses, f"{sent.answer.status} {sent.answer.text[:500]}"
    assert body.reason in sent.answer.text
    assert_is_clear(sent.answer)
    if body.stores_good:
        assert eventually(lambda: values_of_good(sent.receiver, sent.time_ms)) == ["2"]
    assert_is_stored(sent.receiver, sent.later_ms)


@pytest.fixture(scope="module")
def sent_requests(pharos_url: str) -> list[Sent]:
    """A good body in each of the surroundings, each followed by a good request of its tenant."""
    done = []
    for case in REQUESTS:
        receiver, time_ms = Receiver(pharos_url, "around-" + tenant_of(case["name"])), now()
        headers: dict[str, str | None] = {
            **SENDER,
            "Content-Encoding": "snappy",
            "Content-Type": rw.V2_TYPE if case["version"] == 2 else rw.V1_TYPE,
            "X-Prometheus-Remote-Write-Version": "2.0.0" if case["version"] == 2 else "0.1.0",
            **case.get("headers", {}),
        }
        body = rw.compress(good(time_ms) if case["version"] == 1 else good_v2(time_ms))
        present = {name: value for name, value in headers.items() if value is not None}
        answer = receiver.call(case.get("method", "POST"), "/api/v1/write", body, present)
        done.append(Sent(receiver, time_ms, answer, write_later_request(receiver)))
    return done


@pytest.mark.parametrize("number", range(len(REQUESTS)), ids=[tenant_of(case["name"]) for case in REQUESTS])
def test_what_surrounds_a_body_decides_how_it_is_read(number: int, sent_requests: list[Sent]) -> None:
    case, sent = REQUESTS[number], sent_requests[number]
    assert sent.answer.status == case["status"], sent.answer.text[:500]
    assert_is_stored(sent.receiver, sent.later_ms)
    is_stored = case.get("stored", False)
    assert values_of_good(sent.receiver, sent.time_ms) == (["2"] if is_stored else [])
    assert sent.answer.written() == ([1, 0, 0] if is_stored and case["version"] == 2 else [0, 0, 0])


def small_request(version: int, time_ms: int) -> bytes:
    """Return a request with one of everything."""
    series = {
        "labels": [("__name__", "cut"), ("job", "a")],
        "samples": [(time_ms, 1.0), (time_ms + 1, 2.0, 5)],
        "exemplars": [{"labels": [("trace_id", "t")], "value": 1.0, "timestamp": time_ms}],
        "histograms": [
            {
                "count_int": 2,
                "sum": 1.0,
                "positive_spans": [[0, 1]],
                "positive_deltas": [2],
                "timestamp": time_ms,
            }
        ],
        "metadata": {"type": 1, "help": "help", "unit": "unit"},
    }
    described = [{"family": "cut", "type": 1, "help": "help"}]
    return rw.v2_body([series]) if version == 2 else rw.v1_body([series], described)


def is_message(body: bytes, version: int) -> bool:
    message = rw.V2_BYTES["Request"] if version == 2 else rw.V1_BYTES["WriteRequest"]
    try:
        message.FromString(body)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("version", [1, 2])
def test_a_request_cut_anywhere_is_refused_or_a_legal_shorter_one(version: int, pharos_url: str) -> None:
    receiver = Receiver(pharos_url, f"cut-{version}")
    body = small_request(version, now())
    for cut in range(len(body)):
        answer = receiver.write(body[:cut], version)
        assert answer.status == (204 if is_message(body[:cut], version) else 400), f"{cut}: {answer}"
    assert receiver.write(body, version).status == 204


@pytest.mark.parametrize("version", [1, 2])
def test_a_compressed_body_cut_anywhere_is_refused(version: int, pharos_url: str) -> None:
    receiver = Receiver(pharos_url, f"cut-packed-{version}")
    packed = rw.compress(small_request(version, now()))
    for cut in range(len(packed)):
        assert receiver.write(packed[:cut], version, packed=True).status == 400


@pytest.mark.parametrize("version", [1, 2])
def test_damaged_bytes_never_make_the_receiver_fail(version: int, pharos_url: str) -> None:
    receiver = Receiver(pharos_url, f"damaged-{version}")
    random = np.random.default_rng(version)
    body = np.frombuffer(small_request(version, now()), dtype=np.uint8)
    statuses = set()
    for _ in range(300):
        damaged = body.copy()
        places = random.integers(0, len(damaged), random.integers(1, 4))
        damaged[places] = random.integers(0, 256, len(places), dtype=np.uint8)
        statuses.add(receiver.write(damaged.tobytes(), version).status)
    for size in (1, 2, 3, 10, 100, 1000):
        noise = random.integers(0, 256, size, dtype=np.uint8).tobytes()
        statuses |= {
            receiver.write(noise, version).status,
            receiver.write(noise, version, packed=True).status,
        }
    assert statuses <= {204, 400, 413}
    assert_is_stored(receiver, write_later_request(receiver))


def resident_bytes(pharos_url: str) -> float:
    answer = Receiver(pharos_url, "metrics").call("GET", "/metrics", None, SENDER)
    found = re.search(r"^process_resident_memory_bytes (\S+)$", answer.text, re.MULTILINE)
    assert found
    return float(found[1])


def test_memory_is_flat_under_bombs(pharos_url: str) -> None:
    receiver = Receiver(pharos_url, "bombs")
    bombs = [body for body in BODIES if re.search(r"60 M|bomb|million|more than any|thousandfold", body.name)]
    packed = [(body, body.build(now())) for body in bombs]
    requests = [(body.version, plain if body.packed else rw.compress(plain)) for body, plain in packed]
    for version, content in requests:
        receiver.write(content, version, packed=True)
    before = resident_bytes(pharos_url)
    for version, content in requests * 2:
        receiver.write(content, version, packed=True)
    assert resident_bytes(pharos_url) - before < MEMORY_GROWTH_BYTES_AT_MOST
    assert_is_stored(receiver, write_later_request(receiver))
