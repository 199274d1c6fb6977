"""From checked nodes to planned ones: every time is a number, what is the same is one node.

After `plan`
- every duration and offset is an `int` of milliseconds, the step of a subquery included;
- `@ start()` and `@ end()` are an `At(Anchor.TIME, ms)`;
- what has the same answer at every step stands in a `StepInvariant` (upstream PreprocessExpr), except what
  a function wants to see as it is: a literal, a range vector, the argument of `timestamp`;
- equal sub-expressions are one and the same object, so that `id(node)` is the key of a cache that lives as
  long as the plan (together with the steps: a node may stand within a subquery and outside of it);
- `fetches` says what has to be read, one fetch for all selectors with the same matchers whose times meet.

An evaluation walks `Planned.expr` and asks `Planned.fetch_of(selector)` for the samples of a selector.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher
from pharos.promql.language.ast import (
    Aggregate,
    Anchor,
    At,
    Binary,
    Call,
    Duration,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Place,
    StepInvariant,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from pharos.promql.language.check import type_of
from pharos.promql.language.durations import QueryTimes, resolve, whole_ms
from pharos.promql.language.functions import ANCHORED_SAFE, FUNCTIONS, SMOOTHED_SAFE

DEFAULT_LOOKBACK_MS = 300_000
"""How old a sample may be that answers an instant (upstream query.lookback-delta)."""


class Fetch(Struct, frozen=True):
    """Samples to be read: all series that match, `start_ms <= time <= end_ms`.

    The matchers are sorted and stand once each, so that equal sets of series have equal matchers.
    """

    matchers: tuple[Matcher, ...]
    start_ms: int
    end_ms: int


class OwnRead(Struct, frozen=True):
    """What a plan's own selectors read of a fetch, in milliseconds after the plan's time; both included."""

    fetch: int
    """Its place among the plan's."""
    low_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A query ready to be evaluated at `start_ms`, `start_ms + step_ms` ... up to `end_ms`.

    An instant query has `start_ms == end_ms` and a step of 0.
    """

    expr: Expr
    start_ms: int
    end_ms: int
    step_ms: int
    lookback_ms: int
    fetches: tuple[Fetch, ...]
    """What the selectors read, sorted by matchers and time; the second argument of `info` reads nothing."""
    text: str = ""
    _fetch_of: dict[int, int] = field(default_factory=dict, repr=False, compare=False)
    _spans: dict[int, tuple[Place, ...]] = field(default_factory=dict, repr=False, compare=False)
    _uses: dict[int, int] = field(default_factory=dict, repr=False, compare=False)
    _own: tuple[OwnRead, ...] | None = field(default=None, repr=False, compare=False)
    """Which fetches are its own, of those of plans that were made together; None for all."""

    def own_fetches(self) -> tuple[Fetch, ...]:
        """Return what its own selectors read, where it was planned together with others."""
        return tuple(fetch for fetch, _, _ in self.own_reads())

    def own_reads(self) -> tuple[tuple[Fetch, int, int], ...]:
        """Return the same with the times that its own selectors look at: a fetch may hold more for others."""
        if self._own is None:
            return tuple((one, one.start_ms, one.end_ms) for one in self.fetches)
        at_ms = self.start_ms
        return tuple((self.fetches[one.fetch], at_ms + one.low_ms, at_ms + one.high_ms) for one in self._own)

    def at(self, time_ms: int, fetches: tuple[Fetch, ...]) -> Planned:
        """Return the plan of the same instant query at another time, with its fetches at that time."""
        return Planned(  # not by `replace`, which takes thrice as long
            self.expr,
            time_ms,
            time_ms,
            self.step_ms,
            self.lookback_ms,
            fetches,
            self.text,
            self._fetch_of,
            self._spans,
            self._uses,
            self._own,
        )

    def fetch_of(self, selector: VectorSelector) -> Fetch:
        """Return the fetch that holds the samples of a selector of this plan.

        A range vector reads what its inner selector reads. The fetch may hold more time than the selector
        asks for. Raises KeyError for a node of another plan.
        """
        return self.fetches[self._fetch_of[id(selector)]]

    def spans_of(self, node: Expr) -> tuple[Place, ...]:
        """Return every place in the text where a node of this plan stands, in order."""
        return self._spans.get(id(node), (node.place,))

    def is_shared(self, node: Expr) -> bool:
        """Return whether a node of this plan is used more than once, so that its answer is worth keeping."""
        return self._uses.get(id(node), 0) > 1


def plan(
    expr: Expr,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    default_subquery_step_ms: int,
    *,
    lookback_ms: int = DEFAULT_LOOKBACK_MS,
    text: str = "",
) -> Planned:
    """Return the plan of a checked expression over the given times, in milliseconds.

    Raises PharosError(INVALID) for a duration expression without a legal value (upstream durations.go), or
    for `anchored` and `smoothed` under a function that does not take them.
    """
    resolver = _Resolver(QueryTimes(start_ms, end_ms, step_ms), default_subquery_step_ms)
    root = resolver.visit(expr)
    if root.invariant and root.wrappable:
        root = resolver.wrapped(root)
    reads = _Reads(lookback_ms)
    reads.visit(root.expr, start_ms, end_ms)
    fetches, fetch_of = _merge(reads)
    return Planned(
        expr=root.expr,
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=step_ms,
        lookback_ms=lookback_ms,
        fetches=fetches,
        text=text,
        _fetch_of=fetch_of,
        _spans={key: tuple(spans) for key, spans in resolver.spans.items()},
        _uses=_uses(root.expr),
    )


class PlansTogether:
    """Plans of several instant queries at one time, made together.

    Equal sub-expressions of any of them are one object, and equal selectors have one fetch, so that
    evaluations may leave one another what they know (`evaluate.Shared`).
    """

    def __init__(
        self, exprs: Sequence[tuple[Expr, str]], default_subquery_step_ms: int, lookback_ms: int
    ) -> None:
        self._exprs = tuple(exprs)
        self._subquery_step_ms = default_subquery_step_ms
        self._lookback_ms = lookback_ms
        self._moves = not any(_is_fixed(expr) for expr, _ in exprs)
        self._made: tuple[Planned, ...] | None = None

    def at(self, time_ms: int) -> tuple[Planned, ...]:
        """Return the plans at a time; they live as long as the newest ones of any time, if not longer.

        Raises PharosError as `plan`, for the first of them that cannot be planned.
        """
        if not self._exprs:
            return ()
        if self._made is None or not self._moves:
            self._made = self._plan(time_ms)
        first = self._made[0]
        by_ms = time_ms - first.start_ms
        if not by_ms:
            return self._made
        moved = tuple(Fetch(one.matchers, one.start_ms + by_ms, one.end_ms + by_ms) for one in first.fetches)
        return tuple(planned.at(time_ms, moved) for planned in self._made)

    def _plan(self, time_ms: int) -> tuple[Planned, ...]:
        resolver = _Resolver(QueryTimes(time_ms, time_ms, 0), self._subquery_step_ms)
        reads, uses = _Reads(self._lookback_ms), dict[int, int]()
        made: list[tuple[Expr, str, dict[int, tuple[Place, ...]], _Reads]] = []
        for expr, text in self._exprs:
            resolver.spans = {}
            root = resolver.visit(expr)
            if root.invariant and root.wrappable:
                root = resolver.wrapped(root)
            own = _Reads(self._lookback_ms)
            for one in (reads, own):
                one.visit(root.expr, time_ms, time_ms)
            for key, count in _uses(root.expr).items():
                uses[key] = uses.get(key, 0) + count
            made.append((root.expr, text, {key: tuple(spans) for key, spans in resolver.spans.items()}, own))
        fetches, fetch_of = _merge(reads)
        return tuple(
            Planned(
                expr=expr,
                start_ms=time_ms,
                end_ms=time_ms,
                step_ms=0,
                lookback_ms=self._lookback_ms,
                fetches=fetches,
                text=text,
                _fetch_of=fetch_of,
                _spans=spans,
                _uses=uses,
                _own=_own_reads(own, fetch_of, time_ms),
            )
            for expr, text, spans, own in made
        )


def _own_reads(reads: _Reads, fetch_of: dict[int, int], time_ms: int) -> tuple[OwnRead, ...]:
    """Return what is read of each fetch, by the places of fetches."""
    windows: dict[int, tuple[int, int]] = {}
    for key, (_, low, high) in reads.windows.items():
        before = windows.setdefault(fetch_of[key], (low, high))
        windows[fetch_of[key]] = min(low, before[0]), max(high, before[1])
    found = sorted(windows.items())
    return tuple(OwnRead(place, low - time_ms, high - time_ms) for place, (low, high) in found)


def nodes(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all that stands in it and is evaluated."""
    yield expr
    for child in children(expr):
        yield from nodes(child)


