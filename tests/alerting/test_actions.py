"""Automatic responses: what is done, once, after approval, with evidence; with real programs and servers."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml
from aiohttp import web
from tests.alerting.paging import TENANT, World

from pharos.alerting.actions import Call, Run, Transition, plan, read_action
from pharos.alerting.hands import Allowed, Cluster, OwnHands
from pharos.alerting.responses import WAITS_MS, Responses, ask_for, decide, follow
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.http_options import SecretText
from pharos.outbound import Outbound
from pharos.secret import Secret
from pharos.state import PHAROS, Author, State, Writing, actions, audit, documents, open_state, timeline
from pharos.state.actions import ResponseStatus
from pharos.state.documents import Defined
from pharos.state.timeline import Step

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "actions.yaml").read_text())
MINUTE_MS = 60_000
HOOK: dict[str, Any] = {"webhook": {"url": "https://example.org/hook"}, "cooldown": "10m"}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_to_be_done_is_planned(case: dict[str, Any]) -> None:
    labels = {"alertname": "A", "instance": "web-1", **case.get("labels", {})}
    of = Transition("t", "f", "firing", 7, labels)
    if "refused" in case:
        with pytest.raises(PharosError, match=case["refused"]):
            plan(read_action(case["action"], "a"), "a", of)
    else:
        assert str(plan(read_action(case["action"], "a"), "a", of)) == case["plan"]


class Hands:
    """Does nothing, and says what it was to do."""

    def __init__(self, *, fails: bool = False) -> None:
        self.done: list[Call | Run] = []
        self.fails = fails

    async def call(self, call: Call, timeout_s: float) -> str:
        assert timeout_s > 0
        self.done.append(call)
        if self.fails:
            message = "500 no"
            raise PharosError(Kind.UNAVAILABLE, message)
        return "200 OK"

    async def run(self, run: Run, timeout_s: float) -> str:
        assert timeout_s > 0
        self.done.append(run)
        return "done"

    async def ask(self, tenant: str, query: str) -> str:
        if query == "bad":
            message = "no such query"
            raise PharosError(Kind.INVALID, message)
        return f"{query} of {tenant} is 1"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(tmp_path: Path, clock: FakeClock) -> Iterator[State]:
    with open_state(tmp_path / "state.db", clock, Random(7)) as opened:
        yield opened


@pytest.fixture
async def world(state: State, clock: FakeClock) -> World:
    opened = World(state, clock)
    await work(state, Hands())
    return opened


async def define(state: State, document: Mapping[str, Any], name: str = "hook") -> None:
    await state.write(
        lambda unit: documents.put_document(unit, TENANT, Defined.ACTION, name, document), PHAROS
    )


async def work(state: State, hands: Hands) -> None:
    """Do all that is due."""
    responses = Responses(state, hands)
    while await responses.round():
        pass
    await responses.settle()


async def listed(state: State) -> list[actions.Response]:
    return list(await state.read(lambda unit: actions.list_responses(unit, TENANT)))


async def test_a_transition_is_answered_once_with_evidence_before(world: World) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "matchers": ["alertname=A"], "evidence": ["up", "bad"]})
    name = await world.fires(alertname="A", severity="high")
    await world.fires(alertname="B")
    await work(state, hands)
    await work(state, hands)
    [call] = hands.done
    assert isinstance(call, Call)
    assert orjson.loads(call.body)["labels"] == {"alertname": "A", "severity": "high"}
    [done] = await listed(state)
    assert (done.status, done.outcome) == (ResponseStatus.DONE, "200 OK")
    assert [one["answer"] for one in done.evidence] == ["up of default is 1", "no answer: no such query"]
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=name))
    assert [entry.detail["status"] for entry in steps if entry.step is Step.ACTED] == ["done"]
    log = await state.read(lambda unit: audit.search(unit, audit.Search(action="response"), limit=9))
    assert [entry.action for entry in log] == ["response.end"]


async def test_it_is_not_done_again_while_it_cools_down(world: World, clock: FakeClock) -> None:
    state, hands = world.state, Hands()
    await define(state, HOOK)
    await world.fires(alertname="A")
    await world.fires(alertname="B")
    await work(state, hands)
    assert len(hands.done) == 1
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT))
    told = [entry.detail["status"] for entry in steps if entry.step is Step.ACTED]
    assert sorted(told) == ["done", "skipped"]
    clock.advance_ms(10 * MINUTE_MS)
    await world.fires(alertname="C")
    await work(state, hands)
    assert len(hands.done) == 2


async def test_a_dry_run_says_what_it_would_do(world: World) -> None:
    state, hands = world.state, Hands()
    await define(state, {"command": {"name": "restart", "arguments": ["${alertname}"]}, "dry_run": True})
    await world.fires(alertname="A")
    await work(state, hands)
    assert hands.done == []
    [rehearsed] = await listed(state)
    assert (rehearsed.status, rehearsed.outcome) == (ResponseStatus.REHEARSED, "restart 'A'")


async def test_it_waits_for_approval_and_not_for_ever(world: World, clock: FakeClock) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "approval": True, "cooldown": "0s"})
    await world.fires(alertname="A")
    await world.fires(alertname="B")
    await work(state, hands)
    assert hands.done == []
    waiting = await listed(state)
    ada = Author("user:1", "ada", "go")
    await state.write(lambda unit: decide(unit, TENANT, waiting[0].id, approves=True), ada)
    await work(state, hands)
    assert len(hands.done) == 1
    clock.advance_ms(WAITS_MS)
    await work(state, hands)
    assert sorted(one.status.value for one in await listed(state)) == ["done", "expired"]
    assert {one.decided_name for one in await listed(state)} == {"ada", ""}


async def approve(state: State, response: actions.Response, who: str = "ada") -> actions.Response:
    return await state.write(
        lambda unit: decide(unit, TENANT, response.id, approves=True), Author(f"user:{who}", who)
    )


async def told_of(state: State, fingerprint: str) -> list[str]:
    """How the responses of an alert stood, as its timeline tells it."""
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=fingerprint))
    return [entry.detail["status"] for entry in steps if entry.step is Step.ACTED]


async def test_who_decides_has_the_evidence_of_when_it_began_and_the_story_says_that_it_waits(
    world: World, clock: FakeClock
) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "approval": True, "evidence": ["up"]})
    name = await world.fires(alertname="A")
    await work(state, hands)
    [waits] = await listed(state)
    assert [one["answer"] for one in waits.evidence] == ["up of default is 1"]
    assert await told_of(state, name) == ["waiting"]
    began_ms = clock.now_ms()
    clock.advance_ms(MINUTE_MS)
    await approve(state, waits)
    await work(state, hands)
    [done] = await listed(state)
    assert [one["at_ms"] - began_ms for one in done.evidence] == [0, MINUTE_MS]
    assert await told_of(state, name) == ["waiting", "done"]


@pytest.mark.parametrize("on", ["firing", "resolved"])
async def test_what_waits_ends_when_what_it_answers_is_no_longer_so(world: World, on: str) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "on": [on], "approval": True})
    name = await world.fires(alertname="A")
    if on == "resolved":
        await world.resolves(name, alertname="A")
    await work(state, hands)
    [waits] = await listed(state)
    assert waits.status is ResponseStatus.WAITING
    if on == "resolved":
        await world.fires(alertname="A")
    else:
        await world.resolves(name, alertname="A")
    await work(state, hands)
    [ended] = await listed(state)
    assert ended.status is ResponseStatus.EXPIRED
    assert ended.outcome.endswith("before anybody approved it")
    with pytest.raises(PharosError, match="waits for nobody: it is expired") as refused:
        await approve(state, waits)
    assert refused.value.kind is Kind.CONFLICT
    assert hands.done == []


async def test_what_was_approved_is_done_once_whoever_else_decides_and_although_the_alert_ends(
    world: World,
) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "approval": True})
    name = await world.fires(alertname="A")
    await work(state, hands)
    [waits] = await listed(state)
    await approve(state, waits)
    await world.resolves(name, alertname="A")
    with pytest.raises(PharosError, match="it is ready, decided by ada"):
        await approve(state, waits, "bob")
    await work(state, hands)
    with pytest.raises(PharosError, match="it is done, decided by ada"):
        await approve(state, waits, "bob")
    assert len(hands.done) == 1


async def test_of_two_that_wait_the_second_is_not_approved_while_the_action_cools_down(
    world: World, clock: FakeClock
) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "approval": True})
    await world.fires(alertname="A")
    await work(state, hands)
    clock.advance_ms(11 * MINUTE_MS)
    await world.fires(alertname="B")
    await work(state, hands)
    second, first = await listed(state)
    await approve(state, first)
    with pytest.raises(PharosError, match="was done just before"):
        await approve(state, second)
    await work(state, hands)
    clock.advance_ms(MINUTE_MS)
    with pytest.raises(PharosError, match="was done just before") as refused:
        await approve(state, second)
    assert (refused.value.kind, refused.value.hint) == (Kind.CONFLICT, "again in 540 s")
    clock.advance_ms(9 * MINUTE_MS)
    await approve(state, second)
    await work(state, hands)
    assert len(hands.done) == 2


@pytest.mark.parametrize(("now", "reason"), [(None, "is gone"), ({"enabled": False}, "was switched off")])
async def test_what_people_took_away_meanwhile_is_not_approved_any_more(
    world: World, now: dict[str, Any] | None, reason: str
) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "approval": True})
    await world.fires(alertname="A")
    await work(state, hands)
    [waits] = await listed(state)
    if now is None:
        await state.write(lambda unit: documents.drop_document(unit, TENANT, Defined.ACTION, "hook"), PHAROS)
    else:
        await define(state, {**HOOK, "approval": True, **now})
    with pytest.raises(PharosError, match=reason):
        await approve(state, waits)
    ada = Author("user:ada", "ada", "no longer")
    left = await state.write(lambda unit: decide(unit, TENANT, waits.id, approves=False), ada)
    assert (left.status, left.outcome) == (ResponseStatus.REJECTED, "no longer")


async def test_what_fails_is_kept_and_not_repeated(world: World) -> None:
    state, hands = world.state, Hands(fails=True)
    await define(state, {**HOOK, "on": ["resolved"]})
    name = await world.fires(alertname="A")
    await world.resolves(name, alertname="A")
    await work(state, hands)
    await work(state, hands)
    assert len(hands.done) == 1
    [failed] = await listed(state)
    assert (failed.status, failed.step, failed.outcome) == (ResponseStatus.FAILED, "resolved", "500 no")


async def test_what_ran_when_the_process_ended_is_interrupted_and_not_repeated(
    world: World, clock: FakeClock
) -> None:
    state, hands = world.state, Hands()
    await define(state, HOOK)
    await world.fires(alertname="A")
    await state.write(follow, PHAROS)
    await state.write(lambda unit: actions.claim(unit, MINUTE_MS), PHAROS)
    await work(state, hands)
    assert [one.status for one in await listed(state)] == [ResponseStatus.RUNNING]
    clock.advance_ms(MINUTE_MS)
    await work(state, hands)
    assert [one.status for one in await listed(state)] == [ResponseStatus.INTERRUPTED]
    assert hands.done == []


# -- with real programs and servers --


@asynccontextmanager
async def own_hands(**allowed: Any) -> AsyncIterator[OwnHands]:
    def client(*, private: bool) -> Outbound:
        return Outbound(allow_private=private, user_agent="test", random_source=Random(1))

    async def ask(tenant: str, query: str) -> str:
        return f"{tenant} {query}"

    abroad, within = client(private=False), client(private=True)
    try:
        yield OwnHands(abroad, within, Allowed(**allowed), ask)
    finally:
        await abroad.close()
        await within.close()


def refusal(reason: str, code: int) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}


@asynccontextmanager
async def kubernetes() -> AsyncIterator[tuple[str, list[tuple[str, str, str, Any]]]]:
    """A server that takes patches as the API of Kubernetes does, and keeps what it was asked."""
    asked: list[tuple[str, str, str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer token":
            failure = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "Unauthorized",
                "code": 401,
            }
            return web.json_response(failure, status=401)
        body = await request.json()
        asked.append((request.method, request.path, request.headers["Content-Type"], body))
        if "missing" in request.path:
            failure = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "NotFound",
                "code": 404,
            }
            return web.json_response(failure, status=404)
        found = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": body["spec"]}
        return web.json_response(found)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def patch(name: str, cluster: str = "main") -> Call:
    document = {"cluster": cluster, "kind": "deployment", "namespace": "shop", "name": name}
    action = read_action({"kubernetes": {**document, "patch": {"spec": {"replicas": 3}}}}, "a")
    call = plan(action, "a", Transition("t", "f", "firing", 1, {}))
    assert isinstance(call, Call)
    return call


async def test_an_object_of_kubernetes_is_patched() -> None:
    async with kubernetes() as (server, asked):
        clusters = {
            "main": Cluster(server, SecretText(Secret("token"))),
            "other": Cluster(server, SecretText(Secret("wrong"))),
        }
        async with own_hands(clusters=clusters) as hands:
            assert "200 OK" in await hands.call(patch("web"), 5)
            with pytest.raises(PharosError, match="404 Not Found"):
                await hands.call(patch("missing"), 5)
            with pytest.raises(PharosError, match="401 Unauthorized"):
                await hands.call(patch("web", "other"), 5)
            with pytest.raises(PharosError, match="no cluster 'third'"):
                await hands.call(patch("web", "third"), 5)
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    assert asked[0] == ("PATCH", path, "application/strategic-merge-patch+json", {"spec": {"replicas": 3}})


@pytest.mark.parametrize(
    ("patch_of", "more", "part"),
    [
        ({"status": {"abort": True}}, {"type": "merge"}, "/status"),
        ([{"op": "add", "path": "/status/abort", "value": True}], {"type": "json"}, "/status"),
        ({"spec": {"replicas": 3}}, {"type": "merge"}, ""),
        ({"spec": {"paused": True}, "status": {}}, {"type": "merge"}, ""),
        ([{"op": "add", "path": "/spec/paused", "value": True}], {"type": "json"}, ""),
        ([], {"type": "json"}, ""),
        ({"status": {"replicas": 1}}, {"scale": True}, "/scale"),
    ],
)
def test_a_patch_of_the_status_goes_where_kubernetes_takes_it(
    patch_of: Any, more: dict[str, Any], part: str
) -> None:
    document = {"cluster": "main", "kind": "rollout", "namespace": "shop", "name": "web", "patch": patch_of}
    action = read_action({"kubernetes": {**document, **more}}, "a")
    call = plan(action, "a", Transition("t", "f", "firing", 1, {}))
    assert isinstance(call, Call)
    assert call.target == f"apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web{part}"


async def test_a_webhook_reaches_no_private_address() -> None:
    async with kubernetes() as (server, asked), own_hands() as hands:
        with pytest.raises(PharosError):
            await hands.call(Call("POST", f"{server}/", {}, b"{}"), 5)
    assert asked == []


async def test_only_allowed_commands_run_without_a_shell_and_our_environment() -> None:
    script = "import os, sys; print(sys.argv[1:], sorted(os.environ))"
    commands = {
        "show": [sys.executable, "-c", script, "first"],
        "fail": [sys.executable, "-c", "import sys; print('why'); sys.exit(3)"],
        "hang": [sys.executable, "-c", "import time; time.sleep(600)"],
        "gone": ["/nonexistent"],
    }
    async with own_hands(commands=commands) as hands:
        shown = await hands.run(Run("show", ("$HOME; ls",), {"PHAROS_STEP": "firing"}), 60)
        assert shown.startswith("['first', '$HOME; ls'] ['")
        assert "PHAROS_STEP" in shown
        assert "PYTHONPATH" not in shown
        with pytest.raises(PharosError, match="ended with code 3: why"):
            await hands.run(Run("fail", ()), 60)
        with pytest.raises(PharosError, match=r"longer than 0\.2 s and was killed"):
            await hands.run(Run("hang", ()), 0.2)
        with pytest.raises(PharosError, match="cannot be started"):
            await hands.run(Run("gone", ()), 5)
        with pytest.raises(PharosError, match="is not allowed"):
            await hands.run(Run("sh", ("-c", "id")), 5)


def wait_for_end(pid: int) -> None:
    """Return once a process is gone, or is a zombie that nobody has asked for yet."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(1000):
        with suppress(FileNotFoundError, ProcessLookupError):
            if stat.read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
                continue
        return
    raise AssertionError(f"{pid} goes on")


