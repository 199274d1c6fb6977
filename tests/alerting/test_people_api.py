"""On-call, acknowledgement, escalation, actions and the flight recorder over HTTP, by people in roles."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlencode, urljoin

import orjson
import pytest
from msgspec.structs import replace
from tests.identity.people import Somebody, World, open_world
from tests.state.oncall_rows import response

from pharos.alert import Alert, fingerprint
from pharos.alerting.acknowledge import make_key
from pharos.alerting.escalate import Run
from pharos.alerting.links import LASTS_MS, Link, sign
from pharos.alerting.oncall.schedule import CALENDAR_MOST
from pharos.clock import FakeClock
from pharos.gotext.timestamps import format_time_ms
from pharos.labels import labels_of
from pharos.notify.channels.calling import short_key
from pharos.state import (
    PHAROS,
    Family,
    Writing,
    acknowledgements,
    actions,
    alerts,
    documents,
    escalations,
    outbox,
    timeline,
)
from pharos.state.alerts import Kept
from pharos.state.documents import Defined
from pharos.state.escalations import Escalation
from pharos.state.outbox import Marks, Told
from pharos.state.tenants import resume_tenant, suspend_tenant
from pharos.state.timeline import Entry, Step

ACTIONS = {"commands": {"restart": ["/bin/true"]}}
LABELS = {"alertname": "DiskFull", "instance": "a<b>"}
NAME = fingerprint(labels_of(LABELS))
GROUP = '{}:{alertname="DiskFull"}'
HOUR_MS = 3_600_000
SCHEDULE = {
    "time_zone": "Europe/Berlin",
    "layers": [{"name": "week", "people": ["ada", "bob"], "starts": "2023-11-13T09:00"}],
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def world(tmp_path: Path, clock: FakeClock) -> AsyncIterator[World]:
    async with open_world(
        tmp_path, clock, Random(3), url="https://pharos.example.org", actions=ACTIONS
    ) as opened:
        await opened.begin()
        yield opened


async def fire(world: World, tenant: str = "a") -> None:
    """Have an alert fire of which somebody was told."""
    now_ms = world.clock.now_ms()
    said = (("summary", "3 % left\r\n<b>now</b>"),)
    alert = Alert(labels_of(LABELS), said, starts_ms=now_ms, updated_ms=now_ms)

    def write(unit: Writing) -> None:
        alerts.put(unit, [Kept(tenant, alert, now_ms)])
        marks = Marks((NAME,), (), (NAME,))
        outbox.note_told(unit, [Told(tenant, GROUP, "team", "slack[0]", marks, now_ms)])
        sent = {"receiver": "team", "integration": "slack[0]", "status": "firing", "reason": "first"}
        steps: list[tuple[Step, dict[str, Any]]] = [(Step.FIRING, {"labels": LABELS}), (Step.SENT, sent)]
        timeline.append(unit, [Entry(tenant, NAME, step, now_ms, detail, GROUP) for step, detail in steps])

    await world.state.write(write, PHAROS)


def at(clock: FakeClock, hours: float) -> str:
    return str((clock.now_ms() + int(hours * HOUR_MS)) / 1000)


async def test_a_schedule_is_defined_and_told(world: World) -> None:
    ada, viewer = await world.add("ada", a="editor"), await world.add("vera", a="viewer")
    path = "/api/alerting/schedules/primary"
    refused = await ada.ask(f"PUT {path}", {"schedule": {"layers": [{"name": "a", "peple": 1}]}})
    assert (refused.status, "layers[0].peple" in refused.error) == (400, True)
    assert (await viewer.ask(f"PUT {path}", {"schedule": SCHEDULE})).status == 403
    made = await ada.done(f"PUT {path}", {"schedule": SCHEDULE, "version": 0, "reason": "we begin"})
    assert (made["version"], made["by"], made["document"]) == (1, "ada", SCHEDULE)
    again = await ada.ask(f"PUT {path}", {"schedule": SCHEDULE, "version": 0})
    assert (again.status, "at version 1, not 0" in again.error) == (400, True)
    # 2023-11-14, 22:13 UTC.
    told = await viewer.done(f"GET {path}/shifts?start=2023-11-13T00:00:00Z&end=2023-11-27T00:00:00Z")
    assert [(one["start"], one["people"]) for one in told["final"]] == [
        ("2023-11-13T08:00:00.000Z", ["ada"]),
        ("2023-11-20T08:00:00.000Z", ["bob"]),
    ]
    assert told["gaps"] == [{"start": "2023-11-13T00:00:00.000Z", "end": "2023-11-13T08:00:00.000Z"}]
    [who] = (await viewer.done("GET /api/alerting/oncall"))["on_call"]
    assert (who["people"], who["until"], who["next"]) == (["ada"], "2023-11-20T08:00:00.000Z", ["bob"])
    preview = await viewer.done(
        "POST /api/alerting/schedule_preview?start=2023-11-13T09:00:00Z&end=2023-11-13T10:00:00Z",
        {"schedule": SCHEDULE},
    )
    assert [one["people"] for one in preview["final"]] == [["ada"]]
    other = await world.add("otto", b="editor")
    assert await other.done("GET /api/alerting/schedules") == []
    assert (await other.ask(f"GET {path}/shifts")).status == 404
    await ada.done(f"DELETE {path}")
    assert [one["version"] for one in await ada.done(f"GET {path}")] == [2, 1]
    assert (await ada.done("GET /api/alerting/oncall"))["on_call"] == []


async def test_a_person_changes_what_is_their_own_and_who_configures_all(
    world: World, clock: FakeClock
) -> None:
    boss = await world.add("boss", a="editor")
    bob, eve = await world.add("bob", a="flow-operator"), await world.add("eve", a="flow-operator")
    path = "/api/alerting/schedules/primary"
    await boss.done(f"PUT {path}", {"schedule": SCHEDULE})
    span = {"start": at(clock, 1), "end": at(clock, 3)}
    refused = await bob.ask(f"POST {path}/overrides", {"people": ["eve"], **span})
    assert (refused.status, "alerts.configure" in refused.error) == (403, True)
    mine = await bob.done(f"POST {path}/overrides", {"people": ["bob"], **span})
    told = await bob.done(f"GET {path}/shifts")
    assert [one["people"] for one in told["final"] if one["source"] == "override"] == [["bob"]]
    assert (await eve.ask(f"DELETE {path}/overrides/{mine['id']}")).status == 403
    await bob.done(f"DELETE {path}/overrides/{mine['id']}")
    offer = await bob.done(
        f"POST {path}/swaps", {"giver": "bob", "start": at(clock, 0), "end": at(clock, 500)}
    )
    assert (await bob.ask(f"POST {path}/swaps/{offer['id']}/take", {})).status == 400
    taken = await eve.done(f"POST {path}/swaps/{offer['id']}/take", {})
    assert (taken["giver"], taken["taker"]) == ("bob", "eve")
    assert (await boss.ask(f"POST {path}/swaps/{offer['id']}/take", {"taker": "boss"})).status == 400
    told = await bob.done(f"GET {path}/shifts")
    assert ["eve"] in [one["people"] for one in told["final"] if one["instead_of"] == ["bob"]]
    contacts = {"contacts": [{"kind": "email", "address": "bob@example.org", "after": "5m"}]}
    assert (await eve.ask("PUT /api/alerting/people/bob/contacts", contacts)).status == 403
    kept = await bob.done("PUT /api/alerting/people/bob/contacts", contacts)
    assert [(one["kind"], one["after"]) for one in kept] == [("email", "5m")]
    bad = {"contacts": [{"kind": "email", "address": "a@b, c@d"}]}
    assert (await bob.ask("PUT /api/alerting/people/bob/contacts", bad)).status == 400
    assert (await eve.ask("GET /api/alerting/people/bob/contacts")).status == 403


async def test_a_calendar_is_read_at_a_secret_address_until_that_ends(world: World) -> None:
    ada = await world.add("ada", a="editor")
    path = "/api/alerting/schedules/primary"
    await ada.done(f"PUT {path}", {"schedule": SCHEDULE})
    feed = await ada.done(f"POST {path}/feeds", {"person": "bob"})
    address = feed["address"].removeprefix("https://pharos.example.org")
    assert address != feed["address"]
    got = await world.stranger.get(address)
    assert (got.status, got.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert b"SUMMARY:bob" in got.body
    assert b"SUMMARY:ada" not in got.body
    assert b"SUMMARY:ada" in (await ada.get(f"{path}/calendar.ics")).body
    assert (await world.stranger.get(f"{path}/calendar.ics")).status == 401
    assert [one["address"] for one in await ada.done(f"GET {path}/feeds")] == [""]
    assert await ada.done(f"DELETE {path}/feeds/{feed['id']}") == []
    assert (await world.stranger.get(address)).status == 404


@pytest.mark.parametrize("people", [["ada", "bob"], ["ada"]])
async def test_a_calendar_program_knows_shifts_again_whenever_it_reads(
    world: World, people: list[str]
) -> None:
    ada = await world.add("ada", a="editor")
    path = "/api/alerting/schedules/primary"
    layer = {"name": "week", "people": people, "starts": "2020-01-06T09:00", "unit": "week"}
    await ada.done(f"PUT {path}", {"schedule": {"layers": [layer]}})
    feed = await ada.done(f"POST {path}/feeds", {"person": ""})
    address = feed["address"].removeprefix("https://pharos.example.org")
    read = []
    for _ in range(9):
        text = (await world.stranger.get(address)).body.decode()
        found = dict(zip(re.findall("UID:(.*)", text), re.findall("DTSTART:(.*)", text), strict=True))
        read.append(found)
        world.clock.advance_ms(31 * HOUR_MS)
    assert len(read[0]) == (31 if len(people) > 1 else 1)
    for before, after in pairwise(read):
        # What is in both begins when it did; nothing that goes on has another name.
        known = before.keys() & after.keys()
        assert len(known) >= max(1, len(before) - 1)
        if len(people) > 1:
            assert all(before[one] == after[one] for one in known)


async def test_a_calendar_that_was_written_is_taken_again(world: World) -> None:
    ada = await world.add("ada", a="editor")
    path = "/api/alerting/schedules"
    turn = {"people": ["ada", "bob"], "starts": "2023-11-13T09:00", "every": 6, "unit": "hour"}
    layer = {"name": "quarters", **turn}
    await ada.done(f"PUT {path}/short", {"schedule": {"layers": [layer]}})
    text = (await ada.get(f"{path}/short/calendar.ics")).body.decode()
    # Larger than other bodies may be.
    assert 64 << 10 < len(text) < CALENDAR_MOST
    schedule = {"layers": [{"name": "calendar", "calendar": text}]}
    await ada.done(f"PUT {path}/copy", {"schedule": schedule})
    told = [(await ada.done(f"GET {path}/{name}/shifts"))["final"] for name in ("short", "copy")]
    assert [[(one["start"], one["people"]) for one in some] for some in told][1] == [
        (one["start"], one["people"]) for one in told[0]
    ]


async def test_alerts_are_acknowledged_and_taken_back(world: World, clock: FakeClock) -> None:
    ada, viewer = await world.add("ada", a="flow-operator"), await world.add("vera", a="viewer")
    await fire(world)
    path = f"/api/alerting/alerts/{NAME}/acknowledge"
    assert (await viewer.ask(f"POST {path}", {})).status == 403
    [made] = await ada.done(f"POST {path}", {"comment": "on it", "lasts": "4h"})
    assert (made["by"], made["comment"], made["until"]) == ("ada", "on it", "2023-11-15T02:13:20.000Z")
    assert made["alert"] == LABELS
    assert [one["id"] for one in await viewer.done("GET /api/alerting/acknowledgements")] == [made["id"]]
    missing = await ada.ask("POST /api/alerting/acknowledgements", {"fingerprints": ["0" * 16]})
    assert (missing.status, "no alert" in missing.error) == (404, True)
    assert (await ada.ask("POST /api/alerting/acknowledgements", {"comment": "x"})).status == 400
    [group] = await ada.done("POST /api/alerting/acknowledgements", {"group_key": GROUP})
    assert (group["fingerprint"], group["group_key"]) == (NAME, GROUP)
    await ada.done(f"DELETE /api/alerting/acknowledgements/{group['id']}")
    assert (await ada.ask(f"DELETE {path}")).status == 404
    other = await world.add("otto", b="editor")
    assert (await other.ask(f"POST {path}", {})).status == 404
    assert (await ada.ask(f"POST {path}", {"until": "2020-01-01T00:00:00Z"})).status == 400
    story = await viewer.done(f"GET /api/alerting/alerts/{NAME}/timeline")
    assert [line["step"] for line in story["lines"]] == [
        "firing",
        "sent",
        "acknowledged",
        "acknowledged",
        "unacknowledged",
    ]
    assert story["lines"][2]["text"] == "ada looks after it until 2023-11-15 02:13:20 UTC: on it"


async def test_a_token_of_ones_own_acts_as_oneself(world: World, clock: FakeClock) -> None:
    ada = await world.add("ada", a="flow-operator")
    boss = await world.add("boss", a="editor")
    await fire(world)
    text = (await ada.done("POST /api/me/tokens", {"name": "pharos login on box"}))["text"]
    cli = world.stranger.with_(Authorization=f"Bearer {text}")
    path = f"/api/alerting/alerts/{NAME}/acknowledge"
    [made] = await cli.done(f"POST {path}", {})
    assert made["by"] == "ada"
    await cli.done(f"DELETE {path}")
    story = await ada.done(f"GET /api/alerting/alerts/{NAME}/timeline")
    assert story["lines"][-1]["text"] == "ada took the acknowledgement of ada back"
    schedule = "/api/alerting/schedules/primary"
    await boss.done(f"PUT {schedule}", {"schedule": SCHEDULE})
    override = {"people": ["ada"], "start": at(clock, 0), "end": at(clock, 5)}
    assert (await cli.done(f"POST {schedule}/overrides", override))["people"] == ["ada"]
    assert (await cli.ask(f"POST {schedule}/overrides", {**override, "people": ["bob"]})).status == 403


async def link(world: World, *, to: str = "person:eve/1", nonce: str = "n1", lasts_ms: int = LASTS_MS) -> str:
    key = await world.state.write(lambda unit: make_key(unit, Random(1)), PHAROS)
    return sign(Link("a", GROUP, to, world.clock.now_ms() + lasts_ms, nonce), key)


async def test_a_link_acknowledges_once_without_signing_in(world: World, clock: FakeClock) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")
    token = await link(world)
    path = f"/api/alerting/links/{token}"
    shown = await world.stranger.get(path)
    assert shown.status == 200
    assert b"<button>Acknowledge</button>" in shown.body
    # Which one it is, and what is said of it: a group may have many of one name.
    others = ", ".join(f"{name}={value}" for name, value in sorted(LABELS.items()) if name != "alertname")
    line = html.escape(f"DiskFull ({others}) 3 % left <b>now</b>")
    assert f"<pre>{line}</pre>" in shown.body.decode()
    # A browser sends the form only where the policy lets it.
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    style = re.search(rb'rel="stylesheet" href="([^"]+)"', shown.body)
    assert style is not None
    assert urljoin(path, style[1].decode()) == "/plain.css"
    assert (Path(__file__).parents[2] / "ui" / "public" / "plain.css").is_file()
    # What is gone from memory has its name in its timeline.
    await world.state.write(
        lambda unit: alerts.drop(unit, "a", list(alerts.find(unit, "a", [NAME]).values())), PHAROS
    )
    gone = (await world.stranger.get(path)).body
    assert (b"DiskFull" in gone, NAME.encode() in gone) == (True, False)
    # To look at it does nothing.
    assert await ada.done("GET /api/alerting/acknowledgements") == []
    used = await world.stranger.ask(f"POST {path}")
    assert (used.status, b"1 acknowledged" in used.body) == (200, True)
    onward = re.search(rb'<a href="([^"]+)"', used.body)
    assert onward is not None
    assert urljoin(path, onward[1].decode()) == "/alerts"
    [made] = await ada.done("GET /api/alerting/acknowledgements")
    assert (made["by"], made["through"]) == ("eve", "link")
    again = await world.stranger.ask(f"POST {path}")
    assert (again.status, b"used already" in again.body) == (403, True)
    assert (await world.stranger.get(path)).status == 410
    for bad in (token[:-2], "x", "é", token[:60] + "A" + token[61:], "A" * 20_000):
        assert (await world.stranger.ask(f"POST /api/alerting/links/{quote(bad)}")).status in {403, 414}
    late = await link(world, nonce="n2", lasts_ms=1000)
    clock.advance_ms(2000)
    got = await world.stranger.get(f"/api/alerting/links/{late}")
    assert (got.status, b"run out" in got.body) == (403, True)


async def test_a_links_page_takes_a_comment_and_for_how_long(world: World, clock: FakeClock) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")
    path = f"/api/alerting/links/{await link(world)}"
    form = (await world.stranger.get(path)).body.decode()
    assert re.findall(r'name="(\w+)"', form)[-2:] == ["lasts", "comment"]
    assert re.findall(r'<option value="(\w*)"', form) == ["", "1h", "4h", "24h"]

    async def post(**said: str) -> Any:
        headers = [("content-type", "application/x-www-form-urlencoded")]
        return await world.ask("POST", path, headers, urlencode(said).encode(), "192.0.2.1")

    for why, said in (
        (b"at most 2000 characters", {"comment": "x" * 2001}),
        (b"lasts: ", {"lasts": "soon"}),
        (b"at most ten years", {"lasts": "9000w"}),
        (b"NUL", {"comment": "a\0b"}),
    ):
        got = await post(**said)
        assert (got.status, why in got.body) == (400, True), got.body
    # What was refused has not used the link up.
    assert (await post(comment=" new disk\r\nis on its way ", lasts="4h")).status == 200
    [made] = await ada.done("GET /api/alerting/acknowledgements")
    assert (made["comment"], made["by"]) == ("new disk\nis on its way", "eve")
    assert made["until"] == format_time_ms(clock.now_ms() + 4 * 3_600_000)


async def test_what_lies_at_secret_addresses_is_closed_with_its_tenant(world: World) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")
    path = "/api/alerting/schedules/primary"
    await ada.done(f"PUT {path}", {"schedule": SCHEDULE})
    feed = await ada.done(f"POST {path}/feeds", {"person": "bob"})
    calendar = feed["address"].removeprefix("https://pharos.example.org")
    acknowledge = f"/api/alerting/links/{await link(world)}"
    await world.state.write(lambda unit: suspend_tenant(unit, "a"), PHAROS)
    for address in (f"GET {calendar}", f"GET {acknowledge}", f"POST {acknowledge}"):
        got = await world.stranger.ask(address)
        assert (address, got.status, b"the tenant a is suspended" in got.body) == (address, 403, True)
    assert (await slack(world, await link(world, nonce="n2"))).status == 200
    assert await world.state.read(lambda unit: acknowledgements.acknowledged(unit, "a")) == {}
    await world.state.write(lambda unit: resume_tenant(unit, "a"), PHAROS)
    assert (await world.stranger.get(calendar)).status == 200
    assert (await world.stranger.ask(f"POST {acknowledge}")).status == 200


async def slack(
    world: World, token: str, *, secret: bytes = b"signed by Slack", age_s: int = 0, **more: str
) -> Any:
    payload = {
        "user": {"id": "U1", "username": "mallory"},
        "actions": [{"action_id": "acknowledge", "value": token, **more}],
    }
    body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
    stamp = str(world.clock.now_ms() // 1000 - age_s)
    mac = hmac.new(secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-slack-request-timestamp", stamp),
        ("x-slack-signature", f"v0={mac}"),
    ]
    return await world.ask("POST", "/api/alerting/slack", headers, body, "192.0.2.1")


async def test_a_button_in_slack_acknowledges_where_slack_signed_it(world: World) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")
    mine = {"contacts": [{"kind": "slack", "address": "U1"}]}
    await ada.done("PUT /api/alerting/people/ada/contacts", mine)
    token = await link(world, to="team")
    assert (await slack(world, token, secret=b"forged")).status == 401
    assert (await slack(world, token, age_s=301)).status == 401
    assert (await slack(world, token, action_id="silence")).status == 200
    assert await ada.done("GET /api/alerting/acknowledgements") == []
    got = await slack(world, token)
    assert (got.status, orjson.loads(got.body)["text"]) == (200, "ada looks after 1 of these alerts.")
    [made] = await ada.done("GET /api/alerting/acknowledgements")
    assert (made["by"], made["through"]) == ("ada", "slack")
    assert (
        "Not acknowledged: this link was used already"
        in orjson.loads((await slack(world, token)).body)["text"]
    )
    assert (await slack(world, "rubbish")).status == 200


async def test_pagerduty_acknowledges_by_webhook(world: World) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")

    async def tell(kind: str, secret: bytes = b"and PagerDuty", key: str = short_key("a", GROUP)) -> int:
        event = {"event_type": kind, "data": {"incident_key": key}, "agent": {"summary": "Earline"}}
        body = orjson.dumps({"event": event})
        mac = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = [("x-pagerduty-signature", f"v1=00, v1={mac}")]
        return (await world.ask("POST", "/api/alerting/pagerduty", headers, body, "192.0.2.1")).status

    assert await tell("incident.acknowledged", b"forged") == 401
    assert await tell("incident.acknowledged", key=short_key("b", GROUP)) == 200
    assert await tell("incident.triggered") == 200
    assert await ada.done("GET /api/alerting/acknowledgements") == []
    assert await tell("incident.acknowledged") == 200
    [made] = await ada.done("GET /api/alerting/acknowledgements")
    assert (made["by"], made["through"]) == ("Earline", "pagerduty")
    assert await tell("incident.unacknowledged") == 200
    assert await ada.done("GET /api/alerting/acknowledgements") == []


async def test_policies_are_kept_by_version(world: World) -> None:
    ada = await world.add("ada", a="editor")
    path = "/api/alerting/escalation_policies/qflow"
    bad: dict[str, Any] = {"policy": {"levels": [{"targets": []}]}}
    assert (await ada.ask(f"PUT {path}", bad)).status == 400
    good = {"levels": [{"targets": [{"receiver": "team"}], "timeout": "5m"}]}
    assert (await ada.done(f"PUT {path}", {"policy": good}))["version"] == 1
    assert [one["name"] for one in await ada.done("GET /api/alerting/escalation_policies")] == ["qflow"]
    assert await ada.done("GET /api/alerting/escalations?open=true") == []
    assert (await ada.ask("POST /api/alerting/escalations/none/next", {})).status == 404
    await ada.done(f"DELETE {path}")
    log = await world.owner.with_(X_Scope_OrgID="a").done("GET /api/audit?action=escalation")
    assert [one["action"] for one in log["entries"]] == ["escalation.drop", "escalation.set"]


async def test_an_escalation_names_its_alerts_by_their_labels(world: World, clock: FakeClock) -> None:
    await fire(world)
    ada = await world.add("ada", a="editor")
    unknown = "0" * 16
    run = Run(level=0, alerts={NAME: "firing", unknown: "firing"})
    document = {"levels": [{"targets": [{"receiver": "team"}], "timeout": "5m"}]}
    begun = Escalation(
        "e1", "a", GROUP, "qflow", 1, document, run.status.value, None, run.document(), clock.now_ms(), None
    )
    await world.state.write(lambda unit: escalations.add_escalation(unit, begun), PHAROS)
    [told] = await ada.done("GET /api/alerting/escalations?open=true")
    assert (told["policy"], told["alerts"]) == ("qflow", {NAME: "firing", unknown: "firing"})
    # Of what no timeline tells there is nothing but the fingerprint.
    assert told["labels"] == {NAME: LABELS}
    changed: set[Family] = set()
    unwatch = world.state.watch(changed.update)
    sooner = await ada.done("POST /api/alerting/escalations/e1/next", {"reason": "it grows"})
    unwatch()
    assert (sooner["labels"], sooner["next"]) == ({NAME: LABELS}, "2023-11-14T22:13:20.000Z")
    # Who makes the steps hears of it, and does not find it half a minute later.
    assert Family.TIMELINE in changed
    story = await ada.done(f"GET /api/alerting/alerts/{NAME}/timeline")
    said = "ada notes: the next level of the escalation qflow is told at once: it grows"
    assert story["lines"][-1]["text"] == said


async def test_it_is_told_why_somebody_was_paged_or_not(world: World, clock: FakeClock) -> None:
    await fire(world)
    vera = await world.add("vera", a="viewer")
    told = await vera.done("GET /api/alerting/timeline")
    assert told["verdict"] == (
        "DiskFull: team (slack[0]) was told at 2023-11-14 22:13:20 UTC, because it is new"
    )
    assert told["alerts"][0]["labels"] == LABELS
    earlier = await vera.done(f"GET /api/alerting/timeline?at={at(clock, -1)}")
    assert (earlier["verdict"], earlier["alerts"]) == ("no alert fired then", [])
    other = await vera.done("GET /api/alerting/timeline?matcher=alertname%3DOther")
    assert other["alerts"] == []
    clock.advance_ms(30 * 24 * HOUR_MS)
    # Long after, of an alert of which nothing was heard since.
    vera = await world.sign_in("vera")
    late = await vera.done("GET /api/alerting/timeline?matcher=alertname%3DDiskFull&back=40d")
    assert "knew since" in late["alerts"][0]["verdict"]
    assert (await vera.ask("GET /api/alerting/timeline?matcher=%7B")).status == 400
    noted = Entry("a", NAME, Step.NOTED, clock.now_ms(), {"text": "odd"})
    await world.state.write(lambda unit: timeline.append(unit, [noted]), PHAROS)
    # Something was heard of it: how it came to that is looked up.
    assert "knew since" in (await vera.done("GET /api/alerting/timeline"))["verdict"]
    otto = await world.add("otto", b="editor")
    assert (await otto.done("GET /api/alerting/timeline?back=40d"))["alerts"] == []
    assert (await otto.ask(f"GET /api/alerting/alerts/{NAME}/timeline")).status == 404


async def test_actions_that_act_as_the_server_are_its_operators_to_define(world: World) -> None:
    ada = await world.add("ada", a="admin")
    path = "/api/alerting/actions/scale"
    command = {"command": {"name": "restart", "arguments": ["${instance}"]}}
    refused = await ada.ask(f"PUT {path}", {"action": command})
    assert (refused.status, "server.operate" in refused.error) == (403, True)
    root = (await world.sign_in("root")).with_(X_Scope_OrgID="a")
    assert (await root.done(f"PUT {path}", {"action": command}))["version"] == 1
    hook = {"webhook": {"url": "https://example.org/hook"}, "on": ["firing"]}
    assert (await ada.done("PUT /api/alerting/actions/hook", {"action": hook}))["version"] == 1
    half = {"webhook": {"url": "https://example.org/hook", "body": {"a": 0.5}}}
    told = await ada.ask("PUT /api/alerting/actions/half", {"action": half})
    assert (told.status, "whole" in told.error) == (400, True)
    rehearsal = {"action": command, "labels": {"instance": "a; rm -rf /"}}
    shown = await ada.done("POST /api/alerting/action_rehearsal", rehearsal)
    assert shown == {"answers": True, "plan": "restart 'a; rm -rf /'"}
    option = {"action": command, "labels": {"instance": "--force"}}
    assert (await ada.ask("POST /api/alerting/action_rehearsal", option)).status == 400


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"command": {"name": "stop"}}, "command.name: 'stop' is none of actions.commands of pharos.yml"),
        (
            {
                "kubernetes": {
                    "cluster": "there",
                    "kind": "service",
                    "namespace": "a",
                    "name": "b",
                    "patch": {},
                }
            },
            "kubernetes.cluster: 'there' is none of actions.clusters",
        ),
        ({"command": {"name": "restart"}, "evidence": ["up", "sum("]}, "evidence[1]: 1:5: parse error"),
    ],
)
async def test_an_action_that_could_never_be_done_is_refused_when_it_is_made(
    world: World, action: dict[str, Any], says: str
) -> None:
    root = (await world.sign_in("root")).with_(X_Scope_OrgID="a")
    for path, body in (
        ("PUT /api/alerting/actions/scale", {"action": action}),
        ("POST /api/alerting/action_rehearsal", {"action": action, "labels": {}}),
    ):
        told = await root.ask(path, body)
        assert (told.status, says in told.error) == (400, True), told.error


async def test_a_response_waits_for_approval(world: World) -> None:
    waiting = response("a", status=actions.ResponseStatus.WAITING)
    hook = {"webhook": {"url": "https://example.org/"}}
    waiting = replace(waiting, document=hook)

    def write(unit: Writing) -> None:
        documents.put_document(unit, "a", Defined.ACTION, waiting.action, hook)
        actions.add_response(unit, waiting)

    await world.state.write(write, PHAROS)
    ada: Somebody = await world.add("ada", a="editor")
    vera = await world.add("vera", a="viewer")
    [shown] = await vera.done("GET /api/alerting/responses?status=waiting")
    assert (await vera.ask(f"POST /api/alerting/responses/{shown['id']}/approve", {})).status == 403
    # Who has nothing to say sends no body.
    done = (await ada.ask(f"POST /api/alerting/responses/{shown['id']}/approve", raw=b"")).data
    assert (done["status"], done["decided_by"]) == ("ready", "ada")
    assert (await ada.ask(f"POST /api/alerting/responses/{shown['id']}/reject", {})).status == 409
    assert (await ada.ask("GET /api/alerting/responses?status=odd")).status == 400
