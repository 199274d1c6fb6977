"""The documentation tells the truth: commands run, references are complete, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.docs import reference
from tests.process import Server

from pharos.config import RoleRule, Settings
from pharos.promql.language.functions import AGGREGATORS, FUNCTIONS

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
_BLOCK = re.compile(
    r"^(?P<indent> *)<!-- (?P<mark>run|run, exits \d+|file: \S+) -->\n"
    r"(?P=indent)```\w+\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_DEFAULT_ADDRESS = "127.0.0.1:8080"


@dataclass(frozen=True)
class Block:
    """A fenced block that a mark tells us to run or to write."""

    mark: str
    body: str


def _blocks(page: Path) -> list[Block]:
    return [
        Block(found["mark"], re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE))
        for found in _BLOCK.finditer(page.read_text())
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its data where the documentation has it."""
    made = Server(tmp_path_factory.mktemp("docs") / "pharos-data")
    yield made
    assert made.stop() == 0


@pytest.fixture
def page_server(page: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """The server that a page's commands ask: where users come, one of its own."""
    if page.name != "accounts.md":
        yield request.getfixturevalue("server")
        return
    (tmp_path / "own").mkdir()
    made = Server(tmp_path / "own" / "pharos-data")
    yield made
    assert made.stop() == 0


def test_every_mark_in_the_pages_belongs_to_a_block() -> None:
    marks = sum(len(re.findall(r"<!-- (?:run|file)", page.read_text())) for page in PAGES)
    assert marks == sum(len(_blocks(page)) for page in PAGES) > 10


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, page_server: Server, tmp_path: Path) -> None:
    server = page_server
    (tmp_path / "pharos-data").symlink_to(server.folder)
    environment = _environment(tmp_path, server)
    for block in _blocks(page):
        body = block.body.replace(_DEFAULT_ADDRESS, server.url.removeprefix("http://"))
        if block.mark.startswith("file: "):
            (tmp_path / block.mark.removeprefix("file: ")).write_text(body)
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", body],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        wanted = int(block.mark.removeprefix("run, exits ")) if "exits" in block.mark else 0
        assert done.returncode == wanted, f"{body}\n{done.stdout}\n{done.stderr}"
        assert done.stdout + done.stderr, f"nothing was printed by: {body}"


def _environment(folder: Path, server: Server) -> dict[str, str]:
    """Return an environment in which `pharos` is this checkout's and asks this server."""
    programs = folder / "bin"
    programs.mkdir()
    script = (
        "#!/bin/sh\n"
        f'if [ "$1" = query ]; then shift; set -- query --server {server.url} "$@"; fi\n'
        f'if [ "$1 $2" = "rules replay" ]; then shift 2; set -- rules replay --server {server.url} "$@"; fi\n'
        f'exec "{sys.executable}" -m pharos.cli "$@"\n'
    )
    for name, text in (("pharos", script), ("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_reference_is_what_the_source_says(name: str) -> None:
    assert (reference.DOCS / name).read_text() == reference.PAGES[name](), "run `make reference`"


def test_the_references_name_every_setting_metric_command_and_function() -> None:
    settings, metrics, commands, functions = (page() for page in reference.PAGES.values())
    assert "`retention.metrics`" in settings
    assert "`ingest.max_body`" in settings
    assert settings.count("\n| `") == len(_setting_names(Settings)) + len(_listed_names())
    source = (ROOT / "src" / "pharos" / "telemetry.py").read_text()
    declared = re.findall(r'"(pharos_\w+)"', source)
    assert declared
    assert [name for name in declared if f"`{name}`" not in metrics] == []
    for command in (
        "up",
        "check",
        "query",
        "explain",
        "backup",
        "restore",
        "warm",
        "version",
        "tenant create",
    ):
        assert f"## pharos {command}\n" in commands
    assert functions.count("\n| `") == len(FUNCTIONS) + len(AGGREGATORS)


def test_the_layers_are_those_of_the_contract() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page[page.index("| layer |") : page.index("`app.open_pharos`")]
    modules = {path.stem for path in (ROOT / "src" / "pharos").iterdir() if path.suffix == ".py"}
    modules |= {path.parent.name for path in (ROOT / "src" / "pharos").glob("*/__init__.py")}
    named = re.findall(r"`([a-z_]+)/?`", table)
    contract = (ROOT / ".importlinter").read_text()
    layers = contract[: contract.index("contract:embedded-engine")]
    assert sorted(named) == sorted(re.findall(r"pharos\.([a-z_]+)", layers)) == sorted(modules - {"__init__"})


def _setting_names(model: type[BaseModel]) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        inner = type(field.default)
        names += _setting_names(inner) if issubclass(inner, BaseModel) else [name]
    return names


def _listed_names() -> list[str]:
    """Return the settings of the sections of which lists are made, and of the rules in them."""
    listed: list[type[BaseModel]] = [
        one
        for _, field in [*Settings.model_fields.items(), *reference.of_sections()]
        for one in reference.listed(field.annotation)
    ]
    listed.append(RoleRule)
    return [name for section in listed for name in section.model_fields]


def test_every_path_that_is_served_is_described(server: Server) -> None:
    page = (ROOT / "docs" / "http-api.md").read_text()
    with urllib.request.urlopen(f"{server.url}/api/openapi.json", timeout=30) as answer:
        served = set(json.loads(answer.read())["paths"])
    assert "/api/v1/query" in served
    assert sorted(path for path in served if f"`{path.replace(':path', '')}`" not in page) == []


_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_beside_the_site_lead_somewhere(page: str) -> None:
    for target, _ in _LINK.findall((ROOT / page).read_text()):
        assert (ROOT / target).exists(), f"{page} links {target}"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "--site-dir",
            str(tmp_path / "site"),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
