"""Protected policies change by proposal and quorum alone, and every step of it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.governance import CHANGES, Change, Governance
from pharos.governance.changes import (
    DefineRole,
    DeleteRole,
    GrantRole,
    Protect,
    SetBounds,
    Unprotect,
    WithdrawRole,
    document_of,
    read_change,
)
from pharos.state import (
    PHAROS,
    Address,
    Author,
    State,
    Writing,
    accounts,
    audit,
    open_state,
    proposals,
    protections,
    roles,
    tenants,
)
from pharos.state.accounts import NewUser
from pharos.state.proposals import Proposal, Status

T = TypeVar("T")
DAY_MS = 86_400_000
BOUNDS = SetBounds("default", {"max_series": 10})


class Table:
    """Some people around a state: `ada`, `bob` and `eve` may approve in a tenant, `max` is its editor."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.governance = Governance(state)
        self.ids: dict[str, str] = {}
        people = (
            ("ada", "dao-admin"),
            ("bob", "governance"),
            ("eve", "governance"),
            ("max", "editor"),
        )
        for name, role in people:
            user = self._by(PHAROS, partial(accounts.create_user, new=NewUser(name)))
            self.ids[name] = user.id
            self._by(PHAROS, partial(roles.grant, user_id=user.id, tenant_id="default", role_name=role))

    def _by(self, author: Author, fn: Callable[[Writing], T]) -> T:
        return self.state.write_blocking(fn, author)

    def author(self, name: str, reason: str = "because") -> Author:
        return Author(f"user:{self.ids[name]}", name, reason)

    def change(self, name: str, change: Change) -> None:
        self._by(self.author(name), partial(self.governance.change, change=change))

    def propose(self, name: str, change: Change, reason: str = "because") -> Proposal:
        return self._by(self.author(name, reason), partial(self.governance.propose, change=change))

    def approve(self, name: str, proposal: Proposal, reason: str = "fine") -> Proposal:
        return self._by(self.author(name, reason), partial(self.governance.approve, proposal_id=proposal.id))

    def reject(self, name: str, proposal: Proposal) -> Proposal:
        return self._by(self.author(name), partial(self.governance.reject, proposal_id=proposal.id))

    def withdraw(self, name: str, proposal: Proposal) -> Proposal:
        return self._by(self.author(name), partial(self.governance.withdraw, proposal_id=proposal.id))

    def lift(self, reason: str) -> None:
        lifted = partial(self.governance.lift, policy="roles", tenant="default")
        self._by(Author("local:owner", "owner of the data folder", reason), lifted)

    def lacking(self, proposal: Proposal) -> frozenset[str]:
        return self.state.read_blocking(lambda unit: self.governance.lacking(unit, self.now(proposal)))

    def add(self, name: str) -> None:
        self._by(PHAROS, partial(accounts.create_user, new=NewUser(name)))

    def disable(self, name: str) -> None:
        self._by(PHAROS, partial(accounts.disable_user, user_id=self.ids[name]))

    def enable(self, name: str) -> None:
        self._by(PHAROS, partial(accounts.enable_user, user_id=self.ids[name]))

    def rename(self, name: str, other: str) -> None:
        self._by(PHAROS, partial(accounts.change_user, user_id=self.ids[name], name=other))

    def roles_of(self, user_id: str) -> list[str]:
        found = self.state.read_blocking(partial(roles.memberships_of, user_id=user_id))
        return [one.role for one in found]

    def bounds(self) -> dict[str, int]:
        return dict(self.state.read_blocking(partial(tenants.limits_of, tenant_id="default")).bounds)

    def now(self, proposal: Proposal) -> Proposal:
        return self.state.read_blocking(partial(proposals.proposal, proposal_id=proposal.id))

    def actions(self) -> list[str]:
        return [
            entry.action for entry in self.state.read_blocking(partial(audit.read_on, wanted=audit.Search()))
        ]


@pytest.fixture
def table(state: State) -> Table:
    return Table(state)


def refused(fn: Callable[[], object]) -> PharosError:
    with pytest.raises(PharosError) as found:
        fn()
    return found.value


