"""People's state is copied whole from either database, and put back into either."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import orjson
import pytest
from sqlalchemy import text
from tests.state.oncall_rows import fill_oncall
from tests.state.test_account_tables import OPERATOR, read, write

from pharos.alert import Alert
from pharos.clock import FakeClock, SystemClock
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp
from pharos.secret import Secret
from pharos.state import (
    Address,
    State,
    Writing,
    accounts,
    alerts,
    anomalies,
    audit,
    dashboard_folders,
    dashboard_shares,
    dashboards,
    exports,
    flow_controls,
    health,
    heartbeats,
    migrate,
    open_state,
    outbox,
    proposals,
    protections,
    roles,
    rule_alerts,
    rule_leases,
    sessions,
    silences,
    tables,
    tenants,
    timeline,
    tokens,
    usage,
)
from pharos.state.accounts import NewLink, NewUser
from pharos.state.alerts import Kept
from pharos.state.anomalies import Found
from pharos.state.copies import FAMILIES, check_copy, restore_copy, write_copy
from pharos.state.database import open_database
from pharos.state.flow_controls import Control, ControlStatus, FlowAction, Way
from pharos.state.heartbeats import Heartbeat
from pharos.state.outbox import Marks, Owed, Told
from pharos.state.proposals import NewProposal
from pharos.state.protections import Protection
from pharos.state.sessions import NewSession
from pharos.state.silences import Silence
from pharos.state.timeline import Entry, Step
from pharos.state.tokens import NewToken
from pharos.state.usage import Used

CONTROL = Control(
    id="c",
    tenant_id="b",
    workflow="load",
    run_id="r",
    action=FlowAction.PAUSE,
    idempotency_key="k",
    parameters='{"at":0.5}',
    way=Way.QUEUE,
    status=ControlStatus.WAITING,
    message="",
    who="user:1",
    who_name="ada",
    reason="",
    created_ms=1 << 50,
    due_ms=1 << 51,
    lease_ms=0,
    ended_ms=None,
)


def fill(unit: Writing) -> None:
    """Put a row into every table."""
    ada = accounts.create_user(unit, NewUser("Ada ä\n"[:5], "A", "a@b", Secret("hash"), must_change=True))
    accounts.link_identity(unit, ada.id, "https://idp", "1")
    accounts.create_link(unit, NewLink("hash", "invite", 1 << 50, ada.id, {"a": [1, None]}))
    tenants.create_tenant(unit, "b")
    tenants.change_limits(unit, "b", {"series": 1 << 50})
    tokens.create_token(unit, NewToken("ci", "p", "hash", ada.id, "b", ("viewer",), ("metrics.view",)))
    sessions.create_session(unit, NewSession("hash", ada.id, 1 << 50, "Firefox"))
    roles.create_role(unit, None, "auditor", ("metrics.view",))
    roles.grant(unit, ada.id, "b", "auditor")
    usage.add_usage(unit, [Used("b", 0, "samples", amount=1 << 50)])
    protections.set_protection(unit, Protection("limits", "b", 1, 50, 60_000, reasons=True))
    change = NewProposal("limits.set", "limits", "b", {"bounds": {"series": 2}}, None, 1 << 50)
    proposals.put_vote(unit, proposals.create_proposal(unit, change).id, approves=True)
    timeline.append(unit, [Entry("b", "f", Step.FIRING, 5, {"value": "0.5"})])
    alert = Alert((("alertname", "A"), ("ü", "1")), (), 5, 9, 6, is_timed_out=True)
    alerts.put(unit, [Kept("b", alert, 5)])
    row = rule_alerts.Row((("a", "b"),), (), "firing", "1", 5, 6, 0, 0, 6)
    rule_alerts.put(unit, [(rule_alerts.Key("b", "file;group", "rule", "f"), row)])
    rule_leases.share(unit, "one", [("b", "file;group")])
    silences.put_silence(unit, Silence("s", "b", (Matcher("a", MatchOp.REGEX, "b|c"),), 5, 9))
    place = ("b", '{}:{a="b"}', "pager", "webhook/0")
    outbox.add(unit, [Owed(*place, {"receiver": "pager"}, Marks(("f",), (), ("f",)))])
    outbox.note_told(unit, [Told(*place, Marks(("f",), (), ("f",)), 5, {"ts": "1"})])
    numbers = ("0.5", "0.9", "1", "", "2")
    anomalies.put_anomalies(unit, [Found("b", "a", "w", {"ü": "1"}, "info", 1, 0, *numbers)])
    heartbeats.beat(unit, Heartbeat("b", "backup", "critical", 5, 6))
    flow_controls.add_control(unit, CONTROL)
    health.put_states(unit, [health.StateRow("b", "home", {"standing": {"state": "up"}})])
    health.put_days(unit, [health.DayRow("b", "home", 1, 2, 3)])
    health.append_changes(unit, [health.ChangeRow("b", "home", 5, "up", "down", "gone")])
    health.put_address(unit, "b", "home", "hash")
    fill_oncall(unit, "b")
    dashboard_folders.put_folder(unit, "b", "ops", "Ops", "", is_new=True)
    viewer = dashboard_folders.Entry("role:viewer", dashboard_folders.Allowed.VIEW)
    dashboard_folders.set_entries(unit, "b", "ops", [viewer])
    dashboards.save_dashboard(unit, "b", dashboards.Draft("d", "D", '{"a": 0.5}', "ops", tags=("ü",)))
    dashboard_shares.add_share(
        unit, dashboard_shares.Share("", "b", "d", "live", "", "hash", "{}", False, "", "", 0, 0)
    )


def rows_of(address: Address) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a database holds."""
    database = open_database(address)
    with database.reading() as connection:
        found = {
            one.name: sorted(tuple(map(repr, row)) for row in connection.execute(one.select()))
            for one in tables.METADATA.sorted_tables
        }
    database.close()
    return {name: list(rows) for name, rows in found.items()}


