"""Compile every kernel once, so that the first request of a fresh installation is not slow.

The compiled code is kept on disk by numba; on a second call everything is found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cramjam
import numpy as np

from pharos.api.encode import encode_answer, histogram_text
from pharos.engine.native import varint
from pharos.errors import PharosError
from pharos.ingest.decoder import Decoder, FrameKind, Run
from pharos.ingest.scrape.cache import warm_up
from pharos.labels import Labels, Matcher
from pharos.promql.ast import ValueType
from pharos.promql.evaluate import evaluate
from pharos.promql.functions import AGGREGATORS, FUNCTIONS, Function
from pharos.promql.histogram import FloatHistogram
from pharos.promql.parse import parse
from pharos.promql.plan import plan
from pharos.promql.source import SeriesBlock
from pharos.query.regroup import id_table, regroup

_STEP_MS: Final = 15_000
_ARGUMENTS: Final = {
    ValueType.SCALAR: "0.5",
    ValueType.VECTOR: "m",
    ValueType.MATRIX: "m[5m]",
    ValueType.STRING: '"x"',
}
_OTHERS: Final = (
    "m + on (i) group_left m",
    "m * 2 > bool 1",
    "m and m",
    "m or m",
    "m unless m",
    "-m",
    "max_over_time(rate(m[5m])[10m:1m])",
    "m[5m]",
    'label_replace(m, "a", "$1", "i", "(.*)")',
    'label_join(m, "a", "-", "i")',
    "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
)


class _Samples:
    """A source with a few series, whatever is asked for."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:  # noqa: ARG002
        """Return four series with a sample every 15 seconds."""
        ts = np.arange(start_ms, end_ms, _STEP_MS, dtype=np.int64)
        labels: list[Labels] = [
            (("__name__", "m"), ("i", str(i)), ("le", "+Inf" if i == 3 else str(i))) for i in range(4)
        ]
        offsets = np.arange(5, dtype=np.int64) * len(ts)
        return SeriesBlock(labels, offsets, np.tile(ts, 4), np.arange(4 * len(ts), dtype=np.float64))


def _expressions() -> Iterator[str]:
    for function in FUNCTIONS.values():
        yield f"{function.name}({', '.join(_arguments(function))})"
    for aggregator in AGGREGATORS.values():
        parameter = {None: "", ValueType.SCALAR: "0.5, ", ValueType.STRING: '"x", '}.get(
            aggregator.param, "1, "
        )
        yield f"{aggregator.name} by (i) ({parameter}m)"
    yield from _OTHERS


def _arguments(function: Function) -> list[str]:
    return [_ARGUMENTS[kind] for kind in function.args]


def warm() -> int:
    """Compile, or load from disk, what ingest, scraping and queries use; return how many expressions ran."""
    warm_up()
    label = b"\x0a\x08__name__\x12\x01m"
    series = b"\x0a" + varint(len(label)) + label + b"\x12\x0b\x09" + bytes(8) + b"\x10\x01"
    body = b"\x0a" + varint(len(series)) + series
    decoder = Decoder(seed=1, today=0, max_age_ms=0)
    for request in (body, body):
        packed = bytes(cramjam.snappy.compress_raw(request))
        decoder.decode_frame(Run(), FrameKind.REMOTE_WRITE_1, "default", packed, 1)
    rows = (np.ones(1, np.uint64), np.ones(1, np.int64), np.ones(1))
    regroup([rows], id_table(rows[0]), 1, 0, 2)
    histogram_text(FloatHistogram())
    ran = 0
    for text in _expressions():
        for end_ms, step_ms in ((3_600_000, _STEP_MS), (0, 0)):
            try:
                planned = plan(parse(text), 3_600_000 - end_ms, 3_600_000, step_ms, 60_000)
                for _ in encode_answer(
                    evaluate(planned, _Samples()), is_range=bool(step_ms), step_ms=step_ms
                ):
                    pass
            except PharosError:
                # Some functions refuse such arguments; their kernels are compiled by then or need none.
                continue
            ran += 1
    return ran
