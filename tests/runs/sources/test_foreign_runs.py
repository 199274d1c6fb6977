"""Every format of other people's engines: the same contract, with cases that stand in files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import yaml
from msgspec.structs import asdict

from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import parse_rfc3339_ns
from pharos.ingest.events.json_body import from_json
from pharos.ingest.frames import FrameKind
from pharos.runs.events import RunEvent, Schedule
from pharos.runs.reading import event_json, read_event
from pharos.runs.sources.airflow import read_airflow
from pharos.runs.sources.fields import read_documents
from pharos.runs.sources.openlineage import read_openlineage
from pharos.runs.sources.prefect import read_prefect
from pharos.runs.sources.schedules import schedule_of
from pharos.runs.sources.spans import bears_runs, read_spans
from pharos.runs.sources.temporal import read_temporal

Case = dict[str, Any]
NOW_NS: Final = parse_rfc3339_ns("2026-11-30T12:00:00Z")
LATER_NS: Final = parse_rfc3339_ns("2199-01-01T00:00:00Z")
SOURCES: Final[dict[str, Callable[[bytes, Case], list[RunEvent]]]] = {
    "openlineage": lambda body, _: read_openlineage(read_documents(body)),
    "prefect": lambda body, _: read_prefect(read_documents(body)),
    "airflow": lambda body, _: read_airflow(read_documents(body), NOW_NS),
    "temporal": lambda body, case: read_temporal(
        read_documents(body), case.get("run_id", ""), case.get("workflow", "")
    ),
}
ODD: Final[tuple[Any, ...]] = (None, 7, -1, 1.5, True, "", "x\0y", "ü" * 20_000, [], [7], {}, {"run": 7})
"""What stands where it should not."""


def _cases(source: str) -> list[Case]:
    found: list[Case] = yaml.safe_load((Path(__file__).parent / "cases" / f"{source}.yaml").read_text())
    return found


ALL: Final = [(source, case) for source in SOURCES for case in _cases(source)]
GOOD: Final = [(source, case) for source, case in ALL if "refused" not in case]


def _ids(cases: Sequence[tuple[str, Case]]) -> list[str]:
    return [f"{source}: {case['name']}" for source, case in cases]


def _shown(event: RunEvent, wanted: Case) -> Case:
    """Return of an event what a case says of it, in the words of the case."""
    said: Case = {
        **asdict(event),
        "kind": event.kind.value,
        "state": event.state and event.state.value,
        "time": _time(event.time_ns),
        "deadline": None if event.deadline_ns is None else _time(event.deadline_ns),
    }
    found = {name: said[name] for name in wanted}
    if event.step is not None and wanted.get("step"):
        step = {
            "id": event.step.id,
            "name": event.step.name,
            "attempt": event.step.attempt,
            "depends_on": list(event.step.depends_on),
        }
        found["step"] = {name: step[name] for name in wanted["step"]}
    if isinstance(event.schedule, Schedule) and "schedule" in wanted:
        found["schedule"] = {name: getattr(event.schedule, name) for name in wanted["schedule"]}
    return found


def _time(ns: int) -> str:
    whole, rest = divmod(ns, 10**9)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}".rstrip("0").rstrip(".") + "Z"


def _check(events: Sequence[RunEvent], case: Case) -> None:
    assert [_shown(event, one) for event, one in zip(events, case["events"], strict=False)] == case["events"]
    assert len(events) == len(case["events"])


@pytest.mark.parametrize(("source", "case"), ALL, ids=_ids(ALL))
def test_documents_become_the_events_of_the_case_or_are_refused_in_its_words(source: str, case: Case) -> None:
    body = orjson.dumps(case["body"])
    if "refused" in case:
        with pytest.raises(PharosError) as refused:
            SOURCES[source](body, case)
        assert (refused.value.kind, refused.value.message) == (Kind.INVALID, case["refused"])
        return
    _check(SOURCES[source](body, case), case)


@pytest.mark.parametrize("case", _cases("spans"), ids=lambda case: case["name"])
def test_spans_become_the_events_of_the_case(case: Case) -> None:
    body = from_json(orjson.dumps(case["body"]), FrameKind.SPANS)
    assert bears_runs(body) or not case["events"]
    _check(read_spans(body), case)


@pytest.mark.parametrize(("source", "case"), GOOD, ids=_ids(GOOD))
def test_events_are_such_as_the_native_api_takes(source: str, case: Case) -> None:
    for event in SOURCES[source](orjson.dumps(case["body"]), case):
        assert read_event(event_json(event), LATER_NS) is not None


@pytest.mark.parametrize(("source", "case"), GOOD, ids=_ids(GOOD))
def test_a_list_may_come_one_document_a_line(source: str, case: Case) -> None:
    body = case["body"] if isinstance(case["body"], list) else [case["body"]]
    lines = b"\r\n".join(orjson.dumps(one) for one in body)
    assert SOURCES[source](lines, case) == SOURCES[source](orjson.dumps(body), case)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from _places(one, (*place, name))


def _with(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    whole = copy.deepcopy(body)
    at = whole
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    return whole


def _refusal(source: str, case: Case, body: Any) -> PharosError | None:
    """Return why a body is refused; None for one whose events are such as the native API takes."""
    try:
        events = SOURCES[source](orjson.dumps(body), case)
    except PharosError as refused:
        return refused
    for event in events:
        read_event(event_json(event), LATER_NS)
    return None


@pytest.mark.parametrize("source", SOURCES)
def test_whatever_stands_in_a_field_is_taken_or_named(source: str) -> None:
    found = [
        _refusal(source, case, _with(case["body"], place, odd))
        for case in _cases(source)
        for place in _places(case["body"])
        for odd in ODD
    ]
    refusals = [one for one in found if one is not None]
    assert {one.kind for one in refusals} == {Kind.INVALID}
    assert all(one.message.startswith("event") and len(one.message) < 500 for one in refusals)
    assert len(refusals) > 100


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"7", "event[0]: must be an object"),
        (b'[{}, "x"]', "event[1]: must be an object"),
        (b'{"a": 1}\n{"a": ', "line 2 of the body is no JSON"),
        (b"[" * 2000, "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
    ],
)
def test_a_body_that_is_none_is_refused(source: str, body: bytes, message: str) -> None:
    with pytest.raises(PharosError) as refused:
        SOURCES[source](body, {})
    assert refused.value.kind is Kind.INVALID
    assert refused.value.message.startswith(message)


def test_too_many_documents_are_refused_together() -> None:
    with pytest.raises(PharosError) as refused:
        read_documents(orjson.dumps([{}] * 10_001))
    assert refused.value.kind is Kind.TOO_LARGE


def test_spans_that_are_cut_off_say_nothing() -> None:
    body = from_json(orjson.dumps(_cases("spans")[0]["body"]), FrameKind.SPANS)
    for stop in range(0, len(body), 7):
        read_spans(body[:stop])
    assert read_spans(b"\xff" * 100) == []
    assert not bears_runs(b"workflow.run_id" + bytes(9 << 20))


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("0 2 * * *", Schedule(cron="0 2 * * *")),
        (" 0  2 * * MON ", Schedule(cron="0 2 * * mon")),
        ("@daily", Schedule(cron="@daily")),
        ("@every 1h30m", Schedule(every_ms=5_400_000)),
        ("1 day, 0:00:00", Schedule(every_ms=86_400_000)),
        ("0:15:00", Schedule(every_ms=900_000)),
        ("0:00:00", None),
        ("@once", None),
        ("None", None),
        ("Never, external triggers only", None),
        ("99 * * * *", None),
        ("", None),
    ],
)
def test_schedules_are_read_as_schedulers_write_them(text: str, schedule: Schedule | None) -> None:
    assert schedule_of(text) == schedule