async def test_what_a_command_left_behind_is_killed_too_where_it_takes_too_long(tmp_path: Path) -> None:
    # It ends at once, and what it started holds on to what is read.
    script = f"sleep 600 & echo $! > {tmp_path}/pid"
    async with own_hands(commands={"leave": ["/bin/sh", "-c", script]}) as hands:
        with pytest.raises(PharosError, match="and was killed"):
            await hands.run(Run("leave", ()), 1)
    await asyncio.to_thread(wait_for_end, int((tmp_path / "pid").read_text()))


def asked_for(fingerprint: str, action: str, unit: Writing) -> actions.Response:
    return ask_for(unit, TENANT, fingerprint, action)


async def test_an_action_that_somebody_asks_for_is_done_upon_the_alert_as_it_was(
    world: World, clock: FakeClock
) -> None:
    state, hands = world.state, Hands()
    await define(state, {**HOOK, "matchers": ["alertname=other"], "approval": True})
    name = await world.fires(alertname="A", severity="high")
    ada = Author("user:ada", "ada")
    asked = await state.write(lambda unit: ask_for(unit, TENANT, name, "hook"), ada)
    assert (asked.status, asked.step, asked.decided_name) == (ResponseStatus.READY, "asked", "ada")
    await work(state, hands)
    [call] = hands.done
    assert isinstance(call, Call)
    assert orjson.loads(call.body)["labels"] == {"alertname": "A", "severity": "high"}
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=name))
    told = [entry.detail for entry in steps if entry.step in {Step.NOTED, Step.ACTED}]
    assert told[0]["text"] == "asks for the action hook"
    assert (told[1]["status"], told[1]["approved_by"]) == ("done", "ada")
    for fingerprint, action, reason in (
        (name, "hook", "was done just before"),
        (name, "other", "there is no action 'other'"),
        ("0" * 16, "hook", "nothing is known of an alert"),
    ):
        with pytest.raises(PharosError, match=reason):
            await state.write(partial(asked_for, fingerprint, action), ada)
    clock.advance_ms(11 * MINUTE_MS)
    await define(state, {**HOOK, "enabled": False})
    with pytest.raises(PharosError, match="is switched off"):
        await state.write(lambda unit: ask_for(unit, TENANT, name, "hook"), ada)