def test_what_is_not_protected_is_changed_at_once_and_not_proposed(table: Table) -> None:
    table.change("max", BOUNDS)
    assert table.bounds() == {"max_series": 10}
    assert (
        "not protected"
        in refused(lambda: table.propose("max", SetBounds("default", {"max_series": 11}))).message
    )


def test_a_protected_policy_says_how_it_is_changed(table: Table) -> None:
    table.change("ada", Protect("default", "limits", approvals=2))
    error = refused(lambda: table.change("ada", BOUNDS))
    assert (error.kind, table.bounds()) == (Kind.DENIED, {})
    assert "2 approvals" in error.message
    assert "/api/proposals" in error.hint
    # Another policy, and another tenant, are not.
    table.change("ada", SetBounds("default", {"retention_ms": DAY_MS}))
    assert table.bounds() == {"retention_ms": DAY_MS}


def test_the_vote_that_reaches_the_quorum_applies_the_change(table: Table) -> None:
    table.change("ada", Protect("default", "limits", approvals=2))
    proposal = table.propose("max", BOUNDS, "more series are coming")
    assert (proposal.status, proposal.change, proposal.before) == (
        Status.OPEN,
        {"bounds": {"max_series": 10}},
        {"max_series": None},
    )
    assert table.approve("ada", proposal).status is Status.OPEN
    assert table.approve("ada", proposal).status is Status.OPEN
    assert table.bounds() == {}
    done = table.approve("bob", proposal)
    assert (done.status, table.bounds()) == (Status.APPLIED, {"max_series": 10})
    assert [vote.name for vote in done.votes] == ["ada", "bob"]
    assert table.actions()[-7:] == [
        "protection.set",
        "proposal.create",
        "proposal.approve",
        "proposal.approve",
        "proposal.approve",
        "limits.set",
        "proposal.end",
    ]
    applied = table.state.read_blocking(partial(audit.search, wanted=audit.Search(action="limits.set")))[0]
    assert (applied.name, applied.reason) == ("bob", f"proposal {proposal.id}: more series are coming")
    assert refused(lambda: table.approve("eve", proposal)).kind is Kind.INVALID


def test_who_votes_is_another_than_who_proposes_and_may_approve(table: Table) -> None:
    table.change("ada", Protect("default", "limits"))
    proposal = table.propose("ada", BOUNDS)
    assert "no vote" in refused(lambda: table.approve("ada", proposal)).message
    assert "governance.approve" in refused(lambda: table.approve("max", proposal)).message
    assert table.now(proposal).votes == ()
    assert table.approve("eve", proposal).status is Status.APPLIED


def test_a_share_is_of_those_who_may_vote(table: Table) -> None:
    table.change("ada", Protect("default", "limits", percent=51))
    by_max = table.propose("max", BOUNDS)
    assert table.approve("ada", by_max).status is Status.OPEN
    assert table.approve("bob", by_max).status is Status.APPLIED
    # Of the two that are left besides the proposer, 51 % are both.
    by_ada = table.propose("ada", SetBounds("default", {"max_series": 11}))
    assert table.approve("bob", by_ada).status is Status.OPEN
    assert table.approve("eve", by_ada).status is Status.APPLIED


def test_a_proposal_ends_when_it_cannot_reach_its_quorum(table: Table) -> None:
    table.change("ada", Protect("default", "limits", approvals=2))
    proposal = table.propose("max", BOUNDS)
    assert table.reject("ada", proposal).status is Status.OPEN
    assert table.approve("bob", proposal).status is Status.OPEN
    ended = table.reject("eve", proposal)
    assert (ended.status, ended.outcome) == (Status.REJECTED, "2 of 3 who may vote are against it")
    assert table.bounds() == {}


def test_who_may_not_approve_any_more_does_not_count(table: Table) -> None:
    table.change("ada", Protect("default", "limits", approvals=2))
    proposal = table.propose("max", BOUNDS)
    table.approve("ada", proposal)
    table.state.write_blocking(partial(accounts.disable_user, user_id=table.ids["ada"]), PHAROS)
    assert table.approve("bob", proposal).status is Status.OPEN
    assert table.approve("eve", proposal).status is Status.APPLIED


