"""Every eval of the promqltest files over HTTP: the server answers as the evaluation in this process does.

The in-process runner (tests/promql) holds that one against what the files expect. Here every block is a
tenant, its samples (native histograms and start timestamps too) come by remote write, and each eval is asked
at once after its load, as an instant and as a range query.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.differential.compare import difference
from tests.differential.servers import Client, running_pharos
from tests.differential.written import written_series
from tests.peers import CONFORMANCE
from tests.promql.promqltest import OPTIONS
from tests.promql.promqltest_language import Clear, Eval, Load, read_file
from tests.promql.promqltest_source import MemorySource

from pharos.api.prometheus.encode import encode_answer
from pharos.errors import PharosError
from pharos.promql.answer import evaluate_text
from pharos.promql.grids.grid import AnswerType

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests/promql/cases", CONFORMANCE / "promql")
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.test"))]


@pytest.fixture(scope="module")
def pharos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_pharos(tmp_path_factory.mktemp("promqltest"), experimental=True) as client:
        yield client


def expected_answer(expr: str, source: MemorySource, start_ms: int, end_ms: int, step_ms: int) -> Any:
    """Return the evaluator's answer over the samples in memory, as the API prints it."""
    try:
        answer = evaluate_text(expr, source, start_ms, end_ms, step_ms, options=OPTIONS)
    except PharosError as exc:
        return {"status": "error", "error": exc.message}
    if step_ms and answer.type not in {AnswerType.MATRIX, AnswerType.SCALAR}:
        return None
    return json.loads(b"".join(encode_answer(answer)))


def questions(asked: Eval) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and step of what is asked for an eval."""
    if asked.ranged:
        yield asked.start_ms, asked.end_ms, asked.step_ms
        return
    yield asked.end_ms, asked.end_ms, 0
    if not asked.range_vector and asked.string is None:
        yield asked.end_ms - 60_000, asked.end_ms + 60_000, 60_000


def differences(asked: Eval, source: MemorySource, client: Client) -> Iterator[str]:
    """Yield what the server answers otherwise than the evaluator does."""
    for start_ms, end_ms, step_ms in questions(asked):
        wanted = expected_answer(asked.expr, source, start_ms, end_ms, step_ms)
        if step_ms:
            found = client.ranged(asked.expr, start_ms, end_ms, step_ms)
        else:
            found = client.instant(asked.expr, end_ms)
        if wanted is not None and (differs := difference(found, wanted)):
            yield f"line {asked.line}, step {step_ms}: {asked.expr}\n  {differs}"


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def test_server_answers_as_the_evaluator_in_this_process(path: Path, pharos: Client) -> None:
    source = MemorySource()
    block = 0
    found: list[str] = []
    pharos.tenant = f"{path.parent.name}-{path.stem}-{block}"
    for command in read_file(path):
        if isinstance(command, Clear):
            source = MemorySource()
            block += 1
            pharos.tenant = f"{path.parent.name}-{path.stem}-{block}"
        elif isinstance(command, Load):
            loaded = source.with_load(command)
            if fresh := written_series(source, loaded):
                pharos.write(fresh, version=2)
            source = loaded
        else:
            found += differences(command, source, pharos)
    assert not found, "\n".join(found)
