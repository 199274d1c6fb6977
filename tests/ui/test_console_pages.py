"""Services, hosts, Pharos itself, and what explains a spike: of a server with a shop that has an incident."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bench.freshness import HEADERS
from playwright.sync_api import expect
from tests.ingest.rw_messages import compress, v1_body
from tests.ui.conftest import XSS, Watched, serving, violations

Open = Callable[..., Watched]
MINUTES = 60
BROKEN = 12
"""For so many minutes payment has failed."""
CALLED = {"front": "payment", "payment": ""}


def _post(url: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url + path, body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status in {200, 204}


def _span(second: int, number: int, service: str, parent: int, *, failed: bool) -> dict[str, Any]:
    begin = second * 10**9
    return {
        "traceId": f"{second:032x}",
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        "name": f"GET /{service}",
        "kind": 2,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + (900 if failed else 40) * 10**6),
        "attributes": [{"key": "said", "value": {"stringValue": XSS}}],
        **({"status": {"code": 2}} if failed else {}),
    }


def _spans(now: int) -> dict[str, Any]:
    """A front that calls payment, which fails since a new version of it began."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for second in range(now - MINUTES * 60, now, 5):
        bad = second > now - BROKEN * 60
        for number, service in enumerate(CALLED, 1):
            version = "2.1.0" if bad and service == "payment" else "2.0.0"
            span = _span(second, number, service, number - 1, failed=bad and service == "payment")
            found.setdefault((service, version), []).append(span)
        found.setdefault((XSS, "1"), []).append(_span(second, 9, "odd", 0, failed=False))
    resources = [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": service}},
                    {"key": "service.version", "value": {"stringValue": version}},
                ]
            },
            "scopeSpans": [{"spans": spans}],
        }
        for (service, version), spans in found.items()
    ]
    return {"resourceSpans": resources}


def _logs(now: int) -> dict[str, Any]:
    """A line in five seconds, and another kind of line while payment fails."""
    records = []
    for second in range(now - MINUTES * 60, now, 5):
        records.append((second, "INFO", 9, f"charged order {second} in 12 ms"))
        if second > now - BROKEN * 60:
            records.append((second, "ERROR", 17, f"connection pool exhausted after {second % 97} ms"))
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "payment"}}]},
                "scopeLogs": [
                    {
                        "logRecords": [
                            {
                                "timeUnixNano": str(second * 10**9),
                                "severityText": level,
                                "severityNumber": number,
                                "body": {"stringValue": body},
                            }
                            for second, level, number, body in records
                        ]
                    }
                ],
            }
        ]
    }


def _series(now: int) -> list[dict[str, Any]]:
    """A host whose disk fills, and how many payments failed."""
    times = range((now - MINUTES * 60) * 1000, now * 1000 + 1, 15_000)
    of = {"job": "machines", "instance": "filling:9100"}
    disk = {**of, "mountpoint": "/data", "fstype": "ext4", "device": "sda"}
    gib = 2**30
    broken_ms = (now - BROKEN * 60) * 1000

    def one(name: str, labels: dict[str, str], value: Callable[[int], float]) -> dict[str, Any]:
        pairs = sorted([("__name__", name), *labels.items()])
        return {"labels": pairs, "samples": [(at, float(value(at))) for at in times]}

    return [
        one("node_load1", of, lambda _: 1),
        one("node_cpu_seconds_total", {**of, "cpu": "0", "mode": "idle"}, lambda at: at / 2000),
        one("node_filesystem_size_bytes", disk, lambda _: 100 * gib),
        one("node_filesystem_avail_bytes", disk, lambda at: (10 + (now * 1000 - at) / 3_600_000) * gib),
        one("payment_failures", {"service": "payment"}, lambda at: 40 if at > broken_ms else 1),
        one("pool_in_use", {"service": "payment"}, lambda at: 48 if at > broken_ms else 6 + at % 3),
    ]


