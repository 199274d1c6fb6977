"""Protected policies, and proposals to change them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct, to_builtins
from msgspec.structs import replace
from pydantic import Field
from starlette.requests import Request

from pharos.access import OWNER
from pharos.api.http.identity import grant_of, scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.errors import Kind, PharosError
from pharos.governance import Governance
from pharos.governance.changes import Protect, Unprotect, read_change
from pharos.state import Author, State, Unit, Writing, accounts, proposals, protections
from pharos.state.proposals import Proposal, Status

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_PROPOSE: Final = "governance.propose"
_APPROVE: Final = "governance.approve"
_LIMIT: Final = 100
_LIMIT_MAX: Final = 1000
_TEXT: Final = Field(default="", max_length=2000)


class ProposalBody(Body):
    """A change of a protected policy, and why."""

    action: str = Field(min_length=1, max_length=100)
    change: dict[str, Any] = Field(max_length=100)
    reason: str = Field(min_length=1, max_length=2000)
    everywhere: bool = False
    """Of the whole server, not of the tenant that the request names."""


class VoteBody(Body):
    """A vote, and why."""

    reason: str = _TEXT


class LiftBody(Body):
    """Why a protection ends without a vote."""

    reason: str = Field(min_length=1, max_length=2000)
    everywhere: bool = False


class ProtectionBody(Body):
    """What changes of a policy need."""

    approvals: int = 1
    percent: int = 0
    lasts_ms: int = 7 * 86_400_000
    reasons: bool = False
    everywhere: bool = False
    reason: str = _TEXT


class ProtectionShape(Shape):
    """What changes of a policy need."""

    policy: str
    tenant_id: str | None
    approvals: int
    percent: int
    lasts_ms: int
    reasons: bool


class VoteShape(Shape):
    """How somebody voted."""

    who: str
    name: str
    approves: bool
    reason: str
    at_ms: int


class ProposalShape(Shape):
    """A proposal, and how it stands."""

    id: str
    action: str
    policy: str
    tenant_id: str | None
    change: dict[str, Any]
    before: Any
    who: str
    name: str
    reason: str
    created_ms: int
    expires_ms: int
    status: Status
    decided_ms: int | None
    outcome: str
    votes: list[VoteShape]
    subject: str | None
    """The name of whom the change is about, if it is about somebody."""
    lacking: list[str]
    """What it gives or takes and nobody has who made or approves it: it waits for one who has."""


class ProposalsShape(Shape):
    """Proposals, the newest first."""

    proposals: list[ProposalShape]
    before: str | None
    """Where the next page goes on; None when there is none."""


class ProposalsApi(Struct, frozen=True):
    """Takes proposals and votes from those who may make them."""

    native: Native
    state: State
    governance: Governance

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, shape = self.native.operation, ProposalShape
        yield _asking(make("GET /api/proposals", _PROPOSE, self.list_proposals, ProposalsShape))
        yield make("POST /api/proposals", _PROPOSE, self.propose, shape, ProposalBody)
        yield make("GET /api/proposals/{proposal}", _PROPOSE, self.show_proposal, shape)
        yield make("POST /api/proposals/{proposal}/approve", _APPROVE, self.approve, shape, VoteBody)
        yield make("POST /api/proposals/{proposal}/reject", _APPROVE, self.reject, shape, VoteBody)
        yield make("POST /api/proposals/{proposal}/withdraw", _PROPOSE, self.withdraw, shape, VoteBody)
        protection = list[ProtectionShape]
        yield make("GET /api/protections", _PROPOSE, self.list_protections, protection)
        yield make("PUT /api/protections/{policy}", _APPROVE, self.protect, protection, ProtectionBody)
        yield make("DELETE /api/protections/{policy}", _APPROVE, self.unprotect, protection)
        lift = "POST /api/protections/{policy}/lift"
        yield make(lift, "server.operate", self.lift_protection, protection, LiftBody)

    # -- proposals --

    async def list_proposals(self, request: Request) -> dict[str, Any]:
        """Return the newest proposals of the tenant, or (`everywhere`) of all, with their votes."""
        parameters = query_parameters(request)
        limit = min(parameters.limit() or _LIMIT, _LIMIT_MAX)
        wanted = partial(
            proposals.list_proposals,
            tenants=_seen(request, parameters),
            status=_status(parameters.first("status")),
            before=parameters.first("before"),
            limit=limit,
        )
        found = await self.state.read(lambda unit: [self._shown(unit, one) for one in wanted(unit)])
        return {"proposals": found, "before": found[-1]["id"] if len(found) == limit else None}

    async def show_proposal(self, request: Request) -> dict[str, Any]:
        """Return a proposal with its votes."""
        return await self.state.read(lambda unit: self._shown(unit, _visible(request, unit, _PROPOSE)))

    async def propose(self, request: Request, body: ProposalBody) -> dict[str, Any]:
        """Propose a change of a protected policy, for others to approve."""
        change = read_change(body.action, _place(request, body.everywhere, _PROPOSE), body.change)

        def do(unit: Writing) -> dict[str, Any]:
            return self._shown(unit, self.governance.propose(unit, change))

        return await self._write(request, body.reason, do)

    async def approve(self, request: Request, body: VoteBody) -> dict[str, Any]:
        """Vote for a proposal; the vote that reaches the quorum makes the change."""
        return await self._decide(request, body, _APPROVE, self.governance.approve)

    async def reject(self, request: Request, body: VoteBody) -> dict[str, Any]:
        """Vote against a proposal."""
        return await self._decide(request, body, _APPROVE, self.governance.reject)

    async def withdraw(self, request: Request, body: VoteBody) -> dict[str, Any]:
        """End a proposal of one's own."""
        return await self._decide(request, body, _PROPOSE, self.governance.withdraw)

    async def _decide(
        self, request: Request, body: VoteBody, permission: str, decide: Callable[[Writing, str], Proposal]
    ) -> dict[str, Any]:
        def do(unit: Writing) -> dict[str, Any]:
            return self._shown(unit, decide(unit, _visible(request, unit, permission).id))

        return await self._write(request, body.reason, do)

    def _shown(self, unit: Unit, found: Proposal) -> dict[str, Any]:
        """Return a proposal as it is shown, with names where people know no ids."""
        change, subject = dict(found.change), None
        if "user_id" in change:
            # Who is no more has no name either.
            with suppress(PharosError):
                subject = accounts.user(unit, change["user_id"]).name
        lacking = sorted(self.governance.lacking(unit, found))
        return {**to_builtins(found), "change": change, "subject": subject, "lacking": lacking}

    # -- protections --

    async def list_protections(self, request: Request) -> list[dict[str, Any]]:
        """Return which policies are protected here, by a rule of the tenant or of all."""
        tenant = scope_of(request).tenant
        found = await self.state.read(protections.list_protections)
        return [to_builtins(one) for one in found if one.tenant_id in {None, tenant}]

    async def protect(self, request: Request, body: ProtectionBody) -> list[dict[str, Any]]:
        """Protect a policy; of one that is protected, its rule is changed by a proposal alone."""
        rule = body.model_dump(exclude={"everywhere", "reason"})
        place = _place(request, body.everywhere, _APPROVE)
        change = Protect(place, request.path_params["policy"], **rule)
        await self._write(request, body.reason, partial(self.governance.change, change=change))
        return await self.list_protections(request)

    async def unprotect(self, request: Request) -> list[dict[str, Any]]:
        """End the protection of a policy in the tenant, which a proposal alone may do."""
        change = Unprotect(scope_of(request).tenant, request.path_params["policy"])
        await self._write(request, "", partial(self.governance.change, change=change))
        return await self.list_protections(request)

    async def lift_protection(self, request: Request, body: LiftBody) -> list[dict[str, Any]]:
        """End a protection without a vote, for when those are gone who could: by the data folder's key."""
        who = scope_of(request).who
        if who != OWNER:
            raise PharosError(
                Kind.DENIED,
                "a protection is lifted beside the server alone, by who may read the data folder",
                hint="`pharos tenant unprotect --emergency` there; otherwise propose it",
            )
        place = None if body.everywhere else scope_of(request).alone().tenant
        policy = request.path_params["policy"]
        await self._write(request, body.reason, partial(self.governance.lift, policy=policy, tenant=place))
        where = "everywhere" if place is None else f"in the tenant {place}"
        _LOG.warning("the protection of %s %s was lifted without a vote: %s", policy, where, body.reason)
        return await self.list_protections(request)

    async def _write(self, request: Request, reason: str, fn: Callable[[Writing], T]) -> T:
        who = scope_of(request).who
        return await self.state.write(fn, Author(f"{who.kind}:{who.id}", who.name, reason.strip()))


