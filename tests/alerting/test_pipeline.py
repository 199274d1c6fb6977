"""Who is told what of a group, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.alert import Alert
from pharos.alerting.held import Held, Why
from pharos.alerting.pipeline import Before, Seen, Terms, decide
from pharos.state.outbox import Marks

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "decisions.yml").read_text())
NOW_MS = 10_000_000
HELD = Held(Why.SILENCED, "s")


def alert(name: str, ends_ms: int = 0) -> Alert:
    return Alert((("alertname", name),), ends_ms=ends_ms)


def fingerprints(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(alert(name).fingerprint for name in names))


def marks(said: dict[str, Any]) -> Marks:
    return Marks(*(fingerprints(said.get(name, [])) for name in ("firing", "resolved", "open")))


def seen(name: str, how: str) -> Seen:
    return Seen(alert(name, NOW_MS if "again" in how else 0), "over" in how, HELD if "held" in how else None)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_told_follows_from_what_is_so(case: dict[str, Any]) -> None:
    told, owed = case.get("told"), case.get("owed")
    before = Before(
        told=marks(told) if told else None,
        told_ms=NOW_MS - told["at"] * 1000 if told else 0,
        owed=marks(owed) if owed else None,
        owed_ms=NOW_MS - owed["at"] * 1000 if owed else 0,
    )
    terms = Terms(case.get("send_resolved", True), 100_000, 10_000)
    group = [seen(name, how) for name, how in case["group"].items()]
    acknowledged = dict.fromkeys(fingerprints(case.get("acknowledged", [])), HELD)
    verdict = decide(group, before, terms, NOW_MS, acknowledged)
    want = case["want"]
    assert (verdict.act.value, verdict.reason and verdict.reason.value) == (want["act"], want.get("reason"))
    if verdict.act in {"tell", "note"}:
        assert sorted(one.alert.name for one in verdict.told) == sorted(want.get("told", []))
        found = verdict.marks
        assert Marks(tuple(sorted(found.firing)), tuple(sorted(found.resolved)), found.open) == marks(want)
