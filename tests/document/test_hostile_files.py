"""Files that are no documents, or documents made to keep their reader busy: refused soon, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pharos.config import load_settings
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import read_groups
from pharos.outbound import SecretText, TlsOptions
from pharos.rules.spec import load_rules

Reader = Callable[[Path], object]


def included(path: Path) -> object:
    """Read the file as one that a prometheus.yml includes."""
    return load_scrape_config(f"scrape_config_files: [{path}]", path.parent)


READERS: list[Reader] = [
    lambda path: load_settings(path, {}),
    load_scrape_config,
    included,
    read_groups,
    load_rules,
]
NAMES = ["pharos.yml", "prometheus.yml", "scrape_config_files", "file_sd", "rules"]
SECRETS: list[Reader] = [
    lambda path: SecretText(path=str(path)).read(),
    lambda path: TlsOptions(ca_path=str(path)).context(),
]
HOSTILE = {
    "brackets": "a: " + "[" * 10_000 + "]" * 10_000,
    "a million brackets": "[" * 1_000_000,
    "braces": "{a: " * 10_000,
    "block sequences": "- " * 10_000,
    "questions": "? " * 10_000,
    "a bomb of aliases": "a: &a [x, x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24))
    + "global: *y\n",
    "an alias within itself": "global: &a [*a]\n",
    "a merge of itself": "global: &a {<<: *a}\n",
    "an object": "global: !!python/object/apply:os.system [touch hacked]\n",
    "a scalar object": "listen: !!python/name:os.system x\n",
    "many values": "- a\n" * 1_100_000,
    "a key twice": "data: a\ndata: b\n",
    "control characters": "data: \x01\n",
    "two documents": "data: a\n---\ndata: b\n",
    "directives": "%TAG ! tag:x,2000:\n" * 2 + "---\na: 1\n",
}


def refusal(reader: Reader, path: Path) -> PharosError:
    with pytest.raises(PharosError) as raised:
        reader(path)
    assert str(path) in str(raised.value)
    return raised.value


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("reader", READERS, ids=NAMES)
def test_a_hostile_document_is_refused_with_its_line(reader: Reader, text: str, tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_text(text)
    assert f"{path}:" in str(refusal(reader, path))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("reader", [*READERS, *SECRETS], ids=[*NAMES, "a secret", "certificates"])
def test_what_is_no_regular_file_is_not_read(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "zero.yml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "folder.yml").mkdir()
    for name in ("zero.yml", "pipe.yml", "folder.yml"):
        assert refusal(reader, tmp_path / name).kind is Kind.INVALID


@pytest.mark.parametrize("reader", [*READERS, *SECRETS], ids=[*NAMES, "a secret", "certificates"])
def test_the_size_of_a_file_is_looked_at_before_it_is_read(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "sparse.yml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than" in str(refusal(reader, path))


def test_every_fault_of_a_prometheus_yml_is_told_sorted_by_line(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("scrape_configs:\n- job_name: one\n- job_name: four\n  schem: http\n")
    (tmp_path / "prometheus.yml").write_text(
        "globl: {}\n"
        "global: {scrape_intervall: 1m, scrape_timeout: soon}\n"
        "scrape_configs:\n"
        "- job_name: one\n"
        "  scrape_interval: 1x\n"
        "  scrape_timeout: 2m\n"
        "  static_configs: [{targets: ['http://a']}, {target: []}]\n"
        "- job_name: two\n"
        "  scheme: ftp\n"
        "  relabel_configs:\n"
        "  - {action: kep}\n"
        "  - {regex: '('}\n"
        "- {}\n"
        "- job_name: one\n"
        "scrape_config_files: [more.yml, gone.yml]\n"
    )
    with pytest.raises(PharosError) as raised:
        load_scrape_config(tmp_path / "prometheus.yml")
    found = [line.removeprefix(f"{tmp_path}/") for line in str(raised.value).splitlines()]
    starts = [
        'prometheus.yml:1: field globl not found in the configuration, did you mean "global"?',
        'prometheus.yml:2: global.scrape_timeout: not a valid duration string: "soon"',
        'prometheus.yml:2: field scrape_intervall not found in global, did you mean "scrape_interval"?',
        'prometheus.yml:5: scrape_configs[0].scrape_interval: unknown unit "x" in duration "1x"',
        "prometheus.yml:7: 'http://a' is not a valid hostname",
        'prometheus.yml:7: field target not found in target group, did you mean "targets"?',
        "prometheus.yml:9: scheme must be http or https, got 'ftp'",
        "prometheus.yml:11: unknown relabel action 'kep'",
        "prometheus.yml:12: ",
        "prometheus.yml:13: job_name is empty",
        "prometheus.yml:14: found multiple scrape configs with job name 'one'",
        "more.yml:2: found multiple scrape configs with job name 'one', first found in",
        'more.yml:4: field schem not found in scrape_config, did you mean "scheme"?',
    ]
    assert len(found) == len(starts), found
    for line, start in zip(found, starts, strict=True):
        assert line.startswith(start), line
