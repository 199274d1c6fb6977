"""The tables say who is better, and nothing where nothing was measured."""

from __future__ import annotations

import io
import math
from dataclasses import asdict
from pathlib import Path

import pytest
from bench.report import SECTIONS, Row, Section, keep, print_section, ratio, read, show_value, to_markdown
from rich.console import Console

VERSIONS = {"Pharos": "0.1.0", "Prometheus": "2.42.0"}


@pytest.mark.parametrize(("higher", "expected"), [(True, 2.0), (False, 0.5)])
def test_a_ratio_above_one_always_means_that_pharos_is_better(higher: bool, expected: float) -> None:
    row = Row("rate", "samples/s", {"Pharos": 200.0, "Prometheus": 100.0}, higher_is_better=higher)
    assert ratio(row, "Prometheus") == expected


def test_no_ratio_without_both_figures_or_where_none_is_wanted() -> None:
    assert math.isnan(ratio(Row("x", "s", {"Pharos": 1.0}), "Prometheus"))
    assert math.isnan(ratio(Row("x", "s", {"Pharos": 1.0, "Prometheus": math.nan}), "Prometheus"))
    assert math.isnan(ratio(Row("x", "s", {"Pharos": 1.0, "Prometheus": 2.0}, compared=False), "Prometheus"))


def test_a_missing_server_and_a_failed_run_read_differently() -> None:
    row = Row("x", "ms", {"Pharos": 12.345})
    assert show_value(row, "Pharos", VERSIONS) == "12.3 ms"
    assert show_value(row, "Prometheus", VERSIONS) == "not measured"
    row.values["Prometheus"] = math.nan
    assert show_value(row, "Prometheus", VERSIONS) == "failed"
    assert show_value(row, "VictoriaMetrics", VERSIONS) == "not installed"


def test_page_and_terminal_show_the_same_figures() -> None:
    row = Row(
        "took [all]", "samples/s", {"Pharos": 1_234_567.0, "Prometheus": 1_000_000.0}, higher_is_better=True
    )
    section = Section(
        "ingest", "Remote write", [row], ["a note [1]"], "2026-01-02", False, VERSIONS, {"cores": "2"}
    )
    page = to_markdown([section])
    assert "| took [all] | 1,234,567 | 1,000,000 | not installed | 1.23x |  |" in page
    assert "2026-01-02. ?, 2 cores" in page
    output = io.StringIO()
    print_section(section, Console(file=output, width=160))
    for text in ("took [all]", "1,234,567", "1.23x", "a note [1]"):
        assert text in output.getvalue()


def test_where_nothing_is_compared_no_server_stands_without_a_figure() -> None:
    own = Section("tokens", "Tokens", [Row("x", "ms", {"Pharos": 1.0}, compared=False)], versions=VERSIONS)
    page = to_markdown([own])
    assert "| | Pharos |\n|---|---:|\n| x | 1.00 ms |" in page
    own.rows.append(Row("y", "ms", {"Pharos": 1.0, "Prometheus": 2.0}, compared=False))
    assert "| | Pharos | Prometheus | against Prometheus |" in to_markdown([own])


def test_a_stored_section_reads_back_as_it_was() -> None:
    section = Section(
        "disk", "Disk", [Row("x", "B", {"Pharos": 1.0})], ["n"], "2026-01-02", True, VERSIONS, {}
    )
    assert read(asdict(section)) == section


def test_the_page_has_every_section_that_was_measured(tmp_path: Path) -> None:
    kept: list[Section] = []
    for name in reversed(SECTIONS):
        kept = keep(Section(name, name, [], [], "2026-01-02", False, VERSIONS, {}), tmp_path)
    assert [section.name for section in kept] == list(SECTIONS)
