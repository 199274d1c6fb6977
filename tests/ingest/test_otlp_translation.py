"""OTLP becomes what Prometheus 3 makes of it. The cases are data, in the folder otlp beside this file."""

from __future__ import annotations

import random
import re
import struct
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from tests.ingest import rw_messages as rw

from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.otlp.deltas import Deltas
from pharos.ingest.otlp.limits import OtlpLimits
from pharos.ingest.otlp.messages import from_json, read_request
from pharos.ingest.otlp.names import MetricKind, label_name, metric_name, unit_name
from pharos.ingest.otlp.native import bucket_layout
from pharos.ingest.otlp.promotion import Promotion
from pharos.ingest.otlp.refused import RefusedError
from pharos.ingest.otlp.translate import Translated, Translator
from pharos.ingest.otlp.values import value_text

_FOLDER = Path(__file__).parent / "otlp"
_NOW_S = 100_000
_DAY_S = 86_400
_STALE = 0x7FF0000000000002
_TYPE_WORDS = {1: "counter", 2: "gauge", 3: "histogram", 5: "summary"}


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((_FOLDER / name).read_text())


def _or_nothing(make: Any, *arguments: Any) -> str:
    try:
        return str(make(*arguments))
    except RefusedError:
        return ""


@pytest.mark.parametrize(("name", "unit", "kind", "result"), _read("names.yaml")["metrics"])
def test_a_metric_is_named_as_upstream_does(name: str, unit: str, kind: str, result: str) -> None:
    assert _or_nothing(metric_name, name, unit, MetricKind(kind)) == result


@pytest.mark.parametrize(("unit", "result"), _read("names.yaml")["units"])
def test_a_unit_has_its_name(unit: str, result: str) -> None:
    assert unit_name(unit) == result


@pytest.mark.parametrize(("key", "result"), _read("names.yaml")["labels"])
def test_an_attribute_is_named_as_upstream_does(key: str, result: str) -> None:
    assert _or_nothing(label_name, key) == result


@pytest.mark.parametrize(("value", "result"), _read("names.yaml")["values"])
def test_an_attribute_has_the_text_of_its_value(value: Any, result: str) -> None:
    assert value_text(json_format.ParseDict(value, AnyValue())) == result


def _spelled_out(node: Any) -> Any:
    """Return a case's metrics as OTLP's JSON has them."""
    if isinstance(node, list):
        return [_spelled_out(one) for one in node]
    if not isinstance(node, dict):
        return "Infinity" if node == float("inf") else "-Infinity" if node == float("-inf") else node
    made = {}
    for name, value in node.items():
        if name in {"at", "since"}:
            name = {"at": "timeUnixNano", "since": "startTimeUnixNano"}[name]
            value = str(int(value * 1_000_000_000))
        elif name in {"attributes", "filteredAttributes"}:
            value = _key_values(value)
        made[name] = _spelled_out(value)
    return made


def _key_values(attributes: dict[str, str]) -> list[Any]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def _request(case: dict[str, Any]) -> bytes:
    resource = {"attributes": _key_values(case.get("resource", {}))}
    scope = {"scope": {"name": "tests"}, "metrics": _spelled_out(case["metrics"])}
    document = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope]}]}
    return from_json(orjson.dumps(document))


def _translate(translator: Translator, body: bytes) -> Translated:
    return translator.translate(body, (_NOW_S - _DAY_S) * 1000, (_NOW_S + 600) * 1000)


def _number(value: float) -> str:
    if struct.pack("<d", value) == struct.pack("<Q", _STALE):
        return "stale"
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else str(value)


def _since(start_ms: int) -> str:
    return f" since {_number(start_ms / 1000)}" if start_ms else ""


def _labels(labels: Any) -> str:
    pairs = [(one.name, one.value) for one in labels]
    assert pairs == sorted(pairs)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"


def _native(one: Any) -> str:
    if struct.pack("<d", one.sum) == struct.pack("<Q", _STALE):
        assert one.count_int == _STALE
        return f"stale histogram @{_number(one.timestamp / 1000)}"
    assert one.zero_threshold == 1e-128
    buckets = []
    for side in ("positive", "negative"):
        counts = [0]
        for delta in getattr(one, f"{side}_deltas"):
            counts.append(counts[-1] + delta)
        spans = "".join(f"({span.offset}, {span.length})" for span in getattr(one, f"{side}_spans"))
        buckets.append(f"{side} {spans} {counts[1:]}")
    start = f"schema {one.schema} count {one.count_int} sum {_number(one.sum)} zero {one.zero_count_int}"
    return f"{start} {' '.join(buckets)} @{_number(one.timestamp / 1000)}{_since(one.start_timestamp)}"


