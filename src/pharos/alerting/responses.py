"""Automatic responses over the state: owed by transitions, approved by people, carried out once.

A response is owed in the transaction that moves the place up to which the timeline was followed; it goes to
`running` in a transaction of its own before anything is done. So a process that is killed loses none that
was owed, and does none twice: one that was running is `interrupted`, and people see so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.actions import Action, Call, Run, Transition, plan, read_action
from pharos.errors import Kind, PharosError
from pharos.state import PHAROS, State, Unit, Writing, actions, documents, followers, timeline
from pharos.state.actions import Response, ResponseStatus
from pharos.state.documents import Defined
from pharos.state.timeline import Entry, Step

_LOG = logging.getLogger(__name__)

FOLLOWER: Final = "actions"
_BATCH: Final = 500
_STEPS: Final = {
    Step.FIRING: "firing",
    Step.RESOLVED: "resolved",
    Step.UNKNOWN: "unknown",
    Step.ACKNOWLEDGED: "acknowledged",
    Step.ESCALATED: "escalated",
}
_UNDONE: Final = {
    Step.RESOLVED: (
        "the alert was over before anybody approved it",
        {"firing", "unknown", "acknowledged", "escalated"},
    ),
    Step.FIRING: ("the alert fired again before anybody approved it", {"resolved"}),
}
"""Which steps' responses make no sense any more after a step."""
ASKED: Final = "asked"
"""The step of a response that somebody asked for."""
_LABELLED: Final = (Step.FIRING, Step.RESOLVED)
WAITS_MS: Final = 24 * 3_600_000
"""So long somebody may take to approve one."""
_LEASE_MS: Final = 1_200_000
"""Longer than gathering evidence and acting may take together."""
_EVIDENCE_S: Final = 10.0
_OUTCOME_MOST: Final = 4_000
_AT_ONCE: Final = 4


class Hands(Protocol):
    """By what responses are carried out."""

    async def call(self, call: Call, timeout_s: float) -> str:
        """Send a request and return its answer, shortened. Raises PharosError where it is not 2xx."""
        ...

    async def run(self, run: Run, timeout_s: float) -> str:
        """Run an allowed command and return what it wrote. Raises PharosError where it fails, or is not
        allowed."""
        ...

    async def ask(self, tenant: str, query: str) -> str:
        """Return the answer to a query as text. Raises PharosError."""
        ...


class _Defined(Struct, frozen=True):
    name: str
    version: int
    action: Action
    document: Mapping[str, Any]


