"""Runbooks beside rules: read with them, refused by the rule's line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharos.document import FaultsError
from pharos.rules.files import load_files
from pharos.rules.spec import AlertingRule

RULES = """groups:
- name: disk
  rules:
  - alert: DiskFull
    expr: up == 0
    annotations: {{summary: full, runbook: {runbook}}}
  - record: a
    expr: up
"""


def loaded(folder: Path, runbook: str) -> dict[str, str]:
    """Return the annotations of the rule."""
    (folder / "disk.yml").write_text(RULES.format(runbook=runbook))
    [group] = load_files([str(folder / "*.yml")])
    rule = group.rules[0]
    assert isinstance(rule, AlertingRule)
    return dict(rule.annotations)


def test_a_file_is_read_and_other_texts_stay(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "full.md").write_text("# {{ $labels.instance }}\n\n- [ ] look\n")
    assert loaded(tmp_path, "books/full.md")["runbook"].startswith("# {{ $labels.instance }}")
    for text in ("https://example.org/full.md", "Look at full.md and mend it", "none.md"):
        assert loaded(tmp_path, text)["runbook"] == text


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("../outside.md", "x", "is not below the folder of the rule file"),
        ("bad.md", "{{ nothing", "runbook: "),
        ("bad.md", "x" * 40_000, "runbook: "),
    ],
)
def test_a_bad_runbook_is_told_with_the_line_of_its_rule(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / name).write_text(text)
    with pytest.raises(FaultsError) as caught:
        loaded(folder, name)
    [fault] = caught.value.faults
    assert str(fault).startswith(f"{folder}/disk.yml:4: ")
    assert told in str(fault)
