"""What is asked of a flow, from who asks to the engine's answer.

A control is kept and audited before anything is sent, and sent once: whoever wants it again asks again, with
another key. So a lost answer never becomes a second start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import orjson
from msgspec import Struct
from yarl import URL

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.flows.hook import Hook, find_hook
from pharos.gotext.timestamps import format_time_ms
from pharos.http_options import HttpOptions
from pharos.notify.channels.webhook import signature_headers
from pharos.outbound import Outbound, Reply, Request
from pharos.state import PHAROS, Author, Family, State, Writing, flow_controls
from pharos.state.flow_controls import Control, ControlStatus, FlowAction, Way

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_MOST_S: Final = 60.0
"""So long a request may wait for an answer, or for something to do."""
_ANSWER_MOST_BYTES: Final = 64 << 10
MESSAGE_MOST: Final = 2_000
"""Characters of what an engine says."""
PARAMETERS_MOST: Final = 16 << 10
"""Bytes of parameters as JSON."""
_KEY_MOST: Final = 200
_ACCEPTED: Final = 202
_UNANSWERED: Final = (ControlStatus.WAITING, ControlStatus.SENT)


class Asked(Struct, frozen=True):
    """What somebody asks of a flow."""

    action: FlowAction
    workflow: str
    run_id: str = ""
    parameters: Mapping[str, Any] | None = None
    idempotency_key: str = ""
    """The same key asks for the same thing: it is done once."""


class Controls:
    """The way of controls. Used on the event loop; close it at the end."""

    def __init__(self, state: State, outbound: Outbound, clock: Clock) -> None:
        self._state = state
        self._outbound = outbound
        self._clock = clock
        self._calls: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._unwatch = state.watch(self._look)

    async def close(self) -> None:
        """Stop what is being called: what came of it stays unknown."""
        self._unwatch()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    # -- who asks --

    async def ask(self, scope: Scope, author: Author, asked: Asked, wait_s: float) -> Control:
        """Tell an engine what is asked; return how it stands once it has answered, or after `wait_s`.

        Raises PharosError: MISSING without a hook, UNSUPPORTED for what the engine cannot do, INVALID,
        CONFLICT (the key was used for something else), LIMITED.
        """
        tenant = scope.alone().tenant
        parameters = _parameters(asked.parameters or {})
        if len(asked.idempotency_key) > _KEY_MOST:
            raise PharosError(Kind.INVALID, f"an idempotency key has {_KEY_MOST} characters at most")

        def keep(unit: Writing) -> tuple[Control, bool, Hook]:
            hook = find_hook(unit, tenant, asked.workflow)
            if asked.action not in hook.actions:
                can = ", ".join(hook.actions) or "nothing"
                raise PharosError(
                    Kind.INVALID,
                    f"the engine of {asked.workflow[:200]!r} cannot {asked.action}: it can {can}",
                )
            control_id = unit.new_id()
            new = Control(
                id=control_id,
                tenant_id=tenant,
                workflow=asked.workflow,
                run_id=asked.run_id,
                action=asked.action,
                idempotency_key=asked.idempotency_key or control_id,
                parameters=parameters,
                way=hook.way,
                status=ControlStatus.SENT if hook.way is Way.URL else ControlStatus.WAITING,
                message="",
                who=unit.author.who,
                who_name=unit.author.name,
                reason=unit.author.reason,
                created_ms=unit.now_ms,
                due_ms=unit.now_ms + hook.answer_within_s * 1000,
                lease_ms=0,
                ended_ms=None,
            )
            return *flow_controls.add_control(unit, new), hook

        control, is_new, hook = await self._state.write(keep, author)
        if is_new and control.way is Way.URL:
            call = asyncio.create_task(self._call(control, hook))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return await self.answered(scope, control.id, wait_s)

    async def answered(self, scope: Scope, control_id: str, wait_s: float) -> Control:
        """Return a control once the engine has said something of it, or after a time.

        Raises PharosError(MISSING).
        """
        tenant = scope.alone().tenant

        async def get() -> Control:
            return await self._state.read(lambda unit: flow_controls.get_control(unit, tenant, control_id))

        async def look() -> Control | None:
            found = await get()
            return None if found.status in _UNANSWERED else found

        return await self._until(look, wait_s) or await get()

    # -- engines --

    async def take(
        self, scope: Scope, workflows: Sequence[str], limit: int, lease_s: float, wait_s: float
    ) -> tuple[Control, ...]:
        """Hand out what waits in the queue; wait for something to come for `wait_s`. Raises PharosError."""
        tenant = scope.alone().tenant

        async def look() -> tuple[Control, ...] | None:
            if not await self._state.read(lambda unit: flow_controls.has_queued(unit, tenant, workflows)):
                return None
            return (
                await self._state.write(
                    lambda unit: flow_controls.take_controls(
                        unit, tenant, workflows, limit, int(lease_s * 1000)
                    ),
                    PHAROS,
                )
                or None
            )

        return await self._until(look, wait_s) or ()

    async def answer(
        self, scope: Scope, author: Author, control_id: str, status: ControlStatus, message: str
    ) -> Control:
        """Keep what an engine says. Raises PharosError: MISSING, CONFLICT."""
        tenant = scope.alone().tenant
        return await self._state.write(
            lambda unit: flow_controls.answer_control(unit, tenant, control_id, status, fit(message)), author
        )

    # -- calling --

    async def _call(self, control: Control, hook: Hook) -> None:
        """Post a control to its engine, and keep what it answers."""
        body = orjson.dumps(shown_to_engine(control))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": control.id,
            **signature_headers(hook.secret, self._clock.now_ms(), body),
        }
        request = Request(
            URL(hook.url),
            "POST",
            headers,
            body,
            timeout_s=float(hook.timeout_s),
            body_limit=_ANSWER_MOST_BYTES,
            is_path_secret=True,
            is_status_enough=True,
        )
        try:
            reply = await self._outbound.send(request, HttpOptions(follow_redirects=False))
        except PharosError as exc:
            status, message = ControlStatus.FAILED, str(exc)
        else:
            status, message = said_by(reply)
        await self._keep(control, status, fit(message))

    async def _keep(self, control: Control, status: ControlStatus, message: str) -> None:
        """Keep an answer; while the state is away that is tried again."""
        while True:
            try:
                await self._state.write(
                    lambda unit: flow_controls.answer_control(
                        unit, control.tenant_id, control.id, status, message
                    ),
                    PHAROS,
                )
            except PharosError as exc:
                if exc.kind is not Kind.UNAVAILABLE:
                    # The engine said so itself before its answer came back, or the tenant is gone.
                    _LOG.debug("the answer to the control %s is not kept: %s", control.id, exc)
                    return
                await asyncio.sleep(exc.retry_after_s or 1.0)
            else:
                return

    # -- waiting --

    def _look(self, families: frozenset[Family]) -> None:
        if Family.FLOWS in families:
            with suppress(RuntimeError):
                # A loop that is closing has nobody left to tell.
                self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, look: Callable[[], Awaitable[T | None]], wait_s: float) -> T | None:
        """Return what `look` finds, looked again whenever something changes; None after a time."""
        until_s = self._loop.time() + min(wait_s, WAIT_MOST_S)
        while True:
            # What changes while it is looked rings the bell that was there before.
            changed = self._changed
            found = await look()
            left_s = until_s - self._loop.time()
            if found is not None or left_s <= 0:
                return found
            with suppress(TimeoutError):
                # What is looked for is never broken off: it may be handed out by then.
                async with asyncio.timeout(left_s):
                    await changed.wait()


def _parameters(given: Mapping[str, Any]) -> str:
    try:
        packed = orjson.dumps(dict(given), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise PharosError(Kind.INVALID, f"parameters: {exc}") from exc
    if len(packed) > PARAMETERS_MOST:
        raise PharosError(Kind.INVALID, f"parameters take {PARAMETERS_MOST} bytes of JSON at most")
    return packed.decode()


def shown_to_engine(control: Control) -> dict[str, Any]:
    """Return what an engine is told of a control."""
    return {
        "control": control.id,
        "tenant": control.tenant_id,
        "workflow": control.workflow,
        "run": control.run_id or None,
        "action": control.action.value,
        "parameters": orjson.loads(control.parameters),
        "by": control.who_name or control.who,
        "reason": control.reason,
        "asked_at": format_time_ms(control.created_ms),
        "answer_until": format_time_ms(control.due_ms),
    }


def said_by(reply: Reply) -> tuple[ControlStatus, str]:
    """Return what an engine's answer to a call means.

    A body `{"status": "accepted", "message": "..."}` says it itself; without one, 202 is accepted, another
    success done, what blames the request refused, and all else failed. A status that is none of ours may mean
    anything, so that it is not taken for done.
    """
    status, said, message = None, None, ""
    with suppress(orjson.JSONDecodeError, ValueError):
        document = orjson.loads(reply.body)
        if isinstance(document, dict):
            said = document.get("status")
            status = next((one for one in flow_controls.ANSWERS if one.value == said), None)
            message = str(document.get("message") or document.get("error") or "")
    is_success = 200 <= reply.status < 300
    if status is not None and (is_success or status in {ControlStatus.REFUSED, ControlStatus.FAILED}):
        return status, message
    if is_success and isinstance(said, str):
        known = ", ".join(one.value for one in flow_controls.ANSWERS)
        told = f": {message}" if message else ""
        return ControlStatus.FAILED, f"the engine answered a status that is none of {known}: {said!r}{told}"
    if is_success:
        return (ControlStatus.ACCEPTED if reply.status == _ACCEPTED else ControlStatus.DONE), message
    shown = message or reply.body[:MESSAGE_MOST].decode(errors="replace")
    found = ControlStatus.REFUSED if 400 <= reply.status < 500 else ControlStatus.FAILED
    return found, f"the engine answered {reply.status}{f': {shown}' if shown else ''}"


def fit(message: str) -> str:
    """Return a message as it can be kept."""
    return message.replace("\0", "").encode(errors="replace").decode()[:MESSAGE_MOST]
