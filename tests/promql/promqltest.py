"""promqltest files run in this process: every eval is asked and compared as upstream's runner does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from tests.promql.promqltest_language import Clear, Command, Eval, Load, Point
from tests.promql.promqltest_source import MemorySource

from pharos.errors import PharosError
from pharos.labels import Labels
from pharos.promql.answer import evaluate_text
from pharos.promql.evaluate import EvalOptions
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.histograms.value import FloatHistogram

EPSILON = 1e-6
OPTIONS = EvalOptions(delayed_name_removal=True)


class MismatchError(AssertionError):
    """What an eval gave is not what the file expects."""


def almost_equal(a: float, b: float) -> bool:
    """Return whether two floats are equal as upstream's test runner has it."""
    if (math.isnan(a) and math.isnan(b)) or a == b:
        return True
    total, diff = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or total < 2.2250738585072014e-308:
        return diff < EPSILON * 2.2250738585072014e-308
    return diff / min(total, 1.7976931348623157e308) < EPSILON


def _same_histogram(expected: Point, actual: FloatHistogram) -> bool:
    if expected.histogram is None:
        return False
    a, b = expected.histogram.copy().compact(), actual.copy().compact()
    if expected.hinted and a.hint is not b.hint:
        return False
    if a.schema != b.schema or a.custom != b.custom or a.zero_threshold != b.zero_threshold:
        return False
    pairs = [(a.count, b.count), (a.sum, b.sum), (a.zero_count, b.zero_count)]
    for left, right in ((a.positive, b.positive), (a.negative, b.negative)):
        if left.keys() != right.keys():
            return False
        pairs += [(left[index], right[index]) for index in left]
    return all(almost_equal(left, right) for left, right in pairs)


def _cell(answer: Answer, row: int, k: int) -> float | FloatHistogram:
    cell = None if answer.cells is None else answer.cells[row, k]
    return float(answer.values[row, k]) if cell is None else cell


def _check_cell(what: str, expected: Point, actual: float | FloatHistogram) -> None:
    if isinstance(actual, FloatHistogram):
        if not _same_histogram(expected, actual):
            raise MismatchError(f"{what}: expected {expected.histogram or expected.value}, got {actual!r}")
    elif expected.histogram is not None or not almost_equal(expected.value, actual):
        raise MismatchError(f"{what}: expected {expected.histogram or expected.value}, got {actual}")


def series_points(answer: Answer) -> list[tuple[Labels, list[tuple[int, float | FloatHistogram]]]]:
    """Return the series of a matrix with their points."""
    if answer.raw is not None:
        out: list[tuple[Labels, list[tuple[int, float | FloatHistogram]]]] = []
        raw = answer.raw
        for row, labels in enumerate(raw.labels):
            points: list[tuple[int, float | FloatHistogram]] = [
                (int(raw.ts[j]), float(raw.values[j])) for j in range(raw.offsets[row], raw.offsets[row + 1])
            ]
            if raw.histograms is not None:
                found = raw.histograms
                points += [
                    (int(found.ts[j]), found.cells[j])
                    for j in range(found.offsets[row], found.offsets[row + 1])
                ]
            out.append((labels, sorted(points, key=lambda point: point[0])))
        return out
    times = answer.times_ms.tolist()
    return [
        (labels, [(times[k], _cell(answer, row, k)) for k in np.flatnonzero(answer.present[row]).tolist()])
        for row, labels in enumerate(answer.labels)
    ]


def _check_matrix(asked: Eval, answer: Answer) -> None:
    if asked.ordered or asked.scalar is not None:
        raise MismatchError("got a matrix")
    got = series_points(answer)
    if [labels for labels, _ in got] != sorted(labels for labels, _ in got):
        raise MismatchError(f"a matrix not in order: {[labels for labels, _ in got]}")
    want = {series.labels: series for series in asked.series}
    for labels, points in got:
        if labels not in want:
            raise MismatchError(f"unexpected series {labels} with {points}")
        expected = [
            (asked.start_ms + i * asked.step_ms, point)
            for i, point in enumerate(want.pop(labels).points)
            if not point.omitted
        ]
        if any(ts > asked.end_ms for ts, _ in expected):
            raise MismatchError(f"{labels}: more points expected than the range has")
        if [ts for ts, _ in expected] != [ts for ts, _ in points]:
            raise MismatchError(f"{labels}: expected {[(t, p.value) for t, p in expected]}, got {points}")
        for (ts, point), (_, actual) in zip(expected, points, strict=True):
            _check_cell(f"{labels} at {ts} ms", point, actual)
    if want:
        raise MismatchError(f"expected series not found: {list(want)}")


Vector = list[tuple[Labels, "float | FloatHistogram"]]