async def test_a_proposal_expires_by_the_clock(table: Table, clock: FakeClock) -> None:
    table.change("ada", Protect("default", "limits", lasts_ms=60_000))
    proposal = table.propose("max", BOUNDS)
    clock.advance_ms(59_999)
    await table.governance.expire()
    assert table.now(proposal).status is Status.OPEN
    clock.advance_ms(1)
    assert "expired already" in refused(lambda: table.approve("ada", proposal)).message
    await table.governance.expire()
    await table.governance.expire()
    assert table.now(proposal).status is Status.EXPIRED
    assert table.actions()[-2:] == ["proposal.create", "proposal.end"]


def test_reasons_are_demanded_where_the_rule_says_so(table: Table) -> None:
    table.change("ada", Protect("default", "limits", reasons=True))
    assert "needs a reason" in refused(lambda: table.propose("max", BOUNDS, " ")).message
    proposal = table.propose("max", BOUNDS)
    assert "needs a reason" in refused(lambda: table.approve("ada", proposal, "")).message
    assert table.approve("ada", proposal, "yes").status is Status.APPLIED


def test_only_who_made_a_proposal_withdraws_it(table: Table) -> None:
    table.change("ada", Protect("default", "limits"))
    proposal = table.propose("max", BOUNDS)
    assert refused(lambda: table.withdraw("ada", proposal)).kind is Kind.DENIED
    assert table.withdraw("max", proposal).status is Status.WITHDRAWN
    assert refused(lambda: table.approve("ada", proposal)).kind is Kind.INVALID


def test_a_change_of_what_was_changed_meanwhile_is_not_made(table: Table) -> None:
    table.change("ada", Protect("default", "limits"))
    first, second = (
        table.propose("max", BOUNDS),
        table.propose("max", SetBounds("default", {"max_series": 99})),
    )
    assert table.approve("ada", first).status is Status.APPLIED
    assert table.approve("ada", second).status is Status.OUTDATED
    assert table.bounds() == {"max_series": 10}