def test_every_table_is_copied_and_put_back_into_either_database(
    state: State, address: Address, empty_address: Address, tmp_path: Path
) -> None:
    write(state, fill)
    path = tmp_path / "copy"
    counted = read(state, partial(write_copy, path=path))
    assert set(counted) == set(tables.METADATA.tables)
    assert min(counted.values()) >= 1, counted
    assert path.stat().st_mode & 0o777 == 0o600
    assert check_copy(path) == counted
    restore_copy(path, empty_address, 5)
    assert rows_of(empty_address) == rows_of(address)
    with open_state(empty_address, FakeClock()) as restored:
        assert exports.verify_log(restored) == exports.verify_log(state)
        write(restored, partial(accounts.create_user, new=NewUser("Bob")))
    assert FAMILIES


def test_what_was_restored_may_be_restored_again_and_nothing_else_is_overwritten(
    new_address: Callable[[], Address], empty_address: Address, tmp_path: Path
) -> None:
    with open_state(new_address(), FakeClock()) as state:
        write(state, fill)
        read(state, partial(write_copy, path=tmp_path / "copy"))
    restore_copy(tmp_path / "copy", empty_address, 5)
    restore_copy(tmp_path / "copy", empty_address, 5)
    with pytest.raises(PharosError, match="is not empty") as found:
        restore_copy(tmp_path / "copy", new_address(), 5)
    assert found.value.kind is Kind.DENIED


def test_a_copy_under_load_is_one_state(address: Address, tmp_path: Path) -> None:
    stop = threading.Event()

    def pair(unit: Writing, number: int) -> None:
        accounts.create_user(unit, NewUser(f"left {number}"))
        accounts.create_user(unit, NewUser(f"right {number}"))

    def load(state: State) -> None:
        number = 0
        while not stop.is_set():
            state.write_blocking(partial(pair, number=number), OPERATOR)
            number += 1

    with open_state(address, SystemClock(), Random(1)) as state:
        loading = threading.Thread(target=load, args=(state,))
        loading.start()
        for number in range(4):
            path = tmp_path / f"copy{number}"
            counted = read(state, partial(write_copy, path=path))
            assert counted["users"] == counted["audit"]
            assert counted["users"] % 2 == 0
            target = tmp_path / f"state{number}.db"
            restore_copy(path, target, 5)
            with open_state(target, FakeClock()) as restored:
                assert exports.verify_log(restored).entries == counted["audit"]
        stop.set()
        loading.join()
    assert counted["users"] > 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: [*lines[:4], lines[4][:-9]],
        lambda lines: lines[1:],
        lambda _: [],
        lambda _: [b"something else\n"],
    ],
)
def test_a_damaged_copy_is_refused_whole(
    new_address: Callable[[], Address], tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = tmp_path / "copy"
    with open_state(new_address(), FakeClock()) as state:
        write(state, fill)
        read(state, partial(write_copy, path=path))
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    for fn in (check_copy, partial(restore_copy, address=tmp_path / "state.db", now_ms=5)):
        with pytest.raises(PharosError) as found:
            fn(path)
        assert found.value.kind is Kind.INVALID
    database = open_database(tmp_path / "state.db")
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0
    database.close()


def test_a_newer_versions_copy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(orjson.dumps({"format": 1, "migration": "9999"}) + b"\n")
    with pytest.raises(PharosError, match="newer Pharos") as found:
        check_copy(tmp_path / "copy")
    assert found.value.kind is Kind.UNSUPPORTED


def test_an_older_versions_copy_is_brought_to_this_one(empty_address: Address, tmp_path: Path) -> None:
    # As the first version wrote it, before there were proposals.
    source = tmp_path / "old.db"
    with open_state(source, FakeClock()) as state:
        write(state, lambda unit: accounts.create_user(unit, NewUser("Ada")))
        read(state, partial(write_copy, path=tmp_path / "copy"))
    lines = (tmp_path / "copy").read_bytes().splitlines(keepends=True)
    first = orjson.dumps({"format": 1, "migration": migrate.shipped()[0]}) + b"\n"
    (tmp_path / "old").write_bytes(b"".join([first, *lines[1:]]))
    restore_copy(tmp_path / "old", empty_address, 5)
    with open_state(empty_address, FakeClock()) as restored:
        assert read(restored, proposals.list_proposals) == ()
        assert read(restored, lambda unit: accounts.user_meant(unit, "ada")).name == "Ada"
        assert read(restored, audit.head)[0] == 1
