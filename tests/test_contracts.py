"""Rules about the code that are read off its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "pharos"


def _calls(name: str) -> Iterator[str]:
    """Yield the modules that call `name`, by their paths below the package."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield str(path.relative_to(SOURCE))


def test_a_scope_is_made_where_something_comes_in_and_nowhere_else() -> None:
    assert set(_calls("Scope")) == {"access.py", "api/http/identity.py"}
