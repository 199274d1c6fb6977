"""Replays over the API: one of a tenant at a time, and what is asked for is checked first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from tests.api.hollow import hollow_edge

from pharos.access import upkeep
from pharos.api.alerting.replay import Present, ReplayApi
from pharos.api.alerting.replay_shapes import ReplayBody, Version
from pharos.api.http.identity import SCOPE
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.paging import NO_CONFIG
from pharos.rules.replay import ReplayOptions


def api(**extra: Any) -> ReplayApi:
    present = Present((), NO_CONFIG, ReplayOptions(0, 0))
    return ReplayApi(None, None, None, FakeClock(), lambda _: present, lambda _: {}, **extra)  # type: ignore[arg-type]


def asked(one: ReplayApi, **body: Any) -> PharosError:
    request = Request({"type": "http", SCOPE: upkeep("default")})
    with pytest.raises(PharosError) as told:
        asyncio.run(one.replay(request, ReplayBody(**body)))
    return told.value


def test_one_replay_of_a_tenant_is_under_way_at_a_time() -> None:
    one = api(busy={"default"})
    assert asked(one).kind is Kind.LIMITED
    assert one.busy == {"default"}
    free = api()
    assert asked(free, start="5", last="1h").message == "start and last exclude each other"
    assert free.busy == set()


@pytest.mark.parametrize(
    "body",
    [{"last": "soon"}, {"last": "900d"}, {"start": "yesterday"}, {"end": "x"}, {"step": "often"}],
    ids=str,
)
def test_what_is_no_time_is_refused(body: dict[str, str]) -> None:
    assert asked(api(), **body).kind in {Kind.INVALID, Kind.LIMITED}


def test_a_version_may_be_named_whole_or_in_part() -> None:
    body = ReplayBody.model_validate({"rules": "", "compare": {"alertmanager": "x"}})
    assert body.compare == Version(alertmanager="x")
    assert any(one.path == "/api/alerting/replay" for one in hollow_edge().accounts)
