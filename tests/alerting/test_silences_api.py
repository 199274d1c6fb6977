"""Silences over our own API, and alerts over Alertmanager's, in one's own tenant."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.hook import hooking
from bench.paging import Alertmanager
from bench.servers import free_port
from tests.alerting.test_kills import Paging

SILENCES = "/api/alerting/silences"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paging]:
    with hooking() as hook:
        made = Paging(tmp_path_factory.mktemp("paging"), hook)
        made.start()
        yield made
        made.stop()


def ask(server: Paging, address: str, body: Any = None, tenant: str = "default") -> tuple[int, Any]:
    """Return status and document of an answer."""
    method, _, path = address.partition(" ")
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-Scope-OrgID": tenant},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def fire(server: Paging, *labels: dict[str, str], tenant: str = "default") -> None:
    status, _ = ask(server, "POST /api/v2/alerts", [{"labels": one} for one in labels], tenant)
    assert status == 200


def fingerprints(server: Paging, tenant: str = "default", **query: str) -> list[str]:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    _, found = ask(server, f"GET /api/v2/alerts?{text}", tenant=tenant)
    return [one["fingerprint"] for one in found]


def test_what_a_silence_would_hide_is_seen_before(server: Paging) -> None:
    fire(server, {"alertname": "P", "host": "a"}, {"alertname": "P", "host": "b"})
    body = {"matchers": [{"name": "alertname", "value": "P"}, {"name": "host", "op": "!~", "value": "b|c"}]}
    status, found = ask(server, f"POST {SILENCES}/preview", body)
    assert (status, len(found["data"]["alerts"])) == (200, 1)
    assert found["data"]["labels"] == {found["data"]["alerts"][0]: {"alertname": "P", "host": "a"}}
    bad = {"matchers": [{"name": "host", "op": "=~", "value": "("}]}
    assert ask(server, f"POST {SILENCES}/preview", bad)[0] == 400
    _, made = ask(server, f"POST {SILENCES}", {**body, "lasts_s": 60, "comment": "why"})
    (silence,) = made["data"]["silences"]
    assert (silence["state"], silence["hides"]) == ("active", 1)
    held = fingerprints(server, filter='alertname="P"', active="false")
    assert held == found["data"]["alerts"]
    assert ask(server, f"DELETE {SILENCES}/{silence['id']}")[1]["data"]["silences"][0]["state"] == "expired"
    assert fingerprints(server, filter='alertname="P"', active="false") == []


def test_many_alerts_are_silenced_at_once_or_none(server: Paging) -> None:
    fire(server, *({"alertname": "M", "n": str(n)} for n in range(3)))
    some = fingerprints(server, filter='alertname="M"')
    body = {"fingerprints": [*some, "0000000000000000"], "lasts_s": 60, "comment": "all"}
    assert ask(server, f"POST {SILENCES}", body)[0] == 404
    assert fingerprints(server, filter='alertname="M"', active="false") == []
    _, made = ask(server, f"POST {SILENCES}", {**body, "fingerprints": some})
    ids = [one["id"] for one in made["data"]["silences"]]
    assert sorted(fingerprints(server, filter='alertname="M"', active="false")) == sorted(some)
    assert ask(server, f"POST {SILENCES}/expire", {"ids": [*ids, "unknown"]})[0] == 404
    assert len(fingerprints(server, filter='alertname="M"', active="false")) == 3
    assert ask(server, f"POST {SILENCES}/expire", {"ids": ids})[0] == 200
    assert fingerprints(server, filter='alertname="M"', active="false") == []


@pytest.mark.parametrize(
    "body",
    [
        {"lasts_s": 60, "comment": "c"},
        {"matchers": [{"name": "a", "value": "b"}], "comment": "c"},
        {"matchers": [{"name": "a", "value": "b"}], "lasts_s": 60},
        {
            "matchers": [{"name": "a", "value": "b"}],
            "lasts_s": 60,
            "ends": "2099-01-01T00:00:00Z",
            "comment": "c",
        },
        {"matchers": [{"name": "a", "value": "b"}], "ends": "2001-01-01T00:00:00Z", "comment": "c"},
        {"matchers": [{"name": "a", "value": ""}], "lasts_s": 60, "comment": "c"},
        {"matchers": [{"name": "a", "op": "~", "value": "b"}], "lasts_s": 60, "comment": "c"},
    ],
)
def test_a_silence_that_is_none_is_refused(server: Paging, body: dict[str, Any]) -> None:
    assert ask(server, f"POST {SILENCES}", body)[0] == 400


@pytest.mark.parametrize(
    ("name", "value", "comment", "says"),
    [
        ("host", "d\0b", "c", r"invalid value 'd\x00b' of host: it holds a NUL"),
        ("ho\0st", "db", "c", r"invalid label name 'ho\x00st'"),
        ("host", "db", "c\0d", r"'c\x00d' holds a NUL"),
    ],
)
def test_what_holds_a_nul_is_named(server: Paging, name: str, value: str, comment: str, says: str) -> None:
    ours = {"matchers": [{"name": name, "value": value}], "lasts_s": 60, "comment": comment}
    status, answer = ask(server, f"POST {SILENCES}", ours)
    assert (status, says in answer["error"]) == (400, True), answer
    theirs = {
        "matchers": [{"name": name, "value": value, "isRegex": False}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ada",
        "comment": comment,
    }
    status, answer = ask(server, "POST /api/v2/silences", theirs)
    assert (status, says in str(answer)) == (400, True), answer


_JSON = "application/json"
_MATCHER = {"name": "a", "value": "b", "isRegex": False}
_SILENCE = {
    "matchers": [_MATCHER],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2099-01-01T00:00:00Z",
    "createdBy": "ada",
    "comment": "c",
}
REFUSED_BY_ALERTMANAGER: list[tuple[str, str, Any]] = [
    ("POST /api/v2/alerts", _JSON, ""),
    ("POST /api/v2/alerts", _JSON, "["),
    ("POST /api/v2/alerts", _JSON, "null"),
    ("POST /api/v2/alerts", _JSON, {}),
    ("POST /api/v2/alerts", _JSON, [{}]),
    ("POST /api/v2/alerts", _JSON, [{"labels": None}]),
    ("POST /api/v2/alerts", _JSON, [{"labels": {"a": 5}}]),
    ("POST /api/v2/alerts", _JSON, [{"labels": {}}]),
    ("POST /api/v2/alerts", "text/plain", [{"labels": {"a": "b"}}]),
    ("POST /api/v2/alerts", "application/x-www-form-urlencoded", [{"labels": {"a": "b"}}]),
    ("POST /api/v2/silences", "text/plain", _SILENCE),
    ("POST /api/v2/silences", _JSON, ""),
    ("POST /api/v2/silences", _JSON, "null"),
    ("POST /api/v2/silences", _JSON, []),
    ("POST /api/v2/silences", _JSON, {}),
    *(
        ("POST /api/v2/silences", _JSON, {name: value for name, value in _SILENCE.items() if name != lacks})
        for lacks in _SILENCE
    ),
    ("POST /api/v2/silences", _JSON, {**_SILENCE, "matchers": []}),
    ("POST /api/v2/silences", _JSON, {**_SILENCE, "matchers": "x"}),
    *(
        (
            "POST /api/v2/silences",
            _JSON,
            {**_SILENCE, "matchers": [{name: one for name, one in _MATCHER.items() if name != lacks}]},
        )
        for lacks in _MATCHER
    ),
    ("POST /api/v2/silences", _JSON, {**_SILENCE, "matchers": [{**_MATCHER, "isRegex": "x"}]}),
    ("GET /api/v2/silence/x", _JSON, None),
    ("DELETE /api/v2/silence/x", _JSON, None),
    ("GET /api/v2/silence/00000000-0000-4000-8000-000000000000", _JSON, None),
]


def refusal(port: int, address: str, media: str, body: Any) -> tuple[int, Any]:
    """Return the status of an answer, and the code of one that its client knows by that."""
    method, _, path = address.partition(" ")
    text = body if isinstance(body, str) else json.dumps(body)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        None if body is None else text.encode(),
        {"Content-Type": media},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        said = error.read()
        return error.code, json.loads(said)["code"] if error.code in {415, 422} else None


@pytest.mark.needs("amtool")
def test_what_alertmanager_refuses_is_refused_with_its_status_and_code(
    server: Paging, tmp_path: Path
) -> None:
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: n}\nreceivers: [{name: n}]\n")
    theirs = Alertmanager(tmp_path, free_port())
    try:
        theirs.start()
        for asked in REFUSED_BY_ALERTMANAGER:
            assert refusal(server.port, *asked) == refusal(theirs.port, *asked), asked
    finally:
        theirs.stop()


@pytest.mark.parametrize("op", ["!=", "!~"])
def test_a_silence_may_say_only_what_it_does_not_hide(server: Paging, op: str) -> None:
    tenant = "others-too" if op == "!=" else "others-too-by-pattern"
    fire(server, {"alertname": "Q", "env": "prod"}, {"alertname": "Q", "env": "test"}, tenant=tenant)
    body = {"matchers": [{"name": "env", "op": op, "value": "prod"}], "lasts_s": 60, "comment": "c"}
    assert ask(server, f"POST {SILENCES}", body, tenant)[0] == 200
    assert len(fingerprints(server, tenant, silenced="false")) == 1


def test_a_tenant_sees_nothing_of_another_one(server: Paging) -> None:
    fire(server, {"alertname": "Mine"}, tenant="a")
    fire(server, {"alertname": "Mine"}, tenant="b")
    body = {"matchers": [{"name": "alertname", "value": "Mine"}], "lasts_s": 60, "comment": "c"}
    _, made = ask(server, f"POST {SILENCES}", body, "a")
    silence = made["data"]["silences"][0]["id"]
    assert len(fingerprints(server, "a", active="false")) == 1
    assert fingerprints(server, "b", active="false") == []
    for address in (f"GET /api/v2/silence/{silence}", f"DELETE /api/v2/silence/{silence}"):
        assert ask(server, address, tenant="b")[0] == 404
    assert ask(server, "GET /api/v2/silences", tenant="b") == (200, [])
    assert ask(server, f"POST {SILENCES}", {**body, "id": silence}, "b")[0] == 404
    assert ask(server, "GET /api/v2/alerts", tenant="a|b")[0] == 400


def test_a_post_that_no_page_of_another_origin_may_make_is_refused(server: Paging) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/v2/alerts",
        b'[{"labels": {"alertname": "X"}}]',
        {"Content-Type": "text/plain"},
        method="POST",
    )
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(request, timeout=60)
    found.value.close()
    assert found.value.code == 415


# -- as dashboards ask --


def get(server: Paging, path: str) -> tuple[int, str]:
    """Return status and text of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_karma_finds_what_it_reads(server: Paging) -> None:
    # It chooses how to ask by a version among the metrics, and does not begin without one.
    found = re.search(
        r'^alertmanager_build_info\{version="0\.(\d+)\.\d+"\} 1', get(server, "/metrics")[1], re.MULTILINE
    )
    assert found is not None
    assert int(found[1]) >= 22
    status = ask(server, "GET /api/v2/status")[1]
    assert status["cluster"]["peers"] == []
    assert set(status) == {"cluster", "config", "uptime", "versionInfo"}
    fire(server, {"alertname": "K", "host": "a"})
    matchers = [{"name": "alertname", "value": "K", "isRegex": False}]
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    posted = {"matchers": matchers, "startsAt": datetime.now(UTC).isoformat(), "endsAt": until}
    made = ask(server, "POST /api/v2/silences", {**posted, "createdBy": "k", "comment": "ACK! me"})[1]
    (group,) = (
        one for one in ask(server, "GET /api/v2/alerts/groups")[1] if one["labels"] == {"alertname": "K"}
    )
    assert group["receiver"] == {"name": "hook"}
    (alert,) = group["alerts"]
    assert alert["status"] == {
        "state": "suppressed", "silencedBy": [made["silenceID"]], "inhibitedBy": [], "mutedBy": []
    }  # fmt: skip
    assert {"fingerprint", "startsAt", "generatorURL", "annotations", "labels"} <= set(alert)
    (silence,) = (one for one in ask(server, "GET /api/v2/silences")[1] if one["id"] == made["silenceID"])
    assert silence["matchers"] == [{"isEqual": True, "isRegex": False, "name": "alertname", "value": "K"}]
    # It changes one by its id, and ends the old one.
    changed = {**posted, "id": made["silenceID"], "createdBy": "k", "comment": "longer"}
    other = ask(server, "POST /api/v2/silences", changed)[1]["silenceID"]
    assert ask(server, f"DELETE /api/v2/silence/{other}")[0] == 200


