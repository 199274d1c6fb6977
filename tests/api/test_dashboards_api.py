"""Dashboards over HTTP: kept and given back, asked in one stream, folders, and Grafana's own addresses."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
from pathlib import Path
from typing import Any, Final

import pytest
from tests.api.peers import STEP_MS, Peer

JSON: Final = {"Content-Type": "application/json"}


class Desk:
    """Asks a server about dashboards."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        sent = None if body is None else json.dumps(body).encode()
        answer = self.peer.ask(method, path, sent, JSON if body is not None else None)
        return answer.status, json.loads(answer.body)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        status, found = self.ask(method, path, body)
        assert status == 200, found
        return found["data"] if "/api/pharos/" in path else found

    def lines(self, asked: dict[str, Any]) -> list[Any]:
        answer = self.peer.ask("POST", "/api/pharos/dashboard_query", json.dumps(asked).encode(), JSON)
        assert answer.status == 200, answer.body
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.body.splitlines()]

    def by_kind(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {line["kind"]: line for line in self.lines(asked)}

    def frames(self, panel: dict[str, Any], **asked: Any) -> list[Any]:
        document = {"title": "t", "panels": [{"id": 1, "type": "timeseries", **panel}]}
        line = self.by_kind({"document": document, "include": ["panels"], **asked})["panel"]
        assert line["errors"] == []
        found: list[Any] = line["frames"]
        return found


@pytest.fixture(scope="module")
def desk(pharos: Peer) -> Desk:
    """A tenant that is there: the first write to it makes it, a moment later."""
    found = Desk(pharos)
    for _ in range(300):
        if pharos.tenant in [one["id"] for one in found.ask("GET", "/api/tenants")[1]["data"]]:
            return found
        time.sleep(0.05)
    raise AssertionError("the tenant is not there")


def dashboard(uid: str, **said: Any) -> dict[str, Any]:
    return {"uid": uid, "title": f"Title of {uid}", "panels": [], "odd": {"kept": [1, 2.5, None]}, **said}


def test_what_was_brought_is_given_back_the_same_with_every_version(desk: Desk) -> None:
    document = dashboard("kept", tags=["a"])
    made = desk.done("POST", "/api/pharos/dashboards_import", {"document": {"dashboard": document}})
    assert (made["uid"], made["version"], made["is_new"], made["format"]) == ("kept", 1, True, "classic")
    assert desk.ask("GET", "/api/pharos/dashboards/kept/export")[1] == document
    again = {"document": document}
    assert desk.ask("POST", "/api/pharos/dashboards_import", again)[0] == 409
    saved = desk.done(
        "PUT",
        "/api/pharos/dashboards/kept",
        {"version": 1, "message": "why", "changes": [{"op": "set", "settings": {"title": "New"}}]},
    )
    assert (saved["version"], saved["title"], saved["document"]["odd"]) == (2, "New", document["odd"])
    status, refused = desk.ask("PUT", "/api/pharos/dashboards/kept", {"version": 1, "document": document})
    assert (status, refused["errorType"]) == (409, "conflict")
    versions = desk.done("GET", "/api/pharos/dashboards/kept/versions")
    assert [(one["version"], one["message"]) for one in versions] == [(2, "why"), (1, "")]
    diff = desk.done("GET", "/api/pharos/dashboards/kept/diff?from=1")
    assert ("title", "changed") in [(one["path"], one["kind"]) for one in diff["changes"]]
    assert desk.done("DELETE", "/api/pharos/dashboards/kept")["uid"] == "kept"
    assert desk.ask("GET", "/api/pharos/dashboards/kept")[0] == 404
    gone = desk.done("GET", "/api/pharos/dashboards?deleted=true")["dashboards"]
    assert [one["uid"] for one in gone] == ["kept"]
    back = desk.done("POST", "/api/pharos/dashboards/kept/restore", {"version": 1})
    assert (back["version"], back["document"]) == (4, document)


def test_a_rehearsal_keeps_nothing_and_says_what_would_be_lost(desk: Desk) -> None:
    document = dashboard("rehearsed", panels=[{"id": 3, "type": "hologram", "title": "H"}])
    body = {"text": json.dumps(document), "dry_run": True}
    found = desk.done("POST", "/api/pharos/dashboards_import", body)
    assert [(one["level"], one["panel"]) for one in found["report"]] == [("lost", 3)]
    assert desk.ask("GET", "/api/pharos/dashboards/rehearsed")[0] == 404


def test_lists_are_searched_by_words_tags_and_folders(desk: Desk) -> None:
    folder = desk.done("POST", "/api/pharos/folders", {"title": "Ops team", "uid": "ops"})
    assert (folder["uid"], folder["dashboards"]) == ("ops", 0)
    for uid, place in (("list-a", "ops"), ("list-b", "")):
        body = {"document": dashboard(uid, tags=["listed", uid]), "folder": place}
        desk.done("POST", "/api/pharos/dashboards", body)

    def found(query: str) -> list[str]:
        path = f"/api/pharos/dashboards?{query}"
        return [one["uid"] for one in desk.done("GET", path)["dashboards"]]

    assert found("tag=listed") == ["list-a", "list-b"]
    assert found("tag=listed&query=ops+title") == ["list-a"]
    assert found("tag=listed&folder=general") == ["list-b"]
    assert found("tag=listed&limit=1&offset=1") == ["list-b"]
    assert desk.ask("DELETE", "/api/pharos/folders/ops")[0] == 409
    moved = desk.done("POST", "/api/pharos/dashboards/list-b/move", {"folder": "ops"})
    assert moved["folder_title"] == "Ops team"
    assert desk.done("DELETE", "/api/pharos/folders/ops?force=true") == {"deleted": 2}
    assert desk.ask("POST", "/api/pharos/dashboards/list-b/move", {"folder": ""})[0] == 404


def test_entries_of_a_folder_are_kept_and_bad_ones_refused(desk: Desk) -> None:
    desk.done("POST", "/api/pharos/folders", {"title": "Closed", "uid": "closed"})
    entries = {"entries": [{"subject": "role:editor", "permission": "edit"}]}
    path = "/api/pharos/folders/closed/permissions"
    assert desk.done("PUT", path, entries) == entries
    assert desk.done("GET", path) == entries
    assert desk.ask("PUT", path, {"entries": [{"subject": "x", "permission": "edit"}]})[0] == 400
    assert [
        one["restricted"] for one in desk.done("GET", "/api/pharos/folders") if one["uid"] == "closed"
    ] == [True]


def _series(desk: Desk, path: str) -> dict[tuple[tuple[str, str], ...], dict[int, str]]:
    found = desk.peer.ask("GET", path).json()["data"]["result"]
    return {
        tuple(sorted(one["metric"].items())): {round(at * 1000): value for at, value in one["values"]}
        for one in found
    }


@pytest.mark.parametrize(
    "expr",
    [
        "requests_total",
        "rate(requests_total[$__rate_interval])",
        "odd",
        "sum by (job) (requests_total)",
        "1/0",
    ],
)
def test_a_panel_shows_what_the_query_api_answers(desk: Desk, end_ms: int, expr: str) -> None:
    start_ms = end_ms - 30 * 60_000
    target = {"refId": "A", "expr": expr}
    (frame,) = desk.frames({"targets": [target]}, **{"from": start_ms, "to": end_ms, "width_px": 4000})
    times = frame["times"]
    assert times["step"] == STEP_MS
    first, last = start_ms // STEP_MS * STEP_MS, end_ms // STEP_MS * STEP_MS
    assert (times["start"], times["start"] + times["step"] * (times["count"] - 1)) == (first, last)
    query = urllib.parse.quote(expr.replace("$__rate_interval", "1m"))
    path = f"/api/v1/query_range?query={query}&start={first / 1000}&end={last / 1000}&step=15"
    expected = _series(desk, path)
    found = {}
    for one in frame["series"]:
        values = {
            first + place * STEP_MS: value for place, value in enumerate(one["values"]) if value is not None
        }
        found[tuple(sorted(one["labels"].items()))] = values
    assert found.keys() == expected.keys()
    assert expected
    for labels, values in expected.items():
        assert found[labels].keys() == values.keys()
        for at, value in values.items():
            mine, theirs = float(found[labels][at]), float(value)
            assert mine == theirs or (math.isnan(mine) and math.isnan(theirs))


def test_tables_and_moments_have_columns_of_labels(desk: Desk, end_ms: int) -> None:
    target = {"refId": "A", "expr": "sum by (job) (requests_total)", "format": "table", "instant": True}
    (frame,) = desk.frames({"type": "table", "targets": [target]}, **{"from": end_ms - 60_000, "to": end_ms})
    assert frame["shape"] == "table"
    assert [(one["name"], one["type"]) for one in frame["columns"]] == [
        ("Time", "time"),
        ("job", "string"),
        ("Value", "number"),
    ]
    assert frame["columns"][0]["values"] == [end_ms] * len(frame["columns"][1]["values"])


def test_buckets_are_told_apart_and_in_order(desk: Desk, end_ms: int) -> None:
    target = {"refId": "A", "expr": "sum by (le) (lat_bucket)", "format": "heatmap"}
    (frame,) = desk.frames(
        {"type": "heatmap", "targets": [target]}, **{"from": end_ms - 60_000, "to": end_ms}
    )
    names = [one["name"] for one in frame["series"]]
    assert names == sorted(names, key=float)
    assert names[-1] == "+Inf"
    assert all(value is None or value >= 0 for one in frame["series"] for value in one["values"])


def test_a_target_that_fails_leaves_the_others_and_is_named(desk: Desk) -> None:
    targets = [
        {"refId": "A", "expr": "sum("},
        {"refId": "B", "expr": "1"},
        {"refId": "C", "datasource": {"type": "mysql", "uid": "x"}, "rawSql": "SELECT 1"},
        {
            "refId": "D",
            "datasource": {"type": "__expr__", "uid": "__expr__"},
            "type": "math",
            "expression": "$B * 2",
        },
    ]
    document = {"title": "t", "panels": [{"id": 1, "type": "stat", "targets": targets}]}
    lines = desk.by_kind({"document": document, "from": "now-5m", "to": "now"})
    assert [(one["ref"], one["error_type"]) for one in lines["panel"]["errors"]] == [
        ("A", "bad_data"),
        ("C", "unsupported"),
    ]
    assert [one["ref"] for one in lines["panel"]["frames"]] == ["B", "D"]
    assert set(lines["panel"]["frames"][1]["series"][0]["values"]) == {2.0}
    assert (lines["end"]["failed"], list(lines)) == (2, ["range", "variables", "layout", "panel", "end"])


def test_variables_follow_one_another_and_repeat_panels(desk: Desk, end_ms: int) -> None:
    document = {
        "title": "On $job",
        "templating": {
            "list": [
                {"name": "job", "type": "query", "query": "label_values(requests_total, job)", "sort": 1},
                {
                    "name": "i",
                    "type": "query",
                    "query": 'label_values(requests_total{job="$job"}, instance)',
                    "multi": True,
                    "includeAll": True,
                    "sort": 1,
                },
            ]
        },
        "panels": [
            {
                "id": 1,
                "type": "stat",
                "title": "$i",
                "repeat": "i",
                "targets": [{"refId": "A", "expr": 'requests_total{instance=~"$i"}'}],
            }
        ],
    }
    asked = {"document": document, "from": end_ms - 60_000, "to": end_ms}
    lines = desk.lines(asked)
    job, instance = next(line for line in lines if line["kind"] == "variables")["variables"]
    assert job["error"] is None
    assert job["value"] == [job["options"][0]["value"]]
    assert (instance["value"], instance["depends_on"]) == (["$__all"], ["job"])
    layout = next(line for line in lines if line["kind"] == "layout")
    assert layout["title"] == f"On {job['value'][0]}"
    panels = layout["tabs"][0]["rows"][0]["panels"]
    values = [one["value"] for one in instance["options"][1:]]
    assert [one["title"] for one in panels] == values
    answered = {line["panel"]: line["frames"] for line in lines if line["kind"] == "panel"}
    for value in values:
        (frame,) = answered[f"p:1@i={value}"]
        assert {one["labels"]["instance"] for one in frame["series"]} <= {value}
    key = f"p:1@i={values[0]}"
    refreshed = desk.lines(
        {
            **asked,
            "variables": {"job": job["value"], "i": [values[0]]},
            "refresh_variables": False,
            "include": ["panels"],
            "panels": [key],
        }
    )
    assert [line.get("panel") for line in refreshed if line["kind"] == "panel"] == [key]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"uid": "nobody"}, 404),
        ({"document": {"a": 1}}, 400),
        ({"document": {"title": "t"}, "from": "later"}, 400),
        ({"document": {"title": "t"}, "from": "now", "to": "now-1h"}, 400),
        ({"document": {"title": "t"}, "include": ["x"]}, 400),
        ({"document": {"title": "t"}, "nobody": 1}, 400),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_first_line(
    desk: Desk, asked: dict[str, Any], status: int
) -> None:
    answer = desk.peer.ask("POST", "/api/pharos/dashboard_query", json.dumps(asked).encode(), JSON)
    assert answer.status == status


