"""Every row of cases/language.txt, and the figures that keep a query from being a bomb."""

from __future__ import annotations

import pytest
from tests.promql.promql_texts import Row, rows

from pharos.errors import Kind, PharosError
from pharos.promql.language.parse import (
    EVERYTHING,
    MAX_LENGTH,
    ParseOptions,
    parse,
    parse_selector,
    parse_uncached,
)
from pharos.promql.language.printer import to_text

NOTHING = ParseOptions(False, False, False, False)


def test_there_are_several_hundred_rows_of_both_kinds() -> None:
    found = rows()
    assert sum(row.printed is not None for row in found) > 300
    assert sum(row.error is not None for row in found) > 250
    assert len({row.query for row in found}) == len(found)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.query.replace("\n", " ")[:60])
def test_a_row_prints_or_fails_as_it_says(row: Row) -> None:
    if row.error is None:
        assert to_text(parse_uncached(row.query)) == row.printed
        return
    with pytest.raises(PharosError) as caught:
        parse_uncached(row.query)
    assert str(caught.value) == row.error
    assert caught.value.kind is Kind.INVALID
    assert caught.value.position is not None


def test_an_empty_query_says_so() -> None:
    with pytest.raises(PharosError, match=r"^unknown position: parse error: no expression found in input$"):
        parse("")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("foo[1m * 2]", "1:5: parse error: experimental duration expression is not enabled"),
        ("foo[(1m)]", "1:6: parse error: experimental duration expression is not enabled"),
        ("foo offset step()", "1:12: parse error: experimental duration expression is not enabled"),
        ("foo[5m] anchored", "1:1: parse error: anchored modifier is experimental and not enabled"),
        ("foo smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"),
        ("x + fill(0) y", "1:1: parse error: binop fill modifiers are experimental and not enabled"),
        ("start() + 1", '1:1: parse error: function "start" is not enabled'),
        ("1 + info(foo)", '1:5: parse error: function "info" is not enabled'),
        (
            "limitk(1, foo)",
            (
                "1:1: parse error: limitk() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions"
            ),
        ),
    ],
)
def test_without_its_option_a_part_of_the_language_is_refused(query: str, message: str) -> None:
    with pytest.raises(PharosError) as caught:
        parse(query, NOTHING)
    assert str(caught.value) == message
    assert to_text(parse(query, EVERYTHING))


def test_options_stand_alone() -> None:
    only_fill = ParseOptions(False, False, False, True)
    assert to_text(parse("x + fill(0) y", only_fill)) == "x + fill (0) y"
    with pytest.raises(PharosError, match="not enabled"):
        parse("foo smoothed", only_fill)


def test_columns_count_bytes_and_positions_count_characters() -> None:
    with pytest.raises(PharosError) as caught:
        parse('{"é"="ü"} bar')
    assert str(caught.value).startswith("1:13: ")
    assert caught.value.position == 10


def test_a_repeated_query_is_the_same_object() -> None:
    query = "sum by (job) (rate(http_requests_total[5m]))"
    assert parse(query) is parse(query)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 100_000,
        "(" * 60_000 + "1" + ")" * 60_000,
        "-" * 100_000 + "foo",
        "1 ^ " * 30_000 + "1",
        "foo + " * 20_000 + "foo",
        "sum(" * 30_000,
        "abs(" * 150 + "foo" + ")" * 150,
        "foo" + "[5m:]" * 20_000,
        "foo[" + "(" * 100_000,
        "foo[" + "-" * 100_000 + "1]",
        "foo[" + "1m^" * 30_000 + "1]",
        "foo offset " + "-" * 100_000 + "1",
        "foo[" + "min_of(1m," * 10_000,
    ],
    ids=lambda query: query[:12],
)
def test_deep_queries_are_refused_and_never_overflow(query: str) -> None:
    with pytest.raises(PharosError, match=r"parse error|nested too deeply"):
        parse(query)


def test_what_is_not_deep_may_be_long() -> None:
    matchers = ",".join(f'label_{index}="value"' for index in range(5_000))
    parse(f"foo{{{matchers}}}")
    parse("abs(" * 90 + "foo" + ")" * 90)
    parse(" + ".join(["foo"] * 190))


def test_a_text_beyond_the_limit_is_too_large() -> None:
    with pytest.raises(PharosError) as caught:
        parse("1" + " " * MAX_LENGTH)
    assert caught.value.kind is Kind.TOO_LARGE
    assert str(MAX_LENGTH) in str(caught.value)


def test_a_selector_for_match_is_only_its_matchers() -> None:
    matchers = parse_selector('up{job=~"a.*"}')
    assert [(m.name, m.op, m.value) for m in matchers] == [("job", "=~", "a.*"), ("__name__", "=", "up")]
    assert parse_selector('{a=""}')
    for query in ("up[5m]", "up offset 5m", "sum(up)", "1", "", "up{"):
        with pytest.raises(PharosError, match="parse error"):
            parse_selector(query)
