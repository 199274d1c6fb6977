"""Flows are controlled through a real hook on loopback, and through the queue that an engine asks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from msgspec.structs import asdict
from tests.flows.engines import Engine, engine_at_loopback
from tests.identity.people import Somebody, World, open_world

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.api.native.flow_control import FlowControlApi
from pharos.clock import FakeClock
from pharos.entrance import Entrance
from pharos.errors import Kind, PharosError
from pharos.flows.control import Controls, said_by
from pharos.flows.hook import read_hook
from pharos.outbound import Outbound, Reply
from pharos.state import PHAROS, State, audit, flow_controls
from pharos.state.documents import Defined, versions_of
from pharos.state.flow_controls import ControlStatus

SECRET = "a secret of the engine and us"
QUEUE = {"queue": True}
RUN = {"run_id": "load-1", "reason": "too slow"}


@dataclass(frozen=True)
class _Run:
    workflow: str
    is_over: bool


RUNS = {
    ("a", "load-1"): _Run("nightly/load", is_over=False),
    ("a", "load-0"): _Run("nightly/load", is_over=True),
    ("a", "nameless"): _Run("", is_over=False),
}


async def _find(scope: Scope, run_id: str) -> _Run | None:
    return RUNS.get((scope.tenant, run_id))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def may_call_private() -> bool:
    return True


@pytest.fixture
async def world(tmp_path: Path, clock: FakeClock, may_call_private: bool) -> AsyncIterator[World]:
    outbound = Outbound(allow_private=may_call_private, user_agent="pharos/test", random_source=Random(1))
    made: list[Controls] = []

    def serve(state: State, _: Entrance, bodies: Bodies) -> Iterable[Operation]:
        made.append(Controls(state, outbound, clock))
        return FlowControlApi(Native(bodies, "flows"), made[0], state, _find).operations()

    async with open_world(tmp_path, clock, Random(3), serve) as opened:
        await opened.begin()
        yield opened
        await made[0].close()
    await outbound.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_at_loopback() as running:
        yield running


async def _hook(world: World, hook: dict[str, Any], workflow: str = "nightly/load") -> Somebody:
    """Register a hook; return a flow operator."""
    editor = await world.add("ed", a="admin")
    await editor.done("PUT /api/v1/flows/hooks", {"workflow": workflow, "hook": hook})
    return await world.add("flo", a="flow-operator")


def _by_url(engine: Engine, **more: Any) -> dict[str, Any]:
    return {"url": engine.url, "secret": SECRET, **more}


async def test_a_run_is_paused_by_its_engine_which_knows_who_asks(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    engine.says(200, {"status": "done", "message": "paused after the step load"})
    made = await flo.done("POST /api/v1/flows/pause", {**RUN, "parameters": {"after": "step", "at": 0.5}})
    assert (made["status"], made["message"], made["is_over"]) == ("done", "paused after the step load", True)
    assert (made["workflow"], made["run_id"], made["by"]) == ("nightly/load", "load-1", "flo")
    (asked,) = engine.asked
    assert asked["control"] == made["id"]
    assert (asked["action"], asked["run"], asked["tenant"]) == ("pause", "load-1", "a")
    assert (asked["by"], asked["reason"], asked["parameters"]) == (
        "flo",
        "too slow",
        {"after": "step", "at": 0.5},
    )
    headers = engine.headers[0]
    signed = headers["x-pharos-timestamp"].encode() + b"." + engine.bodies[0]
    wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-pharos-signature"] == f"sha256={wanted}"
    assert headers["idempotency-key"] == made["id"]
    listed = await flo.done("GET /api/v1/flows/controls?run_id=load-1")
    assert listed == {"controls": [made]}
    assert await flo.done(f"GET /api/v1/flows/controls/{made['id']}") == made


@pytest.mark.parametrize(
    ("status", "answer", "stands", "message"),
    [
        (204, b"", "done", ""),
        (202, b"", "accepted", ""),
        (200, b'{"status": "accepted", "message": "in a moment"}', "accepted", "in a moment"),
        (200, b'{"status": "refused", "message": "no such run"}', "refused", "no such run"),
        (200, b"ok", "done", ""),
        (409, b'{"error": "it has ended"}', "refused", "the engine answered 409: it has ended"),
        (404, b"not here", "refused", "the engine answered 404: not here"),
        (500, b"", "failed", "the engine answered 500"),
        (500, b'{"status": "done"}', "failed", 'the engine answered 500: {"status": "done"}'),
        (
            200,
            b'{"status": "error", "message": 7}',
            "failed",
            "the engine answered a status that is none of accepted, done, refused, failed: 'error': 7",
        ),
        (200, b'{"status": 200, "message": 7}', "done", "7"),
        (200, b"[" * 5000, "done", ""),
    ],
)
def test_what_an_engine_answers_is_what_is_told(
    status: int, answer: bytes, stands: str, message: str
) -> None:
    reply = Reply(status, "", "", {}, answer, len(answer))
    assert said_by(reply) == (ControlStatus(stands), message)


async def test_a_redirect_is_not_followed(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    engine.says(307, location=engine.url)
    made = await flo.done("POST /api/v1/flows/abort", RUN)
    assert (made["status"], len(engine.asked)) == ("failed", 1)


async def test_an_engine_that_is_away_or_slow_has_failed(world: World, engine: Engine) -> None:
    gone = {"url": "http://127.0.0.1:9/secret-path", "secret": SECRET}
    flo = await _hook(world, gone)
    made = await flo.done("POST /api/v1/flows/abort", RUN)
    assert made["status"] == "failed"
    assert "secret-path" not in made["message"]
    admin = await world.sign_in("ed")
    slow = _by_url(engine, timeout_s=1)
    await admin.done("PUT /api/v1/flows/hooks", {"workflow": "nightly/load", "hook": slow})
    engine.may_answer.clear()
    made = await flo.done("POST /api/v1/flows/abort", RUN)
    assert (made["status"], "within 1s" in made["message"]) == ("failed", True)


async def test_who_does_not_wait_hears_later(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    engine.may_answer.clear()
    made = await flo.done("POST /api/v1/flows/pause", {**RUN, "wait_s": 0})
    assert (made["status"], made["is_over"]) == ("sent", False)
    waits = asyncio.create_task(flo.done(f"GET /api/v1/flows/controls/{made['id']}?wait_s=20"))
    engine.may_answer.set()
    assert (await waits)["status"] == "done"


async def test_the_same_key_asks_once(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    body = {**RUN, "idempotency_key": "k1"}
    both = await asyncio.gather(*(flo.done("POST /api/v1/flows/pause", body) for _ in range(4)))
    assert len({one["id"] for one in both}) == 1
    assert len(engine.asked) == 1
    other = await flo.ask("POST /api/v1/flows/abort", body)
    assert (other.status, "used for something else" in other.error) == (409, True)
    by_header = await flo.with_(Idempotency_Key="k1").done("POST /api/v1/flows/pause", RUN)
    assert by_header["id"] == both[0]["id"]
    again = await flo.done("POST /api/v1/flows/pause", RUN)
    assert again["id"] != both[0]["id"]


async def test_a_queue_hands_out_once_and_again_when_nobody_answers(world: World, clock: FakeClock) -> None:
    flo = await _hook(world, QUEUE, "*")
    text, _ = await world.token("writer")
    worker = world.bearer(text)
    made = await flo.done(
        "POST /api/v1/flows/start", {"workflow": "report", "parameters": {"day": 1}, "wait_s": 0}
    )
    assert made["status"] == "waiting"
    assert await worker.done("POST /api/v1/flows/queue", {"workflows": ["other"]}) == {"controls": []}
    (handed,) = (await worker.done("POST /api/v1/flows/queue", {"lease_s": 60}))["controls"]
    assert (handed["control"], handed["action"], handed["run"]) == (made["id"], "start", None)
    assert handed["parameters"] == {"day": 1}
    assert await worker.done("POST /api/v1/flows/queue", {}) == {"controls": []}
    clock.advance_ms(61_000)
    (again,) = (await worker.done("POST /api/v1/flows/queue", {}))["controls"]
    assert again["control"] == made["id"]
    answer = f"POST /api/v1/flows/controls/{made['id']}/answer"
    assert (await worker.done(answer, {"status": "accepted"}))["is_over"] is False
    done = await worker.done(answer, {"status": "done", "message": "run r9"})
    assert (done["status"], done["message"]) == ("done", "run r9")
    assert await worker.done(answer, {"status": "done", "message": "again"}) == done
    late = await worker.ask(answer, {"status": "failed"})
    assert (late.status, "has ended: done" in late.error) == (409, True)
    odd = await worker.ask(answer, {"status": "waiting"})
    assert (odd.status, odd.error) == (400, "status: must be one of accepted, done, refused, failed")


async def test_an_engine_that_waits_is_told_at_once_and_so_is_who_asked(world: World) -> None:
    flo = await _hook(world, QUEUE)
    text, _ = await world.token("writer")
    worker = world.bearer(text)
    waits = asyncio.create_task(worker.done("POST /api/v1/flows/queue", {"wait_s": 30}))
    asks = asyncio.create_task(flo.done("POST /api/v1/flows/pause", {**RUN, "wait_s": 30}))
    (handed,) = (await waits)["controls"]
    await worker.done(f"POST /api/v1/flows/controls/{handed['control']}/answer", {"status": "done"})
    assert (await asks)["status"] == "done"


async def test_what_nobody_answers_is_over_in_time(world: World, clock: FakeClock) -> None:
    flo = await _hook(world, {**QUEUE, "answer_within_s": 10})
    made = await flo.done("POST /api/v1/flows/pause", {**RUN, "wait_s": 0})
    clock.advance_ms(10_001)
    over = await flo.done(f"GET /api/v1/flows/controls/{made['id']}")
    assert (over["status"], over["message"]) == ("expired", "the engine did not ask for it in time")
    assert over["ended_ms"] == made["answer_until_ms"]
    text, _ = await world.token("writer")
    worker = world.bearer(text)
    assert await worker.done("POST /api/v1/flows/queue", {}) == {"controls": []}
    late = await worker.ask(f"POST /api/v1/flows/controls/{made['id']}/answer", {"status": "done"})
    assert late.status == 409


async def test_a_run_is_told_only_what_fits_how_it_stands(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine, actions=["pause", "retry"]))
    over = await flo.ask("POST /api/v1/flows/pause", {"run_id": "load-0"})
    assert (over.status, "is over" in over.error) == (409, True)
    running = await flo.ask("POST /api/v1/flows/retry", {"run_id": "load-1"})
    assert (running.status, "is not over" in running.error) == (409, True)
    step = await flo.done("POST /api/v1/flows/retry", {"run_id": "load-1", "parameters": {"step": "extract"}})
    assert step["status"] == "done"
    assert (await flo.done("POST /api/v1/flows/retry", {"run_id": "load-0"}))["status"] == "done"
    cannot = await flo.ask("POST /api/v1/flows/abort", RUN)
    assert (cannot.status, "cannot abort: it can pause, retry" in cannot.error) == (400, True)
    for run_id, status in (("load-2", 404), ("nameless", 409), ("", 400), ("x" * 301, 400)):
        assert (await flo.ask("POST /api/v1/flows/pause", {"run_id": run_id})).status == status
    unhooked = await flo.ask("POST /api/v1/flows/start", {"workflow": "report"})
    assert (unhooked.status, "has no control hook" in unhooked.error) == (404, True)
    assert len(engine.asked) == 2


BAD: list[tuple[str, Any]] = [
    ("parameters", [1]),
    ("parameters", {"x": "y" * 20_000}),
    ("idempotency_key", "k" * 201),
    ("idempotency_key", "k\0"),
    ("wait_s", 61),
    ("wait_s", -1),
    ("reason", 7),
    ("reason", "a\0b"),
    ("more", 1),
]


async def test_bad_input_is_refused_and_nothing_is_sent(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    for field, value in BAD:
        got = await flo.ask("POST /api/v1/flows/pause", {**RUN, field: value})
        assert got.status == 400, (field, value)
    assert (await flo.get("/api/v1/flows/controls?limit=x")).status == 400
    assert (await flo.get("/api/v1/flows/controls/no-such-control")).status == 404
    assert engine.asked == []
    assert await flo.done("GET /api/v1/flows/controls") == {"controls": []}


async def test_another_tenant_sees_and_controls_nothing(world: World, engine: Engine) -> None:
    flo = await _hook(world, _by_url(engine))
    made = await flo.done("POST /api/v1/flows/pause", RUN)
    eve = await world.add("eve", b="admin")
    assert (await eve.ask("POST /api/v1/flows/pause", RUN)).status == 404
    assert (await eve.get(f"/api/v1/flows/controls/{made['id']}")).status == 404
    answer = await eve.ask(f"POST /api/v1/flows/controls/{made['id']}/answer", {"status": "failed"})
    assert answer.status == 404
    assert await eve.done("GET /api/v1/flows/controls") == {"controls": []}
    assert await eve.done("GET /api/v1/flows/hooks") == {"hooks": []}
    assert (await eve.ask("DELETE /api/v1/flows/hooks?workflow=nightly/load")).status == 404
    assert (await eve.with_(X_Scope_OrgID="a").ask("POST /api/v1/flows/pause", RUN)).status == 403


async def test_each_action_has_its_permission(world: World, engine: Engine) -> None:
    await _hook(world, _by_url(engine))
    viewer = await world.add("vera", a="viewer")
    for action in ("pause", "resume", "retry", "abort"):
        got = await viewer.ask(f"POST /api/v1/flows/{action}", RUN)
        assert (got.status, f"flows.{action}" in got.error) == (403, True)
    got = await viewer.ask("POST /api/v1/flows/start", {"workflow": "nightly/load"})
    assert (got.status, "flows.start" in got.error) == (403, True)
    assert (await viewer.ask("POST /api/v1/flows/queue", {})).status == 403
    assert engine.asked == []


async def test_secrets_are_shown_to_nobody_and_kept_where_they_are_not_written_again(
    world: World, engine: Engine
) -> None:
    flo = await _hook(world, _by_url(engine))
    admin = await world.sign_in("ed")
    (shown,) = (await admin.done("GET /api/v1/flows/hooks"))["hooks"]
    origin = engine.url.partition("/control")[0]
    assert shown["hook"] == {"url": f"{origin}/<secret>", "secret": "<secret>"}
    assert (shown["workflow"], shown["version"], shown["changed_by"]) == ("nightly/load", 1, "ed")
    changed = {**shown["hook"], "description": "the loader"}
    put = {"workflow": "nightly/load", "hook": changed, "version": 1}
    assert (await admin.done("PUT /api/v1/flows/hooks", put))["version"] == 2
    assert (await flo.done("POST /api/v1/flows/pause", RUN))["status"] == "done"
    stale = await admin.ask("PUT /api/v1/flows/hooks", put)
    assert stale.status == 400
    bad = await admin.ask("PUT /api/v1/flows/hooks", {"workflow": "w", "hook": {"queue": True, "odd": 1}})
    assert (bad.status, bad.error[:17]) == (400, "control hook: odd")
    entries = await world.state.read(lambda unit: audit.search(unit, audit.Search(frozenset({"a"}))))
    told = orjson.dumps([one.document() for one in entries])
    assert b"flow_hook.set" in told
    assert b"flow.pause" in told
    assert b"flow.answer" in told
    assert SECRET.encode() not in told
    assert b"of-secret" not in told
    assert (await admin.done("DELETE /api/v1/flows/hooks?workflow=nightly/load"))["version"] == 2
    assert (await flo.ask("POST /api/v1/flows/pause", RUN)).status == 404
    versions = await world.state.read(lambda unit: versions_of(unit, "a", Defined.FLOW_HOOK, "nightly/load"))
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ({}, "control hook: a hook is one of url and queue"),
        (
            {"url": "https://a.example/x", "secret": SECRET, "queue": True},
            "control hook: a hook is one of url and queue",
        ),
        (
            {"url": "ftp://a.example/x", "secret": SECRET},
            "control hook: url: an address such as https://engine.example.org/control",
        ),
        (
            {"url": "https://u:p@a.example/x", "secret": SECRET},
            "control hook: url: an address without a password in it",
        ),
        ({"url": "https://a.example/x"}, "control hook: a url needs a secret of 16 characters or more"),
        (
            {"url": "https://a.example/x", "secret": "short"},
            "control hook: a url needs a secret of 16 characters",
        ),
        (
            {"url": "https://a.example/x", "secret": "<secret>"},
            "secret: <secret> stands for one that is kept",
        ),
        ({"url": "https://a.example/<secret>", "secret": SECRET}, "url: <secret> stands for what is kept"),
        ({"queue": True, "secret": SECRET}, "control hook: a secret signs what is sent to a url"),
        ({"queue": True, "actions": ["explode"]}, "control hook: actions.0: Input should be 'start'"),
        ({"queue": True, "timeout_s": 0}, "control hook: timeout_s"),
        ({"queue": True, "odd": 1}, "control hook: odd"),
    ],
)
def test_a_hook_that_is_none_is_refused_by_its_field(hook: dict[str, Any], message: str) -> None:
    with pytest.raises(PharosError) as refused:
        read_hook(hook)
    assert refused.value.kind is Kind.INVALID
    assert refused.value.message.startswith(message)
    assert SECRET not in refused.value.message


@pytest.mark.parametrize("may_call_private", [False])
async def test_private_addresses_are_not_called_unless_settings_allow_it(
    world: World, engine: Engine
) -> None:
    flo = await _hook(world, _by_url(engine))
    made = await flo.done("POST /api/v1/flows/pause", RUN)
    assert (made["status"], "private address" in made["message"]) == ("failed", True)
    assert engine.asked == []


async def test_what_waits_is_bounded_and_goes_with_its_tenant(world: World) -> None:
    flo = await _hook(world, QUEUE)
    made = await flo.done("POST /api/v1/flows/pause", {**RUN, "wait_s": 0})
    await world.state.write(partial(_copies, made["id"], flow_controls.OPEN_MOST - 1), PHAROS)
    full = await flo.ask("POST /api/v1/flows/pause", {**RUN, "wait_s": 0})
    assert (full.status, "wait for an answer already" in full.error) == (429, True)
    gone = await world.state.write(partial(flow_controls.drop_tenant, tenant_id="a"), PHAROS)
    assert gone == flow_controls.OPEN_MOST


def _copies(control_id: str, count: int, unit: Any) -> None:
    from_ = flow_controls.get_control(unit, "a", control_id)
    row = asdict(from_)
    unit.insert_all(
        flow_controls.flow_controls,
        [{**row, "id": f"c{n}", "idempotency_key": f"c{n}", "run_id": "x"} for n in range(count)],
    )
