"""Answers as CSV and Parquet, of metrics, logs and traces; what is refused, and what a file never holds."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from tests.servers import query, write_samples

from pharos.api.exports.metrics import metric_blocks
from pharos.api.exports.tables import CSV, FORMATS, PARQUET, Format, open_writer
from pharos.errors import Kind, PharosError
from pharos.promql.grids.grid import Answer, AnswerType, Samples

REFUSED = [
    ("metrics?query=up&format=xlsx", 400, "csv, parquet"),
    ("metrics", 400, "query"),
    ("metrics?query=up%7B", 400, "parse error"),
    ('metrics?query="text"', 422, "a string is no table"),
    ("metrics?query=up&start=2&end=1&step=1", 400, "end"),
    ("logs?query=%28", 400, ""),
    ("logs?limit=0", 400, "limit"),
    ("logs?start=2&end=1", 400, "end must be after start"),
    ("traces?limit=x", 400, "limit"),
    ("traces?query=%28", 400, ""),
]


def _file(blocks: Any, form: Format) -> bytes:
    rows = list(blocks)
    writer = open_writer(form, rows[0].schema)
    return b"".join([*map(writer.rows, rows), writer.end()])


def _table(body: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(body)).to_pylist()
    return rows


def _grid() -> Answer:
    return Answer(
        AnswerType.MATRIX,
        np.array([1_000, 2_000], np.int64),
        labels=[(("__name__", "a"), ("job", "=cmd()")), (("time", "noon"),)],
        values=np.array([[1.5, np.nan], [np.inf, -2.0]]),
        present=np.array([[True, True], [False, True]]),
    )


def test_an_answer_is_a_row_for_each_value_it_has() -> None:
    rows = _table(_file(metric_blocks(_grid(), PARQUET), PARQUET))
    assert [(row["__name__"], row["job"], row["label_time"]) for row in rows] == [
        ("a", "=cmd()", None),
        ("a", "=cmd()", None),
        (None, None, "noon"),
    ]
    assert [row["time"].timestamp() for row in rows] == [1.0, 2.0, 2.0]
    assert rows[0]["value"] == 1.5
    assert np.isnan(rows[1]["value"])
    assert rows[2]["value"] == -2.0


def test_a_label_is_no_formula_in_a_spreadsheet() -> None:
    text = _file(metric_blocks(_grid(), CSV), CSV).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["job"] for row in rows] == ["'=cmd()", "'=cmd()", ""]
    assert rows[2]["value"] == "-2"
    assert rows[0]["time"].startswith("1970-01-01 00:00:01")


@pytest.mark.parametrize("form", FORMATS.values())
def test_an_answer_of_nothing_is_a_file_of_no_rows(form: Format) -> None:
    answer = Answer(AnswerType.VECTOR, np.array([1_000], np.int64))
    body = _file(metric_blocks(answer, form), form)
    rows = list(csv.DictReader(io.StringIO(body.decode()))) if form is CSV else _table(body)
    assert rows == []
    assert b"value" in body


def test_samples_of_a_range_selector_keep_their_times() -> None:
    raw = Samples(
        [(("job", "a"),), (("job", "b"),)],
        np.array([0, 2, 3], np.int64),
        np.array([10, 20, 30], np.int64),
        np.array([1.0, 2.0, 3.0]),
        None,
        None,
    )
    answer = Answer(AnswerType.MATRIX, np.array([40], np.int64), raw=raw)
    rows = _table(_file(metric_blocks(answer, PARQUET), PARQUET))
    assert [(row["job"], row["value"]) for row in rows] == [("a", 1.0), ("a", 2.0), ("b", 3.0)]


def test_too_many_values_are_refused_before_anything_is_written() -> None:
    shape = (1, 5_000_001)
    values = np.broadcast_to(np.float64(1), shape)
    times = np.arange(shape[1], dtype=np.int64)
    answer = Answer(AnswerType.MATRIX, times, [()], values, np.broadcast_to(np.True_, shape))
    with pytest.raises(PharosError) as told:
        next(metric_blocks(answer, CSV))
    assert told.value.kind is Kind.TOO_LARGE
    assert "longer step" in str(told.value)


def _get(url: str, path: str, tenant: str = "default") -> tuple[int, Any, bytes]:
    request = urllib.request.Request(f"{url}/api/export/{path}", headers={"X-Scope-OrgID": tenant})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers, exc.read()


@pytest.mark.parametrize(("path", "status", "told"), REFUSED)
def test_what_cannot_be_exported_is_refused_with_a_reason(
    pharos_url: str, path: str, status: int, told: str
) -> None:
    found, _, body = _get(pharos_url, path)
    assert found == status, body
    assert told in json.loads(body)["error"]


def test_a_query_is_downloaded_with_the_values_that_the_query_has(pharos_url: str) -> None:
    write_samples(pharos_url, "export_me", 50)
    expression = "export_me + 0.25"
    for _ in range(100):
        if found := query(pharos_url, expression):
            break
        threading.Event().wait(0.1)
    path = f"metrics?query={urllib.parse.quote(expression)}"
    status, headers, body = _get(pharos_url, path)
    assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(body.decode()))
    assert float(row["value"]) == float(found[0]["value"][1])
    _, headers, body = _get(pharos_url, f"{path}&format=parquet")
    assert headers["Content-Type"] == "application/vnd.apache.parquet"
    assert _table(body)[0]["value"] == float(found[0]["value"][1])
    _, _, body = _get(pharos_url, path, "other")
    assert len(list(csv.DictReader(io.StringIO(body.decode())))) == 0


def _push(url: str, tenant: str, lines: int) -> None:
    now_ns = time.time_ns()
    values = [[str(now_ns - i * 1000), f'line {i}, with a "quote" and\na break'] for i in range(lines)]
    body = json.dumps({"streams": [{"stream": {"service_name": "exporter"}, "values": values}]}).encode()
    headers = {"Content-Type": "application/json", "X-Scope-OrgID": tenant}
    request = urllib.request.Request(f"{url}/loki/api/v1/push", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204


def test_lines_are_downloaded_over_all_pages_each_once(pharos_url: str) -> None:
    _push(pharos_url, "exported-lines", 6_000)
    rows: list[Any] = []
    for _ in range(100):
        status, _, body = _get(pharos_url, "logs?query=line", "exported-lines")
        assert status == 200
        if rows := list(csv.DictReader(io.StringIO(body.decode(), newline=""))):
            break
        threading.Event().wait(0.1)
    assert len({row["body"] for row in rows}) == len(rows) == 6_000
    assert rows[0]["body"] == 'line 0, with a "quote" and\na break'
    assert rows[0]["service"] == "exporter"
    _, _, body = _get(pharos_url, "logs?query=line&limit=5001&format=parquet", "exported-lines")
    assert len(_table(body)) == 5_001
    _, _, body = _get(pharos_url, "traces", "exported-lines")
    assert body.startswith(b'"time","trace_id"')
