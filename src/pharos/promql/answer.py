"""From a planned query to its answer: the value of its root as the API answers it, and what is to be told."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.promql.evaluate import EvalOptions, Evaluation, Shared, Steps
from pharos.promql.grids.grid import (
    Answer,
    AnswerType,
    Grid,
    Scalar,
    Text,
    drop_absent,
    settle_names,
    take_rows,
)
from pharos.promql.grids.room import LIMIT_HINT, NO_MEMORY, without_frames
from pharos.promql.grids.windows import window_rows
from pharos.promql.language.ast import Expr, MatrixSelector, Paren, StepInvariant, Subquery
from pharos.promql.language.parse import parse
from pharos.promql.plan import DEFAULT_LOOKBACK_MS, Planned, plan
from pharos.promql.source import SampleSource


def evaluate(
    planned: Planned, source: SampleSource, options: EvalOptions | None = None, shared: Shared | None = None
) -> Answer:
    """Return the answer of a planned query over `source`: names settled, ordered where the API orders it.

    `shared` is of plans that were made together, and are evaluated over the same samples; how many were read
    counts then what others read for it too.

    Raises PharosError(INVALID) where Prometheus ends a query with an error, PharosError(LIMITED) where a
    limit is met, and whatever `source` and `options.check` raise.
    """
    evaluation = Evaluation(planned, source, options or EvalOptions(), shared)
    try:
        answer = _answer(evaluation, planned)
    except MemoryError as exc:
        raise PharosError(Kind.LIMITED, NO_MEMORY, hint=LIMIT_HINT) from without_frames(exc)
    except PharosError as exc:
        without_frames(exc)
        raise
    warnings, infos = evaluation.notes.rendered(planned.text)
    read = evaluation.samples_read if shared is None else shared.samples_of(planned)
    return replace(answer, warnings=warnings, infos=infos, samples_read=read)


def evaluate_text(
    text: str,
    source: SampleSource,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    *,
    options: EvalOptions | None = None,
    lookback_ms: int = DEFAULT_LOOKBACK_MS,
    subquery_step_ms: int = 60_000,
) -> Answer:
    """Return the answer of a query in words; a step of 0 asks for the instant `end_ms`.

    Raises PharosError as `parse`, `check`, `plan` and `evaluate` do.
    """
    expr = parse(text)
    planned = plan(expr, start_ms, end_ms, step_ms, subquery_step_ms, lookback_ms=lookback_ms, text=text)
    return evaluate(planned, source, options)


def _answer(evaluation: Evaluation, planned: Planned) -> Answer:
    instant = planned.step_ms == 0
    count = 1 if instant else (planned.end_ms - planned.start_ms) // planned.step_ms + 1
    steps = Steps(planned.start_ms, planned.step_ms, count)
    root = _root(planned.expr)
    if isinstance(root, MatrixSelector | Subquery):
        _refuse_range("range vector", instant=instant)
        return _range_answer(evaluation, root, steps)
    value = evaluation.value(root, steps)
    times = steps.times_ms()
    if isinstance(value, Text):
        _refuse_range("string", instant=instant)
        return Answer(AnswerType.STRING, times, text=value.value)
    if isinstance(value, Scalar):
        kind = AnswerType.SCALAR if instant else AnswerType.MATRIX
        row = value.values.reshape(1, -1)
        return Answer(kind, times, [()], row, np.ones(row.shape, np.bool_))
    grid = drop_absent(settle_names(value))
    kind = AnswerType.VECTOR
    if not instant:
        kind = AnswerType.MATRIX
        grid = _ordered(grid)
    return Answer(kind, times, grid.labels, grid.values, grid.present, grid.cells)


def _root(expr: Expr) -> Expr:
    """Return a range vector without what stands around it, any other expression as it is."""
    while isinstance(expr, Paren | StepInvariant) and isinstance(
        expr.expr, Paren | MatrixSelector | Subquery
    ):
        expr = expr.expr
    return expr


def _refuse_range(kind: str, *, instant: bool) -> None:
    if not instant:
        raise PharosError(
            Kind.INVALID,
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector',
        )


def _range_answer(evaluation: Evaluation, root: MatrixSelector | Subquery, steps: Steps) -> Answer:
    if isinstance(root, Subquery):
        inner, grid = evaluation.subquery(root, steps)
        grid = _ordered(drop_absent(settle_names(grid)))
        return Answer(AnswerType.MATRIX, inner.times_ms(), grid.labels, grid.values, grid.present, grid.cells)
    windows = evaluation.windows(root, steps)
    return Answer(AnswerType.MATRIX, steps.times_ms(), raw=window_rows(windows))


def _ordered(grid: Grid) -> Grid:
    """Return the grid in order of its labels, as a matrix is answered."""
    labels = list(grid.labels)
    order = sorted(range(len(labels)), key=labels.__getitem__)
    if order == list(range(len(labels))):
        return replace(grid, labels=labels)
    return take_rows(replace(grid, labels=labels), np.asarray(order, np.int64))
