"""Requests of log lines and spans that cost little to make: written once, patched for every send.

Lines of 200 to 400 bytes of eight services in twenty streams: half of them access logs, the rest JSON, logfmt
and plain text with now and then a stack trace; traces of 5 to 60 spans. Times, ids, numbers and words of a
long vocabulary are new in every send.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import cramjam
import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bench.bodies import prefixed

LINES: Final = 1_000
"""Lines of a request."""
SPANS: Final = 500
"""Spans of a request, about."""
_BODIES: Final = 12
"""Different requests of a door; each of their sends differs in what is patched."""
_STREAMS: Final = 20
_VOCABULARY: Final = 2_000_000
_SERVICES: Final = ("front", "cart", "checkout", "payment", "stock", "shipping", "advice", "mail")
_LEVELS: Final = (("INFO", 9), ("WARN", 13), ("ERROR", 17), ("DEBUG", 5))
_LEVEL_WEIGHTS: Final = (86, 7, 4, 3)

# What stands in a request until it is patched; nothing else in it looks like this.
_WORD: Final = "w" * 9
_HEX8: Final = "g" * 8
_HEX32: Final = "h" * 32
_DIGITS: Final = "d" * 6
_NANOSECONDS: Final = "n" * 19
_ISO: Final = "i" * 26
_RAW_TIME: Final = 0xF3F3F3F3F3F3F3F3
_RAW_TRACE: Final = b"\xf1" * 16
_RAW_SPAN: Final = b"\xf2" * 8
_LOKI_TIME: Final = b"\xf4" * 12

_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_LETTERS: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)


def word(rank: int) -> str:
    """Return the word of a rank of the vocabulary: the lower the more frequent."""
    return bytes(_words(np.array([rank], np.int64))[0]).decode()


@dataclass(slots=True)
class _Slots:
    """Where the bytes of one kind of slot begin, and of which moment, trace or span each is."""

    starts: np.ndarray
    of: np.ndarray


@dataclass(slots=True)
class Request:
    """One request of a door: its bytes, and what is patched in them."""

    wire: np.ndarray
    records: int
    offsets_ns: np.ndarray
    """Of each moment of the request, from its begin."""
    traces: int
    spans: int
    slots: dict[str, _Slots] = field(default_factory=dict)

    def fill(self, chance: np.random.Generator, begin_ns: int, length_ns: int) -> bytes:
        """Return the request anew, of records between two times."""
        moments = begin_ns + (self.offsets_ns * length_ns).astype(np.int64)
        drawn: dict[str, Callable[[int], np.ndarray]] = {
            "word": lambda n: _words(_ranks(chance, n)),
            "hex8": lambda n: _HEX[chance.integers(0, 16, (n, 8))],
            "digits": lambda n: _HEX[chance.integers(0, 10, (n, 6))],
        }
        traces = chance.integers(0, 256, (max(self.traces, 1), 16), np.uint8)
        spans = chance.integers(0, 256, (max(self.spans, 1), 8), np.uint8)
        shown: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "time": lambda of: moments[of].astype("<i8").view(np.uint8).reshape(-1, 8),
            "nanoseconds": lambda of: _digits(moments[of], 19),
            "iso": lambda of: _iso(moments[of]),
            "loki": lambda of: _loki_times(moments[of]),
            "trace": lambda of: traces[of],
            "span": lambda of: spans[of],
            "hex32": lambda of: _hex(traces[of]),
        }
        for name, slots in self.slots.items():
            if not len(slots.starts):
                continue
            new = drawn[name](len(slots.starts)) if name in drawn else shown[name](slots.of)
            self.wire[slots.starts[:, None] + np.arange(new.shape[1])] = new
        return self.wire.tobytes()


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: where its requests go, and how they are made."""

    name: str
    path: str
    content_type: str
    make: Callable[[random.Random], Request]
    pack: Callable[[bytes], bytes] = bytes
    answers: frozenset[int] = frozenset({200, 204})

    def requests(self, seed: int) -> list[Request]:
        """Return its requests, the same for the same seed."""
        chance = random.Random(seed)
        return [self.make(chance) for _ in range(_BODIES)]


