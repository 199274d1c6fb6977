"""`pharos anomaly replay`: a line for each row, whatever the file holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.running import Run, run_apart

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
        ("", "no column 'timestamp' and no 'value': the file is empty"),
        ("\n1,2\n", "no column 'timestamp' and no 'value': the first line is empty"),
        ("1,2\n3,4\n", "no column 'timestamp' and no 'value' among '1', '2'"),
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


def test_a_packed_file_one_of_wide_characters_and_standard_input_are_read_as_any(
    run: Run, tmp_path: Path
) -> None:
    text = "timestamp,value\n" + "\n".join(ROWS)
    plain = _replay(run, tmp_path, text)
    assert _replay(run, tmp_path, gzip.compress(text.encode())) == plain
    assert _replay(run, tmp_path, text.encode("utf-16")) == plain
    ended = run_apart("anomaly", "replay", "-", read=text)
    assert (ended.code, [json.loads(line) for line in ended.out.splitlines()], ended.err) == plain


def test_what_is_wrong_with_a_file_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    packed = gzip.compress(("timestamp,value\n" + "\n".join(ROWS)).encode())
    code, _, err = _replay(run, tmp_path, packed[: len(packed) // 2])
    assert (code, err.count("\n")) == (1, 1)
    assert "series.csv: cannot be read: " in err
    ended = run("anomaly", "replay", str(tmp_path))
    assert (ended.code, ended.out) == (1, "")
    assert "cannot be read: Is a directory" in ended.err


def test_a_quoted_cell_may_have_several_lines_and_one_that_is_not_closed_has_its_own(
    run: Run, tmp_path: Path
) -> None:
    rows = '1767225600,1,"a\nb,""c\n"\n1767225660,2,"open\n1767225720,3,c\n1767225780,4,d\n'
    code, lines, _ = _replay(run, tmp_path, "timestamp,value,note\n" + rows)
    assert code == 0
    assert [(line["line"], line.get("value")) for line in lines] == [(2, 1.0), (5, 2.0), (6, 3.0), (7, 4.0)]


@pytest.mark.parametrize("text", ["timestamp,value", "timestamp,value\n\n\n"])
def test_a_file_of_no_rows_is_told(run: Run, tmp_path: Path, text: str) -> None:
    code, lines, err = _replay(run, tmp_path, text)
    assert (code, lines) == (0, [])
    assert "series.csv: there is no row below the names of the columns" in err


def test_a_file_of_which_no_row_can_be_read_is_a_fault(run: Run, tmp_path: Path) -> None:
    code, lines, err = _replay(run, tmp_path, "timestamp,value\n04/10/2014 07:15,1\n04/10/2014 07:20,2\n")
    assert (code, len(lines)) == (1, 2)
    assert "no row can be read, line 2: no time: '04/10/2014 07:15'" in err
    assert "2014-04-10 07:15:00" in err


def test_rows_that_cannot_be_read_and_those_out_of_order_are_told_of_at_the_end(
    run: Run, tmp_path: Path
) -> None:
    code, lines, err = _replay(run, tmp_path, "timestamp,value\n1767225660,1\n1767225600,2\n1_0,3\n7,1_0\n")
    assert (code, len(lines)) == (0, 4)
    assert "2 of 4 rows cannot be read, the first at line 4: no time: '1_0'" in err
    assert "1 of 4 rows are not later than the row before them" in err


@pytest.mark.parametrize("begin", [0, 1])
def test_times_that_only_count_rows_are_hours(run: Run, tmp_path: Path, begin: int) -> None:
    values = [row.split(",")[1] for row in ROWS]
    values[1200] = "5000"
    text = "timestamp,value\n" + "\n".join(f"{begin + n},{value}" for n, value in enumerate(values))
    lines = _replay(run, tmp_path, text)[1]
    assert [line["line"] for line in lines if line["alarm"]] == [1202]
    hours = [f"{begin + 3600 * n},{value}" for n, value in enumerate(values)]
    in_seconds = _replay(run, tmp_path, "timestamp,value\n" + "\n".join(hours))[1]
    assert [line["score"] for line in lines] == [line["score"] for line in in_seconds]
