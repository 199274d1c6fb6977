"""What whoever opens a link may ask."""

from __future__ import annotations

from typing import Any

import pytest

from pharos.access import ALL, ANONYMOUS, NOBODY, ROLES, Grant, Identity, IdentityKind, Scope
from pharos.dashboards.sharing import asked_by_maker, asked_by_reader, packed, scope_of_link, unpacked
from pharos.errors import Kind, PharosError
from pharos.state.dashboard_shares import Share

ANN = Identity(IdentityKind.USER, "1", "ann")
MADE: dict[str, Any] = {"from": "now-1h", "to": "now", "variables": {"job": ["a"]}}


def link(scope: Scope, *, free_range: bool = False, answer: str = "") -> Share:
    asked = asked_by_maker(MADE, scope, free_range=free_range)
    return Share("i", "t", "d", "live", "", "h", asked, True, "w", "", 0, 0, "", answer)


@pytest.mark.parametrize("free_range", [False, True])
def test_variables_are_the_makers_and_times_only_where_they_are_free(free_range: bool) -> None:
    share = link(Scope("t", ANN, ALL), free_range=free_range)
    said = {"from": "now-9d", "variables": {"job": ["secret"]}, "panels": ["p:1"], "may": ["x"]}
    asked = asked_by_reader(share, said)
    assert asked["variables"] == MADE["variables"]
    assert asked["panels"] == ["p:1"]
    assert asked["from"] == ("now-9d" if free_range else "now-1h")
    assert "may" not in asked


def test_a_public_link_reads_what_its_maker_could_and_changes_nothing() -> None:
    everything = scope_of_link(link(Scope("t", ANN, ALL)), Grant(ANN, ALL))
    assert (everything.tenant, everything.who) == ("t", ANONYMOUS)
    assert everything.permissions <= ROLES["viewer"].permissions
    less = scope_of_link(
        link(Scope("t", ANN, frozenset({"dashboards.view", "metrics.view", "users.manage"}))), None
    )
    assert less.permissions == {"dashboards.view", "metrics.view"}


def test_a_public_link_reads_no_more_than_its_maker_may_by_now() -> None:
    made = link(Scope("t", ANN, ALL))
    by_now = Grant(ANN, by_tenant={"t": frozenset({"logs.view"}), "u": ALL})
    assert scope_of_link(made, by_now).permissions == {"logs.view"}
    assert scope_of_link(made, Grant(NOBODY)).permissions == frozenset()


async def test_a_snapshot_holds_the_lines_and_gives_those_that_are_asked() -> None:
    lines = [
        b'{"kind":"range"}\n',
        b'{"kind":"panel","panel":"p:1"}\n',
        b'{"kind":"panel","panel":"p:2"}\n',
        b'{"kind":"end"}\n',
    ]

    async def each() -> Any:
        for line in lines:
            yield line

    share = link(Scope("t", ANN, ALL), answer=await packed(each()))
    assert unpacked(share, {}) == lines
    assert unpacked(share, {"include": ["panels"], "panels": ["p:2"]}) == [lines[0], lines[2], lines[3]]


async def test_a_snapshot_that_would_be_too_large_is_refused() -> None:
    async def much() -> Any:
        for _ in range(17):
            yield b"x" * (1 << 20)

    with pytest.raises(PharosError) as caught:
        await packed(much())
    assert caught.value.kind is Kind.TOO_LARGE
