"""What was sent is read back field by field, in pages, and found by every condition; nobody else's is."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.query.events.requests import NOON_NS, lines_of, log_request, span_request, spans_of

from pharos.access import Scope, upkeep
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import EVENT_BUCKET_NS
from pharos.ingest.events.batch import LogSignal, SpanSignal
from pharos.ingest.events.requests import EventRequest, log_record, resource_of
from pharos.ingest.events.requests import span as event_span
from pharos.query.events.logs import LEVEL_KEY, Cursor, LogStore, attribute_key, parts_of
from pharos.query.events.rows import LogLine, Origin, Span
from pharos.query.events.spans import SpanStore
from pharos.query.events.trace_summaries import Page, page_of, parse_cursor, summaries
from pharos.search.tree import (
    All,
    And,
    Contains,
    Field,
    Has,
    Matches,
    Not,
    Op,
    Or,
    Place,
    Tree,
    Words,
)
from pharos.search.window import Window

T = TypeVar("T")
HOUR_NS = 3_600_000_000_000
WINDOW = Window(NOON_NS - HOUR_NS, NOON_NS + 2 * HOUR_NS)
TOKENS = itertools.count()


def without_hash(origin: Origin) -> Origin:
    return replace(origin, id=0)


def as_sent(line: LogLine) -> LogLine:
    return replace(line, origin=without_hash(line.origin))


@dataclass
class Sent:
    """A tenant's records in a store."""

    engine: EmbeddedEngine
    logs: LogStore
    spans: SpanStore
    scope: Scope

    def ask(self, work: Callable[[Session], T]) -> T:
        """Return what a question answers."""
        return self.engine.run_blocking(work)

    def find(self, tree: Tree, limit: int = 10_000) -> list[LogLine]:
        """Return all lines that meet a tree, the newest first."""
        page = self.ask(lambda session: self.logs.lines(session, self.scope, WINDOW, tree, limit=limit))
        return [as_sent(line) for line in page.lines]


@pytest.fixture
def sent(engine: EmbeddedEngine) -> Sent:
    """A tenant of its own beside another one, with 60 lines or more and 90 spans."""
    number, changes = next(TOKENS), Changes()
    logs, spans = LogSignal(), SpanSignal()
    of_logs, of_spans = logs.begin(), spans.begin()
    for tenant, seed in ((f"t{number}", 1), (f"other{number}", 2), (f"t{number}", 3)):
        logs.decode(of_logs, tenant, log_request(seed, 12).SerializeToString(), NOON_NS)
        spans.decode(of_spans, tenant, span_request(seed, 15).SerializeToString(), NOON_NS)
    for batch in (of_logs, of_spans):
        batch.insert(engine, f"events-{number}")
        batch.insert(engine, f"events-{number}")
        batch.note(changes)
    return Sent(engine, LogStore(changes), SpanStore(changes), upkeep(f"t{number}"))


@pytest.fixture(scope="module")
def all_lines() -> list[LogLine]:
    lines = lines_of(log_request(1, 12)) + lines_of(log_request(3, 12))
    return sorted(lines, key=lambda line: -line.ts_ns)


def test_lines_are_read_back_field_by_field_and_once(sent: Sent, all_lines: list[LogLine]) -> None:
    assert sent.find(All()) == all_lines


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_follow_one_another_without_gap_or_repeat(
    sent: Sent, all_lines: list[LogLine], *, newest_first: bool
) -> None:
    found: list[LogLine] = []
    cursor: Cursor | None = None
    for _ in range(100):
        lines = partial(sent.logs.lines, scope=sent.scope, window=WINDOW, tree=All(), limit=7)
        page = sent.ask(partial(lines, newest_first=newest_first, after=cursor))
        found += map(as_sent, page.lines)
        cursor = page.next
        if cursor is None:
            break
    assert found == (all_lines if newest_first else all_lines[::-1])


