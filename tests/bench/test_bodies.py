"""The bench's requests are what a sender would have sent: checked with another decoder."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cramjam
import numpy as np
import pytest
from bench.bodies import build_shards, single
from bench.series import build
from bench.values import total, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def _messages(data: bytes) -> list[tuple[int, Any]]:
    """Fields of a protobuf message: number and bytes, or the number itself for varints."""
    at = 0
    found: list[tuple[int, Any]] = []
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            number, at = _varint(data, at)
            found.append((tag >> 3, number))
            continue
        size, at = (8, at) if tag & 7 == 1 else _varint(data, at)
        found.append((tag >> 3, data[at : at + size]))
        at += size
    return found


def _decode(wire: bytes) -> list[tuple[tuple[tuple[str, str], ...], float, int]]:
    head, _, block = wire.partition(b"\r\n\r\n")
    assert int(head.rpartition(b" ")[2]) == len(block)
    rows = []
    for _, series in _messages(bytes(cramjam.snappy.decompress_raw(block))):
        fields = _messages(series)
        labels = tuple(
            tuple(part[1].decode() for part in _messages(text)) for number, text in fields if number == 1
        )
        (sample,) = (text for number, text in fields if number == 2)
        (_, bits), (_, time_ms) = _messages(sample)
        rows.append((labels, float(np.frombuffer(bits, "<f8")[0]), time_ms))
    return rows


@pytest.mark.parametrize(
    ("layout", "connections", "samples"), [("mixed", 1, 100), ("query", 4, 0), ("mixed", 3, 250)]
)
def test_every_sample_of_every_series_is_sent_once_and_in_order(
    layout: str, connections: int, samples: int
) -> None:
    plan = build(layout, 600)
    sent: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
    for shard in build_shards(plan, connections, samples, b"POST / HTTP/1.1\r\n"):
        number = 0
        while shard.step_of(number) < 5:
            request = shard.fill(number, 1_700_000_000_000, 15_000)
            for labels, worth, time_ms in _decode(request.wire.tobytes()):
                sent.setdefault(labels, []).append((time_ms, worth))
            number += 1
    assert set(sent) == set(plan.labels)
    for index, labels in enumerate(plan.labels):
        expected = [
            (1_700_000_000_000 + step * 15_000, value(index, step, plan.kinds[index]))
            for step in range(len(sent[labels]))
        ]
        assert len(expected) >= 5
        assert sent[labels] == expected


def test_labels_are_sorted_and_series_are_distinct() -> None:
    for layout in ("mixed", "counters", "query"):
        labels = build(layout, 2_000).labels
        assert len(set(labels)) == len(labels)
        assert all(list(row) == sorted(row) for row in labels)


@pytest.mark.parametrize("kind", [0, 1, 5, 14])
def test_counters_rise_by_whole_numbers(kind: int) -> None:
    values = [value(12345, step, kind) for step in range(200)]
    assert all(later >= earlier for earlier, later in pairwise(values))
    assert all(one == int(one) for one in values)
    assert values[-1] > values[0]


def test_buckets_of_a_histogram_are_cumulative() -> None:
    for step in (1, 50, 5000):
        row = [value(40 + within, step, 5 + within) for within in range(10)]
        assert row == sorted(row)


def test_total_is_the_sum_of_single_values() -> None:
    series, kinds = np.array([3, 9], np.int64), np.array([0, 2], np.uint8)
    expected = sum(value(one, step, kind) for one, kind in ((3, 0), (9, 2)) for step in range(4, 9))
    assert total(series, kinds, 4, 9) == pytest.approx(expected, rel=1e-15)


def test_a_single_sample_decodes_to_itself() -> None:
    labels = (("__name__", "probe"), ("id", "7"))
    body = single(labels, 4.5, 1_700_000_000_123)
    assert _decode(b"L: %d\r\n\r\n" % len(body) + body) == [(labels, 4.5, 1_700_000_000_123)]


def test_all_series_of_the_wide_metric_differ() -> None:
    labels = build("card", 70_000).labels
    assert len(set(labels)) == 70_000
    assert {len(one) for one in labels} == {8}
    assert all(list(one) == sorted(one) for one in labels[:100])
