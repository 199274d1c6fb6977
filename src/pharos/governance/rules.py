"""When a change needs a proposal, who votes, and when a vote decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from pharos.access import NOBODY, OWNER, grant
from pharos.errors import Kind, PharosError
from pharos.governance.changes import Change, Protect, Unprotect, document_of, read_change
from pharos.state import PHAROS, State, Unit, Writing, accounts, proposals, roles
from pharos.state.proposals import NewProposal, Proposal, Status
from pharos.state.protections import Protection, drop_protection, protection, require_unprotected
from pharos.state.roles import Membership

APPROVE: Final = "governance.approve"
OWNER_OF_ALL: Final = f"{OWNER.kind}:{OWNER.id}"
"""Who may read the data folder, as the audit log names them: they may do everything."""
Approvers = Callable[[Unit, str | None], frozenset[str]]
"""Returns who may approve a change in a tenant, or of the whole server (None), as `user:ID`."""


def people_who_may_approve(unit: Unit, tenant: str | None) -> frozenset[str]:
    """Return the users, without disabled ones, whose roles let them approve in a tenant, or everywhere."""
    enabled = {one.id for one in accounts.list_users(unit, limit=1_000_000) if one.disabled_ms is None}
    held: dict[str, list[Membership]] = {}
    for one in roles.all_memberships(unit):
        if one.user_id in enabled:
            held.setdefault(one.user_id, []).append(one)
    made = roles.list_roles(unit)
    return frozenset(f"user:{one}" for one, of in held.items() if APPROVE in _allowed(made, of, tenant))


def _allowed(made: Iterable[roles.Role], held: Iterable[Membership], tenant: str | None) -> frozenset[str]:
    """Return what memberships of one user allow in a tenant, or everywhere (None)."""
    given = [(one.tenant_id, roles.allowed_by(made, one.role, one.tenant_id)) for one in held]
    found = grant(NOBODY, [(at, role) for at, role in given if role is not None])
    return found.everywhere if tenant is None else found.permissions(tenant)


class Governance:
    """The door: changes that need nobody else, and proposals."""

    def __init__(self, state: State, approvers: Approvers = people_who_may_approve) -> None:
        self._state = state
        self._approvers = approvers

    # -- within a unit of work --

    def change(self, unit: Writing, change: Change) -> None:
        """Make a change of a policy that is not protected.

        Raises what its check raises, and PharosError(DENIED) that says how to propose it when it is.
        """
        self._check(unit, change)
        require_unprotected(unit, change.policy, change.tenant)
        change.apply(unit)

    def propose(self, unit: Writing, change: Change) -> Proposal:
        """Keep a change as a proposal of the unit's author, whose reason says why; return it.

        Raises what its check raises, and PharosError(INVALID) when there is no reason, when the policy is not
        protected, or when there are not enough people to approve it.
        """
        change = change.settled(unit)
        self._check(unit, change)
        rule = protection(unit, change.policy, change.tenant)
        if rule is None:
            raise PharosError(
                Kind.INVALID, f"the policy {change.policy!r} is not protected", hint="change it directly"
            )
        if not unit.author.reason.strip():
            raise PharosError(Kind.INVALID, "a proposal needs a reason", hint="say why, for those who vote")
        may = self._electorate(unit, change.tenant, unit.author.who)
        if len(may) < rule.needed(len(may)):
            raise PharosError(
                Kind.INVALID,
                f"this needs {rule.words}, and besides you {len(may)} may",
                hint=f"give more people a role with {APPROVE}",
            )
        lacking = self._lacking(unit, change, {unit.author.who, *may})
        if lacking:
            raise PharosError(
                Kind.DENIED,
                f"neither you nor anybody who may approve has {min(lacking)}, which this gives or takes",
                hint="nobody gives what they do not have: an operator may",
            )
        new = NewProposal(
            change.action,
            change.policy,
            change.tenant,
            document_of(change),
            change.current(unit),
            unit.now_ms + rule.lasts_ms,
        )
        return proposals.create_proposal(unit, new)

    def approve(self, unit: Writing, proposal_id: str) -> Proposal:
        """Vote for a proposal as the unit's author; what that decides is applied in the same transaction."""
        return self._vote(unit, proposal_id, approves=True)

    def reject(self, unit: Writing, proposal_id: str) -> Proposal:
        """Vote against a proposal as the unit's author; it ends when it cannot reach its quorum any more."""
        return self._vote(unit, proposal_id, approves=False)

    def withdraw(self, unit: Writing, proposal_id: str) -> Proposal:
        """End a proposal of the unit's author. Raises PharosError: MISSING, INVALID, DENIED for another's."""
        found = _open(unit, proposal_id)
        if found.who != unit.author.who:
            raise PharosError(
                Kind.DENIED, "only who made a proposal may withdraw it", hint="reject it instead"
            )
        return proposals.end_proposal(unit, proposal_id, Status.WITHDRAWN, unit.author.reason)

    def _check(self, unit: Unit, change: Change) -> None:
        change.check(unit)
        if isinstance(change, Protect):
            rule = Protection(
                change.policy,
                change.tenant,
                change.approvals,
                change.percent,
                change.lasts_ms,
                change.reasons,
            )
            may = len(self._approvers(unit, change.tenant))
            if may < rule.needed(may):
                raise PharosError(
                    Kind.INVALID,
                    f"nothing could change any more: it would need {rule.words}, and {may} may give it",
                    hint=f"give people a role with {APPROVE} first",
                )

    def _electorate(self, unit: Unit, tenant: str | None, proposer: str) -> frozenset[str]:
        return self._approvers(unit, tenant) - {proposer}

    def _vote(self, unit: Writing, proposal_id: str, *, approves: bool) -> Proposal:
        found = _open(unit, proposal_id)
        rule = protection(unit, found.policy, found.tenant_id)
        may = self._electorate(unit, found.tenant_id, found.who)
        if unit.author.who == found.who:
            raise PharosError(Kind.DENIED, "who made a proposal has no vote on it", hint="others decide")
        if unit.author.who not in may:
            raise PharosError(Kind.DENIED, f"only people with the permission {APPROVE} there may vote")
        if rule is not None and rule.reasons and not unit.author.reason.strip():
            raise PharosError(Kind.INVALID, "a vote on this proposal needs a reason")
        return self._decide(unit, proposals.put_vote(unit, proposal_id, approves=approves), rule, may)

    def _decide(
        self, unit: Writing, found: Proposal, rule: Protection | None, may: frozenset[str]
    ) -> Proposal:
        """Return the proposal, ended if the votes of those who may vote now decide it."""
        needed = 1 if rule is None else rule.needed(len(may))
        for_it = {vote.who for vote in found.votes if vote.approves and vote.who in may}
        against = {vote.who for vote in found.votes if not vote.approves and vote.who in may}
        change = _change_of(found)
        if len(for_it) >= needed and not self._lacking(unit, change, {found.who, *for_it}):
            return _apply(unit, found, len(for_it))
        outcome = ""
        if len(may) - len(against) < needed:
            outcome = f"{len(against)} of {len(may)} who may vote are against it"
        elif left := self._lacking(unit, change, {found.who, *(may - against)}):
            outcome = f"nobody is left to approve it who has {min(left)}"
        if outcome:
            return proposals.end_proposal(unit, found.id, Status.REJECTED, outcome)
        return found

    def lacking(self, unit: Unit, found: Proposal) -> frozenset[str]:
        """Return what an open proposal gives or takes and nobody has who made or approves it.

        It waits for the vote of somebody who has all of it.
        """
        if found.status is not Status.OPEN:
            return frozenset()
        return self._lacking(
            unit, _change_of(found), {found.who, *(one.who for one in found.votes if one.approves)}
        )

    def _lacking(self, unit: Unit, change: Change, givers: Iterable[str]) -> frozenset[str]:
        """Return what none of the givers has of what a change gives or takes: of who lacks the least."""
        moved = change.moves(unit)
        if not moved or OWNER_OF_ALL in givers:
            return frozenset()
        made = roles.list_roles(unit)
        has = [
            _allowed(made, roles.memberships_of(unit, one), change.tenant)
            for one in (giver.removeprefix("user:") for giver in givers if giver.startswith("user:"))
            if _is_enabled(unit, one)
        ]
        return min((moved - one for one in has), key=len, default=moved)

    # -- in need --

    def lift(self, unit: Writing, policy: str, tenant: str | None) -> None:
        """End a protection without a vote: for when those are gone who could. The author's reason says why.

        It is told in the audit log by a name of its own, with how many could have approved. Raises
        PharosError: INVALID without a reason, MISSING when the policy is not protected there.
        """
        if not unit.author.reason.strip():
            raise PharosError(Kind.INVALID, "this needs a reason", hint="it stays in the audit log")
        Unprotect(tenant, policy).check(unit)
        drop_protection(unit, policy, tenant, lifted_past=len(self._approvers(unit, tenant)))

    # -- by the clock --

    async def expire(self) -> None:
        """End the proposals whose time is over. Raises PharosError(UNAVAILABLE)."""
        if await self._state.read(proposals.overdue_proposals):
            await self._state.write(_expire, PHAROS)