def test_grafanas_tools_keep_dashboards_by_its_own_addresses(desk: Desk) -> None:
    document = dashboard("tool", id=None, version=0)
    made = desk.done("POST", "/api/dashboards/db", {"dashboard": document, "message": "m"})
    assert (made["uid"], made["status"], made["version"]) == ("tool", "success", 1)
    found = desk.done("GET", "/api/dashboards/uid/tool")
    assert found["dashboard"] == {**document, "id": made["id"], "version": 1}
    assert (found["meta"]["version"], found["meta"]["provisioned"]) == (1, False)
    status, refused = desk.ask("POST", "/api/dashboards/db", {"dashboard": document})
    assert (status, refused["status"]) == (412, "name-exists")
    stale = {"dashboard": {**found["dashboard"], "title": "T2"}}
    desk.done("POST", "/api/dashboards/db", stale)
    status, refused = desk.ask("POST", "/api/dashboards/db", stale)
    assert (status, refused["status"]) == (412, "version-mismatch")
    folder = desk.done("POST", "/api/folders", {"title": "F", "uid": "tf"})
    desk.done("POST", "/api/dashboards/db", {**stale, "folderUid": folder["uid"], "overwrite": True})
    searched = desk.done("GET", "/api/search?folderUIDs=tf&type=dash-db")
    assert [(one["uid"], one["folderTitle"]) for one in searched] == [("tool", "F")]
    assert len(desk.done("GET", "/api/dashboards/uid/tool/versions")["versions"]) == 3
    assert desk.done("DELETE", "/api/folders/tf")["title"] == "F"
    status, gone = desk.ask("GET", "/api/dashboards/uid/tool")
    assert (status, "message" in gone) == (404, True)


