"""How a trace is seen: rows, own time, critical path, folds, warnings; and what differs between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.query.events.comparison import compare_sets, compare_traces
from pharos.query.events.rows import Origin, Span, SpanLink, ValueKind
from pharos.query.events.waterfall import Stretch, Waterfall, waterfall

_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "waterfalls.yaml").read_text())
_MS = 1_000_000
_BEGIN_NS = 1_700_000_000 * 10**9
_NAMES = ("parent", "service", "name", "from", "to")
_TRACE = "a" * 32


def _having(field: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in _CASES if field in case]


def _span(label: str, said: Any) -> Span:
    fields = said if isinstance(said, dict) else dict(zip(_NAMES, said, strict=True))
    parent = fields["parent"].rjust(16, "0") if fields["parent"] else ""
    follows = (("opentracing.ref_type", "follows_from", ValueKind.TEXT),)
    return Span(
        trace_id=_TRACE,
        span_id=fields.get("id", label).rjust(16, "0"),
        parent_id=parent,
        origin=Origin(1, fields["service"], ()),
        name=fields["name"],
        kind=fields.get("kind", 1),
        start_ns=_BEGIN_NS + fields["from"] * _MS,
        end_ns=_BEGIN_NS + fields["to"] * _MS,
        status=2 if fields.get("error") else 0,
        status_message="",
        trace_state=label,
        flags=0,
        attributes=(),
        links=(SpanLink(_TRACE, parent, "", 0, follows),) if fields.get("follows") else (),
    )


def _seen(case: dict[str, Any]) -> Waterfall:
    return waterfall([_span(label, said) for label, said in case["spans"].items()])


def _stretches(seen: Waterfall, stretches: tuple[Stretch, ...]) -> list[list[Any]]:
    return [[seen.rows[one.row].span.trace_state, one.from_ns // _MS, one.to_ns // _MS] for one in stretches]


@pytest.mark.parametrize("case", _having("spans"))
def test_a_trace_is_seen_so(case: dict[str, Any]) -> None:
    seen = _seen(case)
    rows = {
        row.span.trace_state: {
            "depth": row.depth,
            "own_ms": row.own_ns // _MS,
            "critical_ms": row.critical_ns // _MS,
            "children": row.children,
            "descendants": row.descendants,
            "warnings": list(row.warnings),
        }
        for row in seen.rows
    }
    wanted = case.get("rows", {})
    assert not wanted or list(rows) == list(wanted)
    assert {label: {key: rows[label][key] for key in one} for label, one in wanted.items()} == wanted
    assert "path" not in case or _stretches(seen, seen.critical_path) == case["path"]
    assert "gaps" not in case or _stretches(seen, seen.gaps) == case["gaps"]
    assert "duration_ms" not in case or seen.duration_ns // _MS == case["duration_ms"]
    assert list(seen.warnings) == case.get("about", [])
    assert (seen.root == -1) == ("the span that began the trace is not there" in seen.warnings)


@pytest.mark.parametrize("case", _having("folds"))
def test_like_siblings_are_folded(case: dict[str, Any]) -> None:
    seen = _seen(case)
    labels = [row.span.trace_state for row in seen.rows]
    assert [
        {
            "parent": labels[fold.parent],
            "rows": [labels[row] for row in fold.rows],
            "service": fold.service,
            "name": fold.name,
            "errors": fold.errors,
            "total_ms": fold.total_ns // _MS,
            "longest_ms": fold.longest_ns // _MS,
        }
        for fold in seen.folds
    ] == case["folds"]
    folded = {labels[row] for row, one in enumerate(seen.rows) if one.fold >= 0}
    assert folded == {label for fold in case["folds"] for label in fold["rows"]}


@pytest.mark.parametrize("case", _having("services"))
def test_services_are_told_by_their_own_time(case: dict[str, Any]) -> None:
    found = {
        one.service: {
            "spans": one.spans,
            "own_ms": one.own_ns // _MS,
            "critical_ms": one.critical_ns // _MS,
        }
        for one in _seen(case).services
    }
    assert list(found) == list(case["services"])
    for service, wanted in case["services"].items():
        assert {key: found[service][key] for key in wanted} == wanted


def test_the_critical_path_is_as_long_as_the_span_that_began() -> None:
    for case in _CASES:
        seen = _seen(case)
        lengths = sum(one.to_ns - one.from_ns for one in seen.critical_path)
        first = seen.rows[max(seen.root, 0)]
        assert lengths == first.duration_ns, case["name"]


def test_a_chain_of_ten_thousand_spans_is_seen() -> None:
    spans = [_span("1", ["", "a", "x", 0, 20_000])]
    spans += [_span(f"{n:x}", [f"{n - 1:x}", "a", "x", n, 20_000 - n]) for n in range(2, 10_000)]
    seen = waterfall(spans)
    assert seen.rows[-1].depth == 9_998
    assert seen.rows[0].descendants == 9_998


def test_two_traces_differ_where_time_was_lost() -> None:
    before = _seen({"spans": {"1": ["", "a", "x", 0, 100], "2": ["1", "b", "y", 10, 20]}})
    after = _seen(
        {
            "spans": {
                "1": ["", "a", "x", 0, 190],
                "2": ["1", "b", "y", 10, 100],
                "3": ["1", "c", "z", 100, 110],
            }
        }
    )
    found = compare_traces(before, after)
    assert [(one.path[-1], one.left.spans, one.right.spans, one.own_ns // _MS) for one in found] == [
        (("b", "y"), 1, 1, 80),
        (("c", "z"), 0, 1, 10),
        (("a", "x"), 1, 1, 0),
    ]


def test_sets_differ_by_the_attribute_whose_values_moved_most() -> None:
    selected = {"region": {"eu": 9, "us": 1}, "version": {"1": 5, "2": 5}, "user": {"ann": 10}}
    rest = {"region": {"eu": 50, "us": 50}, "version": {"1": 50, "2": 50}, "host": {"h": 20}}
    found = compare_sets(selected, 10, rest, 100)
    assert [(one.key, round(one.distance, 2)) for one in found] == [
        ("user", 1.0),
        ("region", 0.4),
        ("host", 0.2),
    ]
    assert [(one.value, one.selected, one.rest) for one in found[1].values] == [
        ("eu", 0.9, 0.5),
        ("us", 0.1, 0.5),
    ]


def test_two_sets_of_nothing_do_not_differ() -> None:
    assert compare_sets({}, 0, {"a": {"b": 0}}, 0) == []
