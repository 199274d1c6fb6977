"""The size budget: long files, long functions and many parameters need a reason, listed beside this test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/pharos", "tests", "bench")
ALLOWED = yaml.safe_load((ROOT / "tests/budget.yaml").read_text())
FILE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 8
_COMPILERS = ("kernel", "njit")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def _files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix().removeprefix("src/pharos/"), path.read_text()


def _functions() -> Iterator[tuple[str, Function]]:
    """Yield every function, methods and inner ones too, as file:name."""
    for name, text in _files():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, Function):
                yield f"{name}:{node.name}", node


def _parameters(function: Function) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def _is_compiled(function: Function) -> bool:
    return any(word in ast.unparse(one) for one in function.decorator_list for word in _COMPILERS)


def test_no_file_is_longer_than_the_budget_without_a_reason() -> None:
    long = {name for name, text in _files() if len(text.splitlines()) > FILE_LINES}
    assert long == set(ALLOWED["files"])


def test_no_function_is_longer_than_the_budget_without_a_reason() -> None:
    long = {
        name
        for name, function in _functions()
        if (function.end_lineno or function.lineno) - function.lineno + 1 > FUNCTION_LINES
    }
    assert long == set(ALLOWED["functions"])


def test_no_function_takes_eight_parameters_without_a_reason() -> None:
    many = {
        name
        for name, function in _functions()
        if _parameters(function) >= PARAMETERS and not _is_compiled(function)
    }
    assert many == set(ALLOWED["parameters"])


def test_no_kernel_takes_more_parameters_than_are_listed() -> None:
    many = {
        name: _parameters(function)
        for name, function in _functions()
        if _parameters(function) >= PARAMETERS and _is_compiled(function)
    }
    assert many == ALLOWED["kernel_parameters"]


def test_every_exception_has_a_reason() -> None:
    reasons = [reason for kind in ("files", "functions", "parameters") for reason in ALLOWED[kind].values()]
    assert all(isinstance(reason, str) and len(reason) > 20 for reason in reasons)