def _check_vector(asked: Eval, got: Vector) -> None:
    if asked.scalar is not None:
        raise MismatchError(f"expected a scalar, got the vector {got}")
    places = {series.labels: at for at, series in enumerate(asked.series)}
    want = {series.labels: series for series in asked.series}
    for at, (labels, actual) in enumerate(got):
        if labels not in want:
            raise MismatchError(f"unexpected {labels} with {actual!r}")
        if asked.ordered and places[labels] != at:
            raise MismatchError(f"{labels} expected at {places[labels] + 1}, was at {at + 1}")
        points = want.pop(labels).points
        if not points or points[0].omitted:
            raise MismatchError(f"{labels}: no value expected, got {actual}")
        _check_cell(str(labels), points[0], actual)
    if want:
        raise MismatchError(f"expected series not found: {list(want)}")


def _check_answer(asked: Eval, answer: Answer) -> None:
    if answer.type is AnswerType.MATRIX:
        _check_matrix(asked, answer)
    elif answer.type is AnswerType.VECTOR:
        _check_vector(asked, [(labels, _cell(answer, row, 0)) for row, labels in enumerate(answer.labels)])
    elif answer.type is AnswerType.STRING:
        if answer.text != (asked.string or ""):
            raise MismatchError(f"expected the string {asked.string!r}, got {answer.text!r}")
    elif asked.scalar is None:
        raise MismatchError(f"expected a vector or matrix, got the scalar {answer.values}")
    elif not almost_equal(float(answer.values[0, 0]), asked.scalar):
        raise MismatchError(f"expected the scalar {asked.scalar}, got {answer.values[0, 0]}")


def _check_notes(asked: Eval, answer: Answer) -> None:
    for kind, got in (("warn", answer.warnings), ("info", answer.infos)):
        want = asked.expected(kind)
        if (want or asked.legacy == kind) and not got:
            raise MismatchError(f"expected {kind} annotations, found none")
        for expect in want:
            if not any(expect.fits(text) for text in got):
                raise MismatchError(f"expected {kind} {expect.how} {expect.text!r}, found {got}")
        for text in got if want else ():
            if not any(expect.fits(text) for expect in want):
                raise MismatchError(f"unexpected {kind} {text!r}")
        if asked.expected(f"no_{kind}") and got:
            raise MismatchError(f"unexpected {kind} {got}")


def _check_failure(asked: Eval, message: str) -> None:
    if asked.message is not None and message != asked.message:
        raise MismatchError(f"expected the error {asked.message!r}, got {message!r}")
    if asked.pattern is not None and not re.search(asked.pattern, message):
        raise MismatchError(f"expected an error like {asked.pattern!r}, got {message!r}")
    for expect in asked.expected("fail"):
        if not expect.fits(message):
            raise MismatchError(f"expected the error {expect.text!r}, got {message!r}")


_CONTEXT = re.compile(r"(start|end|range|step)\(\)")


def run_eval(asked: Eval, source: MemorySource) -> None:
    """Ask `source` and compare; an instant is asked again as the middle step of a range.

    Raises MismatchError.
    """
    instant = not asked.ranged
    times = (asked.end_ms, asked.end_ms, 0) if instant else (asked.start_ms, asked.end_ms, asked.step_ms)
    try:
        answer = evaluate_text(asked.expr, source, *times, options=OPTIONS)
    except PharosError as exc:
        if not asked.fails:
            raise MismatchError(f"unexpected error: {exc}") from exc
        _check_failure(asked, exc.message)
        return
    if asked.fails:
        raise MismatchError("expected an error, got none")
    _check_notes(asked, answer)
    _check_answer(asked, answer)
    if asked.ranged or asked.range_vector or asked.string is not None or _CONTEXT.search(asked.expr):
        return
    middle = asked.end_ms
    ranged = evaluate_text(asked.expr, source, middle - 60_000, middle + 60_000, 60_000, options=OPTIONS)
    if asked.ordered:
        return
    vector: Vector = [
        (labels, actual) for labels, points in series_points(ranged) for ts, actual in points if ts == middle
    ]
    if asked.scalar is not None:
        if len(vector) != 1 or isinstance(vector[0][1], FloatHistogram):
            raise MismatchError(f"range: expected one number, got {vector}")
        if not almost_equal(vector[0][1], asked.scalar):
            raise MismatchError(f"range: expected {asked.scalar}, got {vector}")
        return
    try:
        _check_vector(asked, vector)
    except MismatchError as exc:
        raise MismatchError(f"range: {exc}") from exc


def replay(commands: Sequence[Command]) -> Iterator[tuple[Eval, MemorySource]]:
    """Yield every eval with the storage as it is when the eval's turn comes."""
    source = MemorySource()
    for command in commands:
        if isinstance(command, Clear):
            source = MemorySource()
        elif isinstance(command, Load):
            source = source.with_load(command)
        else:
            yield command, source
