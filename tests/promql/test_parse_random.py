"""Random trees print to a text that parses to the same tree; random texts raise nothing but PharosError."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.promql.promql_texts import rows

from pharos.errors import PharosError
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.promql.explain import explain_tree
from pharos.promql.language.ast import (
    Aggregate,
    Anchor,
    At,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationExpr,
    Expr,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from pharos.promql.language.functions import AGGREGATORS, COMPARISONS, FUNCTIONS, SET_OPERATORS
from pharos.promql.language.parse import parse_uncached
from pharos.promql.language.printer import format_matcher, to_json, to_pretty, to_text
from pharos.promql.plan import plan

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.sampled_from(
    ["up", "job:rate5m", "sum", "by", "offset", "start", "step", "fill", "and", "anchored"]
)
LABELS = st.sampled_from(["job", "instance", "le", "by", "bool", "a.b", "mit Umlaut ü", "sum"])
NUMBERS = st.floats(allow_nan=False).map(NumberLiteral)
SPANS_OF_TIME = st.integers(1, 10**12)
LITERAL_DURATIONS = SPANS_OF_TIME.map(lambda ms: NumberLiteral(ms / 1000, duration=True))


def duration_leaves() -> st.SearchStrategy[DurationExpr]:
    """Return leaves of duration expressions."""
    whole = st.integers(1, 10**6)
    return st.one_of(
        whole.map(lambda seconds: DurationExpr("number", seconds=float(seconds))),
        whole.map(lambda ms: DurationExpr("number", seconds=ms / 1000, duration=True)),
        st.sampled_from([DurationExpr("step"), DurationExpr("range")]),
    )


def duration_nodes(parts: st.SearchStrategy[DurationExpr]) -> st.SearchStrategy[DurationExpr]:
    """Return expressions over `parts`; every operand that is no leaf stands in parentheses."""
    closed = parts.map(
        lambda node: node if node.op in ("number", "step", "range") else replace(node, wrapped=True)
    )
    return st.one_of(
        st.builds(lambda op, a, b: DurationExpr(op, (a, b)), st.sampled_from("+-*/%^"), closed, closed),
        st.builds(
            lambda op, a, b: DurationExpr(op, (a, b)), st.sampled_from(["min_of", "max_of"]), parts, parts
        ),
    )


EXPRESSIONS_OF_TIME = duration_nodes(st.recursive(duration_leaves(), duration_nodes, max_leaves=6))
RANGES: st.SearchStrategy[Duration] = st.one_of(SPANS_OF_TIME, EXPRESSIONS_OF_TIME)
OFFSETS: st.SearchStrategy[Duration] = st.one_of(
    st.integers(-(10**12), 10**12), EXPRESSIONS_OF_TIME.map(lambda node: replace(node, wrapped=True))
)
ATS = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12).map(lambda ms: At(Anchor.TIME, ms)),
    st.sampled_from([At(Anchor.START), At(Anchor.END)]),
)


@st.composite
def selectors(draw: st.DrawFn, *, timed: bool = True) -> VectorSelector:
    """Return a selector; its matchers stand in the order they are printed in, the name last."""
    name = draw(st.one_of(NAMES, st.just("")))
    ops = st.sampled_from([MatchOp.EQUAL, MatchOp.NOT_EQUAL])
    matchers = draw(st.lists(st.builds(Matcher, LABELS, ops, TEXTS), max_size=3))
    matchers += draw(st.sampled_from([[], [Matcher("code", MatchOp.REGEX, "5..|4\\d\\d")]]))
    if not name:
        matchers.append(Matcher(METRIC_NAME, MatchOp.EQUAL, draw(st.sampled_from(["up", "my.metric"]))))
    matchers.sort(key=format_matcher)
    if name:
        matchers.append(Matcher(METRIC_NAME, MatchOp.EQUAL, name))
    selector = VectorSelector(name, tuple(matchers))
    if not timed:
        return selector
    extended = draw(st.sampled_from(["", "anchored", "smoothed"]))
    return replace(
        selector,
        offset=draw(OFFSETS),
        at=draw(ATS),
        anchored=extended == "anchored",
        smoothed=extended == "smoothed",
    )


@st.composite
def trees(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return an expression of a type that the checker accepts."""
    match kind:
        case ValueType.STRING:
            return StringLiteral(draw(TEXTS))
        case ValueType.MATRIX:
            if depth > 0 and draw(st.booleans()):
                step = draw(st.one_of(st.none(), RANGES))
                inner = operand(draw(trees(ValueType.VECTOR, depth - 1)))
                return Subquery(inner, draw(RANGES), step, draw(OFFSETS), draw(ATS))
            return MatrixSelector(draw(selectors()), draw(RANGES))
        case _ if depth <= 0:
            if kind is ValueType.SCALAR:
                return draw(st.one_of(NUMBERS, LITERAL_DURATIONS))
            return draw(selectors())
        case _:
            makers = [binaries, unaries, calls, parens]
            if kind is ValueType.VECTOR:
                makers.append(aggregations)
            return draw(draw(st.sampled_from(makers))(kind, depth - 1))


def operand(node: Expr) -> Expr:
    """Return a node as it may stand beside an operator or before brackets."""
    negative = isinstance(node, NumberLiteral) and to_text(node).startswith("-")
    if negative or isinstance(node, (Binary, Unary, MatrixSelector, Subquery)):
        return Paren(node)
    if isinstance(node, VectorSelector) and isinstance(node.offset, DurationExpr):
        return Paren(node)
    return node