def _words(ranks: np.ndarray) -> np.ndarray:
    """Return words of nine letters: a permutation of the ranks, so that neighbours look different."""
    number = ranks * 2_718_281_828_459 % 26**9
    return _LETTERS[(number[:, None] // 26 ** np.arange(9, dtype=np.int64)) % 26]


def _ranks(chance: np.random.Generator, count: int) -> np.ndarray:
    """Return ranks of which each decade is as frequent as the next."""
    return np.floor(10 ** chance.uniform(0, np.log10(_VOCABULARY), count)).astype(np.int64)


def _digits(values: np.ndarray, width: int) -> np.ndarray:
    return _HEX[(values[:, None] // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)) % 10]


def _hex(raw: np.ndarray) -> np.ndarray:
    return _HEX[np.stack([raw >> 4, raw & 15], axis=-1).reshape(len(raw), -1)]


def _iso(moments: np.ndarray) -> np.ndarray:
    texts = np.datetime_as_string((moments // 1000).astype("datetime64[us]"))
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(len(moments), 26)


def _loki_times(moments: np.ndarray) -> np.ndarray:
    """Return google.protobuf.Timestamp with varints filled up to five bytes each."""
    out = np.empty((len(moments), 12), np.uint8)
    for column, tag, values in ((0, 0x08, moments // 10**9), (6, 0x10, moments % 10**9)):
        out[:, column] = tag
        for place in range(5):
            out[:, column + 1 + place] = (values >> (7 * place)) & 127 | (128 if place < 4 else 0)
    return out


_MARKS: Final = {
    "word": _WORD.encode(),
    "hex8": _HEX8.encode(),
    "hex32": _HEX32.encode(),
    "digits": _DIGITS.encode(),
    "nanoseconds": _NANOSECONDS.encode(),
    "iso": _ISO.encode(),
    "time": _RAW_TIME.to_bytes(8, "little"),
    "trace": _RAW_TRACE,
    "span": _RAW_SPAN,
    "loki": _LOKI_TIME,
}


def _request(
    wire: bytes, records: int, offsets: list[float], of: dict[str, list[int]], traces: int = 0, spans: int = 0
) -> Request:
    """Return a request of the bytes; `of` tells by name of slot what each is of, in their order."""
    made = Request(np.frombuffer(wire, np.uint8).copy(), records, np.array(offsets), traces, spans)
    for name, mark in _MARKS.items():
        starts = np.array([one.start() for one in re.finditer(re.escape(mark), wire)], np.int64)
        numbers = np.array(of.get(name, [0] * len(starts)), np.int64)
        if len(numbers) != len(starts):
            raise ValueError(f"{len(starts)} slots of {name}, {len(numbers)} expected")
        made.slots[name] = _Slots(starts, numbers)
    return made


@dataclass(frozen=True, slots=True)
class _Line:
    service: str
    stream: int
    level: str
    severity: int
    text: str
    attributes: dict[str, str | int]
    has_trace: bool


def _line(chance: random.Random, stream: int) -> _Line:
    kind = chance.random()
    service = _SERVICES[0] if kind < 0.5 else _SERVICES[1 + stream % (len(_SERVICES) - 1)]
    level, severity = chance.choices(_LEVELS, _LEVEL_WEIGHTS)[0]
    has_trace = chance.random() < 0.5
    attributes: dict[str, str | int] = {"thread.id": chance.randrange(40), "user.id": f"u{_DIGITS}"}
    where = chance.choice(("handler", "store", "worker", "client"))
    did = chance.choice(
        ("request completed", "cache missed", "upstream answered late", "order accepted", "message published")
    )
    if kind < 0.5:
        method, path = chance.choice(("GET", "GET", "GET", "POST", "PUT")), chance.choice(("cart", "orders"))
        status = chance.choices((200, 201, 204, 304, 404, 429, 500, 503), (80, 4, 3, 5, 5, 1, 1, 1))[0]
        level, severity = _LEVELS[2 if status >= 500 else 1 if status >= 400 else 0]
        attributes |= {"http.request.method": method, "http.response.status_code": status}
        text = (
            f"10.{chance.randrange(4)}.{chance.randrange(250)}.{chance.randrange(250)} - u{_DIGITS}"
            f' "{method} /api/v1/{path}/{_DIGITS}?tag={_WORD} HTTP/1.1" {status} {_DIGITS}'
            f' "https://shop.example.org/{path}" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/12"'
            f" rt=0.{_DIGITS} id={_HEX8}{_HEX8}"
        )
    elif kind < 0.75:
        text = json.dumps(
            {
                "level": level.lower(),
                "logger": f"shop.{service}.{where}",
                "thread": f"worker-{chance.randrange(40)}",
                "msg": f"{did} for {_WORD}",
                "user": f"u{_DIGITS}",
                "request": f"{_HEX8}{_HEX8}",
                "took_ms": f"{_DIGITS}",
                "region": chance.choice(("eu-west", "eu-central", "us-east")),
            }
        )
    elif kind < 0.9:
        text = (
            f"level={level.lower()} component={where} caller={where}.go:{chance.randrange(400)}"
            f' msg="{did}" tag={_WORD} user=u{_DIGITS} request={_HEX8}{_HEX8} took=0.{_DIGITS}s attempt=1'
        )
    else:
        text = f"{did}: {_WORD} of user u{_DIGITS} in {_DIGITS} us, request {_HEX8}{_HEX8}, worker {where}"
        if chance.random() < 0.1:
            text += "".join(
                f"\n\tat shop.{service}.{part}.run({part}.java:{chance.randrange(400)})"
                for part in ("Reservation", "Store", "Handler", "Listener")
            )
    return _Line(service, stream, level, severity, text, attributes, has_trace)


def _resource(stream: int, service: str) -> dict[str, str]:
    return {
        "service.name": service,
        "service.version": f"1.{stream % 4}",
        "deployment.environment.name": "production",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": f"{service}-{stream:02d}",
        "k8s.node.name": f"node-{stream % 5}",
        "host.name": f"node-{stream % 5}",
    }


def _drawn(chance: random.Random, count: int) -> list[_Line]:
    """Return lines, those of a stream beside each other."""
    streams = sorted(chance.randrange(_STREAMS) for _ in range(count))
    return sorted((_line(chance, one) for one in streams), key=lambda line: (line.stream, line.service))


def _add(attributes: list[KeyValue], values: dict[str, str | int] | dict[str, str]) -> None:
    for name, value in values.items():
        made = KeyValue(key=name)
        if isinstance(value, int):
            made.value.int_value = value
        else:
            made.value.string_value = value
        attributes.append(made)


def _otlp_logs(chance: random.Random) -> Request:
    request = ExportLogsServiceRequest()
    offsets: list[float] = []
    times: list[int] = []
    traces: list[int] = []
    last, scope = None, None
    for number, line in enumerate(_drawn(chance, LINES)):
        if (line.stream, line.service) != last:
            last = (line.stream, line.service)
            resource = request.resource_logs.add()
            _add(resource.resource.attributes, _resource(line.stream, line.service))  # type: ignore[arg-type]
            scope = resource.scope_logs.add()
        record = LogRecord(
            time_unix_nano=_RAW_TIME,
            observed_time_unix_nano=_RAW_TIME,
            severity_number=line.severity,  # type: ignore[arg-type]
            severity_text=line.level,
        )
        record.body.string_value = line.text
        _add(record.attributes, line.attributes)  # type: ignore[arg-type]
        offsets.append(chance.random())
        times += [number, number]
        if line.has_trace:
            record.trace_id, record.span_id = _RAW_TRACE, _RAW_SPAN
            traces.append(number)
        if scope is not None:
            scope.log_records.append(record)
    of = {"time": times, "trace": traces, "span": traces}
    return _request(request.SerializeToString(), LINES, offsets, of, LINES, LINES)


def _elastic(chance: random.Random) -> Request:
    lines = _drawn(chance, LINES)
    parts, traces = [], []
    for number, line in enumerate(lines):
        document = {"@timestamp": f"{_ISO}Z", "message": line.text, "level": line.level}
        if line.has_trace:
            document["trace.id"] = _HEX32
            traces.append(number)
        rest = {**_resource(line.stream, line.service), **line.attributes}
        parts.append('{"create":{"_index":"logs"}}\n' + json.dumps({**document, **rest}) + "\n")
    of = {"iso": list(range(LINES)), "hex32": traces}
    return _request("".join(parts).encode(), LINES, [chance.random() for _ in lines], of, LINES)


def _loki_lines(chance: random.Random) -> dict[str, list[tuple[int, _Line]]]:
    streams: dict[str, list[tuple[int, _Line]]] = {}
    for number, line in enumerate(_drawn(chance, LINES)):
        labels = {
            "service_name": line.service,
            "pod": f"{line.service}-{line.stream:02d}",
            "level": line.level,
        }
        streams.setdefault(json.dumps(labels), []).append((number, line))
    return streams


def _loki_json(chance: random.Random) -> Request:
    times: list[int] = []
    streams = []
    for labels, lines in _loki_lines(chance).items():
        times += [number for number, _ in lines]
        values = [
            [_NANOSECONDS, line.text, {name: str(value) for name, value in line.attributes.items()}]
            for _, line in lines
        ]
        streams.append({"stream": json.loads(labels), "values": values})
    wire = json.dumps({"streams": streams}, separators=(",", ":")).encode()
    return _request(wire, LINES, [chance.random() for _ in times], {"nanoseconds": times})


def _loki_protobuf(chance: random.Random) -> Request:
    """logproto.PushRequest: streams of labels as text and entries of time, line and structured metadata."""
    times: list[int] = []
    wire = b""
    for labels, lines in _loki_lines(chance).items():
        pairs = ", ".join(f'{name}="{value}"' for name, value in json.loads(labels).items())
        stream = prefixed(b"\x0a", f"{{{pairs}}}".encode())
        for number, line in lines:
            times.append(number)
            entry = prefixed(b"\x0a", _LOKI_TIME) + prefixed(b"\x12", line.text.encode())
            for name, value in line.attributes.items():
                pair = prefixed(b"\x0a", name.encode()) + prefixed(b"\x12", str(value).encode())
                entry += prefixed(b"\x1a", pair)
            stream += prefixed(b"\x12", entry)
        wire += prefixed(b"\x0a", stream)
    return _request(wire, LINES, [chance.random() for _ in times], {"loki": times})


def _otlp_spans(chance: random.Random) -> Request:
    request = ExportTraceServiceRequest()
    by_service: dict[str, list[tuple[Span, tuple[int, int, int, int]]]] = {}
    offsets: list[float] = []
    spans = traces = 0
    while spans < SPANS:
        begin = chance.random()
        count = chance.choice((5, 8, 12, 20, 35, 60))
        first = spans
        for number in range(count):
            service = _SERVICES[(number * 3 + traces) % len(_SERVICES)]
            parent = -1 if number == 0 else first + chance.randrange(max(0, number - 6), number)
            span = Span(
                trace_id=_RAW_TRACE,
                span_id=_RAW_SPAN,
                parent_span_id=b"" if parent < 0 else _RAW_SPAN,
                name=chance.choice(("GET /cart", "POST /orders", "SELECT items", "publish", "reserve")),
                kind=chance.choice((1, 2, 3)),  # type: ignore[arg-type]
                start_time_unix_nano=_RAW_TIME,
                end_time_unix_nano=_RAW_TIME,
            )
            status = 500 if chance.random() < 0.02 else 200
            values = {
                "http.response.status_code": status,
                "user.id": f"u{_DIGITS}",
                "tag": _WORD,
                "peer": _HEX8,
            }
            _add(span.attributes, values)  # type: ignore[arg-type]
            if status == 500:
                span.status.CopyFrom(Status(code=2, message="upstream failed"))  # type: ignore[arg-type]
            by_service.setdefault(service, []).append((span, (len(offsets), traces, spans, parent)))
            offsets += [begin, begin + chance.random() * 1e-4]
            spans += 1
        traces += 1
    of: dict[str, list[int]] = {"time": [], "trace": [], "span": []}
    for stream, (service, members) in enumerate(by_service.items()):
        resource = request.resource_spans.add()
        _add(resource.resource.attributes, _resource(stream, service))  # type: ignore[arg-type]
        scope = resource.scope_spans.add()
        for span, (moment, trace, own, parent) in members:
            scope.spans.append(span)
            of["time"] += [moment, moment + 1]
            of["trace"].append(trace)
            of["span"] += [own] if parent < 0 else [own, parent]
    return _request(request.SerializeToString(), spans, offsets, of, traces, spans)


def _snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
LOG_DOORS: Final = (
    Door("lines by OTLP", "/v1/logs", _PROTOBUF, _otlp_logs),
    Door("lines by Elasticsearch bulk", "/_bulk", "application/x-ndjson", _elastic),
    Door("lines by Loki push, protobuf", "/loki/api/v1/push", _PROTOBUF, _loki_protobuf, _snappy),
    Door("lines by Loki push, JSON", "/loki/api/v1/push", _JSON, _loki_json),
)
SPAN_DOOR: Final = Door("spans by OTLP", "/v1/traces", _PROTOBUF, _otlp_spans)
DOORS: Final = (*LOG_DOORS, SPAN_DOOR)