def test_what_is_not_possible_any_more_fails_as_a_whole(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    define = table.state.write_blocking(
        partial(roles.create_role, tenant_id="default", name="auditor", permissions=("metrics.view",)), PHAROS
    )
    table.state.write_blocking(
        partial(roles.grant, user_id=table.ids["max"], tenant_id="default", role_name="auditor"), PHAROS
    )
    proposal = table.propose("max", DeleteRole("default", define.name))
    ended = table.approve("ada", proposal)
    assert (ended.status, "has it" in ended.outcome) == (Status.FAILED, True)
    assert [one.name for one in table.state.read_blocking(roles.list_roles)] == ["auditor"]
    entries = table.state.read_blocking(partial(audit.read_on, wanted=audit.Search()))
    assert len(list(audit.require_chain(entries))) == len(entries)


def test_a_protection_is_only_lifted_or_weakened_by_its_own_quorum(table: Table) -> None:
    table.change("ada", Protect("default", "limits", approvals=2))
    for change in (Unprotect("default", "limits"), Protect("default", "limits")):
        assert refused(partial(table.change, "ada", change)).kind is Kind.DENIED
    proposal = table.propose("max", Unprotect("default", "limits"))
    table.approve("ada", proposal)
    assert table.approve("bob", proposal).status is Status.APPLIED
    table.change("max", BOUNDS)
    assert table.bounds() == {"max_series": 10}


def test_a_rule_of_all_tenants_holds_where_there_is_none_of_its_own(table: Table) -> None:
    table.state.write_blocking(
        partial(roles.grant, user_id=table.ids["ada"], tenant_id=None, role_name="operator"), PHAROS
    )
    table.change("ada", Protect(None, "limits"))
    for change in (BOUNDS, Protect("default", "limits")):
        assert refused(partial(table.change, "max", change)).kind is Kind.DENIED


def test_nothing_is_protected_so_that_nobody_could_change_it_any_more(table: Table) -> None:
    assert (
        "3 may give it"
        in refused(lambda: table.change("ada", Protect("default", "roles", approvals=4))).message
    )
    assert "0 may give it" in refused(lambda: table.change("ada", Protect(None, "roles"))).message


def test_roles_change_by_proposal_too(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    changes: list[Change] = [
        DefineRole("default", "auditor", ("metrics.view",)),
        GrantRole("default", table.ids["max"], "auditor"),
        DefineRole("default", "auditor", ("metrics.view", "metrics.export")),
        WithdrawRole("default", table.ids["max"], "auditor"),
        DeleteRole("default", "auditor"),
    ]
    for change in changes:
        assert table.approve("ada", table.propose("max", change)).status is Status.APPLIED
    assert table.state.read_blocking(roles.list_roles) == ()


def test_what_somebody_gets_is_given_by_one_who_has_it(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    table.disable("ada")
    # Those who are left may approve, and nobody of them may delete series, as an admin may.
    admin = GrantRole("default", table.ids["max"], "admin")
    error = refused(lambda: table.propose("max", admin))
    assert (error.kind, "neither you nor anybody" in error.message) == (Kind.DENIED, True)
    assert refused(lambda: table.propose("bob", admin)).kind is Kind.DENIED
    wide = DefineRole("default", "wide", ("metrics.delete",))
    assert refused(lambda: table.propose("max", wide)).kind is Kind.DENIED
    # What they have they give.
    own = GrantRole("default", table.ids["max"], "governance")
    assert table.approve("bob", table.propose("eve", own)).status is Status.APPLIED
    # Permissions of the whole server count in no tenant, so that nobody gives them there.
    table.enable("ada")
    whole = DefineRole("default", "all", ("users.manage",))
    assert table.approve("ada", table.propose("max", whole)).status is Status.APPLIED


def test_a_quorum_of_those_who_lack_it_waits_for_one_who_has_it(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    proposal = table.propose("max", GrantRole("default", table.ids["bob"], "dao-admin"))
    assert table.approve("eve", proposal).status is Status.OPEN
    assert "metrics.delete" in table.lacking(proposal)
    assert table.approve("ada", proposal).status is Status.APPLIED
    assert table.lacking(proposal) == frozenset()
    second = table.propose("max", GrantRole("default", table.ids["eve"], "dao-admin"))
    table.reject("ada", second)
    # Bob has it by now.
    assert table.now(second).status is Status.OPEN
    ended = table.reject("bob", second)
    assert (ended.status, "nobody is left to approve it who has" in ended.outcome) == (Status.REJECTED, True)


def test_who_proposes_gives_too_and_who_was_disabled_meanwhile_does_not(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    change = GrantRole("default", table.ids["max"], "admin")
    assert table.approve("eve", table.propose("ada", change)).status is Status.APPLIED
    taken = table.propose("ada", WithdrawRole("default", table.ids["max"], "admin"))
    table.disable("ada")
    ended = table.approve("eve", taken)
    assert (ended.status, "nobody is left" in ended.outcome) == (Status.REJECTED, True)


def test_who_gets_a_role_may_be_named_and_is_kept_by_id(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    by_name = table.propose("ada", GrantRole("default", " MAX ", "monitor"))
    assert by_name.change == {"user_id": table.ids["max"], "role": "monitor"}
    # Whoever is called so when it is approved gets nothing.
    table.rename("max", "moritz")
    table.add("max")
    table.approve("bob", by_name)
    assert "monitor" in table.roles_of(table.ids["max"])
    assert (
        refused(lambda: table.propose("ada", GrantRole("default", "nobody", "monitor"))).kind is Kind.MISSING
    )


def test_a_protection_whose_approvers_are_gone_is_lifted_with_a_reason_and_told(table: Table) -> None:
    table.change("ada", Protect("default", "roles", approvals=2))
    for name in ("ada", "bob", "eve"):
        table.disable(name)
    assert "needs a reason" in refused(lambda: table.lift(" ")).message
    table.lift("all who could approve have left")
    table.change("max", WithdrawRole("default", table.ids["ada"], "dao-admin"))
    (told,) = table.state.read_blocking(partial(audit.search, wanted=audit.Search(action="protection.lift")))
    assert (told.who, told.reason, told.after) == (
        "local:owner",
        "all who could approve have left",
        {"could_approve": 0},
    )
    assert refused(lambda: table.lift("again")).kind is Kind.MISSING


def test_proposals_outlive_the_process(address: Address, clock: FakeClock) -> None:
    with open_state(address, clock) as state:
        table = Table(state)
        table.change("ada", Protect("default", "limits"))
        proposal = table.propose("max", BOUNDS)
    with open_state(address, clock) as state:
        author = Author(f"user:{table.ids['bob']}", "bob")
        done = state.write_blocking(partial(Governance(state).approve, proposal_id=proposal.id), author)
        assert done.status is Status.APPLIED


@pytest.mark.parametrize(
    "change",
    [
        SetBounds("default", {"max_series": 10, "max_queries": None}),
        GrantRole(None, "u", "viewer"),
        WithdrawRole("a", "u", "viewer"),
        DefineRole("a", "auditor", ("metrics.view",), "looks"),
        DeleteRole(None, "auditor"),
        Protect("a", "limits", 2, 50, DAY_MS, reasons=True),
        Unprotect(None, "roles"),
    ],
    ids=lambda change: change.action,
)
def test_a_change_comes_back_from_json_as_it_was(change: Change) -> None:
    assert read_change(change.action, change.tenant, document_of(change)) == change
    assert change.action in CHANGES


@pytest.mark.parametrize(
    ("action", "document", "words"),
    [
        ("limits.drop", {}, "there is no change 'limits.drop'"),
        ("limits.set", {}, "bounds: Field required"),
        ("limits.set", {"bounds": {"max_series": "10"}}, "valid integer"),
        ("limits.set", {"bounds": {"max_series": 0.5}}, "valid integer"),
        ("limits.set", {"bounds": {}, "tenant": "other"}, "knows no field 'tenant'"),
        ("limits.set", {"bounds": {}, "who": "x"}, "knows no field 'who'"),
        ("roles.grant", {"user_id": 1, "role": "viewer"}, "user_id: Input should be a valid string"),
    ],
)
def test_what_is_no_change_is_told(action: str, document: dict[str, object], words: str) -> None:
    error = refused(lambda: read_change(action, "default", document))
    assert error.kind is Kind.INVALID
    assert words in error.message


@pytest.mark.parametrize("bounds", [{"series": 1}, {"max_series": -1}, {"max_series": 1 << 60}, {}])
def test_a_limit_that_is_none_is_not_proposed(table: Table, bounds: dict[str, int | None]) -> None:
    table.change("ada", Protect("default", "limits"))
    assert refused(lambda: table.propose("max", SetBounds("default", bounds))).kind is Kind.INVALID


def test_no_other_way_leads_around_a_protection(table: Table) -> None:
    table.change("ada", Protect("default", "roles"))
    table.change("ada", Protect("default", "limits"))
    user_id = table.ids["max"]
    ways: tuple[Callable[[Writing], object], ...] = (
        partial(tenants.change_limits, tenant_id="default", changes={"max_series": 1}),
        partial(roles.grant, user_id=user_id, tenant_id="default", role_name="admin"),
        partial(roles.withdraw, user_id=user_id, tenant_id="default", role_name="editor"),
        partial(roles.create_role, tenant_id="default", name="own", permissions=()),
        partial(protections.drop_protection, policy="roles", tenant_id="default"),
        partial(
            protections.set_protection,
            new=protections.Protection("roles", "default", 1, 0, 60_000, reasons=False),
        ),
    )
    for way in ways:
        assert refused(partial(table.state.write_blocking, way, table.author("ada"))).kind is Kind.DENIED
    # What is decided elsewhere, or by nobody, goes on.
    table.state.write_blocking(ways[2], Author("provider:sso"))
    table.state.write_blocking(ways[0], PHAROS)
    assert table.bounds() == {"max_series": 1}


def test_limits_and_retention_are_two_policies(table: Table) -> None:
    both = SetBounds("default", {"max_series": 1, "retention_ms": DAY_MS})
    assert "two policies" in refused(lambda: table.change("ada", both)).message
