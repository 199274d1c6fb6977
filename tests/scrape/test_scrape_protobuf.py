"""The protobuf exposition: families, native histograms, exemplars, and agreement with the same page as
text.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scrape.test_scrape_pages import NOW_MS, digest, intake
from tests.scrape.written import read

from pharos.errors import PharosError
from pharos.ingest.scrape.digest import Format
from pharos.ingest.scrape.exposition.families import MetricFamily
from pharos.ingest.scrape.exposition.scan import Page
from pharos.protobuf import varint


def delimited(*families: Any) -> bytes:
    return b"".join(varint(len(body)) + body for body in (family.SerializeToString() for family in families))


def labelled(metric: Any, **labels: str) -> Any:
    for name, value in labels.items():
        metric.label.add(name=name, value=value)
    return metric


def everything() -> bytes:
    counter = MetricFamily(name="c_seconds_total", help='Some "help".', type=0, unit="seconds")
    metric = labelled(counter.metric.add(), a='x"\\\n', b="")
    metric.counter.value = 7
    metric.counter.exemplar.label.add(name="trace", value="t")
    metric.counter.exemplar.value = 0.5
    metric.counter.exemplar.timestamp.seconds = 100
    gauge = MetricFamily(name="g.dotted", type=1)
    labelled(gauge.metric.add(timestamp_ms=1001), **{"l.dotted": "v"}).gauge.value = math.inf
    summary = MetricFamily(name="s", type=2)
    metric = summary.metric.add()
    metric.summary.sample_count, metric.summary.sample_sum = 3, 4.5
    metric.summary.quantile.add(quantile=1, value=math.nan)
    untyped = MetricFamily(name="u", type=3)
    untyped.metric.add().untyped.value = -1
    histogram = MetricFamily(name="h", type=4)
    metric = histogram.metric.add()
    metric.histogram.sample_count, metric.histogram.sample_sum = 5, 6
    metric.histogram.bucket.add(cumulative_count=2, upper_bound=1)
    metric.histogram.bucket[0].exemplar.value = 0.25
    empty = MetricFamily(name="empty", type=0)
    return delimited(counter, gauge, summary, untyped, histogram, empty)


def native(count: int = 4) -> bytes:
    family = MetricFamily(name="n", type=4)
    histogram = labelled(family.metric.add(), a="b").histogram
    histogram.sample_count, histogram.sample_sum = count, 18.4
    histogram.schema, histogram.zero_threshold, histogram.zero_count = 3, 0.001, 1
    histogram.positive_span.add(offset=-2, length=2)
    histogram.positive_delta.extend([1, -1])
    histogram.negative_span.add(offset=4, length=1)
    histogram.negative_delta.append(2)
    histogram.bucket.add(cumulative_count=4, upper_bound=10)
    histogram.exemplars.add(value=1.5).timestamp.seconds = 50
    histogram.exemplars.add(value=2.5)
    return delimited(family)


def test_families_become_series_as_in_text() -> None:
    one = intake()
    for turn in range(2):
        written = digest(one, everything(), Format.PROTOBUF)
        assert written.value("c_seconds_total", a='x"\\\n') == 7
        assert written.value("g.dotted", **{"l.dotted": "v"}) == math.inf
        assert [time_ms for labels, time_ms, _ in written.samples if ("l.dotted", "v") in labels] == [1001]
        assert (written.value("s_count"), written.value("s_sum"), written.value("u")) == (3, 4.5, -1)
        assert math.isnan(written.value("s", quantile="1.0"))
        assert (written.value("h_count"), written.value("h_sum")) == (5, 6)
        assert (written.value("h_bucket", le="1.0"), written.value("h_bucket", le="+Inf")) == (2, 5)
        assert len(written.samples) == 10
        assert [(e[1], e[2], e[3]) for e in written.exemplars] == (
            [] if turn else [((("trace", "t"),), 0.5, 100_000), ((), 0.25, NOW_MS)]
        )
        assert written.metadata.get("c_seconds_total") == (None if turn else (1, 'Some "help".', "seconds"))


def test_native_histogram_is_stored_when_asked_for() -> None:
    one = intake(scrape_native_histograms=True)
    written = digest(one, native(), Format.PROTOBUF)
    assert written.samples == []
    ((labels, histogram),) = written.histograms
    assert dict(labels)["__name__"] == "n"
    assert (histogram.count_int, histogram.sum, histogram.schema, histogram.timestamp) == (4, 18.4, 3, NOW_MS)
    assert (histogram.zero_threshold, histogram.zero_count_int, histogram.reset_hint) == (0.001, 1, 0)
    assert [(span.offset, span.length) for span in histogram.positive_spans] == [(-2, 2)]
    assert (list(histogram.positive_deltas), list(histogram.negative_deltas)) == ([1, -1], [2])
    assert [(e[2], e[3]) for e in written.exemplars] == [(1.5, 50_000)]
    assert digest(one, everything(), Format.PROTOBUF).stale() == {"n"}


def test_native_histogram_is_classic_otherwise_and_both_on_request() -> None:
    classic = digest(intake(), native(), Format.PROTOBUF)
    assert classic.histograms == []
    assert classic.value("n_bucket", le="10.0", a="b") == 4
    both = digest(
        intake(scrape_native_histograms=True, always_scrape_classic_histograms=True),
        native(),
        Format.PROTOBUF,
    )
    assert len(both.histograms) == 1
    assert both.value("n_bucket", le="+Inf") == 4


def test_float_histogram_keeps_its_floats() -> None:
    family = MetricFamily(name="n", type=5)
    histogram = family.metric.add().histogram
    histogram.sample_count_float, histogram.zero_count_float = 4.5, 0.5
    histogram.positive_span.add(offset=0, length=1)
    histogram.positive_count.append(4.0)
    one = intake(scrape_native_histograms=True)
    ((_, stored),) = digest(one, delimited(family), Format.PROTOBUF).histograms
    assert (stored.count_float, stored.zero_count_float, list(stored.positive_counts)) == (4.5, 0.5, [4.0])
    assert stored.reset_hint == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x05abc", "ends inside a metric family"),
        (b"\x80", "ends inside a length"),
        (b"\xff\xff\xff\xff\xff\xff", "ends inside a length"),
        (b"\x03\xff\xff\xff", "cannot be decoded"),
        (delimited(MetricFamily(name="a", type=9, metric=[{}])), "no legal name or type"),
        (delimited(MetricFamily(type=1, metric=[{}])), "no legal name or type"),
    ],
)
def test_bytes_that_are_no_page_are_refused(body: bytes, reason: str) -> None:
    one = intake()
    with pytest.raises(PharosError) as raised:
        digest(one, body, Format.PROTOBUF)
    assert reason in str(raised.value)


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_random_bytes_are_refused_or_read(body: bytes) -> None:
    one = intake()
    try:
        found = one.digest(body, Format.PROTOBUF, NOW_MS, Page.of_size(1))
    except PharosError:
        return
    read(found.body)
