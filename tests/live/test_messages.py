"""What clients say, and what is made of it; what the server says, framed once for all."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.clock import FakeClock
from pharos.live.filters import read_filters
from pharos.live.frames import Frame, framed
from pharos.live.protocol import (
    Intervals,
    Subscribe,
    id_of,
    members_of,
    message_text,
    read_message,
    read_request,
    update_text,
)
from pharos.live.refusal import RefusedError
from pharos.live.sequences import AlertSequences, Sequences
from pharos.live.streams import Language, Place, Stream

_CASES = Path(__file__).parent / "cases"
MESSAGES: list[dict[str, Any]] = yaml.safe_load((_CASES / "messages.yaml").read_text())
FILTERS: list[dict[str, Any]] = yaml.safe_load((_CASES / "filters.yaml").read_text())
INTERVALS = Intervals(5_000, 100)


@pytest.mark.parametrize("case", MESSAGES, ids=lambda case: case["says"][:60])
def test_a_message_is_read_as_it_is_meant_or_refused_by_its_code(case: dict[str, Any]) -> None:
    if "is" in case:
        assert type(read_request(read_message(case["says"]), INTERVALS)).__name__ == case["is"]
        return
    with pytest.raises(RefusedError) as refused:
        read_request(read_message(case["says"]), INTERVALS)
    assert refused.value.code == case["code"]
    assert case.get("text", "") in str(refused.value)


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"a":' * 50_000])
def test_a_bomb_of_brackets_is_no_json(bomb: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_message(bomb)
    assert refused.value.code == "bad_json"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists))
def test_whatever_is_sent_is_a_request_or_refused(value: Any) -> None:
    for data in (value, {"streams": value}, {"streams": ["alert_events"], "resumeFrom": value}):
        with suppress(RefusedError):
            read_request(read_message(json.dumps({"type": "subscribe", "data": data})), INTERVALS)


def test_intervals_are_those_that_may_be() -> None:
    streams = [{"name": "a", "query": "up"}, {"name": "b", "query": "up", "interval": 20}]
    request = read_request({"type": "subscribe", "data": {"streams": streams}}, INTERVALS)
    assert isinstance(request, Subscribe)
    assert request.wanted == {
        Place("a"): Stream("", Language.PROMQL, "up", 5_000),
        Place("b"): Stream("", Language.PROMQL, "up", 100),
    }


@pytest.mark.parametrize(
    ("sent", "repeated"), [("h-1", "h-1"), (17, 17), (1.5, 1.5), (True, None), ([], None), ("x" * 201, None)]
)
def test_an_id_is_repeated_if_it_is_one(sent: Any, repeated: Any) -> None:
    assert id_of({"id": sent}) == repeated


@pytest.mark.parametrize("case", FILTERS, ids=lambda case: json.dumps(case["filters"]))
def test_filters_let_through_what_meets_them(case: dict[str, Any]) -> None:
    if "code" in case:
        with pytest.raises(RefusedError) as refused:
            read_filters(case["filters"], "own")
        assert refused.value.code == case["code"]
        assert case.get("text", "") in str(refused.value)
        return
    filters = read_filters(case["filters"], "own")
    for written, expected in case.get("alerts", {}).items():
        severity, labels = _read(written)
        assert filters.take_alert(severity, labels) is expected, written
    for written, expected in case.get("series", {}).items():
        name, labels = _read(written)
        assert filters.take_series(name, labels) is expected, written


def _read(written: str) -> tuple[str, dict[str, str]]:
    first, *pairs = written.split(" ")
    return first, {pair.split("=")[0]: pair.split("=")[1] for pair in pairs}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_frame_says_how_long_it_is(size: int) -> None:
    found = framed(b"x" * size, 0x81)
    assert found[0] == 0x81
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(found) == size + head
    told = found[1] if size < 126 else int.from_bytes(found[2:head], "big")
    assert told == size


@pytest.mark.parametrize("bits", [9, 12, 15])
@pytest.mark.parametrize("size", [300, 70_000])
def test_a_message_is_compressed_once_and_on_its_own(bits: int, size: int) -> None:
    text = json.dumps({"filler": "abcdefgh" * (size // 8)}).encode()
    frame = Frame(text)
    wire = frame.wire(bits)
    assert frame.wire(bits) is wire
    assert wire[0] == 0xC1
    head = 2 if wire[1] < 126 else 4 if wire[1] == 126 else 10
    assert zlib.decompressobj(-bits).decompress(wire[head:] + b"\x00\x00\xff\xff") == text
    assert len(wire) < len(text) / 4


def test_short_messages_go_as_they_are() -> None:
    frame = Frame(b'{"type":"heartbeat_ack"}')
    assert frame.wire(15) == frame.wire() == b"\x81\x18" + frame.text


def test_what_is_put_together_is_what_would_be_written_at_once() -> None:
    text = update_text(Place('a"b'), 5, 7, members_of({"result": [1, {"x": "y"}]}), "own")
    assert json.loads(text) == {
        "type": "stream_update",
        "timestamp": 5,
        "data": {"stream": 'a"b', "sequence": 7, "result": [1, {"x": "y"}]},
        "daoSubnet": "own",
    }
    empty = json.loads(update_text(Place("m", is_channel=True), 5, 7, members_of({}), "own"))
    assert empty["data"] == {"channel": "m", "sequence": 7}
    assert json.loads(message_text("welcome", 5, {}, "id", "own"))["id"] == "id"


def test_sequences_rise_with_the_time_and_without_it() -> None:
    clock = FakeClock(1_000)
    sequences = Sequences(clock)
    assert [sequences.next("a"), sequences.next("a"), sequences.next("b")] == [1_000, 1_001, 1_000]
    clock.advance_ms(-500)
    assert sequences.next("a") == 1_002
    # A server that begins anew goes on behind what the one before gave.
    clock.advance_ms(10_000)
    assert Sequences(clock).next("a") > 1_002


def test_pictures_of_alerts_are_numbered_between_what_happened() -> None:
    clock = FakeClock(1_700_000_000_000)
    step = clock.now_ms() * 1_000
    sequences = AlertSequences(clock)
    sequences.begin(step - 5_000_000)
    numbers = [sequences.next(), sequences.next(), sequences.of_step(step), sequences.next()]
    clock.advance_ms(5_000)
    numbers += [sequences.next(), sequences.of_step(clock.now_ms() * 1_000)]
    assert numbers == sorted(set(numbers))
    assert numbers[2] == step
    assert numbers[5] == clock.now_ms() * 1_000
