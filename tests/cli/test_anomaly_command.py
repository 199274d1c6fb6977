"""`pharos anomaly replay`: a line for each row, whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.running import Run

HOSTILE = yaml.safe_load((Path(__file__).parent / "hostile_rows.yaml").read_text())
ROWS = [f"{1767225600 + 60 * n},{100 + (n * 7919) % 13}" for n in range(2000)]


def _replay(run: Run, folder: Path, text: str | bytes) -> tuple[int, list[dict[str, Any]], str]:
    file = folder / "series.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    ended = run("anomaly", "replay", str(file))
    return ended.code, [json.loads(line) for line in ended.out.splitlines()], ended.err


def test_each_row_has_a_line_and_a_spike_is_an_alarm(run: Run, tmp_path: Path) -> None:
    rows = [*ROWS[:1990], ROWS[1990].split(",")[0] + ",5000", *ROWS[1991:]]
    code, lines, _ = _replay(run, tmp_path, "timestamp,value\n" + "\n".join(rows))
    assert code == 0
    assert [line["line"] for line in lines] == list(range(2, 2002))
    assert [line["line"] for line in lines if line["alarm"]] == [1992]
    assert all(0 <= line["score"] < 1 for line in lines)


@pytest.mark.parametrize("finer", ["000", "000000", "000000000"])
def test_times_may_be_of_any_unit(run: Run, tmp_path: Path, finer: str) -> None:
    rows = [row.replace(",", f"{finer},") for row in ROWS]
    rows[1990] = rows[1990].split(",")[0] + ",5000"
    lines = _replay(run, tmp_path, "timestamp,value\n" + "\n".join(rows))[1]
    assert [line["line"] for line in lines if line["alarm"]] == [1992]


def test_a_prefix_of_a_file_has_a_prefix_of_the_lines(run: Run, tmp_path: Path) -> None:
    text = "timestamp,value\n" + "\n".join(ROWS)
    whole = _replay(run, tmp_path, text)[1]
    part = _replay(run, tmp_path, "\n".join(text.split("\n")[:1851]))[1]
    assert part == whole[:1850]


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["name"])
def test_a_row_that_is_none_is_told_with_its_line_and_changes_nothing(
    run: Run, tmp_path: Path, case: dict[str, Any]
) -> None:
    bad = str(case["row"]) * case.get("times", 1)
    code, lines, _ = _replay(run, tmp_path, "timestamp,value\n" + "\n".join([*ROWS[:30], bad, *ROWS[30:40]]))
    assert code == 0
    assert len(lines) == 41
    found = lines[30]
    assert found["line"] == 32
    assert (found["score"], found["alarm"]) == (0.0, False)
    assert case.get("says", "") in found.get("error", "")
    assert ("error" in found) == ("says" in case)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'timestamp' and no 'value'"),
        ("1,2\n3,4\n", "no column 'timestamp'"),
        ("when,value\n1,2\n", "no column 'timestamp'"),
        ("timestamp|value\n1|2\n", "The first line names the columns"),
    ],
)
def test_a_file_without_its_columns_is_refused(run: Run, tmp_path: Path, text: str, says: str) -> None:
    code, lines, err = _replay(run, tmp_path, text)
    assert (code, lines) == (1, [])
    assert says in err


def test_columns_may_come_in_any_order_quoted_and_after_a_mark(run: Run, tmp_path: Path) -> None:
    text = (
        '\ufeff"Value",host,"Timestamp"\r\n1,a,"2026-01-01 00:00:00"\r\n\r\n,a,2026-01-01T00:01:00+01:00\r\n'
    )
    code, lines, _ = _replay(run, tmp_path, text)
    assert code == 0
    assert [(line["line"], line["value"]) for line in lines] == [(2, 1.0), (4, None)]


@pytest.mark.parametrize(
    "text",
    [
        "time,count\n1767225600,1\n1767225660,2\n",
        "Timestamps;host;Values\n2026-01-01 00:00:00 UTC;a;1\n2026-01-01T00:01:00Z;b;2\n",
        'datetime\tvalue\n2026/1/1 00:00:00\t1\n"2026/01/01 00:01"\t"2"\n',
        'date,value,note\n2026-01-01 01:00:00+01:00,1,"a, b"\n1767225660000,2,"""c"""\n',
    ],
)
def test_other_separators_names_and_forms_of_dates_are_read(run: Run, tmp_path: Path, text: str) -> None:
    code, lines, _ = _replay(run, tmp_path, text)
    assert code == 0
    assert [line.get("value") for line in lines] == [1.0, 2.0]


def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    ended = run("anomaly", "replay", str(tmp_path / "none.csv"))
    assert ended.code == 1
    assert "none.csv: No such file" in ended.err
