"""Users, their identities and links, tokens, sessions and roles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.secret import Secret
from pharos.state import Author, State, Unit, Writing, accounts, audit, roles, sessions, tenants, tokens
from pharos.state.accounts import NewLink, NewUser, User
from pharos.state.sessions import NewSession
from pharos.state.tokens import NewToken

T = TypeVar("T")
OPERATOR = Author("user:operator", "Olga", "as agreed", "request-1")


def write(state: State, fn: Callable[[Writing], T]) -> T:
    return state.write_blocking(fn, OPERATOR)


def read(state: State, fn: Callable[[Unit], T]) -> T:
    return state.read_blocking(fn)


def new_user(state: State, name: str = "Ada") -> User:
    return write(state, lambda unit: accounts.create_user(unit, NewUser(name)))


def refused(state: State, fn: Callable[[Writing], object]) -> PharosError:
    """Return what is raised; nothing else was done."""
    before = read(state, audit.head)
    with pytest.raises(PharosError) as found:
        write(state, fn)
    assert read(state, audit.head) == before
    return found.value


def actions(state: State) -> list[str]:
    return [entry.action for entry in read(state, lambda unit: audit.read_on(unit, audit.Search()))]


# -- users --


def test_a_user_is_kept_as_made_and_found_by_name_in_any_case(state: State, clock: FakeClock) -> None:
    made = write(
        state, lambda unit: accounts.create_user(unit, NewUser(" Ada ", "Ada L.", "ada@example.com"))
    )
    assert (made.name, made.display_name, made.email, made.has_password) == (
        "Ada",
        "Ada L.",
        "ada@example.com",
        False,
    )
    assert made.created_ms == clock.now_ms()
    for name in ("ada", "ADA", "Ａｄａ"):
        assert read(state, partial(accounts.user_meant, named=name)) == made
    assert read(state, lambda unit: accounts.user(unit, made.id)) == made
    assert read(state, accounts.count_users) == 1


@pytest.mark.parametrize("name", ["ada", "ADA ", "Ａda"])
def test_a_name_is_taken_however_it_is_written(state: State, name: str) -> None:
    new_user(state)
    error = refused(state, lambda unit: accounts.create_user(unit, NewUser(name)))
    assert error.kind is Kind.INVALID
    assert "'Ada' already" in error.message


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "a\u202eb", "x" * 101, "\ud800"])
def test_what_is_no_name_is_refused(state: State, name: str) -> None:
    assert refused(state, lambda unit: accounts.create_user(unit, NewUser(name))).kind is Kind.INVALID


def test_users_are_listed_by_name_page_by_page(state: State) -> None:
    for name in ("émile", "Zoë", "ada", "Bob", "Ärger"):
        new_user(state, name)
    listed = read(state, lambda unit: accounts.list_users(unit, limit=3))
    more = read(state, lambda unit: accounts.list_users(unit, after=listed[-1].name))
    assert [one.name for one in (*listed, *more)] == ["ada", "Bob", "Zoë", "Ärger", "émile"]


def test_what_is_not_there_is_missing(state: State) -> None:
    for call in (
        lambda unit: accounts.user(unit, "none"),
        lambda unit: accounts.user_meant(unit, "none"),
        lambda unit: accounts.password_hash(unit, "none"),
        lambda unit: accounts.disable_user(unit, "none"),
        lambda unit: accounts.delete_user(unit, "none"),
        lambda unit: accounts.link_identity(unit, "none", "issuer", "subject"),
        lambda unit: accounts.user_of_identity(unit, "issuer", "subject"),
        lambda unit: tokens.revoke_token(unit, "none"),
        lambda unit: tokens.create_token(unit, NewToken("a", "p", "h", tenant_id="none")),
        lambda unit: sessions.revoke_session(unit, "none"),
        lambda unit: sessions.create_session(unit, NewSession("h", "none", 1)),
        lambda unit: roles.role(unit, "none"),
        lambda unit: roles.grant(unit, "none", None, "viewer"),
        lambda unit: roles.withdraw(unit, "none", None, "viewer"),
        lambda unit: tenants.tenant(unit, "none"),
        lambda unit: tenants.change_limits(unit, "none", {"series": 1}),
    ):
        assert refused(state, call).kind is Kind.MISSING


def test_a_password_is_kept_apart_and_never_told(state: State) -> None:
    ada = write(
        state, lambda unit: accounts.create_user(unit, NewUser("Ada", password_hash=Secret("CANARY-1")))
    )
    assert ada.has_password
    assert read(state, lambda unit: accounts.password_hash(unit, ada.id)) == Secret("CANARY-1")
    changed = write(
        state, lambda unit: accounts.set_password_hash(unit, ada.id, Secret("CANARY-2"), must_change=True)
    )
    assert changed.must_change
    write(state, lambda unit: accounts.replace_password_hash(unit, ada.id, Secret("CANARY-3")))
    assert read(state, lambda unit: accounts.password_hash(unit, ada.id)) == Secret("CANARY-3")
    gone = write(state, lambda unit: accounts.set_password_hash(unit, ada.id, None))
    assert not gone.has_password
    entries = read(state, lambda unit: audit.read_on(unit, audit.Search()))
    assert "CANARY" not in repr((ada, changed, gone, entries))
    assert actions(state) == ["user.create", "user.password", "user.password"]


def test_a_user_is_changed_disabled_enabled_and_only_changes_are_told(state: State, clock: FakeClock) -> None:
    ada = new_user(state)
    new_user(state, "Bob")
    write(state, lambda unit: accounts.change_user(unit, ada.id, name="ADA", email="a@b"))
    write(state, lambda unit: accounts.change_user(unit, ada.id, name="ADA", email="a@b"))
    assert refused(state, lambda unit: accounts.change_user(unit, ada.id, name="bob")).kind is Kind.INVALID
    disabled = write(state, lambda unit: accounts.disable_user(unit, ada.id))
    clock.advance_ms(5)
    assert write(state, lambda unit: accounts.disable_user(unit, ada.id)) == disabled
    assert write(state, lambda unit: accounts.enable_user(unit, ada.id)).disabled_ms is None
    assert actions(state)[2:] == ["user.change", "user.disable", "user.enable"]
    change = read(state, lambda unit: audit.search(unit, audit.Search(action="user.change")))[0]
    assert (change.before, change.after) == ({"email": "", "name": "Ada"}, {"email": "a@b", "name": "ADA"})
    assert (change.who, change.name, change.reason) == ("user:operator", "Olga", "as agreed")
    assert (change.request_id, change.object) == ("request-1", f"user:{ada.id}")


def test_with_a_user_all_that_opens_goes(state: State) -> None:
    ada = new_user(state)
    write(state, lambda unit: accounts.link_identity(unit, ada.id, "https://idp", "1"))
    write(state, lambda unit: tokens.create_token(unit, NewToken("a", "p", "hash", ada.id)))
    write(state, lambda unit: sessions.create_session(unit, NewSession("hash", ada.id, 1 << 50)))
    write(state, lambda unit: roles.grant(unit, ada.id, "default", "viewer"))
    write(state, lambda unit: accounts.create_link(unit, NewLink("hash", "password", 1 << 50, ada.id)))
    removed = write(state, lambda unit: accounts.delete_user(unit, ada.id))
    tables = ("users", "identities", "tokens", "sessions", "memberships", "links")
    assert {name: count for name, count in removed.items() if count} == dict.fromkeys(tables, 1)
    (told,) = read(state, lambda unit: audit.search(unit, audit.Search(action="user.delete")))
    assert (told.before, told.after) == ({"name": "Ada"}, {"rows_removed": removed, "rows_left": 0})
    assert read(state, tokens.live_tokens) == {}
    assert read(state, sessions.live_sessions) == {}
    assert read(state, roles.all_memberships) == ()
    assert refused(state, lambda unit: accounts.use_link(unit, "hash")).kind is Kind.MISSING
    assert new_user(state).id != ada.id


# -- identities and links --


def test_an_identity_is_one_users(state: State) -> None:
    ada, bob = new_user(state), new_user(state, "Bob")
    linked = write(state, lambda unit: accounts.link_identity(unit, ada.id, "https://idp", "1"))
    assert write(state, lambda unit: accounts.link_identity(unit, ada.id, "https://idp", "1")) == linked
    assert (
        refused(state, lambda unit: accounts.link_identity(unit, bob.id, "https://idp", "1")).kind
        is Kind.INVALID
    )
    assert read(state, lambda unit: accounts.user_of_identity(unit, "https://idp", "1")) == ada
    write(state, lambda unit: accounts.unlink_identity(unit, ada.id, "https://idp", "1"))
    assert (
        refused(state, lambda unit: accounts.user_of_identity(unit, "https://idp", "1")).kind is Kind.MISSING
    )


def test_a_link_works_once_in_its_time(state: State, clock: FakeClock) -> None:
    later = clock.now_ms() + 1000
    content = {"memberships": [["default", "viewer"]]}
    made = write(
        state, lambda unit: accounts.create_link(unit, NewLink("one", "invite", later, None, content))
    )
    assert read(state, lambda unit: accounts.find_link(unit, "one")) == made
    used = write(state, lambda unit: accounts.use_link(unit, "one"))
    assert (used.id, used.content, used.used_ms) == (made.id, content, clock.now_ms())
    assert refused(state, lambda unit: accounts.use_link(unit, "one")).kind is Kind.MISSING
    write(state, lambda unit: accounts.create_link(unit, NewLink("two", "invite", later)))
    clock.advance_ms(1000)
    assert "too old" in refused(state, lambda unit: accounts.use_link(unit, "two")).message
    write(state, lambda unit: accounts.create_link(unit, NewLink("three", "invite", later + 9000)))
    assert write(state, lambda unit: accounts.drop_links(unit, "invite")) == 2
    assert refused(state, lambda unit: accounts.use_link(unit, "three")).kind is Kind.MISSING


# -- tokens --


def test_tokens_live_until_they_expire_or_are_revoked(state: State, clock: FakeClock) -> None:
    ada, now_ms = new_user(state), clock.now_ms()
    forever = NewToken("ci", "ph_a", "hash-a", ada.id, "default", ("viewer", "editor"), ("metrics.view",))
    first = write(state, lambda unit: tokens.create_token(unit, forever))
    brief = write(
        state, lambda unit: tokens.create_token(unit, NewToken("b", "ph_b", "hash-b", expires_ms=now_ms + 10))
    )
    assert (first.roles, first.permissions, brief.permissions) == (
        ("viewer", "editor"),
        ("metrics.view",),
        None,
    )
    assert read(state, tokens.live_tokens) == {"hash-a": first, "hash-b": brief}
    clock.advance_ms(10)
    assert read(state, tokens.live_tokens) == {"hash-a": first}
    revoked = write(state, lambda unit: tokens.revoke_token(unit, first.id))
    assert write(state, lambda unit: tokens.revoke_token(unit, first.id)) == revoked
    assert read(state, tokens.live_tokens) == {}
    assert read(state, lambda unit: tokens.list_tokens(unit, owner_id=ada.id)) == (revoked,)
    assert len(read(state, tokens.list_tokens)) == 2
    told = read(state, lambda unit: audit.read_on(unit, audit.Search(action="token")))
    assert "hash-a" not in repr(told)


def test_a_rotated_token_lives_on_for_the_grace_alone(state: State, clock: FakeClock) -> None:
    made_ms = clock.now_ms()
    old = write(
        state, lambda unit: tokens.create_token(unit, NewToken("a", "p", "old", expires_ms=made_ms + 5000))
    )
    clock.advance_ms(3000)
    new = write(state, lambda unit: tokens.rotate_token(unit, old.id, "q", "new", grace_ms=1000))
    assert (new.rotated_from, new.prefix, new.expires_ms) == (old.id, "q", made_ms + 8000)
    assert set(read(state, tokens.live_tokens)) == {"old", "new"}
    clock.advance_ms(1000)
    assert set(read(state, tokens.live_tokens)) == {"new"}
    again = refused(state, lambda unit: tokens.rotate_token(unit, old.id, "r", "other", grace_ms=0))
    assert again.kind is Kind.INVALID


def test_last_uses_are_kept_in_batches_and_never_go_back(state: State) -> None:
    made = write(state, lambda unit: tokens.create_token(unit, NewToken("a", "p", "hash")))
    told: list[object] = []
    state.watch(told.append)
    head = read(state, audit.head)
    for at_ms in (50, 40, 60):
        write(state, partial(tokens.note_used, used_ms={made.id: at_ms, "unknown": 1}))
        assert read(state, lambda unit: tokens.token(unit, made.id)).used_ms == max(50, at_ms)
    assert (read(state, audit.head), told) == (head, [])


# -- sessions --


def test_sessions_are_listed_and_revoked(state: State, clock: FakeClock) -> None:
    ada, later = new_user(state), clock.now_ms() + 10_000
    made = [
        write(state, partial(sessions.create_session, new=NewSession(f"h{n}", ada.id, later, "Firefox")))
        for n in range(3)
    ]
    write(
        state,
        lambda unit: sessions.note_seen(unit, {made[2].id: later - 1}, expires_ms={made[2].id: later + 1}),
    )
    listed = read(state, lambda unit: sessions.list_sessions(unit, ada.id))
    assert (listed[0].id, listed[0].expires_ms, len(listed)) == (made[2].id, later + 1, 3)
    assert set(read(state, sessions.live_sessions)) == {"h0", "h1", "h2"}
    assert refused(state, lambda unit: sessions.session_of_hash(unit, "h3")).kind is Kind.MISSING
    assert write(state, lambda unit: sessions.revoke_sessions(unit, ada.id, but=made[1].id)) == 2
    assert set(read(state, sessions.live_sessions)) == {"h1"}
    clock.advance_ms(20_000)
    assert read(state, sessions.live_sessions) == {}
    assert write(state, lambda unit: sessions.drop_ended(unit, unit.now_ms)) == 3


# -- roles --


def test_roles_are_of_a_tenant_or_of_all(state: State) -> None:
    write(state, lambda unit: tenants.create_tenant(unit, "b"))
    everywhere = write(
        state, lambda unit: roles.create_role(unit, None, "on-call", ("alerts.view", "alerts.acknowledge"))
    )
    local = write(state, lambda unit: roles.create_role(unit, "b", "auditor", ("metrics.view",), "looks"))
    assert everywhere.permissions == ("alerts.acknowledge", "alerts.view")
    assert read(state, lambda unit: roles.list_roles(unit, "default")) == (everywhere,)
    assert read(state, lambda unit: roles.list_roles(unit, "b")) == (local, everywhere)
    for tenant in ("b", None):
        double = refused(state, partial(roles.create_role, tenant_id=tenant, name="on-call", permissions=()))
        assert double.kind is Kind.INVALID
    changed = write(state, lambda unit: roles.change_role(unit, local.id, permissions=("metrics.export",)))
    assert changed.permissions == ("metrics.export",)


def test_a_role_that_somebody_has_stays(state: State) -> None:
    ada = new_user(state)
    made = write(state, lambda unit: roles.create_role(unit, "default", "auditor", ("metrics.view",)))
    granted = write(state, lambda unit: roles.grant(unit, ada.id, "default", "auditor"))
    assert write(state, lambda unit: roles.grant(unit, ada.id, "default", "auditor")) == granted
    assert "'Ada' has it" in refused(state, lambda unit: roles.delete_role(unit, made.id)).message
    write(state, lambda unit: roles.withdraw(unit, ada.id, "default", "auditor"))
    token = write(
        state, lambda unit: tokens.create_token(unit, NewToken("ci", "p", "h", None, "default", ("auditor",)))
    )
    assert "'ci' has it" in refused(state, lambda unit: roles.delete_role(unit, made.id)).message
    write(state, lambda unit: tokens.revoke_token(unit, token.id))
    write(state, lambda unit: roles.delete_role(unit, made.id))
    assert read(state, roles.list_roles) == ()


def test_members_are_found_from_both_sides(state: State) -> None:
    ada, bob = new_user(state), new_user(state, "Bob")
    for user, tenant, role in (
        (ada, "default", "admin"),
        (bob, "default", "viewer"),
        (ada, None, "operator"),
    ):
        write(state, partial(roles.grant, user_id=user.id, tenant_id=tenant, role_name=role))
    of_ada = read(state, lambda unit: roles.memberships_of(unit, ada.id))
    assert {(one.tenant_id, one.role) for one in of_ada} == {("default", "admin"), (None, "operator")}
    members = read(state, lambda unit: roles.members_of(unit, "default"))
    assert {(one.user_id, one.role) for one in members} == {(ada.id, "admin"), (bob.id, "viewer")}
    assert [one.user_id for one in read(state, lambda unit: roles.members_of(unit, None))] == [ada.id]
    assert len(read(state, roles.all_memberships)) == 3
