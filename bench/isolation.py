"""Random reads of one tenant over every read route, and whether anything of another one comes back.

The other tenant has the same metrics with the same labels, marked by a word that no request says, and values
that give away any sum or count that they are part of. Requests name one tenant, in all the ways in which a
header, a parameter or an address can be written.
"""

from __future__ import annotations

import http.client
import json
import random
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import cramjam

from bench.bodies import varint

MINE: Final = "mine"
THEIRS: Final = "theirs"
MARK: Final = "CANARY"
"""In labels, values, help and exemplars of the other tenant, and in no request."""
SERIES: Final = 12
"""Of the tenant that asks, each with the value 1."""
_THEIR_VALUE: Final = 77_777_777.0
_METRICS: Final = ("m", "n", "target_info")


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def _series(labels: dict[str, str], value: float, end_ms: int) -> bytes:
    labelled = b"".join(_label(name, text) for name, text in sorted(labels.items()))
    samples = b"".join(
        _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(end_ms - 15_000 * k))
        for k in range(20, -1, -1)
    )
    exemplar = _field(1, _field(1, b"trace_id") + _field(2, labels["trace"].encode()))
    exemplar += b"\x11" + struct.pack("<d", value) + b"\x18" + varint(end_ms)
    return _field(1, labelled + samples + _field(3, exemplar))


def body_of(tenant: str, end_ms: int) -> bytes:
    """Return a remote write request of what a tenant holds."""
    is_mine = tenant == MINE
    value, count = (1.0, SERIES) if is_mine else (_THEIR_VALUE, 3 * SERIES)
    words = "trace" if is_mine else MARK
    parts = []
    for k in range(count):
        labels = {
            "__name__": _METRICS[k % len(_METRICS)],
            "instance": f"i{k % 4}",
            "job": "j",
            "i": str(k),
            "trace": f"{words}{k}",
            "tenant": f"tenant-{words}",
        }
        if not is_mine:
            labels[f"only_{MARK}"] = "x"
        parts.append(_series(labels, value, end_ms))
    if not is_mine:
        parts.append(_series({"__name__": f"{MARK}_metric", "trace": MARK}, value, end_ms))
    for name in _METRICS:
        entry = b"\x08\x02" + _field(2, name.encode()) + _field(4, f"help of {words}".encode())
        parts.append(_field(3, entry))
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


@dataclass(slots=True)
class Found:
    """What came back."""

    reads: int = 0
    leaks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Answers with a status of 500 and above, other than that something takes too long."""
    by_status: Counter[int] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Reads with a status of 200, by route."""


@dataclass(frozen=True, slots=True)
class Read:
    """One request."""

    route: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    expected: float | None = None
    """What the one value of the answer is, if it is an answer."""


_SELECTORS: Final = (
    '{__name__=~".+"}',
    '{tenant=~".*", __name__=~".*m.*"}',
    '{__tenant_id__=~".*", __name__!=""}',
    '{job="j"}',
    '{job=~"j|.*", i!~"never"}',
    "m",
    'n{instance=~"i.|.*"}',
    '{"m"}',
    'target_info{__tenant_id__!="x"}',
)
_SHAPES: Final = (
    "{a}",
    "{a} or {b}",
    "{a} unless {b} or {a}",
    "{a} and on () {b}",
    'label_replace({a}, "tenant", "theirs", "i", ".*")',
    'label_join({a}, "__tenant_id__", "|", "trace", "tenant")',
    "count by (trace, tenant) ({a})",
    'count_values("v", {a})',
    "topk(100, {a})",
    "max_over_time({a}[5m:15s])",
    "sum_over_time(({a} or {b})[3m:1m])",
    "rate({a}[5m]) or {b}",
    "{a} offset 1m or {b} @ end()",
    "last_over_time({a}[10m])",
    "absent({a}) or {b}",
    "group by (instance, job, trace) ({a}) * on (instance, job) group_left () group by (instance, job) ({b})",
    "info(m)",
    'info(m, {{trace=~".*"}})',
    "sort_desc({a})",
    "limitk(50, {a})",
    "timestamp({a})",
)
_COUNTED: Final = (
    ('count({__name__=~".+"})', float(SERIES)),
    ('sum({job="j"})', float(SERIES)),
    ('max({__name__=~".*"} or {job=~".*"})', 1.0),
    ('count(count by (i) ({tenant=~".*"}))', float(SERIES)),
    ('sum(count_over_time({job="j"}[1m:1m]) > bool 0)', float(SERIES)),
)


