"""The audit log: nothing is changed in it unseen, and everything is found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.state.test_account_tables import OPERATOR, new_user, read, write

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.state import Address, Author, State, accounts, audit, tenants
from pharos.state.audit import Entry, Event, Search
from pharos.state.database import open_database


def entries_of(state: State) -> list[Entry]:
    return list(read(state, lambda unit: audit.read_on(unit, Search())))


def fill(state: State, count: int = 5) -> list[Entry]:
    for number in range(count):
        event = Event(
            "thing.change", f"thing:{number}", f"t{number % 2}", {"a": 1}, {"a": [1, "ä\n\u2028", None]}
        )
        write(state, partial(audit.append, event=event))
    return entries_of(state)


def test_an_unbroken_chain_ends_where_its_head_is_kept(state: State) -> None:
    entries = fill(state)
    checked = list(audit.require_chain(entries))
    assert [entry.number for entry in checked] == [1, 2, 3, 4, 5]
    assert entries[0].previous == audit.ORIGIN
    audit.require_head((checked[-1].number, checked[-1].hash), read(state, audit.head))
    # In parts as well.
    assert len(list(audit.require_chain(entries[3:], (3, entries[2].hash)))) == 2


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda entries: [replace(e, who="x") if e.number == 3 else e for e in entries], 3),
        (lambda entries: [replace(e, reason="x") if e.number == 1 else e for e in entries], 1),
        (lambda entries: [replace(e, after={"a": 2}) if e.number == 4 else e for e in entries], 4),
        (lambda entries: [replace(e, time_ms=1) if e.number == 5 else e for e in entries], 5),
        (lambda entries: [e for e in entries if e.number != 2], 2),
        (lambda entries: entries[1:], 1),
        (
            lambda entries: [
                *entries[:2],
                replace(entries[3], number=3),
                replace(entries[2], number=4),
                entries[4],
            ],
            3,
        ),
        (lambda entries: [replace(e, previous="0" * 64) if e.number == 2 else e for e in entries], 2),
    ],
)
def test_the_first_broken_entry_is_named(
    state: State, change: Callable[[list[Entry]], list[Entry]], number: int
) -> None:
    with pytest.raises(PharosError, match=f"broken at entry {number}:") as found:
        list(audit.require_chain(change(fill(state))))
    assert found.value.kind is Kind.INVALID


def test_an_entry_written_anew_with_its_hash_breaks_the_next(state: State) -> None:
    entries = fill(state)
    forged = replace(entries[2], who="somebody")
    forged = replace(forged, hash=forged.computed_hash())
    with pytest.raises(PharosError, match="broken at entry 4: it does not follow"):
        list(audit.require_chain([*entries[:2], forged, *entries[3:]]))


def test_an_end_that_was_cut_off_is_seen_by_the_head(state: State) -> None:
    entries = fill(state)
    last = list(audit.require_chain(entries[:3]))[-1]
    with pytest.raises(PharosError, match="broken at entry 4: the log ends at 3, and ended at 5"):
        audit.require_head((last.number, last.hash), read(state, audit.head))


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_database_refuses_to_change_the_log(state: State, address: Address, change: str) -> None:
    database = open_database(address)
    if change.startswith("TRUNCATE") and not database.is_shared:
        change = "DELETE FROM audit WHERE number = 1"
    fill(state, 2)
    with pytest.raises(DBAPIError, match="only ever added to"), database.writing() as connection:
        connection.execute(text(change))
    database.close()
    assert len(entries_of(state)) == 2


def test_entries_are_found_by_who_what_whose_and_when(state: State, clock: FakeClock) -> None:
    began_ms = clock.now_ms()
    ada = new_user(state)
    clock.advance_ms(10)
    bob = Author("user:bob", "Bob")
    state.write_blocking(lambda unit: tenants.create_tenant(unit, "b"), bob)
    clock.advance_ms(10)
    state.write_blocking(lambda unit: accounts.change_user(unit, ada.id, email="x"), bob)

    def found(**wanted: object) -> list[int]:
        search = Search(**wanted)  # type: ignore[arg-type]
        return [entry.number for entry in read(state, lambda unit: audit.search(unit, search))]

    assert found() == [3, 2, 1]
    assert found(who="user:bob") == [3, 2]
    assert found(who=OPERATOR.who) == [1]
    assert found(action="user") == [3, 1]
    assert found(action="user.change") == [3]
    assert found(action="user.c") == []
    assert found(action="%") == []
    assert found(object=f"user:{ada.id}") == [3, 1]
    assert found(tenants=frozenset({"b"})) == [2]
    assert found(tenants=frozenset({"", "b"})) == [3, 2, 1]
    assert found(tenants=frozenset()) == []
    assert found(since_ms=began_ms + 10) == [3, 2]
    assert found(until_ms=began_ms + 10) == [1]


def test_who_did_it_and_to_whom_is_found_by_name_too(state: State) -> None:
    ada, bob = Author("user:1", "Ada_L"), Author("user:2", "Bob")
    anne, nobody = Author("user:3", "Änne"), Author("user:4", "")
    for author, whom, tenant in (
        (ada, "user:2", "a"),
        (bob, "user:1", "b"),
        (bob, "token:1", "b"),
        (anne, "user:4", "c"),
        (nobody, "user:3", "c"),
    ):
        event = Event("thing.change", whom, tenant)
        state.write_blocking(partial(audit.append, event=event), author)

    def found(**wanted: object) -> list[int]:
        search = Search(**wanted)  # type: ignore[arg-type]
        return [entry.number for entry in read(state, lambda unit: audit.search(unit, search))]

    assert found(who="ada_") == [1]
    assert found(who="BOB") == [3, 2]
    assert found(who="%") == []
    assert found(who="Änn") == [4]
    assert found(object="user:Änne") == [5]
    assert found(object="user:") == found(object="user") == []
    assert found(object="user:ada_l") == [2]
    assert found(object="user:ada") == []
    assert found(object="token:ada_l") == []
    assert found(object="user:bob", tenants=frozenset({"a"})) == []
    assert found(object="user:bob", tenants=frozenset({"a", "b"})) == [1]


def test_pages_of_a_search_do_not_move_when_entries_are_added(state: State) -> None:
    fill(state, 7)
    first = read(state, lambda unit: audit.search(unit, Search(), limit=3))
    fill(state, 4)
    second = read(state, lambda unit: audit.search(unit, Search(), before=first[-1].number, limit=3))
    third = read(state, lambda unit: audit.search(unit, Search(), before=second[-1].number, limit=3))
    assert [entry.number for entry in (*first, *second, *third)] == [7, 6, 5, 4, 3, 2, 1]


def test_what_fails_leaves_no_entry(state: State) -> None:
    def fails(unit: object) -> None:
        accounts.create_user(unit, accounts.NewUser("Ada"))  # type: ignore[arg-type]
        raise PharosError(Kind.DENIED, "no")

    with pytest.raises(PharosError, match="no"):
        write(state, fails)
    assert (entries_of(state), read(state, accounts.count_users)) == ([], 0)


def test_fractions_and_half_characters_are_no_part_of_an_entry(state: State) -> None:
    for after, kind in (({"a": 0.5}, Kind.BUG), ({"a": "\ud800"}, Kind.INVALID)):
        with pytest.raises(PharosError) as found:
            write(state, partial(audit.append, event=Event("a.b", "a:1", after=after)))
        assert found.value.kind is kind
    with pytest.raises(PharosError, match="NUL"):
        Author("user:1", reason="a\0b")
