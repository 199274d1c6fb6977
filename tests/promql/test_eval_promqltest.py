"""Every eval of every promqltest file is a case: our own always, the conformance suite where at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.peers import CONFORMANCE
from tests.promql.promqltest import replay, run_eval
from tests.promql.promqltest_language import Eval, read_file
from tests.promql.promqltest_source import MemorySource

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests/promql/cases", CONFORMANCE / "promql")


def cases() -> list[tuple[str, Eval, MemorySource]]:
    return [
        (f"{path.stem}:{asked.line}", asked, source)
        for folder in FOLDERS
        for path in sorted(folder.glob("*.test"))
        for asked, source in replay(read_file(path))
    ]


@pytest.mark.parametrize(
    ("asked", "source"), [pytest.param(asked, source, id=name) for name, asked, source in cases()]
)
def test_eval_gives_what_the_file_expects(asked: Eval, source: MemorySource) -> None:
    run_eval(asked, source)


@pytest.mark.needs("conformance")
def test_the_conformance_suite_is_among_the_cases() -> None:
    assert len(list(FOLDERS[1].glob("*.test"))) > 10
