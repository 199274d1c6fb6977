"""LogQL over lines in memory: what is refused, what becomes of lines, and numbers of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.search.logql.memory_source import MemorySource, source_of

from pharos.errors import Kind, PharosError
from pharos.search.logql.ast import Logs, Metric, Query
from pharos.search.logql.evaluate import Asked, evaluate_metric, points, select_lines
from pharos.search.logql.grid import Grid, Steps
from pharos.search.logql.parse import parse_logs, parse_query
from pharos.search.logql.printer import show, show_pretty
from pharos.search.logql.ranges import Limits
from pharos.search.logql.templates import check_template, expand
from pharos.search.window import Window

CASES = Path(__file__).parent / "cases"
NS = 1_000_000_000
AT = 1_768_471_200 * NS
ALL = Window(0, 1 << 62)


def _load(name: str) -> Any:
    return yaml.safe_load((CASES / f"{name}.yaml").read_text())


METRICS = _load("metrics")


@pytest.mark.parametrize("case", _load("refused"), ids=lambda case: repr(case["query"]))
def test_a_query_that_is_wrong_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as refused:
        parse_query(case["query"])
    assert refused.value.kind is Kind.INVALID
    place = f"parse error at line {case.get('line', 1)}, col {case['at']}: "
    assert refused.value.message.startswith(place), refused.value.message
    assert case["says"] in str(refused.value)


@pytest.mark.parametrize("case", _load("formatted"), ids=lambda case: case["query"])
def test_a_query_has_one_layout_which_says_the_same(case: dict[str, Any]) -> None:
    query = parse_query(case["query"])
    assert show_pretty(query) == case["shown"]
    assert parse_query(show(query)) == query
    assert parse_query(case["shown"]) == query


@pytest.mark.parametrize("case", _load("lines"), ids=lambda case: case["name"])
def test_what_becomes_of_a_line(case: dict[str, Any]) -> None:
    row = {"ts": 1, "line": case["line"], "labels": {"app": "a"}, "meta": case.get("meta")}
    found = select_lines(source_of([row]), parse_logs(case["query"]), Asked(ALL, 10))
    if not case.get("kept", True):
        assert found == []
        return
    [line] = found
    labels = line.labels()
    assert {name: labels.get(name) for name in case.get("labels", {})} == case.get("labels", {})
    assert not set(case.get("absent", ())) & set(labels)
    assert line.text == case.get("is", case["line"])


@pytest.mark.parametrize(("template", "made"), _load("templates"))
def test_what_a_template_makes_of_a_line(template: str, made: str) -> None:
    labels = {"app": "shop", "n": "12", "text": "Hello World", "d": "1m30s", "j": '{"a":{"b":[1,"x"]}}'}
    assert expand(check_template(template), labels, "the line", AT) == made


def _metric(text: str) -> Metric:
    query: Query = parse_query(text)
    assert not isinstance(query, Logs)
    return query


def _source() -> MemorySource:
    return source_of({**row, "ts": row["ts"] * NS} for row in METRICS["lines"])


def _ask(case: dict[str, Any]) -> tuple[Grid | float, Steps]:
    at = case["at"] * NS
    steps = Steps(at, case.get("to", case["at"]) * NS, case.get("step", 0) * NS)
    return evaluate_metric(_source(), _metric(case["query"]), steps), steps


@pytest.mark.parametrize("case", METRICS["cases"], ids=lambda case: case["query"])
def test_numbers_of_lines(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(PharosError, match=case["refused"]):
            _ask(case)
        return
    found, steps = _ask(case)
    if "number" in case:
        assert found == case["number"]
        return
    assert isinstance(found, Grid)
    got = [(dict(labels), _by_time(points(column, steps))) for labels, column in found.series.items()]
    wanted = [(labels, values) for labels, values in case["series"]]
    if not case.get("ordered"):
        got.sort(key=repr)
        wanted.sort(key=repr)
    assert [labels for labels, _ in got] == [labels for labels, _ in wanted]
    for (_, values), (_, expected) in zip(got, wanted, strict=True):
        assert values.keys() == expected.keys()
        assert all(_same(values[time], expected[time]) for time in expected), values


def _by_time(found: list[tuple[int, float]]) -> dict[int, float]:
    return {time // NS: value for time, value in found}


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize(
    ("query", "is_counted"),
    [
        ('sum by (host) (count_over_time({app="a"} |= "v" [10s]))', True),
        ('sum by (detected_level) (rate({app="a"} | drop __error__ [10s]))', True),
        ('sum(count_over_time({app="a"} | user="u1" [10s]))', True),
        ('sum(count_over_time({app="a"} | logfmt [10s]))', False),
        ('sum without (host) (count_over_time({app="a"} [10s]))', False),
        ('count_over_time({app="a"} [10s])', False),
    ],
)
def test_the_store_counts_where_it_can(query: str, *, is_counted: bool) -> None:
    source = _source()
    evaluate_metric(source, _metric(query), Steps(10 * NS, 30 * NS, 10 * NS))
    assert (source.counted == 1) is is_counted


@given(
    st.sampled_from(
        [
            '{{app="a"}} {}',
            'sum by (user) (count_over_time({{app=~"a|b"}} {} [7s]))',
            'sum(bytes_rate({{app=~".+"}} {} [20s]))',
        ]
    ),
    st.sampled_from(
        [
            '|= "v=1"',
            '!= "v"',
            '|~ "v=[12]"',
            '!~ "d=" |= "v"',
            '|> "v=<_>"',
            '| user="u1"',
            '| user!~"u.+"',
            '| user=""',
            '| user!=""',
            '| host="x" or user="u2"',
            '| user > 1 | host > 2 | __error__=""',
            '| host="y" and user=~"u[0-9]"',
        ]
    ),
)
def test_what_is_left_to_the_store_changes_no_answer(frame: str, stage: str) -> None:
    """A stage behind one that does nothing to these lines, but stands in the way, is carried out here."""
    query = parse_query(frame.format(stage))
    barred = parse_query(
        frame.format('| label_format __x__="" | drop __x__ | line_format "{{__line__}}" ' + stage)
    )
    if isinstance(query, Logs):
        assert isinstance(barred, Logs)
        one, other = (
            [
                (line.ts_ns, line.text, line.labels())
                for line in select_lines(_source(), asked, Asked(ALL, 99))
            ]
            for asked in (query, barred)
        )
        assert one == other
        return
    assert not isinstance(barred, Logs)
    steps = Steps(5 * NS, 31 * NS, 3 * NS)
    grids = [evaluate_metric(_source(), asked, steps) for asked in (query, barred)]
    shown = []
    for grid in grids:
        assert isinstance(grid, Grid)
        shown.append({labels: points(column, steps) for labels, column in grid.series.items()})
    assert shown[0] == shown[1]


def test_lines_come_in_the_order_and_number_that_was_asked_for() -> None:
    query = parse_logs('{app="a"}')
    newest = select_lines(_source(), query, Asked(ALL, 2))
    assert [line.ts_ns // NS for line in newest] == [20, 10]
    oldest = select_lines(_source(), query, Asked(ALL, 2, newest_first=False))
    assert [line.ts_ns // NS for line in oldest] == [1, 2]
    apart = select_lines(_source(), query, Asked(ALL, 9, newest_first=False, interval_ns=5 * NS))
    assert [line.ts_ns // NS for line in apart] == [1, 10, 20]
    ends = select_lines(_source(), query, Asked(Window(2 * NS, 20 * NS), 9))
    assert [line.ts_ns // NS for line in ends] == [10, 2]


@pytest.mark.parametrize(
    "query",
    [
        "(" * 2_000 + "1" + ")" * 2_000,
        "1" + "+1" * 5_000,
        '{a="b"} | ' + "(" * 2_000 + "x=1" + ")" * 2_000,
        '{a="b"} | x=1' + " and x=1" * 5_000,
        '{a="b"} |= "' + "x" * 200_000 + '"',
        "1 + (" * 2_000,
        "1^" * 2_000 + "1",
    ],
    ids=["depth", "sums", "filters in filters", "filters", "length", "operands", "powers"],
)
def test_a_query_that_is_too_large_is_refused(query: str) -> None:
    with pytest.raises(PharosError) as refused:
        parse_query(query)
    assert refused.value.kind is Kind.INVALID


def test_deep_json_is_an_error_or_cut_short() -> None:
    deep = '{"a":' * 500 + "1" + "}" * 500
    row = {"ts": 1, "line": deep, "labels": {"app": "a"}}
    for stage in ("json", 'json x="a"', 'line_format "{{ fromJson __line__ }}"'):
        [line] = select_lines(source_of([row]), parse_logs(f'{{app="a"}} | {stage}'), Asked(ALL, 5))
        assert line.labels()["app"] == "a"


def test_what_costs_too_much_is_refused() -> None:
    steps = Steps(30 * NS, 30 * NS)
    query = _metric('count_over_time({app=~".+"} | logfmt [30s])')
    with pytest.raises(PharosError, match="maximum number of series") as refused:
        evaluate_metric(_source(), query, steps, Limits(max_series=2))
    assert refused.value.kind is Kind.LIMITED
    with pytest.raises(PharosError, match="reads more than 3 lines"):
        evaluate_metric(_source(), query, steps, Limits(max_lines=3))
    with pytest.raises(PharosError, match="maximum resolution"):
        evaluate_metric(_source(), query, Steps(0, 30 * NS, 1), Limits())


@given(st.text(alphabet="{}()[]|=~!\"`'abc19 .,+-*/^%<>\\#_\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except PharosError:
        return
    assert parse_query(show(query)) == query


@given(st.binary(max_size=80))
def test_no_line_breaks_a_parser(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    row = {"ts": 1, "line": text, "labels": {"app": "a"}}
    for stage in ("json", 'json a="b[0].c"', "logfmt", "logfmt --strict a", "unpack", 'pattern "<a> <b>"'):
        [line] = select_lines(
            source_of([row]), parse_logs(f'{{app="a"}} | {stage} | decolorize'), Asked(ALL, 5)
        )
        assert line.labels()["app"] == "a"