def _stored(body: bytes) -> Iterator[str]:
    for one in rw.V1["WriteRequest"].FromString(body).timeseries:
        name = _labels(one.labels)
        for sample in one.samples:
            yield f"{name} {_number(sample.value)} @{_number(sample.timestamp / 1000)}{_since(sample.start)}"
        for histogram in one.histograms:
            yield f"{name} {_native(histogram)}"
        for exemplar in one.exemplars:
            at = _number(exemplar.timestamp / 1000)
            yield f"{name} exemplar {_labels(exemplar.labels)} {_number(exemplar.value)} @{at}"


@pytest.mark.parametrize("case", _read("metrics.yaml"), ids=lambda case: case["name"])
def test_a_metric_becomes_what_upstream_makes_of_it(case: dict[str, Any]) -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    body = _request(case)
    first = _translate(translator, body)
    again = _translate(translator, body)

    assert sorted(_stored(first.body)) == sorted(case["stored"])
    assert sorted(_stored(again.body)) == sorted(case["stored"]), "of series that are known"
    assert first.refused.counts == again.refused.counts == case.get("refused", {})
    assert bool(first.refused.text()) == bool(case.get("refused"))
    if "metadata" in case:
        told = rw.V1["WriteRequest"].FromString(first.body).metadata
        assert [[one.metric_family_name, _TYPE_WORDS[one.type], one.help, one.unit] for one in told] == case[
            "metadata"
        ]


def test_the_decoder_takes_every_case_whole() -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    for case in _read("metrics.yaml"):
        translated = _translate(translator, _request(case))
        decoder = Decoder(seed=1, today=1, max_age_ms=0)
        accepted = decoder.decode(decoder.begin(), "t", translated.body, _NOW_S * 1_000_000_000)
        assert accepted.is_whole, f"{case['name']}: {accepted}"


@pytest.mark.parametrize("case", _read("deltas.yaml"), ids=lambda case: case["name"])
def test_points_of_delta_temporality_add_up(case: dict[str, Any]) -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    for request in case["requests"]:
        translated = _translate(translator, _request(request))
        assert sorted(_stored(translated.body)) == sorted(request["stored"])
        assert translated.refused.counts == request.get("refused", {})


