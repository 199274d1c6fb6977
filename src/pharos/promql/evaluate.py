"""The nodes of a planned query, evaluated: walk them, read the samples, run the kernels.

Every node is evaluated once for all steps. What the plan shares is kept; `check` is called between nodes so
that a deadline or a closed connection ends the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import lru_cache, partial
from typing import Final, TypeGuard, TypeVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.promql.annotations import Annotations
from pharos.promql.calls import buckets, histograms, info, labels, vectors
from pharos.promql.calls.histogram_ranges import correct_histograms
from pharos.promql.calls.labels import absence
from pharos.promql.calls.ranges import RangeCall, finish_names, range_function
from pharos.promql.calls.vectors import Context, Implementation
from pharos.promql.grids.grid import (
    Grid,
    Scalar,
    Text,
    Value,
    any_series,
    broadcast_steps,
    drop_absent,
    empty_grid,
    lose_names,
    stacked,
)
from pharos.promql.grids.instants import Selection, select_instant, select_times
from pharos.promql.grids.room import (
    LIMIT_HINT,
    TOO_MANY_SAMPLES,
    VISITS_BETWEEN_CHECKS,
    Memory,
    Room,
    bytes_of,
    bytes_of_block,
)
from pharos.promql.grids.windows import Windows, samples_of_grid
from pharos.promql.kernels.samples import Floats, Ints
from pharos.promql.language.ast import (
    Aggregate,
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
    VectorSelector,
)
from pharos.promql.language.functions import FUNCTIONS, Reads
from pharos.promql.operators.aggregate import Places, aggregate
from pharos.promql.operators.binary import binary_operation
from pharos.promql.overlap import overlapped
from pharos.promql.plan import Fetch, Planned, subquery_start
from pharos.promql.source import BlockSource, SampleSource, SeriesBlock

CALLS: Final[dict[str, Implementation]] = {
    **vectors.FUNCTIONS,
    **labels.FUNCTIONS,
    **buckets.FUNCTIONS,
    **histograms.FUNCTIONS,
}
"""Functions of values alone."""

_QUERY_TIMES: Final[dict[str, Callable[[Planned], int]]] = {
    "start": lambda planned: planned.start_ms,
    "end": lambda planned: planned.end_ms,
    "range": lambda planned: planned.end_ms - planned.start_ms,
    "step": lambda planned: planned.step_ms if planned.start_ms != planned.end_ms else 0,
}
ABSENCE: Final = "absent_over_time"
OF_THE_QUERY: Final = frozenset({*_QUERY_TIMES, "info", "start_timestamp"})
"""Functions of more than values: of the query's times, of its source, of samples as they are stored."""


def _no_check() -> None:
    return


class EvalOptions(Struct, frozen=True):
    """How to evaluate.

    `delayed_name_removal` keeps metric names until the end of the query; `type_and_unit_labels` has rate
    look at `__type__` rather than at the name's ending; `start_timestamps` lets counters use theirs.
    `max_samples` bounds the samples read and those in any one intermediate result, `max_bytes` what samples
    and intermediate results take in memory at once (0: no bound). `check` is called between nodes and raises
    to end the evaluation; a kernel looks at `visits_between_checks` samples at most before it is called.
    `workers` compute blocks of large selections. Without `histogram_columns` rates of native histograms are
    made object by object, which says the same.
    """

    delayed_name_removal: bool = False
    type_and_unit_labels: bool = False
    start_timestamps: bool = True
    max_samples: int = 0
    max_bytes: int = 0
    check: Callable[[], None] = _no_check
    workers: Executor | None = None
    visits_between_checks: int = VISITS_BETWEEN_CHECKS
    histogram_columns: bool = True


class Steps(Struct, frozen=True):
    """The times a node is evaluated at: `start_ms + k * step_ms` for `count` steps."""

    start_ms: int
    step_ms: int
    count: int

    @property
    def last_ms(self) -> int:
        """Return the last time."""
        return self.start_ms + self.step_ms * (self.count - 1)

    def times_ms(self) -> Ints:
        """Return all times."""
        return self.start_ms + self.step_ms * np.arange(self.count, dtype=np.int64)