def _is_fixed(expr: Expr) -> bool:
    """Return whether what an instant query reads does not just move along with its time."""
    return any(
        isinstance(node, Subquery) or (isinstance(node, VectorSelector) and node.at is not None)
        for node in nodes(expr)
    )


def subquery_start(start_ms: int, offset_ms: int, range_ms: int, step_ms: int) -> int:
    """Return the first time a subquery is evaluated at: a multiple of its step in a left-open window."""
    left = start_ms - offset_ms - range_ms
    return (left // step_ms + 1) * step_ms


class _Visited(Struct, frozen=True):
    """A planned node; whether it is the same at every step, and whether it is worth a wrapper then."""

    expr: Expr
    invariant: bool
    wrappable: bool


class _Resolver:
    """Resolves times and finds equal nodes, from the leaves to the root."""

    def __init__(self, times: QueryTimes, default_subquery_step_ms: int) -> None:
        self.times = times
        self.default_subquery_step_ms = default_subquery_step_ms
        self.spans: dict[int, list[Place]] = {}
        self._nodes: dict[tuple[object, ...], Expr] = {}

    def visit(self, node: Expr) -> _Visited:
        """Return the planned form of `node`."""
        match node:
            case NumberLiteral():
                key = (NumberLiteral, node.value.hex(), node.duration)
                return _Visited(self._one(key, node, node.place), True, False)
            case StringLiteral():
                return _Visited(self._one((StringLiteral, node.value), node, node.place), True, False)
            case VectorSelector():
                selector = self._selector(node)
                return _Visited(selector, selector.at is not None, selector.at is not None)
            case MatrixSelector():
                return self._matrix(node)
            case Subquery():
                return self._subquery(node)
            case Call():
                return self._call(node)
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)
            case Unary(op=op, expr=inner, place=place):
                child = self.visit(inner)
                unary = self._one((Unary, op, id(child.expr)), Unary(op, child.expr, place), place)
                return _Visited(unary, child.invariant, child.wrappable)
            case Paren(expr=inner, place=place):
                child = self.visit(inner)
                paren = self._one((Paren, id(child.expr)), Paren(child.expr, place), place)
                return _Visited(paren, child.invariant, child.wrappable)
            case StepInvariant():
                raise PharosError(Kind.BUG, "an expression that is planned already was planned again")

    def wrapped(self, visited: _Visited) -> _Visited:
        """Return `visited` with its node in a `StepInvariant`, if it is worth one."""
        if not (visited.invariant and visited.wrappable) or type_of(visited.expr) is ValueType.MATRIX:
            return visited
        place = visited.expr.place
        key = (StepInvariant, id(visited.expr))
        return _Visited(self._one(key, StepInvariant(visited.expr, place), place), True, False)

    def _one(self, key: tuple[object, ...], node: Expr, place: Place) -> Expr:
        known = self._nodes.setdefault(key, node)
        self.spans.setdefault(id(known), []).append(place)
        return known

    def _ms(self, duration: Duration, *, negative: bool) -> int:
        return resolve(duration, self.times, negative=negative)

    def _at(self, at: At | None) -> At | None:
        if at is None or at.anchor is Anchor.TIME:
            return at
        return At(Anchor.TIME, self.times.start_ms if at.anchor is Anchor.START else self.times.end_ms)

    def _selector(self, node: VectorSelector) -> VectorSelector:
        planned = VectorSelector(
            name=node.name,
            matchers=node.matchers,
            offset=self._ms(node.offset, negative=True),
            at=self._at(node.at),
            anchored=node.anchored,
            smoothed=node.smoothed,
            place=node.place,
        )
        key = (
            VectorSelector,
            node.matchers,  # as they are written: `absent` makes its labels of them one by one
            planned.offset,
            planned.at,
            planned.anchored,
            planned.smoothed,
        )
        known = self._one(key, planned, node.place)
        return known if isinstance(known, VectorSelector) else planned

    def _matrix(self, node: MatrixSelector) -> _Visited:
        selector = self._selector(node.selector)
        range_ms = self._ms(node.range, negative=False)
        planned = MatrixSelector(selector, range_ms, node.place)
        known = self._one((MatrixSelector, id(selector), range_ms), planned, node.place)
        return _Visited(known, selector.at is not None, selector.at is not None)

    def _subquery(self, node: Subquery) -> _Visited:
        """Plan a subquery; what stands inside is the same at every step of its own, not of the query."""
        inner = self.wrapped(self.visit(node.expr)).expr
        offset = self._ms(node.offset, negative=True)
        step = self.default_subquery_step_ms
        if node.step is not None:
            step = self._ms(node.step, negative=False)
        range_ms = self._ms(node.range, negative=False)
        at = self._at(node.at)
        step = max(step, 1)
        planned = Subquery(inner, range_ms, step, offset, at, node.place)
        key = (Subquery, id(inner), range_ms, step, offset, at)
        return _Visited(self._one(key, planned, node.place), at is not None, at is not None)

    def _call(self, node: Call) -> _Visited:
        args = [self.visit(arg) for arg in node.args]
        if FUNCTIONS[node.func].sees_samples:
            args = [self._without_offset(arg) for arg in args]
        _check_extended(node, args)
        invariant = not FUNCTIONS[node.func].varies and all(arg.invariant for arg in args)
        if not invariant and not FUNCTIONS[node.func].sees_samples:
            args = [self.wrapped(arg) for arg in args]
        planned = Call(node.func, tuple(arg.expr for arg in args), node.place)
        key = (Call, node.func, *(id(arg.expr) for arg in args))
        return _Visited(self._one(key, planned, node.place), invariant, invariant)

    def _without_offset(self, arg: _Visited) -> _Visited:
        """Return a selector with `@` without its offset, which upstream's `timestamp` leaves out."""
        inner = arg.expr
        while isinstance(inner, Paren):
            inner = inner.expr
        if isinstance(inner, VectorSelector) and inner.at is not None and inner.offset:
            return replace(arg, expr=self._selector(dataclasses.replace(inner, offset=0)))
        return arg

    def _aggregate(self, node: Aggregate) -> _Visited:
        inner = self.visit(node.expr)
        param = None if node.param is None else self.visit(node.param)
        invariant = inner.invariant and (param is None or param.invariant)
        if not invariant:
            inner = self.wrapped(inner)
            param = None if param is None else self.wrapped(param)
        parameter = None if param is None else param.expr
        planned = Aggregate(node.op, inner.expr, parameter, node.grouping, node.without, node.place)
        key = (Aggregate, node.op, id(inner.expr), id(parameter), node.grouping, node.without)
        return _Visited(self._one(key, planned, node.place), invariant, invariant)

    def _binary(self, node: Binary) -> _Visited:
        left, right = self.visit(node.left), self.visit(node.right)
        invariant = left.invariant and right.invariant
        if not invariant:
            left, right = self.wrapped(left), self.wrapped(right)
        planned = Binary(node.op, left.expr, right.expr, node.bool_modifier, node.matching, node.place)
        key = (
            Binary,
            node.op,
            id(left.expr),
            id(right.expr),
            node.bool_modifier,
            repr(node.matching),  # repr and not the record: a fill of -0 is not a fill of 0
        )
        return _Visited(self._one(key, planned, node.place), invariant, invariant)


