"""Documents of bulk requests become log lines, each with an outcome of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import yaml
from tests.ingest.records import records

from pharos.errors import PharosError
from pharos.ingest.elastic.bulk import read_bulk
from pharos.ingest.events.lines import LINE_MAX_BYTES

CASES: Final = yaml.safe_load((Path(__file__).parent / "bulk_cases.yaml").read_text())
_CREATE: Final = b'{"create":{"_index":"a"}}\n'


@pytest.mark.parametrize("case", CASES["taken"], ids=lambda case: case["name"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_documents_are_taken_field_by_field(case: dict[str, Any], end: bytes) -> None:
    body = b"".join(orjson.dumps(line) + end for line in case["body"])
    lines = read_bulk(body, case.get("index", ""))
    assert records(lines.body) == case["expect"]
    assert not any(item.fault for item in lines.items)
    assert lines.count == len(lines.items) == len(case["body"]) // 2


@pytest.mark.parametrize("case", CASES["times"], ids=lambda case: json.dumps(case["is"]))
def test_a_time_is_read_in_each_of_its_forms(case: dict[str, Any]) -> None:
    lines = read_bulk(_CREATE + orjson.dumps({"@timestamp": case["is"], "message": "m"}) + b"\n")
    if "ns" in case:
        assert records(lines.body) == [{"resource": {"_index": "a"}, "line": "m", "ts": case["ns"]}]
    else:
        assert "@timestamp" in lines.items[0].fault


@pytest.mark.parametrize("case", CASES["refused_alone"], ids=lambda case: case["document"])
def test_a_document_that_is_no_good_is_refused_alone(case: dict[str, str]) -> None:
    good = _CREATE + b'{"message":"good"}\n'
    lines = read_bulk(good + _CREATE + case["document"].encode() + b"\n" + good)
    assert [one["line"] for one in records(lines.body)] == ["good", "good"]
    assert [bool(item.fault) for item in lines.items] == [False, True, False]
    assert case["says"] in lines.items[1].fault
    assert lines.refused == {"document": 1}


def test_what_changes_documents_is_refused_one_by_one() -> None:
    body = b'{"delete":{"_id":"1"}}\n{"update":{"_id":"2"}}\n{"doc":{}}\n' + _CREATE + b'{"message":"m"}\n'
    lines = read_bulk(body)
    assert [(item.action.name, bool(item.fault)) for item in lines.items] == [
        ("delete", True),
        ("update", True),
        ("create", False),
    ]
    assert lines.count == 1


@pytest.mark.parametrize("case", CASES["refused_whole"], ids=lambda case: case["body"])
def test_a_bad_action_refuses_the_whole_request(case: dict[str, str]) -> None:
    with pytest.raises(PharosError) as caught:
        read_bulk(case["body"].encode())
    assert case["says"] in str(caught.value)


def test_documents_nested_beyond_reason_are_refused() -> None:
    deep = b'{"a":' * 150 + b"1" + b"}" * 150
    lines = read_bulk(_CREATE + deep + b"\n" + _CREATE + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n")
    assert [bool(item.fault) for item in lines.items] == [True, True]


def test_a_line_beyond_the_limit_is_cut_and_counted() -> None:
    body = _CREATE + orjson.dumps({"message": "é" * LINE_MAX_BYTES}) + b"\n"
    lines = read_bulk(body)
    assert records(lines.body)[0]["line"] == "é" * (LINE_MAX_BYTES // 2)
    assert lines.cut == 1