@pytest.fixture(scope="module")
def ui_url(exporter_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this file's own: another host would be on everybody's first page."""
    with serving(tmp_path_factory.mktemp("console"), exporter_address) as url:
        yield url


@pytest.fixture(scope="module")
def shop(ui_url: str) -> int:
    """The second until which the shop's data are there."""
    now = int(time.time())
    json_type = {"Content-Type": "application/json"}
    _post(ui_url, "/v1/traces", json.dumps(_spans(now)).encode(), json_type)
    _post(ui_url, "/v1/logs", json.dumps(_logs(now)).encode(), json_type)
    _post(ui_url, "/api/v1/write", compress(v1_body(_series(now))), HEADERS)
    return now


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
def test_services_that_burn_come_first_and_each_has_a_page(open_page: Open, scheme: str, width: int) -> None:
    page = open_page("/services?refresh=off", scheme=scheme, width=width).page
    rows = page.get_by_role("grid", name="Services").locator("[data-index]")
    expect(rows.first).to_contain_text("payment")
    expect(rows.first).to_contain_text("of requests failed in the last")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    rows.first.get_by_role("link", name="payment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("payment")
    expect(page.get_by_role("table", name="Operations")).to_contain_text("GET /payment")
    expect(page.get_by_role("group", name="Service map")).to_contain_text("front")
    expect(page.get_by_role("region", name="Versions")).to_contain_text("began in this time")
    expect(page.get_by_role("region", name="Recent errors").get_by_role("listitem")).not_to_have_count(0)
    patterns = page.get_by_role("region", name="Log patterns")
    expect(patterns).to_contain_text("connection pool exhausted")
    expect(page.get_by_role("img", name="Durations")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    assert page.evaluate("window.__xss") is None


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_hosts_tell_when_a_disk_will_be_full(open_page: Open, scheme: str, width: int) -> None:
    page = open_page("/hosts?refresh=off", scheme=scheme, width=width).page
    rows = page.get_by_role("grid", name="Hosts").locator("[data-index]")
    filling = rows.filter(has_text="filling:9100")
    expect(filling).to_contain_text("/data is 90 % full, full in")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    filling.get_by_role("link", name="filling:9100").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("filling:9100")
    expect(page.get_by_role("table", name="File systems")).to_contain_text("full in")
    expect(page.get_by_role("img", name="Load")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
def test_the_status_says_what_is_wrong_and_what_is_known(open_page: Open, scheme: str, width: int) -> None:
    page = open_page("/server?refresh=off", scheme=scheme, width=width).page
    expect(page.get_by_role("region", name="Storing")).to_contain_text("Data delay")
    expect(page.get_by_role("img", name="Samples in")).to_be_visible()
    facts = page.get_by_role("region", name="Versions and settings")
    facts.get_by_text("The settings in force").click()
    expect(facts).to_contain_text("listen")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


def test_of_what_cannot_be_read_nothing_is_called_well(open_page: Open) -> None:
    watched = open_page("/targets")
    page = watched.page
    page.route(
        "**/api/**", lambda route: route.fulfill(status=503, json={"status": "error", "error": "busy"})
    )
    for name, says in (
        ("Status", "Not known: its own metrics"),
        ("Services", "Left out are services by their spans"),
        ("Hosts", "cannot be read"),
    ):
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.get_by_role("main")).to_contain_text(says)
    watched.forget("status of 503")


def test_a_spike_is_explained_by_what_changed_then(open_page: Open, shop: int) -> None:
    spike = f"{(shop - BROKEN * 60) * 1000}-{shop * 1000}"
    page = open_page(f'/explain?expr=payment_failures&labels={{"service":"payment"}}&spike={spike}').page
    found = page.get_by_role("region", name="What else changed")
    expect(found).to_contain_text("connection pool exhausted")
    expect(found).to_contain_text("payment fails more often")
    expect(found).to_contain_text("Version 2.1.0 began")
    expect(found).to_contain_text("pool_in_use")
    expect(found).to_have_attribute("aria-busy", "false")
    assert violations(page) == []
    found.get_by_role("link").filter(has_text="connection pool exhausted").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Logs")


@pytest.mark.usefixtures("shop")
def test_from_the_palette_to_a_service_by_keys_alone(open_page: Open) -> None:
    page = open_page("/targets").page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_label("Search everything that has a name").fill("paymen")
    expect(page.locator("[data-selected]")).to_have_text("payment")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/services/payment")
    page.keyboard.press("Control+k")
    # What was chosen before is the first of all.
    expect(page.locator("[data-action]").first).to_have_text("payment")


@pytest.mark.usefixtures("shop")
def test_the_builder_and_the_text_say_the_same(open_page: Open) -> None:
    page = open_page("/explore?q0=sum+by+(job)+(rate(fleet_requests_total[5m]))&build0=1").page
    expect(page.get_by_role("combobox", name="Metric")).to_have_value("fleet_requests_total")
    page.get_by_role("combobox", name="Function").select_option("increase")
    expect(page.locator(".cm-content")).to_have_text("sum by (job) (increase(fleet_requests_total[5m]))")
    page.get_by_role("button", name="Add a step").click()
    page.get_by_role("menuitem", name="A number").click()
    page.wait_for_url("**q0=sum+by+%28job%29+%28increase%28fleet_requests_total%5B5m%5D%29%29+*+100*")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("up / up")
    page.keyboard.press("Escape")
    expect(page.get_by_text("The builder cannot show two queries in one")).to_be_visible()
    assert violations(page) == []


@pytest.mark.usefixtures("shop")
def test_explore_begins_with_the_metrics_there_are(open_page: Open) -> None:
    page = open_page("/explore").page
    metrics = page.get_by_role("grid", name="Metrics")
    expect(metrics).to_contain_text("fleet_requests_total")
    page.get_by_role("searchbox", name="Search metrics").fill("fleetreq")
    rows = metrics.locator("[data-index]")
    expect(rows).to_have_count(1)
    rows.first.click()
    page.wait_for_url("**q0=rate%28fleet_requests_total%5B5m%5D%29*")
    page.get_by_label("Compare with the past").select_option("1d")
    expect(page.get_by_text("There is nothing a day before.")).to_be_visible()
    page.wait_for_url("**past0=1d*")