def canonical(matchers: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Return the matchers sorted and without duplicates: equal for all ways to write one set of series."""
    return tuple(sorted(set(matchers), key=lambda matcher: (matcher.name, matcher.op, matcher.value)))


def _check_extended(node: Call, args: Sequence[_Visited]) -> None:
    """Raise for `anchored` or `smoothed` under a function that does not take it (upstream engine.go)."""
    for arg in args:
        inner = arg.expr
        while isinstance(inner, Paren):
            inner = inner.expr
        if not isinstance(inner, MatrixSelector):
            continue
        for word, used, allowed in (
            ("anchored", inner.selector.anchored, ANCHORED_SAFE),
            ("smoothed", inner.selector.smoothed, SMOOTHED_SAFE),
        ):
            if used and node.func not in allowed:
                raise PharosError(
                    Kind.INVALID,
                    f"{word} modifier can only be used with: {', '.join(allowed)} - not with {node.func}",
                    position=node.place.start,
                )


class _Reads:
    """Finds the times every selector reads."""

    def __init__(self, lookback_ms: int) -> None:
        self.lookback_ms = lookback_ms
        self.windows: dict[int, tuple[VectorSelector, int, int]] = {}

    def visit(self, node: Expr, first: int, last: int) -> None:
        """Note what `node` reads when it is evaluated from `first` to `last`, both included."""
        match node:
            case VectorSelector():
                self._note(node, first, last, self.lookback_ms)
            case MatrixSelector(selector=selector, range=range_ms):
                self._note(selector, first, last, whole_ms(range_ms))
            case Subquery(expr=inner, at=at):
                if at is not None:
                    first = last = at.ms
                offset, step = whole_ms(node.offset), whole_ms(node.step or 0)
                first = subquery_start(first, offset, whole_ms(node.range), step)
                self.visit(inner, first, last - offset)
            case StepInvariant(expr=inner):
                self.visit(inner, first, first)
            case _:
                for child in children(node):
                    self.visit(child, first, last)

    def _note(self, selector: VectorSelector, first: int, last: int, width_ms: int) -> None:
        """Note a left-open window; `anchored` and `smoothed` look one lookback further."""
        assert isinstance(selector.offset, int)  # noqa: S101 - resolved
        if selector.at is not None:
            first = last = selector.at.ms
        offset = whole_ms(selector.offset)
        low = first - offset - width_ms + 1
        high = last - offset
        if selector.anchored or selector.smoothed:
            low -= self.lookback_ms
        if selector.smoothed:
            high += self.lookback_ms
        known = self.windows.get(id(selector))
        if known is not None:
            low, high = min(low, known[1]), max(high, known[2])
        self.windows[id(selector)] = (selector, low, max(low, high))


def children(node: Expr) -> tuple[Expr, ...]:
    """Return the sub-expressions that are evaluated; `info` selects by its second argument itself."""
    match node:
        case Call(func="info", args=args):
            return args[:1]
        case Call(args=args):
            return args
        case Aggregate(expr=inner, param=param):
            return (inner,) if param is None else (param, inner)
        case Binary(left=left, right=right):
            return (left, right)
        case Unary(expr=inner) | Paren(expr=inner) | StepInvariant(expr=inner) | Subquery(expr=inner):
            return (inner,)
        case MatrixSelector(selector=selector):
            return (selector,)
        case _:
            return ()


def _merge(reads: _Reads) -> tuple[tuple[Fetch, ...], dict[int, int]]:
    """Return one fetch for windows of equal matchers that nearly meet, and the fetch of every selector."""
    groups: dict[tuple[Matcher, ...], list[tuple[int, int, int]]] = {}
    for key, (selector, low, high) in reads.windows.items():
        groups.setdefault(canonical(selector.matchers), []).append((low, high, key))
    fetches: list[Fetch] = []
    fetch_of: dict[int, int] = {}
    for matchers in sorted(groups, key=str):
        for low, high, key in sorted(groups[matchers]):
            last = fetches[-1] if fetches and fetches[-1].matchers == matchers else None
            if last is not None and low <= last.end_ms + reads.lookback_ms:
                fetches[-1] = Fetch(matchers, last.start_ms, max(last.end_ms, high))
            else:
                fetches.append(Fetch(matchers, low, high))
            fetch_of[key] = len(fetches) - 1
    return tuple(fetches), fetch_of


def _uses(root: Expr) -> dict[int, int]:
    """Return how many parents every node has, counted over distinct parents' places."""
    uses: dict[int, int] = {id(root): 1}
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for child in children(node):
            uses[id(child)] = uses.get(id(child), 0) + 1
            stack.append(child)
    return uses