class Responses:
    """All tenants' automatic responses."""

    def __init__(self, state: State, hands: Hands) -> None:
        self._state = state
        self._hands = hands
        self._running: set[asyncio.Task[None]] = set()
        self._looking: set[str] = set()
        """Responses for which evidence is being gathered before somebody decides."""

    async def round(self) -> bool:
        """Do what is due, and return whether more is. Raises PharosError(UNAVAILABLE)."""
        if not await self._state.read(self._has_work):
            return False
        is_more = await self._state.write(self._work, PHAROS)
        for one in (await self._state.read(self._unseen))[: max(_AT_ONCE - len(self._looking), 0)]:
            self._looking.add(one.id)
            self._start(self._look(one))
        while len(self._running) - len(self._looking) < _AT_ONCE and await self._state.read(
            actions.has_ready
        ):
            found = await self._state.write(lambda unit: actions.claim(unit, _LEASE_MS), PHAROS)
            if found is None:
                break
            self._start(self._carry_out(found))
        return is_more

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait for what runs."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Stop what runs; it is noted as interrupted later."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _has_work(self, unit: Unit) -> bool:
        place = followers.place_of(unit, FOLLOWER)
        is_behind = place is None or timeline.newest_number(unit) > place
        is_due = is_behind or actions.has_ready(unit) or bool(actions.overdue(unit, WAITS_MS))
        return is_due or bool(self._unseen(unit))

    def _unseen(self, unit: Unit) -> list[Response]:
        """Return what waits for approval, and has nothing yet by which somebody could decide."""
        return [
            one
            for one in actions.list_waiting(unit)
            if not one.evidence and one.document.get("evidence") and one.id not in self._looking
        ]

    def _work(self, unit: Writing) -> bool:
        actions.end_overdue(unit, WAITS_MS)
        return follow(unit)

    # -- carrying out --

    async def _carry_out(self, found: Response) -> None:
        """Carry one out, and keep what came of it; while the state is away that is tried again."""
        status, outcome = ResponseStatus.FAILED, "it could not be carried out"
        try:
            action = read_action(found.document, found.action)
            evidence = [await self._evidence(found.tenant_id, query) for query in action.evidence]
            if evidence:
                await self._state.write(lambda unit: actions.keep_evidence(unit, found.id, evidence), PHAROS)
            outcome = await self._act(action, found)
            status = ResponseStatus.DONE
        except PharosError as exc:
            outcome = str(exc)
        except TimeoutError:
            outcome = "it took too long"
        await self._keep(found, status, outcome[:_OUTCOME_MOST].replace("\0", ""))

    async def _look(self, waits: Response) -> None:
        """Gather evidence for who decides: once it is approved the trouble may look otherwise."""

        def keep(unit: Writing) -> None:
            # It may have been decided meanwhile: then the evidence is that of carrying it out. Or another
            # Pharos looked.
            now = actions.get_response(unit, waits.tenant_id, waits.id)
            if now.status is ResponseStatus.WAITING and not now.evidence:
                actions.keep_evidence(unit, waits.id, evidence)

        try:
            action = read_action(waits.document, waits.action)
            evidence = [await self._evidence(waits.tenant_id, query) for query in action.evidence]
            await self._state.write(keep, PHAROS)
        except PharosError as exc:
            _LOG.error("evidence for the action %s is not kept: %s", waits.action, exc)
        finally:
            self._looking.discard(waits.id)

    async def _act(self, action: Action, found: Response) -> str:
        what = plan(action, found.action, _transition(found))
        timeout_s = action.timeout_ms / 1000
        async with asyncio.timeout(timeout_s + 5):
            if isinstance(what, Run):
                return await self._hands.run(what, timeout_s)
            return await self._hands.call(what, timeout_s)

    async def _evidence(self, tenant: str, query: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_EVIDENCE_S):
                answer = await self._hands.ask(tenant, query)
        except PharosError as exc:
            answer = f"no answer: {exc}"
        except TimeoutError:
            answer = "no answer in time"
        return {"query": query, "answer": answer[:_OUTCOME_MOST].replace("\0", "")}

    async def _keep(self, found: Response, status: ResponseStatus, outcome: str) -> None:
        while True:
            try:
                await self._state.write(
                    lambda unit: actions.end_response(unit, found, status, outcome), PHAROS
                )
            except PharosError as exc:
                if exc.kind is not Kind.UNAVAILABLE:
                    _LOG.error("what came of the action %s is not kept: %s", found.action, exc)
                    return
                await asyncio.sleep(exc.retry_after_s or 1.0)
            else:
                return


def follow(unit: Writing) -> bool:
    """Owe the responses that the next steps of the timeline ask for; return whether there are more steps."""
    place = followers.begin(unit, FOLLOWER)
    entries = timeline.since(unit, place, _BATCH)
    if not entries:
        return False
    defined: dict[str, list[_Defined]] = {}
    for entry in entries:
        if entry.step not in _STEPS or not entry.fingerprint:
            continue
        if entry.step in _UNDONE:
            _end_waiting(unit, entry)
        if entry.tenant_id not in defined:
            defined[entry.tenant_id] = _actions(unit, entry.tenant_id)
        if defined[entry.tenant_id]:
            _answer(unit, entry, defined[entry.tenant_id])
    followers.move(unit, FOLLOWER, entries[-1].number)
    return len(entries) == _BATCH


def _end_waiting(unit: Writing, entry: Entry) -> None:
    """End what waits for approval and answers what is no longer so: approved later, it would do harm."""
    outcome, steps = _UNDONE[entry.step]
    for one in actions.list_waiting(unit, entry.tenant_id, entry.fingerprint):
        if one.step in steps:
            actions.end_response(unit, one, ResponseStatus.EXPIRED, outcome)


def _actions(unit: Unit, tenant_id: str) -> list[_Defined]:
    found = []
    for version in documents.list_documents(unit, Defined.ACTION, tenant_id):
        document = version.document or {}
        try:
            action = read_action(document, version.name)
        except PharosError as exc:
            _LOG.error("the tenant %s has an action that cannot be read: %s", tenant_id, exc)
            continue
        found.append(_Defined(version.name, version.version, action, document))
    return found


def _answer(unit: Writing, entry: Entry, defined: list[_Defined]) -> None:
    labels = entry.detail.get("labels")
    if labels is None:
        last = timeline.last_step(unit, entry.tenant_id, entry.fingerprint, _LABELLED)
        labels = {} if last is None else last.detail.get("labels", {})
    for one in defined:
        if not one.action.answers(_STEPS[entry.step], labels):
            continue
        last_ms = actions.last_started_ms(unit, entry.tenant_id, one.name)
        if last_ms is not None and 0 <= unit.now_ms - last_ms < one.action.cooldown_ms:
            outcome = f"less than {one.action.cooldown} ago it answered another transition, and it cools down"
            told = {"action": one.name, "status": ResponseStatus.SKIPPED.value, "outcome": outcome}
            at = (entry.tenant_id, entry.fingerprint, Step.ACTED, unit.now_ms)
            timeline.append(unit, [Entry(*at, told, entry.group_key)])
            continue
        actions.add_response(unit, _response(unit, entry, one, labels))


