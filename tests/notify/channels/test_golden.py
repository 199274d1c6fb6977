"""What channels send, byte for byte or field for field: cases as data."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.notify.channels.opening import opened, settings_of
from tests.notify.fakes.receiver import Answer, Taken, receiving
from tests.notify.fakes.templates import FakeTemplates
from tests.notify.messages import message_of

CASES: list[dict[str, Any]] = [
    case
    for path in sorted(Path(__file__).parent.glob("golden*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize("case", CASES, ids=[one["name"] for one in CASES])
async def test_it_sends(case: dict[str, Any]) -> None:
    async with receiving() as receiver:
        answers = [
            Answer(one.get("status", 200), one.get("body", "").encode(), dict(one.get("headers", {})))
            for one in case.get("answers", [{}])
        ]
        receiver.will(*answers)
        values = settings_of(copy.deepcopy(case["values"]), receiver.url)
        templates = FakeTemplates(case.get("templates"))
        async with opened(case["kind"], values, templates=templates) as channel:
            sent = await channel.send(message_of(case.get("message")))
        assert len(receiver.taken) == len(case["sends"])
        for taken, wanted in zip(receiver.taken, case["sends"], strict=True):
            compare(taken, wanted, receiver.url)
        if "thread" in case:
            assert dict(sent.thread) == case["thread"]
        if "answer" in case:
            assert sent.answer == case["answer"]


def compare(taken: Taken, wanted: dict[str, Any], url: str) -> None:
    assert taken.method == wanted.get("method", "POST")
    assert taken.path == wanted["path"]
    for name, value in wanted.get("headers", {}).items():
        assert taken.headers[name] == value.replace("{url}", url)
    if "bytes" in wanted:
        assert taken.body.decode() == wanted["bytes"] + "\n"
    if "text" in wanted:
        assert taken.body.decode() == wanted["text"]
    if "json" in wanted:
        assert with_any(taken.json(), wanted["json"]) == wanted["json"]


def with_any(found: Any, wanted: Any) -> Any:
    """Return what was found, with `$any` where anything may stand."""
    if wanted == "$any":
        return "$any"
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: with_any(one, wanted.get(key)) for key, one in found.items()}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [with_any(one, other) for one, other in zip(found, wanted, strict=True)]
    return found
