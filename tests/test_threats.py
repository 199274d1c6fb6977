"""The table of threats names tests that there are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
THREATS: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / "threats.yaml").read_text())
NAMED = sorted({one for group in THREATS.values() for tests in group.values() for one in tests})


@pytest.mark.parametrize("named", NAMED)
def test_what_holds_a_threat_off_is_a_test(named: str) -> None:
    file, _, name = named.partition("::")
    tree = ast.parse((HERE / file).read_text())
    names = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in names