def _response(unit: Writing, entry: Entry, one: _Defined, labels: Mapping[str, str]) -> Response:
    status, outcome = ResponseStatus.READY, ""
    if one.action.dry_run:
        of = Transition(entry.tenant_id, entry.fingerprint, _step_of(entry), entry.number, labels)
        status = ResponseStatus.REHEARSED
        try:
            outcome = str(plan(one.action, one.name, of))[:_OUTCOME_MOST]
        except PharosError as exc:
            outcome = str(exc)[:_OUTCOME_MOST]
    elif one.action.approval:
        status = ResponseStatus.WAITING
    return Response(
        unit.new_id(),
        entry.tenant_id,
        one.name,
        one.version,
        one.document,
        entry.fingerprint,
        entry.group_key,
        entry.number,
        _step_of(entry),
        labels,
        status,
        (),
        outcome,
        "",
        "",
        unit.now_ms,
        None,
        unit.now_ms if status is ResponseStatus.REHEARSED else None,
        0,
    )


def _step_of(entry: Entry) -> str:
    return _STEPS.get(entry.step, ASKED)


def ask_for(unit: Writing, tenant_id: str, fingerprint: str, name: str) -> Response:
    """Owe the response of an action for which the unit's author asks, upon an alert as it was last.

    It needs no approval beyond that of who asks, and cools down as it does otherwise. Raises PharosError:
    MISSING for an alert of which nothing is known and for an action, CONFLICT for one that is switched off or
    was done just before.
    """
    last = timeline.last_step(unit, tenant_id, fingerprint, _LABELLED)
    if last is None:
        raise PharosError(Kind.MISSING, f"nothing is known of an alert {fingerprint[:80]!r}")
    version = documents.get_document(unit, tenant_id, Defined.ACTION, name)
    document = version.document or {}
    one = _Defined(name, version.version, read_action(document, name), document)
    if not one.action.enabled:
        raise PharosError(Kind.CONFLICT, f"the action {name!r} is switched off")
    _require_cool(unit, tenant_id, name, one.action.cooldown_ms)
    note = {"name": unit.author.name, "text": f"asks for the action {name}"}
    timeline.append(unit, [Entry(tenant_id, fingerprint, Step.NOTED, unit.now_ms, note, last.group_key)])
    entry = timeline.last_step(unit, tenant_id, fingerprint, (Step.NOTED,))
    if entry is None:
        raise PharosError(Kind.BUG, "what was written is not there")
    found = _response(unit, entry, one, last.detail.get("labels", {}))
    if found.status is ResponseStatus.WAITING:
        found = replace(found, status=ResponseStatus.READY)
    found = replace(found, decided_who=unit.author.who, decided_name=unit.author.name)
    actions.add_response(unit, found)
    return found


def decide(unit: Writing, tenant_id: str, response_id: str, *, approves: bool) -> Response:
    """Have the unit's author approve or reject a response that waits; return it.

    Raises PharosError: MISSING; CONFLICT when it waits no more, and for one to be approved whose action is
    gone or switched off meanwhile, or cools down. It waits on then.
    """
    found = actions.get_response(unit, tenant_id, response_id)
    if approves and found.status is ResponseStatus.WAITING:
        _require_enabled(unit, found)
        cooldown_ms = read_action(found.document, found.action).cooldown_ms
        _require_cool(unit, tenant_id, found.action, cooldown_ms)
    return actions.decide(unit, tenant_id, response_id, approves=approves)


def _require_enabled(unit: Unit, found: Response) -> None:
    kept = documents.find_document(unit, found.tenant_id, Defined.ACTION, found.action)
    now = None if kept is None else kept.document
    if now is None or not read_action(now, found.action).enabled:
        state = "is gone" if now is None else "was switched off"
        message = f"the action {found.action!r} {state} meanwhile: its response can be rejected only"
        raise PharosError(Kind.CONFLICT, message)


def _require_cool(unit: Unit, tenant_id: str, name: str, cooldown_ms: int) -> None:
    last_ms = actions.last_begun_ms(unit, tenant_id, name)
    if last_ms is not None and 0 <= unit.now_ms - last_ms < cooldown_ms:
        left_s = (cooldown_ms - unit.now_ms + last_ms) / 1000
        raise PharosError(
            Kind.CONFLICT, f"the action {name!r} was done just before", hint=f"again in {left_s:.0f} s"
        )


def _transition(found: Response) -> Transition:
    return Transition(found.tenant_id, found.fingerprint, found.step, found.transition, found.labels)