def test_lines_and_spans_are_answered_beside_metrics(desk: Desk) -> None:
    now_ns = time.time_ns()
    lines = [[str(now_ns - place * 10**9), f"line {place}"] for place in range(3)]
    streams = {"streams": [{"stream": {"service_name": "shop", "app": "boards"}, "values": lines}]}
    pushed = desk.peer.ask("POST", "/loki/api/v1/push", json.dumps(streams).encode(), JSON)
    assert pushed.status == 204, pushed.body
    trace = f"{now_ns:032x}"
    span = {
        "traceId": trace,
        "id": trace[-16:],
        "name": "buy",
        "timestamp": now_ns // 1000 - 1_000_000,
        "duration": 5000,
        "localEndpoint": {"serviceName": "shop"},
    }
    assert desk.peer.ask("POST", "/api/v2/spans", json.dumps([span]).encode(), JSON).status == 202
    document = json.loads(
        (Path(__file__).parent / "cases" / "events_dashboard.json").read_text().replace("TRACE", trace)
    )
    asked = {"document": document, "from": "now-5m", "to": "now"}
    for _ in range(300):
        searched = desk.peer.ask(
            "GET", "/tempo/api/search?q=" + urllib.parse.quote('{resource.service.name="shop"}')
        )
        if searched.json()["traces"]:
            break
        time.sleep(0.05)
    found = desk.by_kind(asked)
    frames = {one["ref"]: one for one in found["panel"]["frames"]}
    assert found["panel"]["errors"] == []
    assert {one["name"]: one["value"] for one in found["variables"]["variables"]} == {
        "app": ["boards"],
        "s": ["shop"],
    }
    assert frames["A"]["lines"] == ["line 0", "line 1", "line 2"]
    assert frames["A"]["labels"][0]["app"] == "boards"
    assert frames["B"]["series"][0]["values"] == [3.0]
    assert frames["C"]["columns"][0]["values"] == [trace]
    assert (frames["D"]["shape"], frames["D"]["trace_id"]) == ("trace", trace)
    assert frames["E"]["shape"] == "graph"
    assert [one["text"] for one in found["annotations"]["events"]] == ["line 2"]