def test_attributes_of_a_resource_are_promoted_as_is_said_now() -> None:
    said = [Promotion(frozenset({"host.name"}))]
    translator = Translator(seed=1, lookback_ms=300_000, promotion=lambda: said[0])
    point = {"asInt": 1, "at": _NOW_S, "attributes": {"os": "own"}}
    resource = {"service.name": "s", "host.name": "h", "os": "linux"}
    body = _request({"resource": resource, "metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]})

    def made() -> str:
        return next(one for one in _stored(_translate(translator, body).body) if "target_info" not in one)

    assert made() == f'{{__name__="m",host_name="h",job="s",os="own"}} 1 @{_NOW_S}'
    said[0] = Promotion(frozenset({"host.name"}), is_all_but=True)
    assert made() == f'{{__name__="m",job="s",os="own",service_name="s"}} 1 @{_NOW_S}'
    said[0] = Promotion()
    assert made() == f'{{__name__="m",job="s",os="own"}} 1 @{_NOW_S}'


def test_tenants_deltas_are_not_added_up() -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    point = {"asInt": 4, "at": _NOW_S}
    body = _request({"metrics": [{"name": "d", "sum": {"aggregationTemporality": 1, "dataPoints": [point]}}]})
    for tenant in ("a", "b"):
        made = translator.translate(body, 0, _NOW_S * 1000, tenant)
        assert list(_stored(made.body)) == [f'{{__name__="d"}} 4 @{_NOW_S} since {_NOW_S}']


def test_only_so_many_streams_of_deltas_are_remembered_and_those_at_rest_make_room() -> None:
    deltas = Deltas(streams_most=2)
    for name in ("a", "b"):
        deltas.add((name,), [1.0], 0, 1, now_ms=0)
    with pytest.raises(RefusedError, match="more than 2 streams"):
        deltas.add(("c",), [1.0], 0, 1, now_ms=1_000)
    assert deltas.add(("a",), [1.0], 0, 2, now_ms=200_000) == ([2.0], 1)
    assert deltas.add(("c",), [1.0], 0, 3, now_ms=300_000) == ([1.0], 3)
    assert deltas.add(("a",), [1.0], 0, 3, now_ms=300_000) == ([3.0], 1)
    assert len(deltas) == 2


def test_a_wide_exponential_histogram_is_merged_to_a_smaller_scale() -> None:
    point = {"scale": 8, "count": 2, "sum": 1, "at": _NOW_S}
    sides = ({"offset": 0, "bucketCounts": [1]}, {"offset": 100_000, "bucketCounts": [1]})
    translator = Translator(seed=1, lookback_ms=300_000)
    for number, side in enumerate(sides):
        points = [{**point, "at": _NOW_S + number, "positive": side}]
        histogram = {"aggregationTemporality": 1, "dataPoints": points}
        body = _request({"metrics": [{"name": "e", "exponentialHistogram": histogram}]})
        (stored,) = _stored(_translate(translator, body).body)
    # 100000 >> 10 is the first below 160 buckets: scale 8 - 10.
    assert stored.startswith('{__name__="e"} schema -2 count 4 sum 2 zero 0 positive (1, 1)(96, 1)')


def _gauge(points: int, attribute: str = "i", **more: str) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    for key, value in more.items():
        resource_metrics.resource.attributes.add(key=key).value.string_value = value
    metric = resource_metrics.scope_metrics.add().metrics.add(name="m")
    for number in range(points):
        point = metric.gauge.data_points.add(as_int=number, time_unix_nano=_NOW_S * 1_000_000_000)
        point.attributes.add(key=attribute).value.string_value = str(number)
    return request


def test_many_series_are_told_apart_and_found_again() -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    body = _gauge(3000).SerializeToString()
    wanted = {f'{{__name__="m",i="{number}"}} {number} @{_NOW_S}' for number in range(3000)}
    for _ in range(2):
        assert set(_stored(_translate(translator, body).body)) == wanted


def test_the_same_attributes_of_another_metric_or_resource_are_another_series() -> None:
    translator = Translator(seed=1, lookback_ms=300_000)
    request = _gauge(1)
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    metrics.add().CopyFrom(metrics[0])
    metrics[1].name = "n"
    other = request.resource_metrics.add()
    other.CopyFrom(request.resource_metrics[0])
    other.resource.attributes.add(key="service.name").value.string_value = "s"
    at = f"0 @{_NOW_S}"
    assert sorted(_stored(_translate(translator, request.SerializeToString()).body)) == [
        f'{{__name__="m",i="0",job="s"}} {at}',
        f'{{__name__="m",i="0"}} {at}',
        f'{{__name__="n",i="0",job="s"}} {at}',
        f'{{__name__="n",i="0"}} {at}',
    ]


def test_the_order_of_fields_does_not_matter() -> None:
    point = _gauge(1).resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    bare = type(point)()
    bare.CopyFrom(point)
    del bare.attributes[:]
    attributes = type(point)(attributes=[*point.attributes]).SerializeToString()
    extra = type(point)()
    extra.attributes.add(key="z").value.string_value = "y"
    raw = attributes + bare.SerializeToString() + extra.SerializeToString()
    request = b""
    for tag, content in ((0x0A, raw), (0x2A, b""), (0x12, b""), (0x12, b""), (0x0A, b"")):
        inner = content or request
        request = bytes((tag, len(inner))) + inner
        if tag == 0x2A:
            request += b"\x0a\x01m"
    translated = _translate(Translator(seed=1, lookback_ms=300_000), request)
    assert list(_stored(translated.body)) == [f'{{__name__="m",i="0",z="y"}} 0 @{_NOW_S}']


def test_what_is_remembered_is_bounded() -> None:
    translator = Translator(seed=1, lookback_ms=300_000, limits=OtlpLimits(remembered_bytes=1000))
    remembered = set()
    for attribute in ("a", "b", "c"):
        body = _gauge(50, attribute, **{"service.name": "s", "host": "h"}).SerializeToString()
        assert len(set(_stored(_translate(translator, body).body))) == 51
        remembered.add(translator.nbytes)
    # Of each request no more than of the first.
    assert len(remembered) == 1


@pytest.mark.parametrize(
    "limits", [OtlpLimits(learned_bytes=5_000), OtlpLimits(body_bytes=100), OtlpLimits(messages=10)]
)
def test_a_request_that_would_take_too_much_is_refused(limits: OtlpLimits) -> None:
    with pytest.raises(PharosError) as raised:
        _translate(Translator(seed=1, lookback_ms=300_000, limits=limits), _gauge(100).SerializeToString())
    assert raised.value.kind is Kind.TOO_LARGE


def test_target_info_of_points_far_apart_is_bounded() -> None:
    request = _gauge(2, **{"service.name": "s", "host": "h"})
    points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    points[0].time_unix_nano = 0
    translated = Translator(seed=1, lookback_ms=2).translate(request.SerializeToString(), 0, _NOW_S * 1000)
    assert 4000 < len(list(_stored(translated.body))) < 5000


def test_every_truncation_of_a_request_is_refused_or_taken() -> None:
    case = next(one for one in _read("metrics.yaml") if one["name"].startswith("exemplars"))
    body = _request(case)
    for end in range(len(body)):
        with pytest.raises(PharosError) as raised:
            _translate(Translator(seed=1, lookback_ms=300_000), body[: end or 1])
        assert raised.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("counts", "offset", "scale_down", "layout"),
    [
        ([], 0, 0, ([], [])),
        ([4], 0, 0, ([(1, 1)], [4])),
        ([0], 0, 0, ([(1, 1)], [0])),
        ([1, 2, 4], 0, 1, ([(1, 2)], [3, 1])),
        ([0, 0, 3, 4], 0, 1, ([(1, 2)], [0, 7])),
        ([1, 0, 0, 2], -3, 0, ([(-2, 4)], [1, -1, 0, 2])),
        ([1, 0, 0, 0, 2], -3, 0, ([(-2, 1), (3, 1)], [1, 1])),
        ([0, 0, 0, 0, 5], 0, 0, ([(1, 0), (4, 1)], [5])),
        ([1] * 8, -4, 31, ([(0, 2)], [4, 0])),
    ],
)
def test_dense_buckets_become_spans(counts: list[int], offset: int, scale_down: int, layout: Any) -> None:
    assert bucket_layout(counts, offset, scale_down) == layout


def test_messages_are_counted_before_they_are_read() -> None:
    for body in (b"\x0a\x00" * 1001, _gauge(0).SerializeToString() + b"\x0a\x00" * 1000):
        with pytest.raises(PharosError) as raised:
            read_request(body, 1000)
        assert raised.value.kind is Kind.TOO_LARGE


def _mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a body with bytes changed, taken out or put in."""
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(changed) + 1)
        more = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
        changed[place : place + chance.randrange(3)] = more
    return bytes(changed)


def test_a_damaged_request_is_refused_or_becomes_something_the_decoder_knows() -> None:
    chance = random.Random(7)
    bodies = [_request(case) for case in _read("metrics.yaml")]
    translator = Translator(seed=1, lookback_ms=300_000)
    decoder = Decoder(seed=1, today=1, max_age_ms=0)
    outcomes: Counter[str] = Counter()
    for _ in range(3000):
        try:
            translated = _translate(translator, _mutated(chance.choice(bodies), chance))
        except PharosError as exc:
            outcomes[exc.kind.value] += 1
            continue
        decoder.decode(decoder.begin(), "t", translated.body, _NOW_S * 1_000_000_000)
        outcomes["taken"] += 1
    assert set(outcomes) == {"taken", "invalid"}


_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    "x",
    "",
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    "NaN",
    [{}],
    "9" * 30,
    1e300,
)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        yield node, key
        yield from _places(inner)


def _json_with_point(kind: str, point: Any) -> bytes:
    metrics = [{"name": "m", kind: {"dataPoints": [point]}}]
    return orjson.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})


@pytest.mark.parametrize(("kind", "point", "told"), _read("numbers.yaml")["refused"])
def test_what_does_not_belong_into_json_is_refused_by_its_name(kind: str, point: Any, told: str) -> None:
    with pytest.raises(PharosError, match=re.escape(told)) as caught:
        from_json(_json_with_point(kind, point))
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(("temporality", "told"), _read("numbers.yaml")["refused_of_a_sum"])
def test_a_temporality_that_is_none_is_refused(temporality: Any, told: str) -> None:
    metrics = [{"name": "m", "sum": {"aggregationTemporality": temporality, "dataPoints": []}}]
    with pytest.raises(PharosError, match=re.escape(told)):
        from_json(orjson.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}))


@pytest.mark.parametrize(("kind", "point"), _read("numbers.yaml")["taken"])
def test_values_of_json_are_taken_as_the_collector_does(kind: str, point: Any) -> None:
    assert from_json(_json_with_point(kind, point))


def test_json_of_odd_types_is_refused_or_taken() -> None:
    chance = random.Random(7)
    translator = Translator(seed=1, lookback_ms=300_000)
    outcomes = set()
    for case in _read("metrics.yaml"):
        text = orjson.dumps(
            {"resourceMetrics": [{"scopeMetrics": [{"metrics": _spelled_out(case["metrics"])}]}]}
        )
        for _ in range(100):
            document = orjson.loads(text)
            container, key = chance.choice(list(_places(document)))
            container[key] = chance.choice(_ODD)
            try:
                _translate(translator, from_json(orjson.dumps(document)))
                outcomes.add("taken")
            except PharosError as exc:
                outcomes.add(exc.kind.value)
    assert outcomes == {"taken", "invalid"}