def test_grafana_finds_what_it_reads(server: Paging) -> None:
    # Its data source of the kind Prometheus takes a server for Mimir's that answers here.
    assert get(server, "/alertmanager/api/v2/status")[0] == 404
    assert get(server, "/api/v1/status/buildinfo")[0] == 200
    fire(server, {"alertname": "G", "host": "a b"})
    query = urllib.parse.urlencode(
        [("filter", 'alertname="G"'), ("filter", 'host=~"a.*"'), ("active", "true"), ("silenced", "false"),
         ("inhibited", "true"), ("unprocessed", "true"), ("receiver", "hook")]
    )  # fmt: skip
    assert len(ask(server, f"GET /api/v2/alerts?{query}")[1]) == 1
    assert len(ask(server, f"GET /api/v2/alerts/groups?{query}")[1]) == 1
    assert ask(server, f"GET /api/v2/alerts/groups?{query.replace('hook', 'hoo')}")[1] == []
    more = "ruleMetadata=true&accesscontrol=true"
    assert ask(server, f"GET /api/v2/silences?{more}")[0] == 200
    matchers = [{"name": "alertname", "value": "G", "isRegex": False, "isEqual": True}]
    starts, ends = (datetime.now(UTC) + timedelta(hours=hours) for hours in (0, 1))
    body = {"matchers": matchers, "startsAt": starts.isoformat(), "endsAt": ends.isoformat(), "comment": "c"}
    made = ask(server, "POST /api/v2/silences", {**body, "createdBy": "g", "id": ""})
    assert made[0] == 200
    shown = ask(server, f"GET /api/v2/silence/{made[1]['silenceID']}?{more}")[1]
    assert shown["status"] == {"state": "active"}
    assert ask(server, f"DELETE /api/v2/silence/{shown['id']}")[0] == 200