def _place(request: Request, everywhere: bool, permission: str) -> str | None:
    """Return the tenant whose policy is meant, None for the whole server. Raises PharosError(DENIED)."""
    if not everywhere:
        return scope_of(request).tenant
    if permission not in grant_of(request).everywhere:
        raise PharosError(
            Kind.DENIED,
            f"policies of the whole server need {permission} everywhere",
            hint="leave everywhere out for those of one tenant",
        )
    return None


def _seen(request: Request, parameters: Parameters) -> frozenset[str] | None:
    """Return the tenants whose proposals are shown; None for all."""
    everywhere = parameters.first("everywhere") in {"true", "1"}
    tenant = _place(request, everywhere, _PROPOSE)
    return None if tenant is None else frozenset({tenant})


def _visible(request: Request, unit: Any, permission: str) -> Proposal:
    """Return the proposal that is named, if it is one of the request's tenant, or of the whole server's.

    Raises PharosError(MISSING), for those of others too.
    """
    named = request.path_params["proposal"]
    found = proposals.proposal(unit, named)
    is_mine = found.tenant_id == scope_of(request).tenant
    if not is_mine and permission not in grant_of(request).everywhere:
        raise PharosError(Kind.MISSING, f"there is no proposal {named!r}")
    return found


def _status(text: str) -> Status | None:
    """Return the status that is looked for. Raises PharosError(INVALID)."""
    try:
        return Status(text) if text else None
    except ValueError as exc:
        raise PharosError(
            Kind.INVALID, f"there is no status {text[:40]!r}", hint=f"one of {', '.join(Status)}"
        ) from exc


def _asking(made: Operation) -> Operation:
    described: dict[str, Any] = {
        "everywhere": {"type": "boolean", "description": "All proposals, not those of one tenant."},
        "status": {"type": "string", "enum": list(Status)},
        "before": {"type": "string", "description": "Where the page before this one ended."},
        "limit": {"type": "integer", "minimum": 0, "description": f"{_LIMIT} if none, {_LIMIT_MAX} at most."},
    }
    asked = [{"name": name, "in": "query", "schema": schema} for name, schema in described.items()]
    return replace(made, inputs={**made.inputs, "parameters": asked})
