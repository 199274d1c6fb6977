"""Templates make of their data what Go makes of it, and fail where Go fails, in Go's words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import PharosError
from pharos.gotemplate import Function, Templates
from pharos.gotemplate.moments import Duration, Time
from pharos.gotemplate.values import ANY, REAL, TEXT, Items, Record, SafeHtml, SafeUrl, Table
from pharos.gotext.times import from_datetime

HERE = Path(__file__).parent
FUNCTIONS = {
    "upper": Function(str.upper, (TEXT,)),
    "safe": Function(SafeHtml, (TEXT,)),
    "safeurl": Function(SafeUrl, (TEXT,)),
    "half": Function(lambda number: number / 2, (REAL,)),
    "list": Function(lambda *items: Items(items), (), ANY),
    "strs": Function(lambda *items: Items(items, "string"), (), TEXT),
}
DATA = Record(
    "main.Rec",
    {
        "S": "a<b>&\"'+ é",
        "I": 42,
        "F": 2.5,
        "B": True,
        "L": Items(("x", "y", "z"), "string"),
        "M": Table({"k1": "v1", "k2": "v2"}, "string"),
        "A": Items((1, "two", 3.5, True, None)),
        "T": Time(from_datetime(datetime(2026, 3, 1, 10, 5, 30, tzinfo=UTC), 250_000_000)),
        "D": Duration(90_500_000_000),
        "N": None,
    },
)


def _cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text("utf-8"))["cases"]
    return found


def _outcome(template: str, *, is_html: bool) -> dict[str, str]:
    try:
        templates = Templates(FUNCTIONS).reading("x", template)
        if is_html:
            templates = templates.escaping("x")
        return {"output": templates.expand("x", DATA)}
    except PharosError as error:
        return {"error": error.message}


@pytest.mark.parametrize("case", _cases("go_text.yaml"), ids=lambda case: case["template"][:60])
def test_text_comes_out_as_from_go(case: dict[str, Any]) -> None:
    assert _outcome(case["template"], is_html=False) == {k: v for k, v in case.items() if k != "template"}


@pytest.mark.parametrize("case", _cases("go_html.yaml"), ids=lambda case: case["template"][:60])
def test_html_comes_out_as_from_go(case: dict[str, Any]) -> None:
    outcome = _outcome(case["template"], is_html=True)
    if "fails" in case:
        assert "error" in outcome
    else:
        assert outcome == {"output": case["output"]}
