"""Who may see and change which dashboards; those of files beside those that people saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pharos.access import ROLES, Identity, IdentityKind, Scope
from pharos.clock import FakeClock
from pharos.dashboards.document import unwrap
from pharos.dashboards.provided import ProvidedDashboards, Watched
from pharos.dashboards.store import Dashboards, Wish
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.secret import Secret
from pharos.state import PHAROS, State, accounts, open_state, roles
from pharos.state.accounts import NewUser
from pharos.state.dashboard_folders import Allowed, Entry


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.db", FakeClock(), Random(1)) as found:
        yield found


@pytest.fixture
def provided(tmp_path: Path) -> ProvidedDashboards:
    found = ProvidedDashboards([Watched(tmp_path / "boards", "default", "Git")], ships=False)
    found.look()
    return found


@pytest.fixture
def boards(state: State, provided: ProvidedDashboards) -> Dashboards:
    return Dashboards(state, provided, author_of)


def person(state: State, name: str, role: str) -> Scope:
    """Return somebody who has a role in the tenant."""
    made = state.write_blocking(
        lambda unit: accounts.create_user(unit, NewUser(name, name, "", Secret("hash"))), PHAROS
    )
    state.write_blocking(lambda unit: roles.grant(unit, made.id, "default", role), PHAROS)
    return Scope("default", Identity(IdentityKind.USER, made.id, name), ROLES[role].permissions)


def wish(uid: str, folder: str | None = "", **more: Any) -> Wish:
    return Wish(unwrap({"uid": uid, "title": uid, "panels": []}), folder=folder, **more)


async def uids(boards: Dashboards, scope: Scope) -> list[str]:
    return [one.uid for one in await boards.listed(scope)]


async def refused(work: Any) -> Kind:
    with pytest.raises(PharosError) as caught:
        await work
    return caught.value.kind


async def test_entries_of_a_folder_narrow_down_who_sees_and_changes(state: State, boards: Dashboards) -> None:
    ann, bob = person(state, "ann", "editor"), person(state, "bob", "viewer")
    eve, root = person(state, "eve", "editor"), person(state, "root", "admin")
    await boards.put_folder(root, "closed", "Closed", "", is_new=True)
    await boards.put_folder(root, "inner", "Inner", "closed", is_new=True)
    await boards.save(root, wish("secret", "inner"))
    assert await uids(boards, bob) == await uids(boards, eve) == ["secret"]
    mine = Entry(f"user:{ann.who.id}", Allowed.EDIT)
    await boards.set_entries(root, "closed", [mine, Entry("role:viewer", Allowed.VIEW)])
    assert await uids(boards, eve) == []
    assert await refused(boards.opened(eve, "secret")) is Kind.MISSING
    assert await refused(boards.versions(eve, "secret")) is Kind.MISSING
    assert await refused(boards.delete(eve, "secret")) is Kind.MISSING
    assert await refused(boards.save(eve, wish("new", "inner"))) is Kind.DENIED
    assert [one.may_edit for one in await boards.listed(bob)] == [False]
    assert await refused(boards.save(bob, wish("secret"))) is Kind.DENIED
    assert (await boards.save(ann, wish("secret", None))).version == 2
    assert await refused(boards.set_entries(ann, "inner", [])) is Kind.DENIED
    assert await uids(boards, root) == ["secret"]
    # Out of the folder everybody sees it; nobody moves it back in who may not change what is there.
    await boards.move(ann, "secret", "")
    assert await uids(boards, eve) == ["secret"]
    assert await refused(boards.move(eve, "secret", "inner")) is Kind.DENIED


async def test_a_save_over_a_newer_version_is_refused_and_a_deletion_restored(
    state: State, boards: Dashboards
) -> None:
    ann = person(state, "ann", "editor")
    assert (await boards.save(ann, wish("d", expected=0))).version == 1
    assert await refused(boards.save(ann, wish("d", expected=0))) is Kind.CONFLICT
    await boards.save(ann, wish("d", expected=1, message="two"))
    assert await refused(boards.save(ann, wish("d", expected=1))) is Kind.CONFLICT
    await boards.delete(ann, "d")
    assert await refused(boards.opened(ann, "d")) is Kind.MISSING
    assert [one.uid for one in await boards.listed(ann, deleted=True)] == ["d"]
    assert (await boards.restore(ann, "d", 2, "back")).version == 4
    said = [
        (one.version, one.message, one.is_deletion, one.restored_from)
        for one in await boards.versions(ann, "d")
    ]
    assert said == [(4, "back", False, 2), (3, "", True, 0), (2, "two", False, 0), (1, "", False, 0)]


async def test_files_of_a_watched_folder_are_dashboards_that_are_changed_there(
    state: State, boards: Dashboards, provided: ProvidedDashboards, tmp_path: Path
) -> None:
    ann = person(state, "ann", "editor")
    folder = tmp_path / "boards" / "team"
    folder.mkdir(parents=True)
    file = folder / "a.json"
    file.write_text(json.dumps({"uid": "a", "title": "A", "panels": [{"type": "text"}]}))
    (folder / "b.yaml").write_text("title: B\npanels: []\n")
    (folder / "bad.json").write_text("{")
    assert provided.look()
    found = {one.uid: one for one in await boards.listed(ann)}
    assert {uid: (one.folder_title, one.source, one.panels) for uid, one in found.items()} == {
        "a": ("Git / team", "file", 1),
        "b": ("Git / team", "file", 0),
    }
    assert list(boards.faults) == ["team/bad.json"]
    assert await refused(boards.save(ann, wish("a"))) is Kind.DENIED
    assert (await boards.copy(ann, "a", "Mine", "", "mine")).title == "Mine"
    assert not provided.look()
    file.write_text("{ not good")
    provided.look()
    assert (await boards.opened(ann, "a")).summary.title == "A"
    file.write_text(json.dumps({"uid": "a", "title": "Again", "panels": []}))
    assert provided.look()
    assert (await boards.opened(ann, "a")).summary.title == "Again"
    file.unlink()
    provided.look()
    assert await uids(boards, ann) == ["b", "mine"]
    other = Scope("other", ann.who, ann.permissions)
    assert await uids(boards, other) == []


async def test_a_file_with_the_uid_of_another_is_named(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps({"uid": "same", "title": name, "panels": []}))
    found = ProvidedDashboards([Watched(tmp_path, "default", "")], ships=False)
    found.look()
    assert [one.brought.title for one in found.of("default").values()] == ["a.json"]
    assert found.faults == {"b.json": "the uid 'same' is that of a.json, too"}


def test_what_comes_with_pharos_loses_nothing() -> None:
    found = ProvidedDashboards([]).of("default")
    assert set(found) == {"pharos-self", "pharos-host", "pharos-services"}
    for one in found.values():
        assert one.is_shipped
        assert one.panels > 10
