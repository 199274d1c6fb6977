"""References in texts, times and steps, options picked by patterns."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pharos.dashboards.defined import custom_options, json_options
from pharos.dashboards.model import Option, Variable
from pharos.dashboards.references import References, Value, names_in, prometheus_form
from pharos.dashboards.times import Span, Steps, parse_time, steps_of
from pharos.dashboards.variables import choose, in_order, picked
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms

CASES: Final = Path(__file__).parent / "cases"
NOW_MS: Final = 1_700_055_462_500
KNOWN: Final = {
    "one": Value(("a",)),
    "many": Value(
        ("a|b", "c.d"), ("A", "C"), is_list=True, is_multi=True, query="var-many=a%7Cb&var-many=c.d"
    ),
    "only": Value(("x.y",), ("x",), is_list=True),
    "whole": Value(("a", "b"), ("All",), is_list=True, is_all=True, all_value=".*"),
    "outer": Value(("$one",)),
    "quoted": Value(("a'b\"c",)),
    "single": Value(("x(1)",), is_list=True, is_multi=True),
    "at": Value(("1700000000123",)),
    "number": Value(("-5",)),
}
FIXED: Final = {"__from": "1700000000000", "__rate_interval": "1m"}
HOUR: Final = Span(1_700_000_000_000, 1_700_003_600_000)


def cases(name: str) -> list[Any]:
    found: list[Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text())
    return found


@pytest.mark.parametrize(("said", "filled"), cases("references"))
def test_references_are_filled_in_the_form_that_they_ask_for(said: str, filled: str) -> None:
    assert References(KNOWN, FIXED).filled(said, prometheus_form) == filled


def test_dates_are_written_in_the_zone_of_the_reader() -> None:
    names = References(KNOWN, FIXED, timezone(timedelta(hours=5, minutes=30)))
    assert names.filled("${__from:date:HH:mm Z} ${__from:date}") == "03:43 +05:30 2023-11-14T22:13:20.000Z"


def test_names_are_found_in_all_texts_of_a_json_once() -> None:
    assert names_in({"a": "$x ${y:csv}", "b": ["[[z]] $x"]}) == ["x", "y", "z"]


@pytest.mark.parametrize(("said", "begin", "end"), cases("times"))
def test_times_are_read_as_grafana_reads_them(said: str, begin: str | None, end: str | None) -> None:
    for wanted, is_end in ((begin, False), (end, True)):
        if wanted is None:
            with pytest.raises(PharosError, match="is no time"):
                parse_time(said, NOW_MS, UTC, is_end=is_end)
        else:
            assert format_time_ms(parse_time(said, NOW_MS, UTC, is_end=is_end)) == wanted


@pytest.mark.parametrize(
    ("points", "least", "own", "factor", "steps"),
    [
        (1000, "", "", 1, Steps(15_000, 15_000, 60_000)),
        (100, "", "", 1, Steps(30_000, 30_000, 60_000)),
        (1000, "1m", "", 1, Steps(60_000, 60_000, 240_000)),
        (1000, "", "2m", 1, Steps(15_000, 120_000, 480_000)),
        (1000, "", "", 2, Steps(15_000, 30_000, 60_000)),
        (1000, "", "$__rate_interval", 1, Steps(15_000, 60_000, 60_000)),
        (1000, "5s", "", 1, Steps(5_000, 5_000, 20_000)),
    ],
)
def test_steps_follow_width_and_least_intervals(
    points: int, least: str, own: str, factor: int, steps: Steps
) -> None:
    assert steps_of(HOUR, points, least, own, factor) == steps


def test_no_range_has_more_steps_than_may_be_asked() -> None:
    years = Span(0, 10 * 365 * 86_400_000)
    assert years.length_ms // steps_of(years, 10**9, "1s").step_ms <= 11_000


def test_lists_of_values_are_parted_by_commas_that_are_not_escaped() -> None:
    found = custom_options("three : 3, five : 5, a\\,b,, c, a : b : 7")
    assert [(one.text, one.value) for one in found] == [
        ("three", "3"),
        ("five", "5"),
        ("a,b", "a,b"),
        ("c", "c"),
        ("a : b", "7"),
    ]


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ('["a", " b ", 3]', [("a", "a"), ("b", "b"), ("3", "3")]),
        ('[{"text": "A", "value": "a", "more": 1}, {"value": "b"}, {}]', [("A", "a"), ("b", "b")]),
        ('{"a": 1}', []),
        ("[", []),
    ],
)
def test_lists_of_values_may_be_json(said: str, options: list[tuple[str, str]]) -> None:
    assert [(one.text, one.value) for one in json_options(said)] == options


@pytest.mark.parametrize(
    ("pattern", "sort", "values"),
    [
        ("", 0, ["b10", "b9", "lo", "A1"]),
        ("/^b(.*)/", 0, ["10", "9"]),
        ("/^(?!lo).*/", 1, ["A1", "b10", "b9"]),
        ("/(?<text>[a-zA-Z]+)(?<value>[0-9]+)/", 0, ["10", "9", "1"]),
        ("/a/i", 0, ["A1"]),
        ("", 3, ["lo", "A1", "b9", "b10"]),
        ("", 7, ["A1", "b9", "b10", "lo"]),
        ("lo", 0, ["lo"]),
        ("l", 0, []),
        ("(.*)", 0, ["b10", "b9", "lo", "A1"]),
        ("([a-z])[0-9]*", 0, ["b"]),
        ("/([a-z0-9])/g", 0, ["b", "1", "0", "9", "l", "o"]),
        ("/([a-z0-9])/", 0, ["b", "l", "1"]),
        ("/(?<value>[0-9])|(?<text>[a-zA-Z])/g", 0, ["1", "9", "l"]),
    ],
)
def test_options_are_what_a_pattern_takes_in_the_order_that_is_asked(
    pattern: str, sort: int, values: list[str]
) -> None:
    variable = Variable("v", "query", sort=sort)
    assert [one.value for one in picked(["b10", "b9", "lo", "A1", "lo"], variable, pattern)] == values


@pytest.mark.parametrize("pattern", ["/(/", "/(?!a)(b+)+c/", f"/{'a' * 600}/"])
def test_a_pattern_that_is_none_or_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(PharosError) as caught:
        picked(["a"], Variable("v", "query"), pattern)
    assert caught.value.kind is Kind.INVALID


OPTIONS: Final = (Option("A", "a"), Option("B", "b"))


@pytest.mark.parametrize(
    ("defined", "asked", "values"),
    [
        ({}, None, ("a",)),
        ({"current": ("b",)}, None, ("b",)),
        ({"current": ("gone",)}, None, ("a",)),
        ({}, ["b"], ("b",)),
        ({}, ["gone"], ("a",)),
        ({"is_multi": True}, ["b", "a", "gone"], ("b", "a")),
        ({"has_all": True}, None, ("a", "b")),
        ({"has_all": True}, ["$__all"], ("a", "b")),
        ({"has_all": True, "current": ("All",)}, None, ("a", "b")),
        ({}, ["B"], ("b",)),
    ],
)
def test_a_variable_is_set_to_what_is_asked_saved_or_first(
    defined: dict[str, Any], asked: list[str] | None, values: tuple[str, ...]
) -> None:
    assert choose(Variable("v", "query", **defined), OPTIONS, asked, HOUR).values == values


def test_an_interval_that_goes_by_the_range_is_chosen_by_it() -> None:
    variable = Variable(
        "w", "interval", auto=True, auto_count=30, auto_min="10s", current=("$__auto_interval_w",)
    )
    chosen = choose(variable, (Option("auto", "$__auto"), Option("1m", "1m")), None, HOUR)
    assert (chosen.values, chosen.shown_values()) == (("2m",), ["$__auto"])


def test_variables_are_set_after_those_that_they_depend_on_and_circles_end() -> None:
    found = in_order(
        [
            Variable("c", "query", depends_on=("b",)),
            Variable("b", "query", depends_on=("a",)),
            Variable("a", "query"),
        ]
    )
    assert [[one.name for one in some] for some in found] == [["a"], ["b"], ["c"]]
    circle = [Variable("a", "query", depends_on=("b",)), Variable("b", "query", depends_on=("a",))]
    assert [len(some) for some in in_order(circle)] == [2]