class Wants(Struct, frozen=True):
    """What the nodes above a selector read of histograms (upstream detectHistogramStatsDecoding)."""

    reads_stats: bool = False
    reads_buckets: bool = False

    @property
    def stats(self) -> bool:
        """Return whether count and sum will do."""
        return self.reads_stats and not self.reads_buckets

    def under(self, node: Expr) -> Wants:
        """Return what is read of the histograms below `node`."""
        match node:
            case Subquery() | Binary(op="</" | ">/"):
                return replace(self, reads_buckets=True)
            case Call(func=func) if FUNCTIONS[func].reads is Reads.TOTALS:
                return replace(self, reads_stats=True)
            case Call(func=func) if FUNCTIONS[func].reads is Reads.BUCKETS:
                return replace(self, reads_buckets=True)
            case _:
                return self


WHOLE: Final = Wants()
"""All of them."""


class Shared(Struct):
    """What evaluations of plans that were made together leave to one another, as long as those plans live."""

    selections: dict[int, Selection] = field(default_factory=dict)
    known: dict[tuple[int, Steps, bool], Value] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    """How many samples each fetch had."""

    def keep(self, fetch: Fetch, block: SeriesBlock) -> None:
        """Keep the samples of a fetch for all that read it."""
        self.read[id(fetch)] = block.values.size + _histograms_of(block)
        self.selections[id(fetch)] = Selection(block)

    def samples_of(self, planned: Planned) -> int:
        """Return how many samples a plan's selectors look at, of those that were read by anyone.

        A fetch may hold more for others: that one of them found samples says nothing of this one.
        """
        return sum(self._samples_between(*one) for one in planned.own_reads())

    def _samples_between(self, fetch: Fetch, low_ms: int, high_ms: int) -> int:
        count, kept = self.read.get(id(fetch), 0), self.selections.get(id(fetch))
        if not count or kept is None or (low_ms <= fetch.start_ms and fetch.end_ms <= high_ms):
            return count
        histograms = kept.block.histograms
        times = [kept.block.ts_ms, *([] if histograms is None else [histograms.ts_ms])]
        return sum(int(np.count_nonzero((one >= low_ms) & (one <= high_ms))) for one in times)


