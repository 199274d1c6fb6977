"""Records that compiled code writes are those that are written one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.records import records

from pharos.ingest.events.requests import EventRequest, log_record
from pharos.ingest.events.text_records import Groups, TextRecords
from pharos.ingest.events.trace_ids import TraceIds

VALUES = st.one_of(
    st.text(max_size=200),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.booleans(),
    st.floats(allow_nan=False),
)
NAMES = st.one_of(st.sampled_from(["trace_id", "spanId", "trace.id", "x"]), st.text(max_size=5))
RECORDS = st.lists(
    st.tuples(VALUES, st.integers(0, 1 << 62), st.dictionaries(NAMES, VALUES, max_size=5)), max_size=5
)


def one_by_one(made: list[Any]) -> bytes:
    request = EventRequest()
    for line, ts_ns, attributes in made:
        ids = TraceIds()
        for name, value in attributes.items():
            ids.look(name, value)
        pairs = attributes.items()
        request.add(
            b"", log_record(line, ts_ns=ts_ns, attributes=pairs, trace_id=ids.trace_id, span_id=ids.span_id)
        )
    return request.body()


@given(RECORDS)
def test_compiled_records_are_those_of_one_by_one(made: list[Any]) -> None:
    gathered, groups = TextRecords(), Groups()
    for line, ts_ns, attributes in made:
        assert gathered.put(line)
        for name, value in attributes.items():
            gathered.texts.append(name)
            assert gathered.put(value)
        gathered.counts.append(len(attributes))
        gathered.times.append(ts_ns)
    written, ends = gathered.written()
    if made:
        groups.add(b"", written[: ends[-1]])
    assert records(groups.body()) == records(one_by_one(made))


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1, [1], None, {}, b"x"])
def test_what_cannot_be_held_is_left_to_others(value: object) -> None:
    gathered = TextRecords()
    mark = gathered.mark()
    assert gathered.put("name")
    assert gathered.put(1.5)
    assert not gathered.put(value)
    gathered.forget(mark)
    assert (gathered.texts, gathered.mark()) == ([], (0, 0, 0))
