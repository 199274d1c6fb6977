"""Tenants, limits and usage."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from tests.state.test_account_tables import actions, new_user, read, refused, write

from pharos.clock import FakeClock
from pharos.errors import Kind
from pharos.state import State, Writing, audit, roles, tenants, tokens, usage
from pharos.state.tokens import NewToken
from pharos.state.usage import HOUR_MS, Used


def test_the_default_tenant_is_there_from_the_start(state: State, clock: FakeClock) -> None:
    found = read(state, tenants.list_tenants)
    assert [(one.id, one.name, one.created_ms) for one in found] == [("default", "default", clock.now_ms())]


def test_a_tenant_is_made_renamed_suspended_and_opened(state: State) -> None:
    made = write(state, lambda unit: tenants.create_tenant(unit, "team-b", "Team B", "#1F77B4"))
    assert (made.id, made.name, made.color, made.suspended_ms) == ("team-b", "Team B", "#1f77b4", None)
    changed = write(state, lambda unit: tenants.change_tenant(unit, "team-b", name="Zwei", color="#000000"))
    assert (changed.name, changed.color) == ("Zwei", "#000000")
    assert write(state, lambda unit: tenants.suspend_tenant(unit, "team-b")).suspended_ms is not None
    assert write(state, lambda unit: tenants.resume_tenant(unit, "team-b")).suspended_ms is None
    assert actions(state) == ["tenant.create", "tenant.change", "tenant.suspend", "tenant.resume"]
    entries = read(state, lambda unit: audit.read_on(unit, audit.Search(tenants=frozenset({"team-b"}))))
    assert len(entries) == 4


@pytest.mark.parametrize("tenant_id", ["", ".", "..", "a/b", "a|b", "ä", "x" * 151, "a b", "a\n"])
def test_what_is_no_id_of_a_tenant_is_refused(state: State, tenant_id: str) -> None:
    assert refused(state, lambda unit: tenants.create_tenant(unit, tenant_id)).kind is Kind.INVALID


def test_a_deleted_tenants_id_never_means_another(state: State, clock: FakeClock) -> None:
    write(state, lambda unit: tenants.create_tenant(unit, "b"))
    assert refused(state, lambda unit: tenants.create_tenant(unit, "b")).kind is Kind.INVALID
    assert refused(state, lambda unit: tenants.end_deletion(unit, "b", {})).kind is Kind.INVALID
    write(state, lambda unit: tenants.begin_deletion(unit, "b"))
    ada = new_user(state)
    late: tuple[Callable[[Writing], object], ...] = (
        lambda unit: tenants.change_limits(unit, "b", {"series": 1}),
        lambda unit: tenants.resume_tenant(unit, "b"),
        lambda unit: roles.grant(unit, ada.id, "b", "viewer"),
        lambda unit: roles.create_role(unit, "b", "own", ()),
        lambda unit: tokens.create_token(unit, NewToken("a", "p", "h", None, "b")),
    )
    for call in late:
        assert refused(state, call).kind is Kind.MISSING
    clock.advance_ms(10)
    gone = write(state, lambda unit: tenants.end_deletion(unit, "b", {"samples": 0}))
    assert gone.deleted_ms == clock.now_ms()
    assert [one.id for one in read(state, tenants.list_tenants)] == ["default"]
    assert [one.id for one in read(state, lambda unit: tenants.list_tenants(unit, deleted=True))] == [
        "b",
        "default",
    ]
    assert "was a tenant" in refused(state, lambda unit: tenants.create_tenant(unit, "b")).message
    last = read(state, lambda unit: audit.search(unit, audit.Search()))[0]
    assert (last.action, last.after) == (
        "tenant.deleted",
        {"deleted_ms": clock.now_ms(), "proof": {"samples": 0}},
    )


def test_every_version_of_limits_stays(state: State) -> None:
    assert read(state, lambda unit: tenants.limits_of(unit, "default")).bounds == {}
    gone = {"series": None, "queries": None}
    for bounds in ({"series": 10}, {"series": 10}, {"series": 20, "queries": 3}, gone):
        write(state, partial(tenants.change_limits, tenant_id="default", changes=bounds))
    history = read(state, lambda unit: tenants.limits_history(unit, "default"))
    assert [(one.version, one.bounds) for one in history] == [
        (3, {}),
        (2, {"queries": 3, "series": 20}),
        (1, {"series": 10}),
    ]
    assert history[0].who == "user:operator"
    assert read(state, tenants.all_limits) == {"default": history[0]}
    assert actions(state) == ["limits.set"] * 3


def test_usage_adds_up_by_hour_and_goes_when_told(state: State) -> None:
    rows = [
        Used("a", 0, "samples", amount=5),
        Used("a", 0, "samples", amount=7),
        Used("a", 0, "samples", "token", amount=7),
        Used("a", HOUR_MS, "samples", amount=1 << 40),
        Used("b", 0, "queries", amount=2),
    ]
    write(state, lambda unit: usage.add_usage(unit, rows))
    write(state, lambda unit: usage.add_usage(unit, rows[:1]))
    of_a = read(state, lambda unit: usage.list_usage(unit, "a", 0, HOUR_MS))
    assert [(one.token_id, one.amount) for one in of_a] == [("", 17), ("token", 7)]
    assert write(state, lambda unit: usage.drop_usage(unit, before_ms=HOUR_MS)) == 3
    assert write(state, lambda unit: usage.drop_usage(unit, tenant_id="a")) == 1
    assert actions(state) == []
