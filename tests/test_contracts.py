"""Rules about the code that are read off its syntax."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "pharos"


@cache
def _nodes() -> list[tuple[str, ast.AST]]:
    """Return every node of every module, with the module's path below the package."""
    return [
        (str(path.relative_to(SOURCE)), node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    ]


def _called(node: ast.AST) -> str:
    """Return the name of what a node calls, nothing if it is no call."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        # `threading.Condition` is something else.
        return "" if ast.unparse(node.func.value) == "threading" else node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _who_calls(*names: str) -> set[str]:
    return {module for module, node in _nodes() if _called(node) in names}


def test_a_scope_is_made_where_something_comes_in_and_nowhere_else() -> None:
    assert _who_calls("Scope") == {"access.py", "api/http/identity.py"}


def test_statements_and_conditions_are_made_in_one_module() -> None:
    assert _who_calls("Statement", "Condition") == {"engine/sql.py"}


def test_the_tenants_fence_is_printed_once() -> None:
    printed = [
        module
        for module, node in _nodes()
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.replace(" ", "").startswith("tenant=")
    ]
    # The log of slow queries begins a field so, and is no SQL.
    assert [module for module in printed if module.startswith(("engine", "query", "ingest", "store"))] == [
        "engine/sql.py"
    ]


def test_without_a_fence_only_the_stores_own_upkeep_reads() -> None:
    assert _who_calls("select_everywhere") <= {
        "engine/embedded/snapshot.py",
        "engine/sql.py",
        "ingest/retention.py",
        "ingest/tail_sampling.py",
        "store.py",
    }


def test_a_fixed_statement_has_no_value_in_it() -> None:
    arguments = [node.args for _, node in _nodes() if isinstance(node, ast.Call) and _called(node) == "fixed"]
    assert len(arguments) > 3
    assert all(len(args) == 1 and isinstance(args[0], ast.Constant) for args in arguments)


def test_beyond_the_engine_only_statements_are_executed() -> None:
    # People's state is another database, whose statements SQLAlchemy makes.
    executed = [
        node.args[0]
        for module, node in _nodes()
        if isinstance(node, ast.Call)
        and _called(node) == "execute"
        and not module.startswith(("engine/", "state/"))
    ]
    assert executed
    assert all(isinstance(text, ast.Attribute) and text.attr == "text" for text in executed)
