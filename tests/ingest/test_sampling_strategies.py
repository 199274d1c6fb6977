"""What clients are told about head sampling, by Jaeger's file of strategies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import Kind, PharosError
from pharos.ingest.jaeger.sampling import Strategies, read_strategies

_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "sampling.yaml").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES])
def test_a_client_is_told_what_the_file_says(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "strategies.json"
    path.write_text(json.dumps(case["file"]))
    if "error" not in case:
        assert read_strategies(path).answer(case["service"]) == case["said"]
        return
    with pytest.raises(PharosError) as caught:
        read_strategies(path)
    assert caught.value.kind is Kind.INVALID
    assert case["error"] in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PharosError, match=r"nothing\.json: No such file"):
        read_strategies(tmp_path / "nothing.json")


def test_without_a_setting_everything_is_kept() -> None:
    assert read_strategies(None) == Strategies()
