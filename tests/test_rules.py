"""Rules of the code bite: each is seen to refuse what it forbids, by the settings that check the project."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "pharos"

FORBIDDEN_CODE = [
    ("query/limits.py", "import time\n\ntime.time()\n"),
    ("query/limits.py", "from time import time_ns\n\ntime_ns()\n"),
    ("app.py", "from datetime import UTC, datetime\n\ndatetime.now(UTC)\n"),
    ("commands/up.py", "import os\n\nos.environ.get('HOME')\n"),
    ("ingest/accept.py", "import os\n\nos.getenv('HOME')\n"),
    ("engine/embedded/store.py", "import chdb\n\nchdb.connect()\n"),
    ("store.py", "import importlib\n\nimportlib.import_module('chdb')\n"),
    ("api/admin.py", "import requests\n\nrequests.get('http://a')\n"),
]

FORBIDDEN_IMPORTS = [
    ("Lower layers never import upper ones", "query/limits.py", "from pharos.ingest import accept"),
    ("Lower layers never import upper ones", "ingest/accept.py", "from pharos.query import limits"),
    ("Lower layers never import upper ones", "wal/format.py", "from pharos.engine import sql"),
    ("Only the root knows which engine it is", "api/admin.py", "from pharos.engine.embedded import driver"),
    (
        "Only the root knows which engine it is",
        "engine/changes.py",
        "from pharos.engine.embedded import store",
    ),
    ("Mail is sent by notify", "api/admin.py", "import aiosmtplib"),
    ("HTTP clients stay behind outbound", "ingest/scrape/fetch.py", "import aiohttp"),
    ("Lower layers never import upper ones", "state/audit.py", "from pharos.engine import sql"),
    ("Databases of people's state stay behind state", "api/admin.py", "import sqlalchemy"),
    ("The web framework stays at the edge", "query/limits.py", "import starlette"),
    ("PromQL needs no engine and no loop", "promql/source.py", "import asyncio"),
]


def ruff(path: str, code: str, rule: str = "TID251") -> subprocess.CompletedProcess[str]:
    """Check code as if it stood at that path of the package, for what may not be used."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        rule,
        "--no-cache",
        "--output-format=concise",
    ]
    return subprocess.run(
        [*command, "--stdin-filename", str(PACKAGE / path), "-"],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


@pytest.mark.parametrize(("path", "code"), FORBIDDEN_CODE)
def test_the_outside_world_and_drivers_come_in_at_one_place(path: str, code: str) -> None:
    found = ruff(path, code)
    assert found.returncode == 1, found.stderr
    assert "TID251" in found.stdout


def test_sql_is_put_together_in_one_module() -> None:
    code = "def select(table: str) -> str:\n    return f'SELECT a FROM {table}'\n"
    assert ruff("query/limits.py", code, "S608").returncode == 1
    assert ruff("engine/sql.py", code, "S608").returncode == 0


def test_a_line_that_may_is_told_by_its_own_exception() -> None:
    allowed = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in path.read_text().splitlines()
        if "noqa: TID251" in line
    ]
    assert allowed == [
        "api/exports/tables.py",
        "clock.py",
        "commands/deferred.py",
        "config/sections.py",
        "engine/embedded/driver.py",
        "engine/embedded/driver.py",
        "grpc_ports.py",
        "health/probes/__init__.py",
        "outbound/client.py",
        "serve.py",
        "state/database.py",
        "state/unit.py",
        "warm/signatures.py",
    ]


DATACLASSES = {
    "governance/changes.py",  # a change is read by pydantic, as a dataclass
    "promql/histograms/grid.py",  # what is worked out of a layout is kept in it
}


PATCHED = {
    ("cli/conftest.py", "sys", "argv"),  # what a command is called with comes in nowhere else
    ("compiled/test_kernel.py", "config", "CACHE_DIR"),  # numba reads this setting of its own once
    ("test_warming.py", "config", "CACHE_DIR"),
}


def test_what_stands_in_for_something_is_handed_in_by_tests_and_not_patched() -> None:
    found = set()
    for file in (ROOT / "tests").rglob("*.py"):
        place = file.relative_to(ROOT / "tests").as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(ast.Attribute(attr="setattr" | "delattr" | "setitem" | "delitem"), args):
                    found.add((place, *(ast.unparse(one).strip("'") for one in args[:2])))
    assert found == PATCHED


def _has_what_structs_have_not(node: ast.ClassDef) -> bool:
    """Return whether a field is left out of comparison, of text or of making, or is worked out of others."""
    for part in node.body:
        match part:
            case ast.AnnAssign(value=ast.Call(keywords=keywords)):
                if {keyword.arg for keyword in keywords} & {"compare", "init", "repr"}:
                    return True
            case ast.FunctionDef(name="__post_init__"):
                return True
    return False


def test_what_holds_values_is_a_struct_and_a_dataclass_only_where_structs_cannot_do_it() -> None:
    found = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(one).startswith("dataclass") for one in node.decorator_list)
        and not _has_what_structs_have_not(node)
    }
    assert found == DATACLASSES


def contracts(folder: Path) -> str:
    """Return what the checker of contracts says of the package in a folder."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    found = subprocess.run(
        [sys.executable, "-c", command, "--config", str(ROOT / ".importlinter"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        check=False,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    return found.stdout


def test_contracts_refuse_an_import_where_it_does_not_belong(tmp_path: Path) -> None:
    only_code = shutil.ignore_patterns("static", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "pharos", ignore=only_code)
    for _, path, line in FORBIDDEN_IMPORTS:
        file = tmp_path / "pharos" / path
        file.write_text(f"{file.read_text()}\n{line}\n")
    said = contracts(tmp_path)
    for name, path, _ in FORBIDDEN_IMPORTS:
        module = "pharos." + path.removesuffix(".py").replace("/", ".")
        assert f"{name} BROKEN" in said
        assert module in said[said.index("Broken contracts") :], module
