"""The sender loses nothing: what is busy is tried again, what breaks is sent again, and refusals are told."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from bench.sender import Plan, Sending, send


class Receiver:
    """An HTTP server of one test: gives `answers` in turn, then 204; "drop" hangs up unanswered."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.accepted: Counter[bytes] = Counter()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                length = 0
                while (line := stream.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = stream.read(length)
                with self._lock:
                    answer = self.answers.pop(0) if self.answers else "204 No Content"
                    if answer.startswith("2"):
                        self.accepted[body] += 1
                if answer == "drop":
                    return
                connection.sendall(
                    f"HTTP/1.1 {answer}\r\nContent-Length: 2\r\nRetry-After: 0.01\r\n\r\nno".encode()
                )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver([])
    yield made
    made.close()


def _plan(receiver: Receiver, **more: Any) -> Plan:
    start_ms = 1_700_000_000_000
    return Plan(
        receiver.port, "/write", series=400, connections=2, samples=100, start_ms=start_ms, steps=10, **more
    )


def test_all_steps_of_all_series_are_acknowledged_once(receiver: Receiver) -> None:
    outcome = send(_plan(receiver))
    assert outcome.acknowledged == 4000
    assert outcome.shard_samples == [2000, 2000]
    assert (outcome.requests, outcome.busy, outcome.broken) == (40, 0, 0)
    assert sorted(receiver.accepted.values()) == [1] * 40


def test_a_busy_server_and_a_lost_connection_cost_no_sample(receiver: Receiver) -> None:
    receiver.answers[:] = ["503 Busy", "429 Busy", "204 OK", "drop", "503 Busy", "204 OK", "drop"]
    outcome = send(_plan(receiver))
    assert (outcome.acknowledged, outcome.busy, outcome.broken) == (4000, 3, 2)
    assert len(receiver.accepted) == 40


def test_a_refusal_is_an_error_that_names_the_server_s_words(receiver: Receiver) -> None:
    receiver.answers[:] = ["400 Bad Request"]
    with pytest.raises(RuntimeError, match="400 no"):
        send(_plan(receiver))


def test_a_paced_sender_keeps_its_rate(receiver: Receiver) -> None:
    begun = time.monotonic()
    outcome = send(_plan(receiver, rate=8000.0))
    assert outcome.acknowledged == 4000
    assert time.monotonic() - begun >= 0.45
    assert outcome.rate == pytest.approx(8000, rel=0.1)


def test_a_stopped_sender_ends_with_every_request_answered(receiver: Receiver) -> None:
    plan = Plan(receiver.port, "/write", series=400, connections=2, samples=100, start_ms=0, rate=1000.0)
    sending = Sending(plan)
    sending.begin(1_700_000_000_000)
    while not receiver.accepted:
        time.sleep(0.01)
    outcome = sending.stop()
    assert outcome.acknowledged == 100 * receiver.accepted.total()
    assert outcome.refused == []