def test_a_link_shows_what_its_maker_chose_and_nothing_else(desk: Desk, end_ms: int) -> None:
    document = dashboard(
        "linked",
        templating={"list": [{"name": "job", "type": "custom", "query": "a,b"}]},
        panels=[
            {
                "id": 1,
                "type": "stat",
                "targets": [{"refId": "A", "expr": 'sum by (job) (requests_total{job="$job"})'}],
            }
        ],
    )
    desk.done("POST", "/api/pharos/dashboards", {"document": document})
    times = {"from": end_ms - 60_000, "to": end_ms}
    body = {"uid": "linked", "variables": {"job": ["b"]}, **times}
    assert desk.ask("POST", "/api/pharos/shares", {**body, "public": True})[0] == 403
    live = desk.done("POST", "/api/pharos/shares", body)
    kept = desk.done("POST", "/api/pharos/shares", {**body, "kind": "snapshot", "expires_s": 60})
    assert live["url"] == f"/shared#{live['token']}"
    seen = desk.done("POST", "/api/pharos/shared", {"token": live["token"]})
    assert (seen["kind"], seen["title"], seen["from"]) == ("live", "Title of linked", times["from"])
    desk.done("DELETE", "/api/pharos/dashboards/linked")
    for token, status in ((live["token"], 404), (kept["token"], 200)):
        asked = {"token": token, "include": ["panels", "layout"]}
        answer = desk.peer.ask("POST", "/api/pharos/shared_query", json.dumps(asked).encode(), JSON)
        assert answer.status == status
    found = {line["kind"]: line for line in map(json.loads, answer.body.splitlines())}
    assert list(found) == ["range", "layout", "panel", "end"]
    assert [one["labels"] for one in found["panel"]["frames"][0]["series"]] == [{"job": "b"}]
    assert desk.ask("POST", "/api/pharos/shared_query", {"token": live["token"], "variables": {}})[0] == 400
    ids = [one["id"] for one in desk.done("GET", "/api/pharos/shares")]
    assert ids == [] or live["id"] in ids
    desk.done("DELETE", f"/api/pharos/shares/{kept['id']}")
    assert desk.ask("POST", "/api/pharos/shared", {"token": kept["token"]})[0] == 404