CONDITIONS: list[tuple[Tree, Callable[[LogLine], bool]]] = [
    (Contains("error"), lambda line: "error" in line.body),
    (Contains("GET /cart"), lambda line: "GET /cart" in line.body),
    (Contains("get /CART", ignores_case=True), lambda line: "GET /cart" in line.body),
    (Contains("GRÖSSER", ignores_case=True), lambda line: "grösser" in line.body.lower()),
    (Contains("größer"), lambda line: "größer" in line.body),
    (Contains("%_\\"), lambda line: "%_\\" in line.body),
    (Contains("'; DROP TABLE logs; --"), lambda line: "DROP TABLE" in line.body),
    (Words("cart"), lambda line: "cart" in line.body),
    (Words("get /cart"), lambda line: "GET /cart" in line.body),
    (Words("car"), lambda line: "car " in line.body),
    (Matches("^GET"), lambda line: line.body.startswith("GET")),
    (Matches("a.b"), lambda line: "a b" in line.body),
    (Not(Contains("error")), lambda line: "error" not in line.body),
    (Field("level", Op.EQUAL, "error"), lambda line: line.level == "error"),
    (Field("level", Op.AT_LEAST, "warn"), lambda line: line.level in ("warn", "error", "fatal")),
    (Field("severity", Op.MORE, "9"), lambda line: line.severity > 9),
    (Field("name", Op.EQUAL, "session.start", Place.EVENT), lambda line: line.event_name == "session.start"),
    (
        And((Field("level", Op.EQUAL, "error"), Not(Contains("error")))),
        lambda line: line.level == "error" and "error" not in line.body,
    ),
    (
        Or((Contains("GET"), Field("severity_text", Op.EQUAL, "Fehler"))),
        lambda line: "GET" in line.body or line.severity_text == "Fehler",
    ),
    (
        Field("k", Op.EQUAL, "error", Place.RECORD),
        lambda line: next((value for key, value, _ in line.attributes if key == "k"), None) == "error",
    ),
    (Field("app", Op.REGEX, "shop-.*"), lambda line: any(key == "app" for key, _, _ in line.origin.resource)),
    (Field("service", Op.EQUAL, "shop-1-0"), lambda line: line.origin.service == "shop-1-0"),
    (
        Has("日本", Place.RECORD),
        lambda line: bool({k: v for k, v, _ in line.attributes[::-1]}.get("日本")),
    ),
    (Has("trace_id"), lambda line: bool(line.trace_id)),
]


@pytest.mark.parametrize(("tree", "is_met"), CONDITIONS)
def test_every_condition_finds_what_meets_it(
    sent: Sent, all_lines: list[LogLine], tree: Tree, is_met: Callable[[LogLine], bool]
) -> None:
    assert sent.find(tree) == [line for line in all_lines if is_met(line)]


@pytest.mark.parametrize(
    "value", ["a", "ab", "abc", "12", "word", "two words", "u1234", "x" * 32, "x" * 33, "ä\\'\0"]
)
def test_an_attribute_of_a_value_is_found_whether_it_is_in_the_index_of_pairs_or_not(
    engine: EmbeddedEngine, value: str
) -> None:
    scope, changes, signal = upkeep(f"pairs{next(TOKENS)}"), Changes(), LogSignal()
    batch = signal.begin()
    request = EventRequest()
    for other in ("", value, value[:-1], f"{value}x"):
        record = log_record("line", ts_ns=NOON_NS, attributes=[("k", other), ("k2", "b")])
        request.add(resource_of([("service.name", "s")]), record)
    signal.decode(batch, scope.tenant, request.body(), NOON_NS)
    batch.insert(engine, scope.tenant)
    store = LogStore(changes)

    def count(tree: Tree) -> int:
        counted = engine.run_blocking(partial(store.counts, scope=scope, window=WINDOW, tree=tree))
        return sum(one.lines for one in counted)

    assert count(Field("k", Op.EQUAL, value)) == 1
    assert count(Not(Field("k", Op.EQUAL, value))) == 3
    assert count(Field("k3", Op.EQUAL, value)) == 0
    assert count(And((Field("k", Op.EQUAL, value), Field("k2", Op.EQUAL, "b")))) == 1