class Reader:
    """Makes random reads; the same seed makes the same."""

    def __init__(self, seed: int, end_ms: int) -> None:
        self._random = random.Random(seed)
        self._end_ms = end_ms
        self._routes: list[Callable[[], Read]] = [
            self._query,
            self._query,
            self._range,
            self._counted,
            self._catalogue,
            self._catalogue,
            self._values,
            self._metadata,
            self._exemplars,
            self._federate,
            self._remote_read,
            self._batch,
            self._board,
            self._status,
        ]

    def reads(self, count: int) -> Iterator[Read]:
        """Yield random reads."""
        for _ in range(count):
            yield self._random.choice(self._routes)()

    def _expression(self) -> str:
        pick = self._random.choice
        return pick(_SHAPES).format(a=pick(_SELECTORS), b=pick(_SELECTORS))

    def _time(self) -> str:
        return f"{(self._end_ms - self._random.choice([0, 0, 30_000, 150_000])) / 1000:.3f}"

    def _query(self) -> Read:
        return self._asked("query", [("query", self._expression()), ("time", self._time())])

    def _counted(self) -> Read:
        text, expected = self._random.choice(_COUNTED)
        time_s = f"{self._end_ms / 1000:.3f}"
        return self._asked("query", [("query", text), ("time", time_s)], expected=expected)

    def _range(self) -> Read:
        fields = [("query", self._expression()), *self._span(), ("step", self._random.choice(["15", "1m"]))]
        return self._asked("query_range", fields)

    def _span(self) -> list[tuple[str, str]]:
        return [("start", f"{(self._end_ms - 240_000) / 1000:.3f}"), ("end", f"{self._end_ms / 1000:.3f}")]

    def _catalogue(self) -> Read:
        route = self._random.choice(["series", "labels"])
        matches = [("match[]", self._random.choice(_SELECTORS)) for _ in range(self._random.randint(1, 3))]
        return self._asked(route, [*matches, *self._span()])

    def _values(self) -> Read:
        name = self._random.choice(["__name__", "trace", "tenant", "__tenant_id__", "job", "U__tenant", "i"])
        fields = [("match[]", self._random.choice(_SELECTORS))] if self._random.random() < 0.5 else []
        return self._asked(f"label/{name}/values", fields, forms=False)

    def _metadata(self) -> Read:
        fields = [("metric", self._random.choice(_METRICS))] if self._random.random() < 0.5 else []
        return self._asked("metadata", fields, forms=False)

    def _exemplars(self) -> Read:
        return self._asked("query_exemplars", [("query", self._expression()), *self._span()])

    def _status(self) -> Read:
        return self._asked(self._random.choice(["status/tsdb", "targets", "rules"]), [], forms=False)

    def _federate(self) -> Read:
        matches = [("match[]", self._random.choice(_SELECTORS)) for _ in range(self._random.randint(1, 3))]
        return Read("federate", "GET", f"{self._spelled('/federate')}?{urlencode(matches)}", self._headers())

    def _remote_read(self) -> Read:
        name, pattern = self._random.choice(
            [("__name__", ".+"), ("job", "j"), ("tenant", ".*"), ("trace", ".+"), ("__tenant_id__", ".*")]
        )
        matcher = _field(3, b"\x08\x02" + _field(2, name.encode()) + _field(3, pattern.encode()))
        everything = _field(3, b"\x08\x02" + _field(2, b"__name__") + _field(3, b".+"))
        span = b"\x08" + varint(self._end_ms - 240_000) + b"\x10" + varint(self._end_ms)
        kinds = self._random.choice([b"", b"\x10\x00", b"\x10\x01"])
        body = _field(1, span + matcher + everything) + kinds
        headers = (("Content-Encoding", "snappy"), ("Content-Type", "application/x-protobuf"))
        packed = bytes(cramjam.snappy.compress_raw(body))
        path = self._spelled("/api/v1/read")
        return Read("read", "POST", path, (*self._headers(), *headers), packed)

    def _batch(self) -> Read:
        queries = [{"query": self._expression(), "time": self._end_ms / 1000} for _ in range(3)]
        headers = (*self._headers(), ("Content-Type", "application/json"))
        body = json.dumps({"queries": queries}).encode()
        return Read("query_batch", "POST", self._spelled("/api/query_batch"), headers, body)

    def _board(self) -> Read:
        """Ask for all that a dashboard shows, of which nobody saved anything."""
        chosen = f"label_values({self._random.choice(_SELECTORS)}, {self._random.choice(['trace', 'i'])})"
        panel = {"id": 1, "type": "timeseries", "targets": [{"refId": "A", "expr": self._expression()}]}
        document = {
            "title": "board",
            "panels": [panel],
            "templating": {"list": [{"name": "v", "type": "query", "query": chosen, "refresh": 2}]},
        }
        asked = {"document": document, "from": self._end_ms - 240_000, "to": self._end_ms}
        route = self._random.choice(["dashboard_query", "dashboard_variables"])
        headers = (*self._headers(), ("Content-Type", "application/json"))
        path = self._spelled(f"/api/pharos/{route}")
        return Read(route, "POST", path, headers, json.dumps(asked).encode())

    def _asked(
        self,
        route: str,
        fields: list[tuple[str, str]],
        *,
        forms: bool = True,
        expected: float | None = None,
    ) -> Read:
        """Return a request to the Prometheus API, with parameters that might name a tenant too."""
        names = ("tenant", "X-Scope-OrgID", "orgId", "__tenant_id__", "org_id")
        if self._random.random() < 0.3:
            fields = [*fields, (self._random.choice(names), THEIRS)]
        if self._random.random() < 0.15 and fields and expected is None:
            fields = [*fields, self._random.choice(fields)]
        path = self._spelled(f"/api/v1/{route}")
        if forms and self._random.random() < 0.4:
            headers = (*self._headers(), ("Content-Type", "application/x-www-form-urlencoded"))
            return Read(route, "POST", path, headers, urlencode(fields).encode(), expected)
        return Read(route, "GET", f"{path}?{urlencode(fields)}", self._headers(), expected=expected)

    def _spelled(self, path: str) -> str:
        """Return an address as it is, mostly, or written in some other way."""
        ways: list[Callable[[str], str]] = [
            lambda text: "/" + text,
            lambda text: text.replace("/", "//"),
            lambda text: text.replace("/v1/", "/v1/./").replace("/api/query", "/api/./query"),
            lambda text: text.replace("/v1/", "/v1/../v1/"),
            lambda text: text[0] + quote(text[1:], safe="").replace("%2F", "%2f"),
            lambda text: text.replace("/", "%252f"),
            str.upper,
            lambda text: text + "/",
            lambda text: text + ";tenant=" + THEIRS,
            lambda text: f"/{THEIRS}{text}",
            lambda text: text + "%00",
        ]
        return path if self._random.random() < 0.8 else self._random.choice(ways)(path)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        """Return headers of which at most one names a tenant in the way that counts."""
        own = (self._random.choice(["X-Scope-OrgID", "x-scope-orgid", "X-SCOPE-ORGID"]), MINE)
        more: list[tuple[tuple[str, str], ...]] = [
            (own, ("X-Scope-OrgID", THEIRS)),
            (("X-Scope-OrgID", THEIRS), own),
            (("X-Scope-OrgID", f"{MINE},{THEIRS}"),),
            (("X-Scope-OrgID", f"{MINE} {THEIRS}"),),
            (("X-Scope-OrgID", f"{MINE}%7C{THEIRS}"),),
            (("X-Scope-OrgID", THEIRS.upper()),),
            (("X-Scope-OrgID", f"{MINE}/../{THEIRS}"),),
            (own, ("X-Tenant", THEIRS), ("X-Org-Id", THEIRS), ("THANOS-TENANT", THEIRS)),
            (own, ("X-Scope-OrgID ", THEIRS)),
            (own, ("X-Forwarded-Prefix", f"/{THEIRS}"), ("X-Original-URL", "/federate")),
        ]
        packed = (("Accept-Encoding", "gzip"),) if self._random.random() < 0.3 else ()
        chosen = (own,) if self._random.random() < 0.8 else self._random.choice(more)
        return (*chosen, *packed)


