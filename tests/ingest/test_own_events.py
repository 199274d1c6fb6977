"""What Pharos tells of itself: what is recorded, what is not, and what becomes of it when nobody takes it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.ingest.records import records

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.frames import FrameKind
from pharos.ingest.own_events import Answered, OwnEvents, OwnLog, OwnOptions
from pharos.ingest.signals import Submission

S = 1_000_000_000
RESOURCE = (("service.name", "pharos"),)


@dataclass
class FakeIntake:
    """An intake that keeps what it is handed, or turns it away; it logs, as the real one may."""

    taken: list[Submission[Any]] = field(default_factory=list)
    reason: PharosError | None = None

    async def accept(self, sent: Submission[EventsTaken]) -> EventsTaken:
        logging.getLogger("pharos.test_own").warning("something was taken")
        if self.reason is not None:
            raise self.reason
        self.taken.append(sent)
        return EventsTaken("logs", 1, 0, "")

    def lines(self) -> list[Any]:
        bodies = [bytes(one.plain or b"") for one in self.taken if one.kind == FrameKind.LOGS]
        return [record for body in bodies for record in records(body)]

    def spans(self) -> list[Any]:
        bodies = [bytes(one.plain or b"") for one in self.taken if one.kind == FrameKind.SPANS]
        requests = map(ExportTraceServiceRequest.FromString, bodies)
        return [
            span
            for request in requests
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def events() -> OwnEvents:
    """A queue of four."""
    return OwnEvents(FakeClock(), Random(1), RESOURCE, OwnOptions(queue_most=4, spans_per_s=2))


@pytest.fixture
def log(events: OwnEvents) -> Any:
    """A logger that is recorded."""
    logger = logging.getLogger("pharos.test_own")
    handler = OwnLog(events)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def _answered(status: int, start_ns: int, took_ns: int = 1_000_000) -> Answered:
    return Answered(f"GET {status}", start_ns, start_ns + took_ns, status, (("http.route", "/x"),))


async def test_what_is_logged_at_info_and_above_becomes_records(events: OwnEvents, log: Any) -> None:
    log.debug("not this")
    log.info("store %s is open", "a")
    try:
        int("odd")
    except ValueError:
        log.exception("it failed")
    intake = FakeIntake()
    await events.hand_over(intake)
    first, second = intake.lines()
    assert (first["line"], first["severity"], first["severity_text"]) == ("store a is open", 9, "INFO")
    assert first["resource"] == {"service.name": "pharos"}
    assert second["attributes"]["exception.type"] == "ValueError"
    assert "invalid literal for int()" in second["attributes"]["exception.stacktrace"]
    assert {(one.source, one.is_limited) for one in intake.taken} == {("self", False)}


async def test_what_handing_over_causes_is_not_recorded(events: OwnEvents, log: Any) -> None:
    log.info("one")
    intake = FakeIntake()
    await events.hand_over(intake)
    await events.hand_over(intake)
    assert [one["line"] for one in intake.lines()] == ["one"]


async def test_failed_and_slow_requests_are_always_recorded_and_some_of_the_others(events: OwnEvents) -> None:
    for number in range(3):
        events.note(_answered(200 + number, 10 * S))
    events.note(_answered(503, 10 * S))
    events.note(_answered(404, 10 * S, took_ns=2 * S))
    intake = FakeIntake()
    await events.hand_over(intake)
    assert [(one.name, one.status.code) for one in intake.spans()] == [
        ("GET 200", 0),
        ("GET 201", 0),
        ("GET 503", 2),
        ("GET 404", 0),
    ]
    assert len({one.trace_id for one in intake.spans()}) == 4
    events.note(_answered(200, 11 * S))
    await events.hand_over(intake)
    assert len(intake.spans()) == 5


async def test_what_finds_no_room_is_dropped_and_nothing_waits(events: OwnEvents, log: Any) -> None:
    for number in range(6):
        log.info("line %s", number)
    intake = FakeIntake()
    await events.hand_over(intake)
    assert [one["line"] for one in intake.lines()] == [f"line {number}" for number in range(4)]


async def test_what_cannot_be_kept_now_is_handed_over_later(events: OwnEvents, log: Any) -> None:
    log.info("one")
    intake = FakeIntake(reason=PharosError(Kind.UNAVAILABLE, "not now"))
    await events.hand_over(intake)
    log.info("two")
    intake.reason = None
    await events.hand_over(intake)
    assert [one["line"] for one in intake.lines()] == ["one", "two"]


async def test_what_is_refused_for_good_is_dropped(events: OwnEvents, log: Any) -> None:
    log.info("one")
    intake = FakeIntake(reason=PharosError(Kind.DENIED, "never"))
    await events.hand_over(intake)
    intake.reason = None
    await events.hand_over(intake)
    assert not intake.taken
