"""Alertmanagers outside: who is told, what waits, what is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.notify.fakes.receiver import Answer, Receiver, receiving

from pharos.access import DEFAULT, Scope
from pharos.alert import Alert
from pharos.clock import SystemClock
from pharos.errors import PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import AskedWatch, addresses
from pharos.outbound import Outbound
from pharos.relabel import Action, Rule
from pharos.rules.outside import Destination, Outside
from pharos.telemetry import REGISTRY

_ALERT = Alert((("alertname", "A"), ("replica", "1")), starts_ms=1_000, ends_ms=2_000)


class _Steps:
    """A pause that ends when told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.begun.set()
        await self.may_end.wait()


@asynccontextmanager
async def _outside(pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncIterator[Outside]:
    outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
    found = Outside(outbound, SystemClock(), Random(1), pause)
    try:
        yield found
    finally:
        await found.close()
        await outbound.close()


def _to(receiver: Receiver, *rules: Rule) -> Destination:
    return Destination(f"{receiver.url}/api/v2/alerts", alert_rules=rules)


def _names(receiver: Receiver) -> list[str]:
    return [alert["labels"]["alertname"] for one in receiver.taken for alert in one.json()]


def test_a_dead_alertmanager_delays_no_other() -> None:
    async def work() -> None:
        steps = _Steps()
        async with receiving() as good, receiving() as dead, _outside(steps) as outside:
            dead.will(Answer(closes=True))
            await outside.apply([_to(dead), _to(good)])
            for number in range(3):
                await outside.take(DEFAULT, [replace(_ALERT, labels=(("alertname", f"A{number}"),))])
                while len(_names(good)) <= number:  # noqa: ASYNC110 - what another task brings about
                    await asyncio.sleep(0)
            assert _names(good) == ["A0", "A1", "A2"]
            await steps.begun.wait()
            dead.will(Answer())
            steps.may_end.set()
            await outside.flushed()
            # What could not be sent went later.
            assert _names(dead)[-3:] == ["A0", "A1", "A2"]

    asyncio.run(work())


def test_of_an_alert_its_newest_word_waits() -> None:
    async def work() -> None:
        steps = _Steps()
        async with receiving() as receiver, _outside(steps) as outside:
            receiver.will(Answer(status=503), Answer())
            await outside.apply([_to(receiver)])
            await outside.take(DEFAULT, [_ALERT])
            await steps.begun.wait()
            await outside.take(DEFAULT, [replace(_ALERT, ends_ms=9_000)])
            steps.may_end.set()
            await outside.flushed()
            ends = [alert["endsAt"] for one in receiver.taken for alert in one.json()]
            assert ends == ["1970-01-01T00:00:02.000Z", "1970-01-01T00:00:09.000Z"]

    asyncio.run(work())


def test_what_is_refused_for_good_is_given_up_and_counted() -> None:
    async def work() -> None:
        async with receiving() as receiver, _outside() as outside:
            receiver.will(Answer(status=400))
            await outside.apply([_to(receiver)])
            await outside.take(DEFAULT, [_ALERT])
            await outside.flushed()
            names = {"alertmanager": outside.active[0]}
            assert REGISTRY.get_sample_value("pharos_notifications_dropped_total", names) == 1
            assert len(receiver.taken) == 1

    asyncio.run(work())


def test_alerts_are_relabelled_for_whom_they_are_sent_to() -> None:
    async def work() -> None:
        without = Rule(action=Action.LABELDROP, regex="replica")
        never = Rule(action=Action.DROP, source_labels=("alertname",), regex="A")
        async with receiving() as one, receiving() as other, _outside() as outside:
            await outside.apply([_to(one, without), _to(other, never)])
            await outside.take(DEFAULT, [_ALERT])
            await outside.flushed()
            assert [alert["labels"] for post in one.taken for alert in post.json()] == [{"alertname": "A"}]
            assert other.taken == []

    asyncio.run(work())


def test_alerts_of_other_tenants_stay_here() -> None:
    async def work() -> None:
        async with receiving() as receiver, _outside() as outside:
            await outside.apply([_to(receiver)])
            await outside.take(Scope("other"), [_ALERT])
            await outside.flushed()
            assert receiver.taken == []

    asyncio.run(work())


_CONFIG = """
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
  - scheme: https
    path_prefix: /am/
    timeout: 3s
    basic_auth: {username: u, password: p}
    static_configs: [{targets: ['one', 'two:9093']}]
    relabel_configs: [{source_labels: [__address__], regex: 'two.*', action: drop}]
    alert_relabel_configs: [{regex: a, action: labeldrop}]
  - api_version: v2
    file_sd_configs: [{files: [more.yml]}]
"""


def test_the_section_of_a_prometheus_yml_says_where_and_how(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("[{targets: ['three:9093']}]")
    section = load_scrape_config(_CONFIG, tmp_path).alerting
    one, other = section.alertmanagers
    active, dropped = one.urls(tuple({"__address__": found} for found in one.static_groups[0].targets))
    assert active == ["https://one:443/am/api/v2/alerts"]
    assert dropped == ["https://two:9093/am/api/v2/alerts"]
    assert (one.timeout_ms, one.http.username.read()) == (3_000, "u")
    assert [rule.regex for rule in (*section.alert_rules, *one.alert_rules)] == ["replica", "a"]
    assert other.file_discoveries[0].files == (str(tmp_path / "more.yml"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{alertmanagers: [{api_version: v1}]}", "expected Alertmanager api version to be one of [v2]"),
        ("{alertmanagers: [{sigv4: {}}]}", "not supported"),
        ("{alertmanagers: [{static_configs: [{targets: ['http://x']}]}]}", "not a valid hostname"),
        (
            "{alertmanagers: [{consul_sd_configs: [{server: x}]}]}",
            "consul_sd_configs: Alertmanagers are found by",
        ),
        ("{alertmanagers: [{dns_sd_configs: [{names: [x]}]}]}", "dns_sd_configs: Alertmanagers are found by"),
        ("{alertmanagers: [{http_sd_configs: [{}]}]}", "URL is missing"),
        ("{alertmanagers: [{http_sd_configs: [{url: 'ftp://x'}]}]}", "URL scheme must be 'http' or 'https'"),
        ("{alertmanagers: [{http_sd_configs: [{url: 'http:///x'}]}]}", "host is missing in URL"),
        ("{alertmanagers: [{no_proxy: x, proxy_url: 'http://p'}]}", "no_proxy: exceptions from the proxy"),
        ("{alertmanagers: [{proxy_from_environment: true}]}", "proxy_from_environment: "),
        ("{alertmanagers: [{tls_config: {cert: x}}]}", "a certificate and a key are needed"),
        ("{wrong: 1}", "wrong"),
    ],
)
def test_a_bad_section_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(PharosError) as failed:
        load_scrape_config(f"alerting: {text}")
    assert str(failed.value).startswith("prometheus.yml:1: ")
    assert message in str(failed.value)


_GROUPS = b'[{"targets": ["am:9093"], "labels": {"dc": "x"}}]'
_JSON = {"Content-Type": "application/json; charset=utf-8"}


def test_an_address_says_where_alertmanagers_are_and_its_last_good_word_stays() -> None:
    async def work() -> None:
        outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
        async with receiving() as receiver:
            url = f"{receiver.url}/sd"
            discovery = f"http_sd_configs: [{{url: '{url}', refresh_interval: 10s}}]"
            text = f"alerting: {{alertmanagers: [{{{discovery}}}]}}"
            (section,) = load_scrape_config(text).alerting.alertmanagers
            watch = AskedWatch(section.http_discoveries, outbound)
            receiver.will(Answer(200, _GROUPS, _JSON))
            assert await watch.refresh(100.0)
            assert not await watch.refresh(109.0)
            assert len(receiver.taken) == 1
            found = [*addresses(watch.groups)]
            assert found == [{"__address__": "am:9093", "dc": "x", "__meta_url": url}]
            assert section.urls(tuple(found)) == (["http://am:9093/api/v2/alerts"], [])
            for bad in (
                Answer(500),
                Answer(200, _GROUPS, {"Content-Type": "text/html"}),
                Answer(200, b"{", _JSON),
                Answer(200, b'[{"targets": 1}]', _JSON),
                Answer(closes=True),
            ):
                receiver.will(bad)
                assert not await watch.refresh(100.0 + 10 * len(receiver.taken))
                assert [*addresses(watch.groups)] == found
            receiver.will(Answer(200, b"[]", _JSON))
            assert await watch.refresh(1000.0)
            assert watch.groups == ()
        await outbound.close()

    asyncio.run(work())
