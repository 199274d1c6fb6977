"""`pharos canary judge`: verdicts on files, and what it says of files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Run

GOOD = "t,latency_ms,error\n" + "".join(f"{n / 40},{20 + n % 7},0\n" for n in range(4000))
SLOW = "t,latency_ms,error\n" + "".join(f"{n / 40},{30 + n % 7},0\n" for n in range(4000))


def _judge(run: Run, folder: Path, baseline: str, canary: str) -> tuple[int, str, str]:
    (folder / "b.csv").write_text(baseline)
    (folder / "c.csv").write_text(canary)
    ended = run("canary", "judge", "--baseline", str(folder / "b.csv"), "--canary", str(folder / "c.csv"))
    return ended.code, ended.out, ended.err


def test_a_slow_canary_fails_with_the_time_at_which_that_was_shown(run: Run, tmp_path: Path) -> None:
    code, out, _ = _judge(run, tmp_path, GOOD, SLOW)
    found = json.loads(out)
    assert (code, found["verdict"], found["latency"]["verdict"]) == (0, "fail", "fail")
    assert found["reached_at"] == found["after_s"] <= 10
    assert 1.3 < found["latency"]["effect"] < 1.5


def test_what_cannot_be_decided_yet_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    few = "".join(GOOD.splitlines(keepends=True)[:20])
    code, out, _ = _judge(run, tmp_path, GOOD, few)
    found = json.loads(out)
    assert (code, found["verdict"], found["reached_at"]) == (0, "undecided", None)
    assert "more requests, about" in found["needs"]


def test_files_of_different_times_are_told_from_those_with_too_few_requests(run: Run, tmp_path: Path) -> None:
    later = "t,latency_ms,error\n" + "".join(f"{9000 + n / 40},30,0\n" for n in range(4000))
    code, out, err = _judge(run, tmp_path, GOOD, later)
    found = json.loads(out)
    assert (code, found["verdict"], found["needs_requests"]) == (0, "undecided", None)
    assert found["needs"] == "requests of both at the same time"
    assert "b.csv from 0 to 100 s" in err
    assert "c.csv from 9000 to 9100 s" in err


def test_a_canary_whose_times_are_in_another_unit_is_told(run: Run, tmp_path: Path) -> None:
    finer = "t,latency_ms,error\n" + "".join(f"{25 * n},{20 + n % 7},0\n" for n in range(4000))
    code, out, err = _judge(run, tmp_path, GOOD, finer)
    found = json.loads(out)
    assert (code, found["verdict"]) == (0, "undecided")
    assert "c.csv: only 4 of 4000 requests were in the same 5 s as one of" in err
    assert "is one in seconds and the other in milliseconds?" in err


def test_dates_and_milliseconds_are_times_too(run: Run, tmp_path: Path) -> None:
    canary = GOOD.replace("\n0.0,", "\n2026-01-01T00:00:00Z,", 1)
    assert _judge(run, tmp_path, "t,latency_ms,error\n1767225600000,5,0\n", canary)[0] == 0


def test_rows_that_say_nothing_are_told_and_ignored(run: Run, tmp_path: Path) -> None:
    code, out, err = _judge(run, tmp_path, GOOD + "x,1,0\n1,-1,0\n1,1,maybe\n1,2\n1,nan,0\n1,,1\n", GOOD)
    assert code == 0
    assert json.loads(out)["rows_ignored"] == 5
    assert "b.csv:4002: ignored: no time: 'x'" in err


@pytest.mark.parametrize(
    ("word", "number"), [("ok", 0), ("", 0), ("False", 0), ("timeout", 1), ("T", 1), ("1.0", 1)]
)
def test_errors_are_told_by_words_too(run: Run, tmp_path: Path, word: str, number: int) -> None:
    code, out, _ = _judge(run, tmp_path, GOOD, GOOD.replace(",0\n", f",{word}\n"))
    assert (code, json.loads(out)["rows_ignored"]) == (0, 0)
    assert out == _judge(run, tmp_path, GOOD, GOOD.replace(",0\n", f",{number}\n"))[1]
    assert (json.loads(out)["errors"]["verdict"] == "fail") == bool(number)


def test_the_order_of_rows_does_not_matter(run: Run, tmp_path: Path) -> None:
    head, *rows = SLOW.splitlines(keepends=True)
    turned = head + "".join(reversed(rows))
    one, other = (json.loads(_judge(run, tmp_path, GOOD, canary)[1]) for canary in (turned, SLOW))
    assert (one["verdict"], one["reached_at"]) == (other["verdict"], other["reached_at"])
    assert one["latency"]["effect"] == pytest.approx(other["latency"]["effect"], rel=1e-9)


@pytest.mark.parametrize(
    ("canary", "says"),
    [
        ("", "c.csv:1: no column 't' and no 'latency_ms' and no 'error'"),
        ("t,latency_ms\n1,2\n", "c.csv:1: no column 'error'"),
        ("t,latency_ms,error\n", "no request that can be counted"),
        ("t,latency_ms,error\nx,y,z\n", "no request that can be counted"),
    ],
)
def test_files_that_cannot_be_judged_say_why(run: Run, tmp_path: Path, canary: str, says: str) -> None:
    code, out, err = _judge(run, tmp_path, GOOD, canary)
    assert (code, out) == (1, "")
    assert says in err


def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    ended = run(
        "canary", "judge", "--baseline", str(tmp_path / "none.csv"), "--canary", str(tmp_path / "none.csv")
    )
    assert ended.code == 1
    assert "none.csv: No such file" in ended.err
