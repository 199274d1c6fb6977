"""The size budget: long files and long functions need a reason in the allow-list beside this test."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

SOURCE = Path(__file__).parent.parent / "src" / "pharos"
ALLOWED = yaml.safe_load((Path(__file__).parent / "budget.yaml").read_text())
FILE_LINES = 600
FUNCTION_LINES = 60


def _files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def test_no_file_is_longer_than_the_budget_without_a_reason() -> None:
    long = {
        str(path.relative_to(SOURCE)) for path in _files() if len(path.read_text().splitlines()) > FILE_LINES
    }
    assert long == set(ALLOWED["files"] or {})


def test_no_function_is_longer_than_the_budget_without_a_reason() -> None:
    long = set()
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.add(f"{path.relative_to(SOURCE)}:{node.name}")
    assert long == set(ALLOWED["functions"] or {})


def test_every_exception_has_a_reason() -> None:
    reasons = [*(ALLOWED["files"] or {}).values(), *(ALLOWED["functions"] or {}).values()]
    assert all(isinstance(reason, str) and len(reason) > 20 for reason in reasons)
