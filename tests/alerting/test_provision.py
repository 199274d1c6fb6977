"""What files say of schedules, policies and actions is kept, and goes when no file says it any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pharos.alerting.provision import read_files, take_over
from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.state import PHAROS, Author, State, Unit, documents, open_state
from pharos.state.documents import Defined

GOOD = """
schedules:
  primary:
    layers: [{name: week, people: [ada, bob], starts: 2026-01-05T09:00}]
escalation_policies:
  all: {levels: [{targets: [{schedule: primary}], timeout: 5m}]}
"""
OTHER = """
tenant: team-b
actions:
  hook: {webhook: {url: https://example.org/}}
"""
BAD = """
schedules:
  primary: {layers: []}
  secondary: [1]
escalations: {}
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.db", FakeClock(), Random(7)) as opened:
        yield opened


async def kept(state: State) -> list[tuple[str, str, str, str]]:
    """Return tenant, kind, name and author of all definitions."""

    def read(unit: Unit) -> list[tuple[str, str, str, str]]:
        return [
            (one.tenant_id, one.kind.value, one.name, Path(one.who_name).name)
            for kind in Defined
            for one in documents.list_documents(unit, kind)
        ]

    return await state.read(read)


async def test_what_files_say_is_kept_and_goes_with_them(state: State, tmp_path: Path) -> None:
    first, second = tmp_path / "a.yml", tmp_path / "b.yml"
    first.write_text(GOOD)
    second.write_text(OTHER)
    said = read_files([first, second])
    await state.write(lambda unit: take_over(unit, said), PHAROS)
    await state.write(lambda unit: take_over(unit, said), PHAROS)
    assert await kept(state) == [
        ("default", "schedule", "primary", "a.yml"),
        ("default", "escalation", "all", "a.yml"),
        ("team-b", "action", "hook", "b.yml"),
    ]
    ada = Author("user:1", "ada")
    document = {"levels": [{"targets": [{"person": "ada"}]}]}
    await state.write(
        lambda unit: documents.put_document(unit, "default", Defined.ESCALATION, "mine", document), ada
    )
    await state.write(lambda unit: take_over(unit, read_files([second])), PHAROS)
    assert await kept(state) == [
        ("default", "escalation", "mine", "ada"),
        ("team-b", "action", "hook", "b.yml"),
    ]
    versions = await state.read(
        lambda unit: documents.versions_of(unit, "default", Defined.SCHEDULE, "primary")
    )
    assert [one.version for one in versions] == [2, 1]


def test_everything_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    path, again = tmp_path / "a.yml", tmp_path / "b.yml"
    path.write_text(BAD)
    with pytest.raises(PharosError) as caught:
        read_files([path])
    lines = [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]
    assert [line.split(": ")[0] for line in lines] == [":3", ":4", ":5"]
    path.write_text(GOOD)
    again.write_text(GOOD)
    with pytest.raises(PharosError, match="says what it is, too"):
        read_files([path, again])
