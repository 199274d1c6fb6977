"""Requests to columns: what was sent is what is in the run, and a bad request leaves nothing behind."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.rw_messages import v1_body

from pharos.engine.keys import DAY_MS
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import unpack
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics import known
from pharos.ingest.metrics.batch import MetricsBatch
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.metrics.parts import METADATA_MAX

NOW_MS = 1_763_712_000_000
TENANT = "default"

names = st.sampled_from(["job", "instance", "zone", "a", "ü"])
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
label_sets = st.dictionaries(names, values, max_size=5).map(lambda found: {"__name__": "m", **found})
floats = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
samples = st.tuples(st.integers(NOW_MS - 40 * DAY_MS, NOW_MS), floats)
series = st.fixed_dictionaries(
    {"labels": label_sets.map(lambda found: list(found.items())), "samples": st.lists(samples, max_size=4)}
)


def _decoder() -> Decoder:
    return Decoder(seed=11, today=NOW_MS // DAY_MS, max_age_ms=0)


def _strings(packed: bytes, count: int) -> Iterator[str]:
    pos = 0
    for _ in range(count):
        size, shift = 0, 0
        while True:
            byte = packed[pos]
            pos += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield packed[pos : pos + size].decode()
        pos += size


def _registered(batch: MetricsBatch) -> dict[int, tuple[tuple[str, str], ...]]:
    """The label set of each id that the run registers."""
    columns = batch.columns(TENANT)
    rows, labels = int(columns.counts[places.SERIES]), int(columns.counts[places.LABELS])
    pairs = list(
        zip(
            _strings(columns.series.keys.tobytes(), labels),
            _strings(columns.series.values.tobytes(), labels),
            strict=True,
        )
    )
    ends = [0, *columns.series.label_end[:rows].tolist()]
    return {int(columns.series.id[i]): tuple(pairs[ends[i] : ends[i + 1]]) for i in range(rows)}


def _stored(
    batch: MetricsBatch, labels_of: dict[int, tuple[tuple[str, str], ...]]
) -> list[tuple[object, int, bytes]]:
    columns = batch.columns(TENANT)
    rows = int(columns.counts[places.SAMPLES])
    return sorted(
        (
            labels_of[int(columns.samples.id[i])],
            int(columns.samples.ts_ms[i]),
            struct.pack("<d", columns.samples.value[i]),
        )
        for i in range(rows)
    )


def _sent(request: list[dict[str, list[tuple[object, object]]]]) -> list[tuple[object, int, bytes]]:
    return sorted(
        (tuple(sorted((k, v) for k, v in one["labels"] if v)), ts, struct.pack("<d", value))  # type: ignore[misc]
        for one in request
        for ts, value in one["samples"]
    )


@settings(max_examples=150)
@given(st.lists(series, max_size=8))
def test_what_is_sent_is_what_is_decoded_the_first_time_and_again(request_: list[dict[str, object]]) -> None:
    decoder = _decoder()
    first, again = decoder.begin(), decoder.begin()
    body = v1_body(request_)
    accepted = decoder.decode(first, TENANT, body, NOW_MS * 1_000_000)
    labels_of = _registered(first)
    assert accepted.is_whole
    assert _stored(first, labels_of) == _sent(request_)  # type: ignore[arg-type]
    decoder.decode(again, TENANT, body, NOW_MS * 1_000_000)
    assert _stored(again, labels_of) == _sent(request_)  # type: ignore[arg-type]
    days = {ts // DAY_MS for one in request_ for ts, _ in one["samples"]}  # type: ignore[attr-defined]
    if all(abs(day - NOW_MS // DAY_MS) < known.DAYS_SEEN // 2 for day in days):
        assert int(again.columns(TENANT).counts[places.SERIES]) == 0


@settings(max_examples=80)
@given(st.lists(series, min_size=1, max_size=4))
def test_a_request_that_ends_badly_leaves_the_run_as_it_was(request_: list[dict[str, object]]) -> None:
    decoder = _decoder()
    run = decoder.begin()
    body = v1_body(request_)
    before = run.columns(TENANT).counts.copy()
    with pytest.raises(PharosError, match="malformed") as caught:
        decoder.decode(run, TENANT, body + b"\xff", NOW_MS * 1_000_000)
    assert caught.value.kind is Kind.INVALID
    assert (run.columns(TENANT).counts == before).all()
    # And the series that it mentioned are registered as if they had never been seen.
    fresh = decoder.begin()
    decoder.decode(fresh, TENANT, body, NOW_MS * 1_000_000)
    assert _stored(fresh, _registered(fresh)) == _sent(request_)  # type: ignore[arg-type]


def test_an_id_does_not_depend_on_the_order_of_labels_nor_on_empty_ones() -> None:
    ids = set()
    for labels in (
        [("__name__", "m"), ("a", "1"), ("b", "2")],
        [("b", "2"), ("a", "1"), ("__name__", "m")],
        [("__name__", "m"), ("a", "1"), ("b", "2"), ("c", "")],
    ):
        decoder = _decoder()
        run = decoder.begin()
        decoder.decode(
            run, TENANT, v1_body([{"labels": labels, "samples": [(NOW_MS, 1.0)]}]), NOW_MS * 1_000_000
        )
        ids.add(int(run.columns(TENANT).samples.id[0]))
    assert len(ids) == 1


def test_a_hundred_thousand_new_series_grow_the_table_of_known_ones() -> None:
    decoder = _decoder()
    first, again = decoder.begin(), decoder.begin()
    request = [
        {"labels": [("__name__", "m"), ("i", str(i))], "samples": [(NOW_MS, float(i))]}
        for i in range(100_000)
    ]
    body = v1_body(request)
    decoder.decode(first, TENANT, body, NOW_MS * 1_000_000)
    decoder.decode(again, TENANT, body, NOW_MS * 1_000_000)
    assert len(np.unique(first.columns(TENANT).samples.id[:100_000])) == 100_000
    assert int(again.columns(TENANT).counts[places.SERIES]) == 0


def test_a_request_that_ends_badly_after_the_table_grew_leaves_its_series_to_be_registered() -> None:
    decoder = _decoder()
    request = [
        {"labels": [("__name__", "m"), ("i", str(i))], "samples": [(NOW_MS, float(i))]} for i in range(20_000)
    ]
    body = v1_body(request)
    with pytest.raises(PharosError, match="malformed"):
        decoder.decode(decoder.begin(), TENANT, body + b"\xff", NOW_MS * 1_000_000)
    run = decoder.begin()
    decoder.decode(run, TENANT, body, NOW_MS * 1_000_000)
    assert int(run.columns(TENANT).counts[places.SERIES]) == 20_000


def test_tenants_do_not_share_known_series() -> None:
    decoder = _decoder()
    run = decoder.begin()
    body = v1_body([{"labels": [("__name__", "m")], "samples": [(NOW_MS, 1.0)]}])
    for tenant in ("a", "b"):
        decoder.decode(run, tenant, body, NOW_MS * 1_000_000)
    assert all(int(run.columns(tenant).counts[places.SERIES]) == 1 for tenant in ("a", "b"))


def test_times_are_judged_by_the_receipt_that_the_frame_carries() -> None:
    body = v1_body([{"labels": [("__name__", "m")], "samples": [(NOW_MS, 1.0)]}])
    decoder = Decoder(seed=1, today=0, max_age_ms=DAY_MS)
    early, late = decoder.begin(), decoder.begin()
    first = decoder.decode(early, TENANT, body, (NOW_MS - 3_600_000) * 1_000_000)
    second = decoder.decode(late, TENANT, body, (NOW_MS + 2 * DAY_MS) * 1_000_000)
    assert (first.future, first.samples) == (1, 0)
    assert (second.old, second.samples) == (1, 0)


@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x05hello"])
def test_what_is_no_snappy_block_is_refused(body: bytes) -> None:
    with pytest.raises(PharosError) as caught:
        unpack(body)
    assert caught.value.kind in {Kind.INVALID, Kind.TOO_LARGE}


def _metadata_body(count: int) -> bytes:
    """Return a request of so many metadata entries, each of another family."""
    names = (f"m{number}".encode() for number in range(count))
    entries = (b"\x08\x01\x12" + bytes([len(name)]) + name for name in names)
    return b"".join(b"\x1a" + bytes([len(entry)]) + entry for entry in entries)


def test_new_metadata_of_a_request_is_bounded_and_what_was_accepted_is_not() -> None:
    decoder, body = _decoder(), _metadata_body(METADATA_MAX + 1)
    with pytest.raises(PharosError) as raised:
        decoder.decode(decoder.begin(), TENANT, body, NOW_MS * 1_000_000)
    assert raised.value.kind is Kind.TOO_LARGE
    again = decoder.fresh()
    assert again.decode(again.begin(), TENANT, body, NOW_MS * 1_000_000).metadata == METADATA_MAX + 1


def test_the_same_metadata_a_million_times_is_one_entry() -> None:
    decoder = _decoder()
    body = _metadata_body(1) * 1_000_000
    assert decoder.decode(decoder.begin(), TENANT, body, NOW_MS * 1_000_000).metadata == 1


def test_series_beyond_what_may_be_known_are_registered_again_and_none_is_lost() -> None:
    decoder = Decoder(seed=11, today=NOW_MS // DAY_MS, max_age_ms=0, most_slots=1 << 14)
    registered: set[int] = set()
    for first in range(0, 40_000, 1_000):
        request = [
            {"labels": [("__name__", "m"), ("i", str(i))], "samples": [(NOW_MS, 1.0)]}
            for i in range(first, first + 1_000)
        ]
        batch = decoder.begin()
        decoder.decode(batch, TENANT, v1_body(request), NOW_MS * 1_000_000)
        columns = batch.columns(TENANT)
        ids = columns.samples.id[:1_000].tolist()
        registered.update(columns.series.id[: int(columns.counts[places.SERIES])].tolist())
        assert registered.issuperset(ids)
    assert len(registered) == 40_000
    assert len(decoder.known.arrays.low) == 1 << 14


def test_series_that_come_no_more_make_room_for_others() -> None:
    decoder = _decoder()
    steady = [{"labels": [("__name__", "steady")], "samples": [(NOW_MS, 1.0)]}]
    for minute in range(120):
        passing = [
            {"labels": [("__name__", "passing"), ("i", f"{minute}-{i}")], "samples": [(NOW_MS, 1.0)]}
            for i in range(600)
        ]
        batch = decoder.begin()
        recv_ns = (NOW_MS + 60_000 * minute) * 1_000_000
        decoder.decode(batch, TENANT, v1_body(steady + passing), recv_ns)
        columns = batch.columns(TENANT)
        registered = columns.series.id[: int(columns.counts[places.SERIES])].tolist()
        # What comes all the time is registered once, and again on no account.
        assert len(registered) == 600 + (minute == 0)
    assert len(decoder.known.arrays.low) <= 1 << 16


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (
            b"\x0a\x13\x0a\x0d\x0a\x08__name__\x12\x01m\x1a\x00\x1a\x00" * 500_001,
            "native histograms and metadata entries",
        ),
        ((b"\x0a\x06\x0a\x00\x12\x00\x0a\x00") * 600_000, "labels that stand apart"),
    ],
    ids=["exemplars", "scattered labels"],
)
def test_what_would_keep_other_writers_waiting_is_refused_and_read_again_if_it_was_accepted(
    body: bytes, what: str
) -> None:
    decoder = _decoder()
    with pytest.raises(PharosError, match=what) as raised:
        decoder.decode(decoder.begin(), TENANT, body, NOW_MS * 1_000_000)
    assert raised.value.kind is Kind.TOO_LARGE
    again = decoder.fresh()
    again.decode(again.begin(), TENANT, body, NOW_MS * 1_000_000)


@pytest.mark.parametrize(
    ("series_count", "samples_each", "times", "is_kept"),
    [
        pytest.param(10, 5_000, 1, True, id="usual samples"),
        pytest.param(10, 5_000, 11, False, id="many more samples"),
        pytest.param(4_000, 1, 1, False, id="a burst of new series"),
    ],
)
def test_room_of_a_batch_is_used_again_but_not_what_an_unusual_one_needed(
    series_count: int, samples_each: int, times: int, is_kept: bool
) -> None:
    decoder = _decoder()
    batch = decoder.begin()
    points = [(NOW_MS - one, 1.0) for one in range(samples_each)]
    body = v1_body(
        [
            {"labels": [("__name__", "m"), ("pod", f"{one:0200}")], "samples": points}
            for one in range(series_count)
        ]
    )
    for _ in range(times):
        decoder.decode(batch, TENANT, body, NOW_MS * 1_000_000)
    room_bytes = batch.columns(TENANT).room_bytes()
    assert room_bytes > 1 << 20
    batch.give_back()
    columns = decoder.begin().columns(TENANT)
    assert columns.room_bytes() == room_bytes if is_kept else columns.room_bytes() < 1 << 20
    assert not columns.counts.any()