@st.composite
def parens(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return an expression in parentheses."""
    return Paren(draw(trees(kind, depth)))


@st.composite
def unaries(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return a sign and its operand; a number has its sign in itself."""
    inner = operand(draw(trees(kind, depth)))
    return Unary(draw(st.sampled_from("+-")), Paren(inner) if isinstance(inner, NumberLiteral) else inner)


@st.composite
def binaries(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return an operation with the modifiers that its operands allow."""
    if kind is ValueType.SCALAR:
        op = draw(st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", *sorted(COMPARISONS)]))
        sides = [operand(draw(trees(ValueType.SCALAR, depth))) for _ in range(2)]
        return Binary(op, sides[0], sides[1], op in COMPARISONS)
    types = draw(st.sampled_from(["vv", "vs", "sv"]))
    ops = ["+", "-", "*", "/", "%", "^", "atan2", "</", ">/", *sorted(COMPARISONS)]
    if types == "vv":
        ops += sorted(SET_OPERATORS)
    op = draw(st.sampled_from(ops))
    sides = [
        operand(draw(trees(ValueType.VECTOR if side == "v" else ValueType.SCALAR, depth))) for side in types
    ]
    with_bool = op in COMPARISONS and draw(st.booleans())
    matching = draw(matchings(op)) if types == "vv" else None
    return Binary(op, sides[0], sides[1], with_bool, matching)


@st.composite
def matchings(draw: st.DrawFn, op: str) -> Matching:
    """Return how vectors are matched under `op`."""
    on = draw(st.booleans())
    labels = tuple(draw(st.lists(LABELS, max_size=2, unique=True)))
    if op in SET_OPERATORS:
        return Matching(Cardinality.MANY_TO_MANY, on, labels)
    cards = [Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY]
    card = draw(st.sampled_from(cards))
    include = () if card is Cardinality.ONE_TO_ONE else tuple(draw(st.lists(st.just("version"), max_size=1)))
    fills = draw(st.sampled_from([(None, None), (1.5, 1.5), (-2.0, None), (None, 1e21), (0.0, 3e-7)]))
    return Matching(card, on, labels, include, *fills)


@st.composite
def calls(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return a call of any function of a type, `info` with matchers for its second argument."""
    function = draw(st.sampled_from([f for f in FUNCTIONS.values() if f.returns is kind]))
    most = len(function.args) + 2 if function.most is None else function.most
    count = draw(st.integers(function.least, most))
    kinds = [function.args[min(index, len(function.args) - 1)] for index in range(count)]
    args = [draw(trees(want, depth)) for want in kinds]
    if function.name == "info" and count > 1:
        args[1] = VectorSelector("", (Matcher("job", MatchOp.EQUAL, draw(TEXTS)),))
    return Call(function.name, tuple(args))


@st.composite
def aggregations(draw: st.DrawFn, kind: ValueType, depth: int) -> Expr:
    """Return an aggregation with its parameter."""
    aggregator = draw(st.sampled_from(list(AGGREGATORS.values())))
    param = None if aggregator.param is None else draw(trees(aggregator.param, depth))
    grouping = tuple(draw(st.lists(LABELS, max_size=2)))
    return Aggregate(aggregator.name, draw(trees(kind, depth)), param, grouping, draw(st.booleans()))


@settings(max_examples=150)
@given(st.sampled_from(list(ValueType)).flatmap(lambda kind: trees(kind, 3)))
def test_a_random_tree_prints_to_a_text_that_parses_to_it(tree: Expr) -> None:
    assert parse_uncached(to_text(tree)) == tree
    assert parse_uncached(to_pretty(tree)) == tree
    assert to_json(tree)["type"]


@settings(max_examples=150)
@given(
    tree=trees(ValueType.VECTOR, 3),
    start=st.integers(-(10**13), 10**13),
    width=st.integers(0, 10**9),
    step=st.integers(0, 10**6),
)
def test_a_random_tree_has_a_plan_or_an_error(tree: Expr, start: int, width: int, step: int) -> None:
    try:
        planned = plan(tree, start, start + width, step, 60_000)
    except PharosError:
        return
    for fetch in planned.fetches:
        assert fetch.start_ms <= fetch.end_ms
    assert explain_tree(planned).startswith("query from")


WORDS = """foo up sum by without on ignoring group_left bool offset @ start end step range min_of fill ( ) { }
[ ] , = == != =~ !~ < > </ >/ + - * / % ^ : :: ; 1 5m 0x 1e 1_ .5 NaN Inf " ' ` # é anchored smoothed rate(
sum( foo[5m] {a='b'} $ ~ 😀"""
PIECES = st.one_of(st.sampled_from([*WORDS.split(), "\\", "\n", "\t", "\x00", "\ud800"]), st.text(max_size=3))
QUERIES = [row.query for row in rows()]


def assert_prints_or_says_where(text: str) -> None:
    """Check that a text parses to a tree that prints to a fixed point, or is refused at a place in it."""
    position: int | None = 0
    try:
        tree = parse_uncached(text)
    except PharosError as error:
        position = error.position
    else:
        assert to_text(parse_uncached(to_text(tree))) == to_text(tree)
    assert position is not None
    assert 0 <= position <= len(text)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=12), st.sampled_from(["", " "]))
def test_random_text_raises_only_errors_with_a_place(pieces: list[str], between: str) -> None:
    assert_prints_or_says_where(between.join(pieces))


@settings(max_examples=500)
@given(st.sampled_from(QUERIES), st.integers(0, 80), st.integers(0, 80), st.sampled_from(QUERIES))
def test_spoilt_queries_raise_only_errors_with_a_place(query: str, left: int, right: int, other: str) -> None:
    assert_prints_or_says_where(query[:left] + other[right:])
