"""The feed without sockets: who is sent what and when, on a clock that the tests move."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.live.feeding import WHO, Feeding, custom, settle, subscribe

from pharos.access import ALL, Scope
from pharos.errors import Kind, PharosError
from pharos.live.outbox import OutboxLimits
from pharos.state.timeline import Step

_LABELS = {"alertname": "High", "severity": "high", "condition": "c1", "host": "h1"}


def _updates(messages: list[dict[str, Any]], stream: str) -> list[dict[str, Any]]:
    return [one["data"] for one in messages if one["data"].get("stream") == stream]


async def test_a_client_is_welcomed_and_told_nothing_else_unasked() -> None:
    feeding = Feeding()
    _, heard = feeding.client()
    await feeding.pauses.move(20_000)
    [welcome] = heard.messages()
    assert (welcome["type"], welcome["data"]["clientId"]) == ("welcome", "client-1")
    assert welcome["data"]["availableStreams"][0] == "performance_metrics"


async def test_the_first_update_comes_at_once_and_then_one_every_interval() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe("performance_metrics"))
    await settle()
    assert len(heard.messages("stream_update")) == 1
    await feeding.pauses.move(25_000)
    numbers = [one["sequence"] for one in _updates(heard.messages(), "performance_metrics")]
    assert len(numbers) == 6
    assert numbers == sorted(set(numbers))


async def test_what_many_want_is_evaluated_and_written_once() -> None:
    feeding = Feeding()
    clients = [feeding.client() for _ in range(50)]
    for session, _ in clients:
        await session.handle(subscribe(custom("mine")))
    await settle()
    await feeding.pauses.move(3_000)
    assert feeding.streams.sources["own", "up"].asked == 4
    frames = [heard.frames[-1] for _, heard in clients]
    assert all(one is frames[0] for one in frames)


async def test_other_names_filters_and_tenants_share_no_message() -> None:
    feeding = Feeding()
    (first, heard), (second, other), (third, foreign) = (
        feeding.client(),
        feeding.client(),
        feeding.client("foreign"),
    )
    await first.handle(subscribe(custom("a")))
    await second.handle(subscribe(custom("b")))
    await third.handle(subscribe(custom("a")))
    await settle()
    assert len(feeding.streams.sources) == 2
    assert _updates(heard.messages(), "a")
    assert _updates(other.messages(), "b")
    assert [one["daoSubnet"] for one in foreign.messages("stream_update")] == ["foreign"]


async def test_who_comes_later_is_sent_the_last_update_without_another_look() -> None:
    feeding = Feeding()
    first, heard = feeding.client()
    await first.handle(subscribe(custom("a", interval=5_000)))
    await settle()
    await feeding.pauses.move(1_000)
    later, also = feeding.client()
    await later.handle(subscribe(custom("a", interval=5_000)))
    await settle()
    assert also.frames[-1] is heard.frames[-1]
    assert feeding.streams.sources["own", "up"].asked == 1


async def test_subscribing_twice_is_once_and_anew_is_in_place_of_the_first() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe(custom("a")))
    await session.handle(subscribe(custom("a")))
    await settle()
    assert len(_updates(heard.take(), "a")) == 1
    await session.handle(subscribe(custom("a", "down")))
    await settle()
    await feeding.pauses.move(2_000)
    assert feeding.streams.sources["own", "up"].asked == 1
    numbers = [one["sequence"] for one in _updates(heard.messages(), "a")]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3


async def test_nothing_comes_after_an_unsubscription() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe(custom("a"), "performance_metrics"))
    await settle()
    await session.handle(json.dumps({"type": "unsubscribe", "data": {"streams": ["a", "never"]}}))
    heard.take()
    await feeding.pauses.move(6_000)
    assert {one["data"]["stream"] for one in heard.messages()} == {"performance_metrics"}


async def test_a_subscription_is_all_or_nothing() -> None:
    feeding = Feeding()
    feeding.streams.refuses["sum("] = PharosError(Kind.INVALID, "parse error")
    session, heard = feeding.client()
    await session.handle(subscribe("performance_metrics", custom("bad", "sum(")))
    await feeding.pauses.move(6_000)
    [_, error] = heard.messages()
    assert error["data"]["code"] == "bad_query"
    assert not session.subscriptions


async def test_a_permission_is_needed_to_subscribe_and_its_loss_ends_the_stream() -> None:
    feeding = Feeding()
    session, heard = feeding.client(permissions=ALL - {"alerts.view"})
    await session.handle(subscribe("alert_events"))
    assert heard.take()[-1]["data"]["code"] == "forbidden"
    await session.handle(subscribe("performance_metrics"))
    await settle()
    heard.take()

    async def lost() -> Scope:
        return Scope("own", WHO, frozenset({"dashboards.view"}))

    session.recheck = lost
    await feeding.hub.recheck()
    [error] = heard.take()
    assert (error["data"]["code"], error["data"]["stream"]) == ("forbidden", "performance_metrics")
    await feeding.pauses.move(6_000)
    assert not heard.messages()


async def test_who_is_not_let_in_any_more_is_let_go() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    _, other = feeding.client()

    async def revoked() -> Scope:
        raise PharosError(Kind.UNAUTHENTICATED, "the token is revoked")

    session.recheck = revoked
    await feeding.hub.recheck()
    assert (heard.closed, other.closed) == (1008, None)
    assert len(feeding.hub.sessions) == 1


async def test_one_too_many_is_refused() -> None:
    feeding = Feeding(max_clients=2)
    first, _ = feeding.client()
    feeding.client()
    with pytest.raises(PharosError) as refused:
        feeding.client()
    assert refused.value.kind is Kind.UNAVAILABLE
    feeding.hub.close(first)
    feeding.client()


async def test_an_error_is_told_once_and_the_stream_goes_on_after_it() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe(custom("a")))
    feeding.streams.sources["own", "up"].says = [PharosError(Kind.TIMEOUT, "too slow")] * 3 + [{"ok": 1}]
    await settle()
    await feeding.pauses.move(3_000)
    [_, error, update] = heard.messages()
    assert (error["data"]["code"], error["data"]["stream"]) == ("limit_exceeded", "a")
    assert update["data"]["ok"] == 1


async def test_alerts_are_told_at_once_to_those_who_subscribed_and_whose_filters_let_them_through() -> None:
    feeding = Feeding()
    (first, heard), (second, filtered), (_, silent), (foreign, elsewhere) = (
        feeding.client(),
        feeding.client(),
        feeding.client(),
        feeding.client("foreign"),
    )
    for session in (first, second, foreign):
        await session.handle(subscribe("alert_events", channels=["alerts"]))
    await second.handle(json.dumps({"type": "set_filters", "data": {"filters": {"severity": ["low"]}}}))
    await settle()
    feeding.clock.advance_ms(60_000)
    await feeding.hub.happen(
        [feeding.entry(Step.FIRING, labels=_LABELS, annotations={"summary": "too high"})]
    )
    told = heard.messages("alert_triggered")
    assert [one["data"].get("stream") or one["data"].get("channel") for one in told] == [
        "alert_events",
        "alerts",
    ]
    alert = told[0]["data"]["alert"]
    assert (alert["name"], alert["ruleId"], alert["severity"], alert["state"], alert["message"]) == (
        "High",
        "c1",
        "high",
        "firing",
        "too high",
    )
    assert told[0]["daoSubnet"] == "own"
    for other in (filtered, silent, elsewhere):
        assert not other.messages("alert_triggered")


async def test_an_acknowledgement_is_told_with_the_name_of_its_alert() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe("alert_events"))
    await settle()
    await feeding.hub.happen([feeding.entry(Step.FIRING, labels=_LABELS)])
    await feeding.hub.happen([feeding.entry(Step.ACKNOWLEDGED, name="ada", comment="mine")])
    [told] = heard.messages("alert_acknowledged")
    assert (told["data"]["alert"]["name"], told["data"]["alert"]["by"]) == ("High", "ada")


async def test_what_happened_while_a_client_was_away_is_told_once_and_in_order() -> None:
    feeding = Feeding()
    first, heard = feeding.client()
    await first.handle(subscribe("alert_events"))
    await settle()
    last = _updates(heard.messages(), "alert_events")[-1]["sequence"]
    feeding.hub.close(first)
    for count in range(3):
        feeding.clock.advance_ms(1_000)
        await feeding.hub.happen(
            [feeding.entry(Step.FIRING, f"f{count}", labels={**_LABELS, "n": str(count)})]
        )
    again, also = feeding.client()
    await again.handle(subscribe("alert_events", resumeFrom={"alert_events": last}))
    await settle()
    feeding.clock.advance_ms(1_000)
    await feeding.hub.happen([feeding.entry(Step.RESOLVED, "f0", labels={**_LABELS, "n": "0"})])
    told = [one["data"] for one in also.messages() if one["type"].startswith("alert_")]
    assert [one["alert"]["labels"]["n"] for one in told] == ["0", "1", "2", "0"]
    numbers = [one["data"]["sequence"] for one in also.messages() if "sequence" in one["data"]]
    assert numbers == sorted(set(numbers))
    fresh, heard = feeding.client()
    await fresh.handle(subscribe("alert_events"))
    await settle()
    assert not heard.messages("alert_triggered")


async def test_steps_of_alerts_are_a_stream_that_names_the_ones_it_wants() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    some = {"name": "pages", "language": "events", "query": "sent, dead"}
    await session.handle(subscribe(some, {"name": "all", "language": "events", "query": ""}))
    await settle()
    heard.take()
    await feeding.hub.happen([feeding.entry(Step.SENT, receiver="ops"), feeding.entry(Step.HELD)])
    told = [(one["data"]["stream"], one["data"]["events"][0]["step"]) for one in heard.messages()]
    assert told == [("pages", "sent"), ("all", "sent"), ("all", "held")]


async def test_a_slow_reader_has_the_newest_of_each_stream_and_is_told_what_it_missed() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    await session.handle(subscribe(custom("a"), custom("b", "down")))
    await settle()
    heard.take()
    heard.open = False
    await feeding.pauses.move(5_000)
    await feeding.hub.happen([feeding.entry(Step.SENT)])
    heard.open = True
    session.outbox.flow()
    lagging, *updates = heard.take()
    assert (lagging["type"], lagging["data"]["dropped"]) == ("lagging", 8)
    assert [one["data"]["asked"] for one in updates] == [6, 6]
    feeding.hub.sweep()
    assert heard.closed is None


@pytest.mark.parametrize("reads", [False, True])
async def test_who_is_too_slow_for_long_is_let_go(reads: bool) -> None:
    feeding = Feeding(outbox=OutboxLimits(stall_s=10, lag_s=30))
    session, heard = feeding.client()
    await session.handle(subscribe(custom("a")))
    await settle()
    heard.open = False
    passed_s = 0
    while heard.closed is None and passed_s < 60:
        passed_s += 1
        await feeding.pauses.move(1_000)
        session.hear()
        if reads:
            # It takes one message now and then, and never catches up.
            session.outbox.flow()
        feeding.hub.sweep()
    assert heard.closed == 1013
    assert passed_s in (range(31, 35) if reads else range(11, 14))
    assert not feeding.hub.sessions


async def test_what_waits_is_bounded() -> None:
    feeding = Feeding(outbox=OutboxLimits(messages=10, size_bytes=5_000))
    session, heard = feeding.client()
    await session.handle(subscribe(*(custom(f"s{count}", f"up == {count}") for count in range(50))))
    await settle()
    heard.open = False
    await feeding.pauses.move(5_000)
    assert 0 < session.outbox.size_bytes <= 5_000
    for _ in range(20):
        await session.handle('{"type": "heartbeat"}')
    feeding.hub.sweep()
    assert heard.closed == 1013


async def test_who_gives_no_sign_for_two_heartbeats_is_let_go() -> None:
    feeding = Feeding()
    _, silent = feeding.client()
    session, heard = feeding.client()
    feeding.clock.advance_ms(59_000)
    session.hear()
    feeding.clock.advance_ms(2_000)
    feeding.hub.sweep()
    assert (silent.closed, heard.closed) == (1001, None)


async def test_a_client_has_so_many_subscriptions_and_requests() -> None:
    feeding = Feeding()
    session, heard = feeding.client()
    for count in range(101):
        await session.handle(subscribe(custom(f"s{count}")))
    assert heard.messages("error")[-1]["data"]["code"] == "limit_exceeded"
    heard.take()
    for _ in range(600):
        await session.handle('{"type": "unsubscribe", "data": {}}')
    assert heard.messages("error")[-1]["data"]["code"] == "rate_limited"
    heard.take()
    await session.handle('{"type": "heartbeat"}')
    assert heard.messages()[-1]["type"] == "heartbeat_ack"
    feeding.clock.advance_ms(10_000)
    await session.handle('{"type": "get_dashboard_data", "id": 5}')
    answer = heard.messages()[-1]
    assert (answer["type"], answer["id"], answer["data"]["systemHealth"]["connectedClients"]) == (
        "dashboard_data",
        5,
        1,
    )


async def test_nothing_of_a_client_is_left_when_it_goes() -> None:
    feeding = Feeding()
    for _ in range(20):
        session, _ = feeding.client()
        await session.handle(subscribe(custom("a"), "performance_metrics"))
        await settle()
        feeding.hub.close(session)
    asked = {name: one.asked for name, one in feeding.streams.sources.items()}
    await feeding.pauses.move(10_000)
    assert {name: one.asked for name, one in feeding.streams.sources.items()} == asked
    assert feeding.hub.counts("own")["connectedClients"] == 0


async def test_counts_are_of_the_tenant_that_asks() -> None:
    feeding = Feeding()
    first, _ = feeding.client()
    feeding.client()
    feeding.client("foreign")
    await first.handle(subscribe("performance_metrics", "flow_executions"))
    counts = feeding.hub.counts("own")
    assert (counts["connectedClients"], counts["activeStreams"]) == (2, 2)
    assert feeding.hub.counts("foreign")["connectedClients"] == 1
    feeding.hub.sweep()
    await feeding.pauses.move(5_000)
    feeding.hub.sweep()
    assert feeding.hub.rates("own")["messagesPerSecond"] > 0
    assert feeding.hub.rates("nobody") == {"messagesPerSecond": 0.0, "errorRate": 0.0}


async def test_who_is_there_when_the_server_ends_is_told_to_come_back() -> None:
    feeding = Feeding()
    _, heard = feeding.client()
    feeding.hub.end()
    assert heard.closed == 1012
    with pytest.raises(PharosError):
        feeding.client()


def test_a_step_keeps_its_place() -> None:
    entry = Feeding().entry(Step.FIRING)
    assert replace(entry, number=5).number == 5