def _expire(unit: Writing) -> None:
    for proposal_id in proposals.overdue_proposals(unit):
        proposals.end_proposal(unit, proposal_id, Status.EXPIRED, "its time was over before enough had voted")


def _change_of(found: Proposal) -> Change:
    return read_change(found.action, found.tenant_id, found.change)


def _is_enabled(unit: Unit, user_id: str) -> bool:
    try:
        return accounts.user(unit, user_id).disabled_ms is None
    except PharosError:
        return False


def _open(unit: Unit, proposal_id: str) -> Proposal:
    """Return a proposal that can be decided. Raises PharosError: MISSING, or INVALID when it is over."""
    found = proposals.proposal(unit, proposal_id)
    status = found.status
    if status is Status.OPEN and found.expires_ms <= unit.now_ms:
        status = Status.EXPIRED
    if status is not Status.OPEN:
        raise PharosError(Kind.INVALID, f"the proposal is {status} already", hint="make a new one")
    return found


def _apply(unit: Writing, found: Proposal, for_it: int) -> Proposal:
    """Make the change of an approved proposal, unless things are not any more as they were."""
    author = unit.author
    try:
        change = _change_of(found)
        change.check(unit)
        if change.current(unit) != found.before:
            words = "what it was to change was changed meanwhile"
            return proposals.end_proposal(unit, found.id, Status.OUTDATED, words)
        unit.author = replace(author, reason=f"proposal {found.id}: {found.reason}")
        unit.is_decided = True
        unit.attempt(change.apply)
    except PharosError as exc:
        if exc.kind in {Kind.BUG, Kind.UNAVAILABLE}:
            raise
        return proposals.end_proposal(unit, found.id, Status.FAILED, str(exc))
    finally:
        unit.author, unit.is_decided = author, False
    return proposals.end_proposal(unit, found.id, Status.APPLIED, f"{for_it} approved it")
