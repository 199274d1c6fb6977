"""What the one printer of SQL prints: the fence first, whatever else is asked."""

from __future__ import annotations

import importlib.resources
import re

import numpy as np
import pytest

from pharos.access import Scope
from pharos.engine import sql
from pharos.labels import Matcher, MatchOp

_SCOPE = Scope("o'hara")
_FENCE = r"(tenant = 'o\'hara')"
_FOREIGN = sql.either([sql.equal("metric", "x' OR 1=1 --"), sql.equal("tenant", "b")])


@pytest.mark.parametrize(
    "statement",
    [
        sql.select(_SCOPE, "*", "series", _FOREIGN),
        sql.select(_SCOPE, "*", "series", sql.equal("m", 1), key=[_FOREIGN]),
        sql.delete(_SCOPE, "series", _FOREIGN),
    ],
)
def test_the_fence_stands_first_and_apart(statement: sql.Statement) -> None:
    clause = statement.text.split("WHERE ", 1)[1]
    assert clause.startswith(f"{_FENCE} AND (")
    assert r"(metric = 'x\' OR 1=1 --') OR (tenant = 'b')" in clause


def test_a_statement_over_another_carries_its_fence() -> None:
    inner = sql.select(_SCOPE, "metric", "series")
    for outer in (
        sql.select_from(inner, "count()", tail="GROUP BY metric", limit=3),
        sql.select(_SCOPE, "*", "metadata", sql.within("metric", inner)),
    ):
        assert f"WHERE {_FENCE})" in outer.text


def test_numbers_and_names_are_printed_as_what_they_are() -> None:
    assert sql.among("id", np.array([3], np.uint64)).text == "id = 3"
    assert sql.among("id", np.array([3, 4], np.uint64)).text == "id IN (3, 4)"
    assert sql.among_bytes("i", [b"'\xff"]).text == "i = unhex('27ff')"
    assert sql.among_bytes("i", [b"'\xff", b"ab"]).text == "i IN (unhex('27ff'), unhex('6162'))"
    assert sql.between("b", 2, 2).text == "b = 2"
    assert sql.between("b", 2, 5).text == "b BETWEEN 2 AND 5"
    assert sql.label_of("a']['") == r"labels['a\'][\'']"
    assert sql.insert("t", 1, "a'b").text == r"INSERT INTO `t` VALUES (1, 'a\'b')"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (3, 5, "day >= toDate32(3) AND day <= toDate32(5)"),
        (-9, 5, "day <= toDate32(5)"),
        (3, 1 << 40, "day >= toDate32(3)"),
        (-9, 1 << 40, "1"),
        (-9, -5, "day <= toDate32(0)"),
    ],
)
def test_days_that_no_date_holds_bound_nothing(first: int, last: int, expected: str) -> None:
    assert sql.days(first, last).text == expected


def test_matchers_ask_for_labels_by_name() -> None:
    refused = Matcher("a'b", MatchOp.NOT_REGEX, "x|y")
    assert sql.matches(refused).text == r"NOT match(labels['a\'b'], '^(?:x|y)$')"
    assert sql.matches(Matcher("__name__", MatchOp.EQUAL, "up")).text == "metric = 'up'"


def test_the_index_of_pairs_is_made_of_what_is_asked_for() -> None:
    schema = (importlib.resources.files("pharos.engine") / "schema" / "0007_log_pairs.sql").read_text()
    found = re.search(r"ADD INDEX IF NOT EXISTS pairs (.*) TYPE text", schema)
    assert found is not None
    assert sql.has_pair("k", "v").text == f"has({found[1]}, 'k\\0v')"