def test_what_comes_with_pharos_is_shown_and_copied_but_not_changed(desk: Desk) -> None:
    found = desk.done("GET", "/api/pharos/dashboards/pharos-self")
    assert (found["source"], found["may_edit"], found["report"]) == ("shipped", False, [])
    changes = {"version": 0, "changes": [{"op": "set", "settings": {"title": "x"}}]}
    assert desk.ask("PUT", "/api/pharos/dashboards/pharos-self", changes)[0] == 403
    copied = desk.done(
        "POST", "/api/pharos/dashboards/pharos-self/copy", {"title": "Mine", "uid": "mine-self"}
    )
    assert (copied["source"], copied["title"], copied["version"]) == ("stored", "Mine", 1)
    for uid in ("pharos-self", "pharos-host", "pharos-services"):
        lines = desk.lines({"uid": uid, "from": "now-5m", "to": "now"})
        assert [line["errors"] for line in lines if line["kind"] == "panel" and line["errors"]] == []


def test_alerts_and_deployments_are_marked_where_tags_name_them(desk: Desk) -> None:
    now_ns = time.time_ns()
    spans = [
        {
            "resource": {
                "attributes": [_attribute("service.name", "cart"), _attribute("service.version", version)]
            },
            "scopeSpans": [{"spans": [_span(now_ns - ago_s * 10**9)]}],
        }
        for version, ago_s in (("1", 200), ("2", 20))
    ]
    sent = desk.peer.ask("POST", "/v1/traces", json.dumps({"resourceSpans": spans}).encode(), JSON)
    assert sent.status == 200, sent.body
    alert = [{"labels": {"alertname": "BoardIsOnFire"}}]
    assert desk.peer.ask("POST", "/api/v2/alerts", json.dumps(alert).encode(), JSON).status == 200
    own = {"type": "grafana", "uid": "-- Grafana --"}
    marks = [
        {"name": tag, "datasource": own, "target": {"type": "tags", "tags": [tag]}}
        for tag in ("alert", "deploy", "x")
    ]
    document = {"title": "t", "annotations": {"list": marks}}
    for _ in range(100):
        lines = desk.lines({"document": document, "from": "now-10m", "to": "now", "include": ["annotations"]})
        found = {line["name"]: line for line in lines if line["kind"] == "annotations"}
        if found["alert"]["events"] and found["deploy"]["events"]:
            break
        time.sleep(0.1)
    assert [line["error"] for line in found.values()] == [None, None, None]
    assert [one["title"] for one in found["alert"]["events"]] == ["BoardIsOnFire firing"]
    assert [one["title"] for one in found["deploy"]["events"]] == ["cart 2"]
    assert found["x"]["events"] == []


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _span(at_ns: int) -> dict[str, Any]:
    times = {"startTimeUnixNano": str(at_ns), "endTimeUnixNano": str(at_ns + 1000)}
    return {"traceId": f"{at_ns:032x}", "spanId": f"{at_ns:016x}", "name": "pay", **times}


def test_a_step_that_grafana_left_in_a_target_counts_for_nothing(desk: Desk, end_ms: int) -> None:
    target = {"refId": "A", "expr": "up", "step": 240}
    (frame,) = desk.frames(
        {"targets": [target]}, **{"from": end_ms - 600_000, "to": end_ms, "width_px": 4000}
    )
    assert frame["times"]["step"] == STEP_MS
