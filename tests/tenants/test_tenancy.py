"""Tenants in a whole server: made by who writes, renamed, suspended, bounded, and deleted with a proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest
from tests.ingest.rw_messages import v1_body

from pharos.access import LOCAL, Scope
from pharos.clock import SystemClock
from pharos.config import Limits, Settings, Tenant
from pharos.engine.sql import fixed
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.remote_write.submission import made
from pharos.ingest.retention import Erased, erase_old
from pharos.multitenancy import Doors, make_doors, open_tenancy
from pharos.policy import Kept
from pharos.queries import Queries, open_queries
from pharos.query.limits import Times
from pharos.query.metrics.query import parse_query
from pharos.state import PHAROS, State, open_state
from pharos.state.audit import audit
from pharos.state.tenants import begin_deletion
from pharos.state.usage import list_usage
from pharos.store import Store, open_store
from pharos.tenants.directory import Condition
from pharos.tenants.tenancy import Tenancy

CLOCK = SystemClock()


class Server:
    """A server without its edge."""

    def __init__(self, tenancy: Tenancy, state: State, store: Store, queries: Queries, doors: Doors) -> None:
        self.tenancy, self.state, self.store = tenancy, state, store
        self.queries, self.doors = queries, doors

    async def write(self, tenant: str, *metrics: str, value: float = 1.0) -> Accepted:
        now_ms = CLOCK.now_ms()
        series = [{"labels": [("__name__", name)], "samples": [(now_ms - 1_000, value)]} for name in metrics]
        metadata = [{"family": name, "type": 1, "help": "h"} for name in metrics]
        return await self.store.intake.accept(
            made(
                Scope(tenant, LOCAL),
                v1_body(series, metadata),
                source="test",
                sent_bytes=100,
                is_repeatable=True,
            )
        )

    async def count(self, tenant: str) -> float:
        now_ms = CLOCK.now_ms()
        query = parse_query('count({__name__=~".+"})')

        def finish(answer: Any) -> float:
            return float(answer.values[0, 0]) if len(answer.labels) else 0.0

        return await self.queries.metrics.evaluate(
            Scope(tenant), query, Times(now_ms, now_ms), finish, reuse=False
        )


@asynccontextmanager
async def running(folder: Path, **more: Any) -> AsyncIterator[Server]:
    settings, chance = Settings(data=folder, **more), SystemRandom()
    doors = make_doors(settings)
    with (
        open_state(settings.state_address, CLOCK, chance) as state,
        open_store(settings, CLOCK, chance, doors.policy) as store,
        open_queries(store.engine, store.changes, CLOCK, chance, settings, doors.policy) as queries,
    ):
        async with open_tenancy(doors, state, store, queries, CLOCK, settings) as tenancy:
            yield Server(tenancy, state, store, queries, doors)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(600):
        if await is_so():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never became so")


async def test_a_tenants_life_from_its_first_write_to_the_proof_that_nothing_is_left(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        tenancy = server.tenancy
        for tenant in ("one", "two"):
            await server.write(tenant, "a", "b", "c")

        async def are_made() -> bool:
            return {"one", "two"} <= {one.id for one in await tenancy.living()}

        async def are_stored() -> bool:
            return [await server.count(tenant) for tenant in ("one", "two")] == [3.0, 3.0]

        await until(are_made)
        await until(are_stored)
        assert (await tenancy.rename("one", "The first", PHAROS)).name == "The first"

        await tenancy.suspend("one", PHAROS)
        for refused in (server.write("one", "a"), server.count("one"), server.count("one|two")):
            with pytest.raises(PharosError, match="the tenant one is suspended") as raised:
                await refused
            assert raised.value.kind is Kind.DENIED
        assert await server.count("two") == 3.0
        await tenancy.resume("one", PHAROS)
        assert await server.count("one") == 3.0

        await tenancy.flush()
        now_ms = CLOCK.now_ms()
        used = {row.measure: row.amount for row in await tenancy.used("one", 0, now_ms)}
        assert (used["samples"], used["bytes"]) == (3, 100)
        assert used["queries"] >= 2

        await tenancy.delete("one", PHAROS)
        with pytest.raises(PharosError, match=r"the tenant one (is being|was) deleted"):
            await server.write("one", "a")

        async def is_deleted() -> bool:
            return tenancy.directory.condition("one") is Condition.DELETED

        await until(is_deleted)
        assert await server.count("two") == 3.0
        rows = await server.state.read(lambda unit: unit.rows(audit.select()))
        proof = next(row.after["proof"] for row in rows if row.action == "tenant.deleted")
        assert proof["rows"]["samples"] == 3
        assert proof["rows"]["series"] == proof["rows"]["metadata"] == 3
        assert set(proof["rows_left"].values()) == {0}
        assert set(proof["rows_left"]) == set(tables_of_tenants(server.store))
        assert await server.state.read(lambda unit: list_usage(unit, "one", 0, now_ms + 1)) == ()
        assert left(server.store, "one") == 0
        with pytest.raises(PharosError, match="already"):
            await tenancy.create("one", "", PHAROS)


async def test_a_deletion_that_a_stop_interrupted_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await server.write("gone", "a")
        await until(lambda: _is(server, "gone", Condition.OPEN))
    settings = Settings(data=tmp_path)
    with open_state(settings.state_address, CLOCK, SystemRandom()) as state:
        await state.write(lambda unit: begin_deletion(unit, "gone"), PHAROS)
    async with running(tmp_path) as server:
        await until(lambda: _is(server, "gone", Condition.DELETED))
        assert left(server.store, "gone") == 0


async def _is(server: Server, tenant: str, condition: Condition) -> bool:
    return server.tenancy.directory.condition(tenant) is condition


async def test_limits_that_are_changed_count_from_the_next_request_on(tmp_path: Path) -> None:
    tenants = {"named": Tenant(name="Named", limits=Limits(max_series=2))}
    async with running(tmp_path, limits=Limits(ingest_rate=1_000), tenants=tenants) as server:
        tenancy = server.tenancy
        assert {one.id: one.name for one in await tenancy.living()}["named"] == "Named"
        assert (await server.write("named", "a", "b", "c")).beyond_series == 1
        found, own = tenancy.limits("named")
        assert (found.ingest_rate, found.max_series, own) == (1_000, 2, {"max_series": 2})
        await tenancy.set_limits("named", {"max_series": 3, "ingest_burst": 2}, PHAROS)
        with pytest.raises(PharosError, match="may send 2 at once"):
            await server.write("named", "a", "b", "c")
        await tenancy.set_limits("named", {"ingest_burst": None}, PHAROS)
        assert (await server.write("named", "a", "b", "c")).is_whole
        assert tenancy.limits("named")[1] == {"max_series": 3}
    async with running(tmp_path) as server:
        assert server.tenancy.limits("named")[0].max_series == 3


async def test_where_nobody_may_make_tenants_by_writing_an_unknown_one_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, create_tenants=False) as server:
        with pytest.raises(PharosError, match="there is no tenant unknown") as raised:
            await server.write("unknown", "a")
        assert raised.value.kind is Kind.DENIED
        await server.tenancy.create("unknown", "", PHAROS)
        assert (await server.write("unknown", "a")).is_whole
        with pytest.raises(PharosError, match="default cannot be deleted"):
            await server.tenancy.delete("default", PHAROS)


async def test_a_tenants_own_retention_hides_and_then_deletes(tmp_path: Path) -> None:
    old_ms = CLOCK.now_ms() - 10 * 3_600_000
    body = v1_body(
        [{"labels": [("__name__", "old")], "samples": [(old_ms, 1.0), (CLOCK.now_ms() - 1_000, 2.0)]}]
    )
    async with running(tmp_path) as server:
        for tenant in ("short", "long"):
            await server.store.intake.accept(
                made(Scope(tenant, LOCAL), body, source="test", is_repeatable=True)
            )
            await until(lambda tenant=tenant: _is(server, tenant, Condition.OPEN))  # type: ignore[misc]
        await server.tenancy.set_limits("short", {"retention_ms": 3_600_000}, PHAROS)

        async def seen(tenant: str) -> float:
            now_ms = CLOCK.now_ms()
            return await server.queries.metrics.evaluate(
                Scope(tenant),
                parse_query("count_over_time(old[1d])"),
                Times(now_ms, now_ms),
                lambda answer: float(answer.values[0, 0]) if len(answer.labels) else 0.0,
                reuse=False,
            )

        async def both_seen() -> bool:
            return await seen("long") == 2.0

        await until(both_seen)
        assert await seen("short") == 1.0
        limits = server.doors.directory.limits
        erased = server.store.engine.control(
            lambda session: erase_old(session, limits, CLOCK.now_ms(), Kept())
        )
        assert erased == [Erased("short", "samples", "retention", 1)]
        assert left(server.store, "long", "samples") == 2


def tables_of_tenants(store: Store) -> list[str]:
    text = "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'tenant'"
    return list(store.engine.session().query(fixed(text), purpose="test")["table"].to_pylist())


def left(store: Store, tenant: str, *tables: str) -> int:
    """Return how many rows of a tenant the tables hold, all of them if none is named."""
    count = 0
    for table in tables or tables_of_tenants(store):
        text = f"SELECT count() AS n FROM {table} WHERE tenant = '{tenant}'"
        count += store.engine.session().query(fixed(text), purpose="test")["n"][0].as_py()
    return count