def write(port: int, end_ms: int) -> None:
    """Write what both tenants hold, and wait until all of it can be read."""
    for tenant in (THEIRS, MINE):
        headers = {"X-Scope-OrgID": tenant, "Content-Encoding": "snappy"}
        status, words = once(port, "POST", "/api/v1/write", headers, body_of(tenant, end_ms))
        if status not in {200, 204}:
            raise RuntimeError(f"what {tenant} holds was not taken: {status} {words[:200]!r}")
    wanted = {MINE: SERIES, THEIRS: 3 * SERIES + 1}
    for tenant, count in wanted.items():
        fields = {"query": 'count({__name__=~".+"})', "time": f"{end_ms / 1000:.3f}", "nocache": "1"}
        for _ in range(600):
            path = f"/api/v1/query?{urlencode(fields)}"
            _, content = once(port, "GET", path, {"X-Scope-OrgID": tenant})
            found = json.loads(content)["data"]["result"]
            if found and float(found[0]["value"][1]) == count:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{count} series of {tenant} were never seen")


def once(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    """Return status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def read_all(port: int, reads: Iterator[Read]) -> Found:
    """Send all reads and look through what comes back."""
    found = Found()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for one in reads:
        found.reads += 1
        try:
            connection.putrequest(one.method, one.path, skip_accept_encoding=True)
            for name, value in one.headers:
                connection.putheader(name, value)
            if one.method == "POST":
                connection.putheader("Content-Length", str(len(one.body)))
            connection.endheaders(one.body or None)
            answer = connection.getresponse()
            content, headers = answer.read(), answer.headers
        except (http.client.HTTPException, ValueError, ConnectionError):
            connection.close()
            found.by_status[0] += 1
            continue
        found.by_status[answer.status] += 1
        if answer.status >= 500 and answer.status != 503:
            found.faults.append(f"{answer.status} {one}")
        if answer.status == 200:
            found.answered[one.route] += 1
        plain = unpacked(content, headers.get("Content-Encoding", ""))
        if is_theirs(plain) or (answer.status == 200 and is_miscounted(plain, one.expected)):
            found.leaks.append(f"{one}: {plain[:300]!r}")
    connection.close()
    return found


def unpacked(content: bytes, encoding: str) -> bytes:
    """Return an answer's body as it was before it was packed."""
    if encoding == "gzip":
        return zlib.decompressobj(31).decompress(content)
    if encoding == "snappy" and content:
        return bytes(cramjam.snappy.decompress_raw(content))
    return content


def is_theirs(plain: bytes) -> bool:
    """Return whether anything of the other tenant stands in an answer."""
    return MARK.encode() in plain or b"77777777" in plain or struct.pack("<d", _THEIR_VALUE) in plain


def is_miscounted(plain: bytes, expected: float | None) -> bool:
    """Return whether the one value of an answer is another than that of the tenant alone."""
    if expected is None or not plain.startswith(b"{"):
        return False
    result: Any = json.loads(plain)["data"]["result"]
    return bool(result) and float(result[0]["value"][1]) != expected