def test_a_number_in_an_attribute_is_compared_as_a_number(sent: Sent, all_lines: list[LogLine]) -> None:
    def number(line: LogLine) -> float | None:
        text = next((value for key, value, _ in line.attributes if key == "k"), "")
        try:
            return float(text)
        except ValueError:
            return None

    wanted = [line for line in all_lines if (found := number(line)) is not None and found > 1]
    assert wanted
    assert sent.find(Field("k", Op.MORE, "1", Place.RECORD)) == wanted


@pytest.mark.parametrize("inset_ns", [0, 7 * 120_000_000_000 + 5], ids=["whole buckets", "cut buckets"])
def test_lines_are_counted_by_step_and_level(sent: Sent, all_lines: list[LogLine], inset_ns: int) -> None:
    window = Window(WINDOW.start_ns + inset_ns, WINDOW.end_ns - inset_ns)
    inside = [line for line in all_lines if window.start_ns <= line.ts_ns < window.end_ns]
    assert 0 < len(inside) <= len(all_lines)
    keys = [LEVEL_KEY, attribute_key("k")]
    for step_ns in (0, HOUR_NS, HOUR_NS // 4, HOUR_NS // 4 + 1, 90_000_000_000, 7_000_000_000):
        count = partial(
            sent.logs.counts, scope=sent.scope, window=window, tree=All(), keys=keys, with_bytes=True
        )
        counted = sent.ask(partial(count, step_ns=step_ns))
        expected: dict[tuple[int, tuple[str, ...]], list[LogLine]] = {}
        for line in inside:
            value = next((value for key, value, _ in line.attributes if key == "k"), "")
            step = (line.ts_ns - window.start_ns) // step_ns if step_ns else 0
            expected.setdefault((step, (line.level, value)), []).append(line)
        assert {(one.step, one.keys): (one.lines, one.bytes) for one in counted} == {
            key: (len(lines), sum(len(line.body.encode()) for line in lines))
            for key, lines in expected.items()
        }


@pytest.mark.parametrize("is_first", [True, False], ids=["begin cut", "end cut"])
@pytest.mark.parametrize("steps", [1, 3])
def test_lines_that_an_index_finds_are_counted_once_over_a_wide_window(
    sent: Sent, *, is_first: bool, steps: int
) -> None:
    tree = Matches("[a-z]")
    found = sent.find(tree)
    cut_ns = found[len(found) // 2].ts_ns
    window = (
        Window(cut_ns + 1, WINDOW.end_ns + 24 * HOUR_NS)
        if is_first
        else Window(WINDOW.start_ns - 24 * HOUR_NS, cut_ns)
    )
    step_ns = -(-(window.end_ns - window.start_ns) // steps)
    expected = Counter(
        (line.ts_ns - window.start_ns) // step_ns
        for line in found
        if window.start_ns <= line.ts_ns < window.end_ns
    )
    assert expected
    counted = sent.ask(lambda session: sent.logs.counts(session, sent.scope, window, tree, step_ns=step_ns))
    assert {one.step: one.lines for one in counted} == expected


@given(
    start=st.integers(0, 10**18),
    length=st.integers(1, 40 * HOUR_NS),
    newest_first=st.booleans(),
)
def test_parts_of_a_window_hold_all_of_it_once_and_the_first_is_short(
    start: int, length: int, *, newest_first: bool
) -> None:
    parts = list(parts_of(Window(start, start + length), newest_first=newest_first))
    assert parts[0].end_ns - parts[0].start_ns <= 2 * EVENT_BUCKET_NS
    in_order = parts[::-1] if newest_first else parts
    assert in_order[0].start_ns == start
    assert in_order[-1].end_ns == start + length
    assert all(one.start_ns < one.end_ns for one in parts)
    assert all(one.end_ns == other.start_ns for one, other in itertools.pairwise(in_order))


def test_origins_of_a_window_are_those_that_have_lines_in_it(sent: Sent, all_lines: list[LogLine]) -> None:
    found = sent.ask(lambda session: sent.logs.origins(session, sent.scope, WINDOW))
    assert {origin.service for origin in found.values()} == {line.origin.service for line in all_lines}
    nothing = Window(NOON_NS - HOUR_NS, NOON_NS - 1)
    assert sent.ask(lambda session: sent.logs.origins(session, sent.scope, nothing)) == {}


def test_spans_are_read_back_field_by_field_and_once(sent: Sent) -> None:
    expected: dict[str, list[Span]] = {}
    for span in spans_of(span_request(1, 15)) + spans_of(span_request(3, 15)):
        expected.setdefault(span.trace_id, []).append(span)
    found = sent.ask(lambda session: sent.spans.traces(session, sent.scope, list(expected)))
    assert {
        trace_id: [replace(span, origin=without_hash(span.origin)) for span in spans]
        for trace_id, spans in found.items()
    } == {
        trace_id: sorted(spans, key=lambda span: (span.start_ns, span.span_id))
        for trace_id, spans in expected.items()
    }
    strange = spans_of(span_request(2, 15))[0].trace_id
    assert sent.ask(lambda session: sent.spans.trace(session, sent.scope, strange)) == ()


@pytest.mark.parametrize("newest_first", [True, False])
def test_lines_of_a_trace_come_in_pages_too(engine: EmbeddedEngine, *, newest_first: bool) -> None:
    scope, signal, request = upkeep(f"lines{next(TOKENS)}"), LogSignal(), EventRequest()
    trace_id = bytes(15) + b"\x07"
    for number in range(9):
        # Two at a time, twenty minutes apart.
        ts_ns = NOON_NS - number // 2 * HOUR_NS // 3
        record = log_record(f"{number}", ts_ns=ts_ns, trace_id=trace_id)
        request.add(resource_of([("service.name", "s")]), record)
    batch = signal.begin()
    signal.decode(batch, scope.tenant, request.body(), NOON_NS)
    batch.insert(engine, scope.tenant)
    store, window = LogStore(Changes()), Window(NOON_NS - 24 * HOUR_NS, NOON_NS + 1)
    tree = And((Field("trace_id", Op.EQUAL, trace_id.hex()), Not(Contains("nothing"))))
    found: list[LogLine] = []
    cursor: Cursor | None = None
    while not found or cursor is not None:
        ask = partial(store.lines, scope=scope, window=window, tree=tree, limit=2, newest_first=newest_first)
        page = engine.run_blocking(partial(ask, after=cursor))
        found, cursor = [*found, *page.lines], page.next
    times = [line.ts_ns for line in found]
    assert times == sorted(times, reverse=newest_first)
    assert sorted(line.body for line in found) == [f"{number}" for number in range(9)]


@pytest.mark.parametrize("batches", [1, 3], ids=["told at once", "told in turns"])
def test_a_trace_is_whole_whatever_time_lies_between_its_spans(engine: EmbeddedEngine, batches: int) -> None:
    scope, changes, signal = upkeep(f"gaps{next(TOKENS)}"), Changes(), SpanSignal()
    trace_id = bytes(15) + b"\x01"
    starts = [NOON_NS + hours * HOUR_NS for hours in (0, 18, 19, 24 * 9, 24 * 9 + 1, 24 * 10)]
    for number in range(batches):
        batch, request = signal.begin(), EventRequest()
        for at in starts[number::batches]:
            for one in (trace_id, bytes(15) + b"\x02"):
                made = event_span("n", trace_id=one, span_id=at.to_bytes(8), start_ns=at, end_ns=at + 1)
                request.add(resource_of([("service.name", "s")]), made)
        signal.decode(batch, scope.tenant, request.body(), NOON_NS)
        batch.insert(engine, f"{scope.tenant}-{number}")
    store = SpanStore(changes)
    found = engine.run_blocking(lambda session: store.trace(session, scope, trace_id.hex()))
    assert [span.start_ns for span in found] == starts
    window = Window(starts[1], starts[4])
    some = engine.run_blocking(lambda session: store.traces(session, scope, [trace_id.hex()], window))
    assert [span.start_ns for span in some[trace_id.hex()]] == starts[1:4]
    (listed,) = engine.run_blocking(lambda session: summaries(session, scope, [trace_id.hex()])).values()
    assert (listed.start_ns, listed.spans) == (starts[0], len(starts))


def test_traces_are_found_by_what_a_span_of_theirs_is(sent: Sent) -> None:
    spans = spans_of(span_request(1, 15)) + spans_of(span_request(3, 15))
    asked: list[tuple[Tree, Callable[[Span], bool]]] = [
        (Field("status", Op.EQUAL, "error"), lambda span: span.status == 2),
        (Field("duration", Op.MORE, "", number=4_900_000),
         lambda span: span.end_ns - span.start_ns > 4_900_000),
        (Field("duration", Op.AT_MOST, "4.9ms"), lambda span: span.end_ns - span.start_ns <= 4_900_000),
        (And((Field("name", Op.EQUAL, "error"), Field("kind", Op.EQUAL, "server"))),
         lambda span: span.name == "error" and span.kind == 2),
        (Field("k", Op.EQUAL, "error", Place.EVENT),
         lambda span: any(one[:2] == ("k", "error") for event in span.events for one in event.attributes)),
        (Field("service.name", Op.EQUAL, "shop-1"), lambda span: span.origin.service == "shop-1"),
    ]  # fmt: skip
    for tree, is_met in asked:
        search = partial(sent.spans.search, scope=sent.scope, window=WINDOW, tree=tree, limit=100)
        found = sent.ask(search)
        newest: dict[str, int] = {}
        for span in filter(is_met, spans):
            newest[span.trace_id] = max(span.start_ns, newest.get(span.trace_id, 0))
        assert [(one.trace_id, one.newest_ns) for one in found] == sorted(
            newest.items(), key=lambda one: -one[1]
        )


def _pages(sent: Sent, tree: Tree, limit: int) -> list[Page]:
    pages: list[Page] = []
    after = None
    while not pages or after is not None:
        ask = partial(
            page_of, sent.spans, scope=sent.scope, window=WINDOW, tree=tree, limit=limit, after=after
        )
        pages.append(sent.ask(ask))
        after = pages[-1].next and parse_cursor(pages[-1].next.text())
    return pages


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_of_traces_hold_each_trace_once(sent: Sent, limit: int) -> None:
    whole = sent.ask(lambda session: sent.spans.search(session, sent.scope, WINDOW, All(), limit=10_000))
    pages = _pages(sent, All(), limit)
    assert [one.trace_id for page in pages for one in page.found] == [one.trace_id for one in whole]
    assert all(len(page.found) == limit for page in pages[:-1])


def test_a_list_of_traces_says_of_each_what_its_spans_say(sent: Sent) -> None:
    expected: dict[str, list[Span]] = {}
    for span in spans_of(span_request(1, 15)) + spans_of(span_request(3, 15)):
        expected.setdefault(span.trace_id, []).append(span)
    found = sent.ask(lambda session: summaries(session, sent.scope, [*expected, "f" * 32]))
    assert found.keys() == expected.keys()
    for trace_id, spans in expected.items():
        one = found[trace_id]
        first = min(spans, key=lambda span: (bool(span.parent_id), span.start_ns, span.span_id))
        start_ns = min(span.start_ns for span in spans)
        assert (one.start_ns, one.spans) == (start_ns, len(spans))
        assert one.duration_ns == max(max(span.end_ns, span.start_ns) for span in spans) - start_ns
        assert one.errors == sum(span.status == 2 for span in spans)
        assert (one.has_root, one.service, one.name) == (
            not first.parent_id, first.origin.service, first.name,
        )  # fmt: skip
        assert dict(one.services) == Counter(span.origin.service for span in spans)
