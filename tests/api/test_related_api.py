"""`/api/related` of a server that has something of every signal: what is told, why, and what is refused."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import yaml

_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "related.yaml").read_text())
_TENANT = "related"
_NS = 10**9
_SIGNALS = ("logs", "traces", "series", "alerts")


def _attributes(pairs: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]


def _id(short: Any, digits: int) -> str:
    return str(short).rjust(digits, "0") if short else ""


@dataclass(frozen=True)
class Asker:
    """Sends to a server and asks it, for one tenant."""

    url: str
    begin_ns: int

    def exchange(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Return (status, answer); with a body it is a POST."""
        headers = {"X-Scope-OrgID": _TENANT, "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}{path}", sent, headers), timeout=120
            ) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.load(exc)

    def data(self, path: str, **parameters: Any) -> Any:
        """Return the data of an answer that must succeed."""
        status, answer = self.exchange(f"{path}?{urlencode(parameters)}")
        assert status == 200, answer
        return answer["data"]

    def at_ns(self, seconds: float) -> int:
        """Return a time of the cases."""
        return self.begin_ns + int(seconds * _NS)

    def send(self) -> None:
        """Send all that the cases tell of."""
        for name, resource in _CASES["resources"].items():
            about = {"attributes": _attributes(resource)}
            lines = [self._line(row) for row in _CASES["lines"] if row["of"] == name]
            spans = [self.span(row) for row in _CASES["spans"] if row["of"] == name]
            metrics = [self._exemplar(row) for row in _CASES["exemplars"] if row["of"] == name]
            metrics += [self._gauge(row) for row in _CASES["gauges"] if row["of"] == name]
            for path, part in (
                ("logs", {"resourceLogs": [{"resource": about, "scopeLogs": [{"logRecords": lines}]}]}),
                ("traces", {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": spans}]}]}),
                (
                    "metrics",
                    {"resourceMetrics": [{"resource": about, "scopeMetrics": [{"metrics": metrics}]}]},
                ),
            ):
                status, answer = self.exchange(f"/v1/{path}", part)
                assert status == 200, answer
        status, answer = self.exchange("/api/v2/alerts", [{"labels": labels} for labels in _CASES["alerts"]])
        assert status == 200, answer

    def _line(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "timeUnixNano": str(self.at_ns(row["at"])),
            "severityNumber": row["severity"],
            "body": {"stringValue": row["body"]},
            "traceId": _id(row.get("trace"), 32),
            "spanId": _id(row.get("span"), 16),
        }

    def span(self, row: Mapping[str, Any]) -> dict[str, Any]:
        start = self.at_ns(row["at"])
        links = [{"traceId": _id(one, 32), "spanId": _id(4, 16)} for one in row.get("links", ())]
        return {
            "traceId": _id(row["trace"], 32),
            "spanId": _id(row["span"], 16),
            "parentSpanId": _id(row.get("parent"), 16),
            "name": row["name"],
            "kind": 2,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + row["ms"] * 1_000_000),
            "status": {"code": row.get("status", 0)},
            "links": links,
        }

    def _exemplar(self, row: Mapping[str, Any]) -> dict[str, Any]:
        at = str(self.at_ns(row["at"]))
        point = {
            "timeUnixNano": at,
            "count": "1",
            "sum": row["value"],
            "bucketCounts": ["0", "1", "0"],
            "explicitBounds": [0.5, 1],
            "exemplars": [{"timeUnixNano": at, "asDouble": row["value"], "traceId": _id(row["trace"], 32)}],
        }
        histogram = {"aggregationTemporality": 2, "dataPoints": [point]}
        return {"name": row["name"], "unit": "s", "histogram": histogram}

    def _gauge(self, row: Mapping[str, Any]) -> dict[str, Any]:
        point = {"timeUnixNano": str(self.at_ns(row["at"])), "asDouble": row["value"]}
        return {"name": row["name"], "gauge": {"dataPoints": [point]}}

    def is_stored(self) -> bool:
        """Return whether the last of each signal is found."""
        found = (
            len(self.data("/api/logs/search")["lines"]) == len(_CASES["lines"]),
            len(self.data("/api/spans/search")["traces"]) == 4,
            len(self.data("/api/v1/series", **{"match[]": '{job=~".+"}'})) >= 5,
            len(self.data("/api/alerting/alerts")["alerts"]) == len(_CASES["alerts"]),
        )
        return all(found)

    def parameters(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a question of the cases."""
        found = {name: ask[name] for name in ("series", "labels", "around", "limit") if name in ask}
        if "at" in ask:
            found["time"] = self.at_ns(ask["at"])
        if "line" in ask:
            (line,) = self.data("/api/logs/search", query=f'"{ask["line"]}"')["lines"]
            found |= {"origin": line["origin"], "ts": line["ts_ns"]}
        if "trace" in ask:
            found |= {"trace_id": ask["trace"], "span_id": ask.get("span", "")}
        if "alert" in ask:
            alerts = self.data("/api/alerting/alerts")["alerts"]
            (found["fingerprint"],) = (
                one["fingerprint"] for one in alerts if one["labels"]["alertname"] == ask["alert"]
            )
        if "labels_of" in ask:
            found["alert"] = ask["labels_of"]
        return found


@pytest.fixture(scope="module")
def asker(pharos_url: str) -> Asker:
    """A tenant that has all that the cases tell of."""
    found = Asker(pharos_url, (time.time_ns() // _NS - 60) * _NS)
    found.send()
    for _ in range(300):
        if found.is_stored():
            return found
        threading.Event().wait(0.2)
    raise AssertionError("what was sent did not arrive")


def _told(signal: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    name = {"logs": "body", "traces": "name", "series": "metric", "alerts": "name"}[signal]
    if signal == "traces":
        return {one[name]: one["reasons"] for one in items}
    return {one[name]: one["reasons"][0] for one in items}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES["cases"]])
def test_what_else_happened_is_told_with_its_reason(asker: Asker, case: dict[str, Any]) -> None:
    found = asker.data("/api/related", **asker.parameters(case["ask"]))
    for signal in _SIGNALS:
        assert (found[signal]["failure"], found[signal]["lacks"]) == ("", "")
        if signal in case:
            assert _told(signal, found[signal]["items"]) == case[signal]
    if "resource" in case:
        assert found["subject"]["resource"] == case["resource"]
    if "has_more" in case:
        assert [signal for signal in _SIGNALS if found[signal]["has_more"]] == case["has_more"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES["refused"]])
def test_what_cannot_be_asked_is_refused_by_name(asker: Asker, case: dict[str, Any]) -> None:
    status, answer = asker.exchange(f"/api/related?{urlencode(case['with'])}")
    assert (status, case["says"] in answer["error"]) == (case["status"], True), answer


def test_links_carry_the_time_and_the_tenant(asker: Asker) -> None:
    found = asker.data("/api/related", **asker.parameters({"line": "checkout failed"}))
    links = {
        "logs": ("/logs", "trace_id:" + _id("a", 32)),
        "traces": ("/traces", ""),
        "series": ("/explore", found["series"]["items"][0]["expression"]),
        "alerts": ("/alerts", ""),
    }
    for signal, (path, query) in links.items():
        address = urlsplit(found[signal]["link"])
        search = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert address.path == path
        assert search["tenant"] == _TENANT
        assert search["from"] < search["to"]
        assert query in (search.get("q"), search.get("q0"), "")
    line = next(one for one in found["logs"]["items"] if one["body"] == "no such cart")
    assert f"line={line['origin']}.{line['ts_ns']}" in line["link"]
    assert urlsplit(found["traces"]["items"][0]["link"]).path == f"/traces/{_id('a', 32)}"


def test_expressions_of_series_find_what_was_sent(asker: Asker) -> None:
    found = asker.data("/api/related", **asker.parameters({"alert": "FrontSlow"}))
    expressions = {one["metric"]: one["expression"] for one in found["series"]["items"]}
    assert expressions == {
        "checkout_duration_seconds": "histogram_quantile(0.99, sum by (le)"
        ' (rate(checkout_duration_seconds_bucket{job="front"}[5m])))',
        "queue_length": 'queue_length{job="front"}',
    }
    at = asker.begin_ns // _NS
    answer = asker.data("/api/v1/query", query=expressions["queue_length"], time=at)
    assert [one["value"][1] for one in answer["result"]] == ["7"]


def test_what_people_changed_is_told(asker: Asker) -> None:
    silence = {
        "matchers": [{"name": "alertname", "value": "Nothing", "isRegex": False}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2126-01-01T00:00:00Z",
        "createdBy": "ada",
        "comment": "deploy",
    }
    status, answer = asker.exchange("/api/v2/silences", silence)
    assert status == 200, answer
    found = asker.data("/api/related", **asker.parameters({"line": "checkout failed"}))
    changes = {one["action"]: one for one in found["changes"]["items"]}
    assert changes["silence.create"]["reasons"] == ["same time"]
    assert urlsplit(changes["silence.create"]["link"]).path == "/audit"


def test_what_began_is_told(asker: Asker) -> None:
    began_s = asker.begin_ns / _NS - 600

    def resource(version: str) -> dict[str, Any]:
        return {"attributes": _attributes({"service.name": "shipping", "service.version": version})}

    for minute, version in ((-20, "1.3"), (-15, "1.3"), (-5, "1.4"), (-4, "1.3")):
        row = {"at": minute * 60, "ms": 5, "name": "ship", "trace": f"e{minute % 97}", "span": 7}
        sent = {"resource": resource(version), "scopeSpans": [{"spans": [asker.span(row)]}]}
        assert asker.exchange("/v1/traces", {"resourceSpans": [sent]})[0] == 200
    point = {"timeUnixNano": str(asker.at_ns(0)), "asDouble": began_s}
    gauge = {"name": "process_start_time_seconds", "gauge": {"dataPoints": [point]}}
    sent = {"resource": resource("1.4"), "scopeMetrics": [{"metrics": [gauge]}]}
    assert asker.exchange("/v1/metrics", {"resourceMetrics": [sent]})[0] == 200

    found = asker.data(
        "/api/related", alert='{alertname="Late", job="shipping"}', time=asker.begin_ns // 10**6
    )
    process, version = sorted(found["starts"]["items"], key=lambda one: one["what"])
    assert (process["what"], process["reasons"]) == ("process", ["same service"])
    assert abs(int(process["at_ns"]) / _NS - began_s) < 1
    assert (version["what"], version["version"], version["before"]) == ("version", "1.4", "1.3")
    # Steps of half a minute, and a bit.
    assert abs(int(version["at_ns"]) - asker.at_ns(-300)) < 40 * _NS
    assert urlsplit(version["link"]).path == "/traces"
    assert urlsplit(process["link"]).path == "/logs"


def test_another_tenant_is_told_nothing(asker: Asker) -> None:
    parameters = asker.parameters({"line": "checkout failed"})
    request = urllib.request.Request(
        f"{asker.url}/api/related?{urlencode(parameters)}", headers={"X-Scope-OrgID": "stranger"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=120)
    with refused.value as exc:
        assert exc.code == 404
