"""Files that say where targets are: why one cannot be used is known until it can."""

from __future__ import annotations

from pathlib import Path

from pharos.ingest.scrape.discovery import FileWatch
from pharos.ingest.scrape.job import FileDiscovery


def test_a_file_that_cannot_be_used_says_why_until_it_is_mended_or_gone(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.yml"
    watch = FileWatch([FileDiscovery((str(tmp_path / "*.json"), str(second)))])
    first.write_text('[{"targets": [1]}]')
    second.write_text("- targets: [y:1\n")
    assert not watch.refresh()
    first_error, second_error = watch.errors
    assert first_error == f"{first}:0: targets must be a list of texts"
    assert second_error.startswith(f"{second}:")
    # It is not read again, and is as bad as before.
    assert not watch.refresh()
    assert [*watch.errors] == [first_error, second_error]
    second.unlink()
    assert not watch.refresh()
    assert [*watch.errors] == [first_error]
    first.write_text('[{"targets": ["x:1"]}]')
    assert watch.refresh()
    assert [*watch.errors] == []
    assert [group.targets for group in watch.groups] == [("x:1",)]