class Evaluation:
    """One query on its way: what was read, what is known, what is to be said."""

    def __init__(
        self, planned: Planned, source: SampleSource, options: EvalOptions, shared: Shared | None = None
    ) -> None:
        self.planned = planned
        self.source = source
        self.options = options
        self.notes = Annotations()
        self.samples_read = 0
        self._shared = shared or Shared()
        self._selections = self._shared.selections
        self._known = self._shared.known
        self._memory = Memory(options.max_bytes, options.check, options.visits_between_checks)

    # ---- nodes

    def value(self, node: Expr, steps: Steps, wants: Wants = WHOLE) -> Value:
        """Return the value of `node` at `steps`; shared nodes are evaluated once.

        `wants` is what the nodes above read of its histograms.
        """
        self.options.check()
        if not self.planned.is_shared(node):
            return self._value(node, steps, wants)
        key = (id(node), steps, wants.stats)
        if key not in self._known:
            self._known[key] = value = self._value(node, steps, wants)
            self._memory.keep(bytes_of(value))
        return self._known[key]

    def _value(self, node: Expr, steps: Steps, wants: Wants) -> Value:
        before = self._memory.passing
        self._memory.check_room(steps.count)
        value = self._dispatch(node, steps, wants.under(node))
        self._memory.count_result(before, bytes_of(value))
        limit = self.options.max_samples
        if limit and isinstance(value, Grid) and value.present.size > limit and value.present.sum() > limit:
            raise PharosError(Kind.LIMITED, TOO_MANY_SAMPLES, hint=LIMIT_HINT)
        return value

    def _dispatch(self, node: Expr, steps: Steps, wants: Wants) -> Value:
        match node:
            case NumberLiteral(value=number):
                return Scalar(np.full(steps.count, number))
            case StringLiteral(value=text):
                return Text(text)
            case Paren(expr=inner):
                return self.value(inner, steps, wants)
            case StepInvariant(expr=inner):
                return self._spread(self.value(inner, replace(steps, count=1), wants), steps.count)
            case VectorSelector():
                return self._instant(node, steps, wants)
            case Unary(op=op, expr=inner):
                return self._unary(op, self.value(inner, steps, wants))
            case Binary(left=left, right=right):
                sides = self.value(left, steps, wants), self.value(right, steps, wants)
                placed = _placed(node, self._place(node))
                return binary_operation(
                    placed, *sides, self._memory,
                    delayed=self.options.delayed_name_removal, notes=self.notes,
                )  # fmt: skip
            case Aggregate():
                return self._aggregate(node, steps, wants)
            case Call():
                return self._call(node, steps, wants)
            case _:
                raise PharosError(Kind.BUG, f"a {type(node).__name__} stands where no range vector can")

    def _spread(self, value: Value, steps: int) -> Value:
        """Return a value of one step at all of them."""
        if isinstance(value, Grid):
            self._memory.check_room(len(value.labels) * steps)
        return broadcast_steps(value, steps)

    def _place(self, node: Expr, within: Place | None = None) -> Place:
        """Return where annotations on `node` point: without parentheses, at the last place it stands at.

        Upstream evaluates equal nodes one by one, and the last one's place is what it keeps. `within` is the
        place of the call or aggregation that `node` is an argument of.
        """
        while isinstance(node, Paren | StepInvariant):
            node = node.expr
        spans = self.planned.spans_of(node)
        if within is not None:
            spans = tuple(s for s in spans if within.start <= s.start and s.end <= within.end) or spans
        return spans[-1]

    def _argument_place(self, arg: Expr, within: Place) -> Place:
        """Return where annotations on an argument of a call point: for a subquery at the query's beginning.

        Upstream puts the samples of a subquery in its place, and they stand nowhere in the text.
        """
        return Place(0, 0) if isinstance(arg, Subquery) else self._place(arg, within)

    def _unary(self, op: str, value: Value) -> Value:
        if op == "+":
            return value
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        if not isinstance(value, Grid):
            raise PharosError(Kind.BUG, "a string was negated; check should refuse it")
        cells = None
        if value.cells is not None:
            cells = histograms.negated(value.cells)
        negative = Grid(value.labels, -value.values, value.present, cells, value.dropped)
        return lose_names(negative, delayed=self.options.delayed_name_removal)

    def _aggregate(self, node: Aggregate, steps: Steps, wants: Wants) -> Value:
        param: Floats | None = None
        if node.param is not None and node.op != "count_values":
            value = self.value(node.param, steps, wants)
            param = value.values if isinstance(value, Scalar) else None
        grid = vectors.grid_of(self.value(node.expr, steps, wants))
        place = self._place(node)
        expr, param_place = (self._place(part, place) if part else place for part in (node.expr, node.param))
        places = Places(place, expr, param_place)
        return aggregate(
            node, grid, param, places, self._memory,
            delayed=self.options.delayed_name_removal, notes=self.notes,
        )  # fmt: skip

    # ---- selectors

    def _selection(self, selector: VectorSelector) -> Selection:
        fetch = self.planned.fetch_of(selector)
        if id(fetch) not in self._selections:
            self.options.check()
            block = self.source.select(fetch.matchers, fetch.start_ms, fetch.end_ms)
            self._count(block.values.size)
            self._memory.keep(bytes_of_block(block))
            self._shared.keep(fetch, block)
        return self._selections[id(fetch)]

    def _by_blocks(self, selector: VectorSelector, steps: Steps, work: Callable[[Selection], Grid]) -> Grid:
        """Return what `work` makes of a selector's samples, read piecemeal if there are very many."""
        fetch = self.planned.fetch_of(selector)
        if id(fetch) in self._selections or not _gives_blocks(self.source):
            return work(self._selection(selector))
        blocks = self.source.blocks(fetch.matchers, fetch.start_ms, fetch.end_ms, steps.count)
        if blocks is None:
            return work(self._selection(selector))
        grids: list[Grid] = []
        room = Room(self.options.max_samples, len(blocks.labels))
        for series, grid in overlapped(self._jobs(blocks.blocks, work), self.options.workers):
            room.take(series, grid)
            self._memory.take(bytes_of(grid))
            grids.append(grid)
        self._shared.read[id(fetch)] = max(1, len(blocks.labels))
        return stacked(grids, steps.count, blocks.labels)

    def _jobs(
        self, blocks: Iterable[SeriesBlock], work: Callable[[Selection], Grid]
    ) -> Iterator[Callable[[], tuple[int, Grid]]]:
        """Yield what is to be computed of each block; with start times at once, as that may add notes."""

        def made(block: SeriesBlock) -> tuple[int, Grid]:
            return len(block.labels), drop_absent(work(Selection(block)))

        for block in blocks:
            self.options.check()
            self.samples_read += block.values.size
            if block.start_ms is None:
                yield partial(made, block)
            else:
                one = made(block)
                yield partial(_itself, one)

    def _count(self, samples: int) -> None:
        self.samples_read += samples
        if self.options.max_samples and self.samples_read > self.options.max_samples:
            raise PharosError(Kind.LIMITED, TOO_MANY_SAMPLES, hint="narrow the selector or the time range")

    def _instant(self, node: VectorSelector, steps: Steps, wants: Wants) -> Grid:
        at, shift = node.at, milliseconds(node.offset)
        inner = steps if at is None else Steps(at.ms, 1, 1)

        def select(selection: Selection) -> Grid:
            return select_instant(
                selection, node, inner.start_ms - shift, inner.step_ms, inner.count,
                self.planned.lookback_ms, self.notes, stats=wants.stats,
            )  # fmt: skip

        grid = self._by_blocks(node, inner, select)
        if at is None:
            return grid
        return vectors.grid_of(self._spread(grid, steps.count))

    def windows(
        self,
        node: MatrixSelector,
        steps: Steps,
        wants: Wants = WHOLE,
        selection: Selection | None = None,
    ) -> Windows:
        """Return the samples in the range before each step, of `selection` if it is given."""
        selector = node.selector
        shift = milliseconds(selector.offset)
        fixed = selector.at is not None
        first = selector.at.ms if selector.at is not None else steps.start_ms
        samples = (selection or self._selection(selector)).samples(stats=wants.stats)
        if not self.options.start_timestamps:
            samples = replace(samples, started=None)
        return Windows(
            samples=samples,
            first_ms=first - shift,
            stride_ms=0 if fixed else steps.step_ms,
            steps=steps.count,
            range_ms=milliseconds(node.range),
            eval_first_ms=steps.start_ms,
            eval_step_ms=steps.step_ms,
            anchored=selector.anchored,
            smoothed=selector.smoothed,
            reach_ms=self.planned.lookback_ms,
        )

    def subquery(self, node: Subquery, steps: Steps, wants: Wants = WHOLE) -> tuple[Steps, Grid]:
        """Return the times a subquery is evaluated at and what it gives there."""
        shift, width = milliseconds(node.offset), milliseconds(node.range)
        stride = milliseconds(node.step or 1)
        first, last = steps.start_ms, steps.last_ms
        if node.at is not None:
            first = last = node.at.ms
        start = subquery_start(first, shift, width, stride)
        count = max(0, (last - shift - start) // stride + 1)
        if self.options.max_samples and count > self.options.max_samples:
            raise PharosError(Kind.LIMITED, TOO_MANY_SAMPLES, hint="widen the step of the subquery")
        inner = Steps(start, stride, count)
        if count == 0:
            return inner, empty_grid(0)
        return inner, vectors.grid_of(self.value(node.expr, inner, wants.under(node)))

    def _subquery_windows(self, node: Subquery, steps: Steps, wants: Wants) -> Windows:
        inner, grid = self.subquery(node, steps, wants)
        shift = milliseconds(node.offset)
        first = node.at.ms if node.at is not None else steps.start_ms
        self._memory.take(16 * int(np.count_nonzero(grid.present)))
        return Windows(
            samples=histograms.forget_reset_hints(samples_of_grid(grid, inner.times_ms())),
            first_ms=first - shift,
            stride_ms=0 if node.at is not None else steps.step_ms,
            steps=steps.count,
            range_ms=milliseconds(node.range),
            eval_first_ms=steps.start_ms,
            eval_step_ms=steps.step_ms,
        )

    def _call(self, node: Call, steps: Steps, wants: Wants) -> Value:
        args = [bare(arg) for arg in node.args]
        place = self._place(node)
        told = [_placed(arg, self._argument_place(arg, place)) for arg in args]
        placed = _placed(node, place)
        if any(one is not other for one, other in zip(told, placed.args, strict=True)):
            placed = dataclasses.replace(placed, args=tuple(told))
        if FUNCTIONS[node.func].sees_samples and isinstance(args[0], VectorSelector):
            return self._timestamps(node.func, args[0], steps)
        if node.func == "start_timestamp":  # which only a sample as it is stored has
            self.value(args[0], steps, wants)
            return empty_grid(steps.count)
        if node.func in _QUERY_TIMES:
            return Scalar(np.full(steps.count, _QUERY_TIMES[node.func](self.planned) / 1000))
        delayed = self.options.delayed_name_removal
        context = Context(placed, steps.times_ms(), delayed, self.notes, self._memory)
        if node.func == "info":
            return info.info(
                context,
                vectors.grid_of(self.value(args[0], steps, wants)),
                args,
                self.source,
                self.planned.lookback_ms,
            )
        for i, arg in enumerate(args):
            if isinstance(arg, MatrixSelector | Subquery):
                return self._range_call(placed, args, i, steps, wants)
        return CALLS[node.func](context, [self.value(arg, steps, wants) for arg in args])

    def _timestamps(self, func: str, selector: VectorSelector, steps: Steps) -> Grid:
        shift = milliseconds(selector.offset)
        first, stride = (steps.start_ms, steps.step_ms) if selector.at is None else (selector.at.ms, 0)
        grid = select_times(
            self._selection(selector), first - shift, stride, steps.count, self.planned.lookback_ms,
            started=func == "start_timestamp",
        )  # fmt: skip
        return lose_names(grid, delayed=self.options.delayed_name_removal)

    def _range_call(self, node: Call, args: Sequence[Expr], at: int, steps: Steps, wants: Wants) -> Value:
        arg = args[at]
        scalars = [
            vectors.numbers_of(self.value(other, steps, wants)) for i, other in enumerate(args) if i != at
        ]
        call = RangeCall(
            node=node,
            scalars=scalars,
            arg_place=node.args[at].place,
            delayed=self.options.delayed_name_removal,
            use_types=self.options.type_and_unit_labels,
            notes=self.notes,
            memory=self._memory,
            histogram_columns=self.options.histogram_columns,
        )
        is_absence = node.func == ABSENCE
        counted = (
            replace(call, node=dataclasses.replace(node, func="count_over_time")) if is_absence else call
        )

        def over(windows: Windows) -> Grid:
            return correct_histograms(counted, windows, range_function(counted, windows))

        if isinstance(arg, Subquery):
            grid = over(self._subquery_windows(arg, steps, wants))
        elif isinstance(arg, MatrixSelector):
            grid = self._by_blocks(
                arg.selector, steps, lambda selection: over(self.windows(arg, steps, wants, selection))
            )
        else:
            raise PharosError(Kind.BUG, "a range function without a range vector")
        return absence(arg, ~any_series(grid.present)) if is_absence else finish_names(call, grid)


_Node = TypeVar("_Node", bound=Expr)


def _placed(node: _Node, place: Place) -> _Node:
    """Return a node that says where it stands; to make another one takes longer than a small query may."""
    return node if node.place == place else dataclasses.replace(node, place=place)


def _histograms_of(block: SeriesBlock) -> int:
    return 0 if block.histograms is None else len(block.histograms.ts_ms)


@lru_cache(maxsize=16)
def _is_block_source(kind: type) -> bool:
    return issubclass(kind, BlockSource)


def _gives_blocks(source: SampleSource) -> TypeGuard[BlockSource]:
    """Return whether a source gives blocks; a protocol is looked through once a class, not once a query."""
    return _is_block_source(type(source))


def milliseconds(duration: Duration) -> int:
    """Return a duration of a planned node, which is a number."""
    if not isinstance(duration, int):
        raise PharosError(Kind.BUG, "a duration expression reached the evaluation; plan should resolve it")
    return duration


def bare(node: Expr) -> Expr:
    """Return `node` without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.expr
    return node


def _itself(made: tuple[int, Grid]) -> tuple[int, Grid]:
    return made
