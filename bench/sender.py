"""Sends remote write from a process of its own, over keep-alive connections, and says what that cost.

Run as `python -m bench.sender` with a Plan as JSON on standard input; prints "ready", then starts at once or
when a line arrives ("wait": true), and prints its Outcome as JSON. A line "stop" ends it early.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bench.bodies import Shard, build_shards
from bench.series import build

_PATIENCE_S: Final = 60.0
"""How long to go on trying to have the last requests acknowledged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send where."""

    port: int
    path: str
    layout: str = "mixed"
    series: int = 10_000
    connections: int = 4
    samples: int = 2_000
    """Samples in a request; 0 is one step of all series of a connection."""
    start_ms: int = 0
    """Time of step 0."""
    interval_ms: int = 15_000
    jitter_ms: int = 0
    duration_s: float = 0.0
    """How long to go on; 0 is until `steps` are sent."""
    steps: int = 0
    """Send no step from this one on; 0 is no end."""
    first_step: int = 0
    rate: float = 0.0
    """Samples per second, paced; 0 is as fast as the server answers."""
    lead_steps: int = 100
    """How far one connection may be ahead of another."""
    tenant: str = ""


@dataclass(slots=True)
class Outcome:
    """What happened."""

    acknowledged: int = 0
    """Samples answered with 2xx."""
    requests: int = 0
    shard_samples: list[int] = field(default_factory=list)
    """Per connection: samples acknowledged (a prefix of what the shard holds)."""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    """CPU seconds of this process in that time."""
    busy: int = 0
    """Answers 429 or 503, each followed by another try."""
    broken: int = 0
    """Connections lost with a request under way; it was sent again."""
    refused: list[str] = field(default_factory=list)
    """Other answers: what was sent there is lost."""
    bytes_sent: int = 0
    latency_ms: dict[str, float] = field(default_factory=dict)
    late_s: float = 0.0
    """Paced: how far behind the schedule it ended."""

    @property
    def rate(self) -> float:
        """Acknowledged samples per second."""
        return self.acknowledged / self.elapsed_s if self.elapsed_s else 0.0


class _Lane:
    """One connection and the shard it sends, one request under way at a time."""

    def __init__(self, plan: Plan, shard: Shard) -> None:
        self.plan, self.shard = plan, shard
        samples = shard.samples
        self.first = self.number = -(-plan.first_step * shard.series // samples)
        self.total = plan.steps * shard.series // samples if plan.steps else 1 << 60
        self.acknowledged = 0
        self.socket: socket.socket | None = None
        self.out: memoryview | None = None
        self.sent = 0
        self.answer = bytearray()
        self.not_before = 0.0
        self.begun = 0.0
        self.waiting = False
        """A request is on its way or not yet answered."""

    def step(self) -> int:
        return self.shard.step_of(self.number)

    def connect(self) -> int:
        """Connect; return the file descriptor, -1 when the server is not there."""
        try:
            self.socket = socket.create_connection(("127.0.0.1", self.plan.port), timeout=2)
        except OSError:
            return -1
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.setblocking(False)
        return self.socket.fileno()

    def drop(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.sent = 0
        self.answer.clear()


class _Loop:
    """One thread, one poll object, all lanes."""

    def __init__(self, plan: Plan, shards: list[Shard]) -> None:
        self.plan = plan
        self.lanes = [_Lane(plan, shard) for shard in shards]
        self.poll = select.epoll()
        self.by_fd: dict[int, _Lane] = {}
        self.outcome = Outcome()
        self.latencies: deque[float] = deque(maxlen=200_000)
        self.stopping = False
        self.lane_rate = plan.rate / len(shards) if plan.rate else 0.0

    def run(self) -> Outcome:
        plan, outcome = self.plan, self.outcome
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        cpu = time.process_time()
        self.began = now = time.monotonic()
        stopped = float("inf")
        end = now + plan.duration_s if plan.duration_s else float("inf")
        while True:
            now = time.monotonic()
            if not self.stopping and now >= end:
                self.stopping = True
            if self.stopping and now > (stopped := min(stopped, now)) + _PATIENCE_S:
                outcome.refused.append("no answer after the end of sending")
                break
            wait = self._begin_due(now)
            if wait is None:
                break
            for fd, _ in self.poll.poll(wait):
                if fd == sys.stdin.fileno():
                    self.poll.unregister(fd)
                    self.stopping = True
                elif fd in self.by_fd:
                    self._progress(self.by_fd[fd])
        outcome.elapsed_s = time.monotonic() - self.began
        outcome.cpu_s = time.process_time() - cpu
        outcome.shard_samples = [lane.acknowledged for lane in self.lanes]
        if self.latencies:
            ordered = sorted(self.latencies)
            outcome.latency_ms = {
                f"p{percent}": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1e3
                for percent in (50, 99)
            }
        return outcome

    def _begin_due(self, now: float) -> float | None:
        """Start what may start; return how long nothing else is due, None when all is done."""
        slowest = min((lane.step() for lane in self.lanes if lane.number < lane.total), default=0)
        wait, active = 0.5, False
        for lane in self.lanes:
            if lane.waiting and lane.socket is not None:
                active = True
                continue
            if not lane.waiting and (self.stopping or lane.number >= lane.total):
                continue
            active = True
            due = lane.not_before
            if self.lane_rate and not lane.waiting:
                due = max(
                    due, self.began + (lane.number - lane.first + 1) * lane.shard.samples / self.lane_rate
                )
                if self.outcome.late_s < now - due:
                    self.outcome.late_s = now - due
            if now < due:
                wait = min(wait, due - now)
            elif lane.waiting or lane.step() - slowest <= self.plan.lead_steps:
                wait = wait if self._begin(lane, now) else min(wait, 0.05)
        return wait if active else None

    def _begin(self, lane: _Lane, now: float) -> bool:
        """Send the lane's request, a new one or the unanswered one again."""
        if lane.socket is None:
            fd = lane.connect()
            if fd < 0:
                lane.not_before = now + 0.05
                return False
            self.by_fd[fd] = lane
            self.poll.register(fd, select.EPOLLIN)
        if not lane.waiting:
            plan = self.plan
            request = lane.shard.fill(lane.number, plan.start_ms, plan.interval_ms, plan.jitter_ms)
            lane.out = request.wire.data
            lane.waiting = True
        lane.sent = 0
        lane.begun = now
        self._send(lane)
        return True

    def _send(self, lane: _Lane) -> None:
        assert lane.out is not None
        assert lane.socket is not None
        try:
            lane.sent += lane.socket.send(lane.out[lane.sent :])
        except BlockingIOError:
            pass
        except OSError:
            self._broken(lane)
            return
        both = select.EPOLLIN | (select.EPOLLOUT if lane.sent < len(lane.out) else 0)
        self.poll.modify(lane.socket.fileno(), both)

    def _progress(self, lane: _Lane) -> None:
        assert lane.socket is not None
        try:
            got = lane.socket.recv(65536)
        except BlockingIOError:
            self._send(lane)
            return
        except OSError:
            got = b""
        if not got:
            self._broken(lane)
            return
        lane.answer += got
        self._answered(lane)

    def _broken(self, lane: _Lane) -> None:
        if lane.socket is not None:
            self.by_fd.pop(lane.socket.fileno(), None)
        self.outcome.broken += lane.waiting
        lane.drop()
        lane.not_before = time.monotonic() + 0.02

    def _answered(self, lane: _Lane) -> None:
        """Look whether the answer is whole and act on its status."""
        head, found, body = bytes(lane.answer).partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.split(b"\r\n")
        fields = {
            name.lower(): text.strip() for name, _, text in (line.partition(b":") for line in lines[1:])
        }
        if len(body) < int(fields.get(b"content-length", b"0")):
            return
        lane.answer.clear()
        status = int(lines[0].split(b" ")[1])
        now = time.monotonic()
        outcome = self.outcome
        lane.not_before = 0.0
        if status in {429, 503}:
            outcome.busy += 1
            lane.sent = 0
            lane.not_before = now + min(5.0, float(fields.get(b"retry-after", b"0.1")))
            self._broken_quietly(lane)
            return
        outcome.requests += 1
        outcome.bytes_sent += len(lane.out or b"")
        if 200 <= status < 300:
            lane.acknowledged += lane.shard.samples
            outcome.acknowledged += lane.shard.samples
            self.latencies.append(now - lane.begun)
        else:
            outcome.refused.append(f"{status} {body[:300].decode(errors='replace')}")
            self.stopping = self.stopping or len(outcome.refused) > 20
        lane.waiting = False
        lane.number += 1
        if fields.get(b"connection", b"").lower() == b"close":
            self._broken(lane)

    def _broken_quietly(self, lane: _Lane) -> None:
        """Drop the connection of a request that was answered and must be sent again."""
        if lane.socket is not None:
            self.by_fd.pop(lane.socket.fileno(), None)
        not_before = lane.not_before
        lane.drop()
        lane.not_before = not_before


def http_head(plan: Plan) -> bytes:
    """Return the head of a request, without its length."""
    lines = [
        f"POST {plan.path} HTTP/1.1",
        f"Host: 127.0.0.1:{plan.port}",
        "User-Agent: bench",
        "Content-Type: application/x-protobuf",
        "Content-Encoding: snappy",
        "X-Prometheus-Remote-Write-Version: 0.1.0",
    ]
    if plan.tenant:
        lines.append(f"X-Scope-OrgID: {plan.tenant}")
    return ("\r\n".join(lines) + "\r\n").encode()


class Sending:
    """A sender at work in a process of its own."""

    def __init__(self, plan: Plan) -> None:
        """Start the process and wait until its bodies are made; `begin` lets it send."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sender"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell(json.dumps(asdict(plan)))
        if self._hear() != "ready":
            raise RuntimeError("the sender did not get ready")

    def begin(self, start_ms: int | None = None) -> None:
        """Start sending; `start_ms` replaces the plan's time of step 0."""
        self._tell(json.dumps({"start_ms": start_ms}))

    def stop(self) -> Outcome:
        """End the sending early, after what is under way is answered."""
        self._tell("stop")
        return self.outcome()

    def outcome(self) -> Outcome:
        """Wait for the end and return the outcome."""
        answer = self._hear()
        self.kill()
        if not answer:
            raise RuntimeError("the sender ended without an outcome")
        return Outcome(**json.loads(answer))

    def kill(self) -> None:
        """End the process whatever it does; the second time does nothing."""
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def send(plan: Plan) -> Outcome:
    """Send all of `plan` and return what happened; raises RuntimeError when something was refused."""
    sending = Sending(plan)
    try:
        sending.begin()
        outcome = sending.outcome()
    finally:
        sending.kill()
    if outcome.refused:
        raise RuntimeError(
            f"{len(outcome.refused)} requests were refused, the first with: {outcome.refused[0]}"
        )
    return outcome


def main() -> None:
    """Be the sender's process."""
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    plan = Plan(**wanted)
    shards = build_shards(build(plan.layout, plan.series), plan.connections, plan.samples, http_head(plan))
    for shard in shards:
        shard.fill(0, plan.start_ms, plan.interval_ms)
    print("ready", flush=True)
    start = json.loads(sys.stdin.readline() or "{}").get("start_ms")
    if start is not None:
        plan = Plan(**{**wanted, "start_ms": start})
    outcome = _Loop(plan, shards).run()
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
