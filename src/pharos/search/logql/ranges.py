"""Range aggregations: samples are made of lines, or counted by the store where it can answer by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.gotext.numbers import parse_float
from pharos.gotext.quoting import quote
from pharos.labels import Labels
from pharos.search.logql.ast import Grouping, MatchOp, RangeAggregation
from pharos.search.logql.grid import Column, Grid, Steps, constant
from pharos.search.logql.line import ERROR, SPECIAL, Line
from pharos.search.logql.lower import Lowered, lower, select_streams
from pharos.search.logql.source import Entry, Source, Stream
from pharos.search.logql.stages import compile_stages, filter_step, label_names, run, wanted_labels
from pharos.search.logql.units import parse_bytes
from pharos.search.logql.windows import Windows, aggregate
from pharos.search.window import Window

COUNTED: Final = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate"})
"""Aggregations of lines that the store may count."""
_SAMPLE_ERROR: Final = "SampleExtractionErr"
_PAGE: Final = 10_000
CHECKED_EVERY: Final = 100
"""After so many lines it is asked whether somebody still waits: templates may take their time."""
_MAX_BUCKETS: Final = 100_000
_CONVERSIONS: Final[dict[str, Callable[[str], float]]] = {
    "": parse_float,
    "duration": lambda text: parse_go_duration(text) / 1e9,
    "duration_seconds": lambda text: parse_go_duration(text) / 1e9,
    "bytes": lambda text: float(parse_bytes(text)),
}


class Limits(Struct, frozen=True):
    """What one query may cost."""

    max_lines: int = 5_000_000
    """Lines that a metric is made of, where the store cannot count them."""
    max_series: int = 20_000
    max_steps: int = 11_000


def window_of(query: RangeAggregation, steps: Steps) -> Window:
    """Return of which time an aggregation takes lines."""
    # Open at its start and closed at its end.
    last = steps.start_ns + max(steps.step_ns, 0) * (steps.count - 1)
    return Window(steps.start_ns - query.offset_ns - query.range_ns + 1, last - query.offset_ns + 1)


class Ranges:
    """Range aggregations over one source."""

    def __init__(self, source: Source, steps: Steps, limits: Limits, check: Callable[[], None]) -> None:
        self._source = source
        self._steps = steps
        self._limits = limits
        self._check = check
        self._lines = 0

    def evaluate(self, query: RangeAggregation, outer: Grouping | None = None) -> Grid:
        """Return the series of an aggregation.

        `outer` is the grouping of a `sum` right around it, which may be applied at once.
        Raises PharosError: INVALID for lines that failed on the way, LIMITED for too much.
        """
        window = window_of(query, self._steps)
        streams = select_streams(self._source.streams(window), query.logs.matchers)
        if query.name == "absent_over_time":
            return self._absent(query, window, streams)
        if not streams:
            return Grid()
        lowered = lower(streams, query.logs.stages, self._source.metadata_fields)
        if self._is_counted(query, lowered, outer):
            return self._counted(query, window, lowered, outer)
        return self._sampled(query, window, lowered, outer)

    # --- counted by the store

    def _is_counted(self, query: RangeAggregation, lowered: Lowered, outer: Grouping | None) -> bool:
        if query.name not in COUNTED or query.unwrap is not None or lowered.rest:
            return False
        if outer is None or outer.without or any(name in SPECIAL for name in outer.names):
            return False
        bucket_ns, count = self._buckets(query)
        return bucket_ns > 0 and count <= _MAX_BUCKETS

    def _buckets(self, query: RangeAggregation) -> tuple[int, int]:
        """Return (the length of buckets that windows are made of, how many there are)."""
        steps = self._steps
        if steps.count == 1:
            return query.range_ns, 1
        bucket_ns = math.gcd(steps.step_ns, query.range_ns)
        return bucket_ns, (steps.step_ns * (steps.count - 1) + query.range_ns) // bucket_ns

    def _counted(
        self, query: RangeAggregation, window: Window, lowered: Lowered, outer: Grouping | None
    ) -> Grid:
        names = outer.names if outer is not None else ()
        bucket_ns, count = self._buckets(query)
        is_bytes = query.name.startswith("bytes")
        lines: dict[Labels, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        amounts: dict[Labels, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        for one in self._source.counts(window, lowered.tree, bucket_ns, names, with_bytes=is_bytes):
            key = _key_of(one.stream, names, one.values)
            if key not in lines:
                self._check_series(len(lines))
                lines[key] = np.zeros(count + 1, dtype=np.int64)
                amounts[key] = np.zeros(count + 1, dtype=np.int64) if is_bytes else lines[key]
            if 0 <= one.bucket < count:
                lines[key][one.bucket + 1] += one.lines
                if is_bytes:
                    amounts[key][one.bucket + 1] += one.bytes
        first = np.arange(self._steps.count) * (max(self._steps.step_ns, 0) // bucket_ns)
        end = first + query.range_ns // bucket_ns
        series = {}
        for key, found in lines.items():
            total = np.cumsum(found)
            amount = np.cumsum(amounts[key]) if is_bytes else total
            values = (amount[end] - amount[first]).astype(np.float64)
            if query.name in {"rate", "bytes_rate"}:
                values /= query.range_ns / 1e9
            series[key] = Column(values, total[end] > total[first])
        return Grid(series)

    # --- made of lines

    def _sampled(
        self, query: RangeAggregation, window: Window, lowered: Lowered, outer: Grouping | None
    ) -> Grid:
        grouping = query.grouping or (outer if query.grouping is None else None)
        label_of = _Labels(grouping, query.unwrap.label if query.unwrap else "")
        extract = _Extraction(query, lowered, label_of.wanted)
        times: dict[Labels, list[int]] = {}
        values: dict[Labels, list[float]] = {}
        for entry in self._entries(query, window, lowered, extract.labels):
            line = Line(entry)
            value = extract.value(line)
            if value is None:
                continue
            key = label_of(line)
            found = times.get(key)
            if found is None:
                self._check_series(len(times))
                found, values[key] = times.setdefault(key, []), []
            found.append(entry.ts_ns)
            values[key].append(value)
        return Grid(
            {
                key: aggregate(query.name, self._windows(query, found, values[key]), query.parameter)
                for key, found in times.items()
            }
        )

    def _windows(self, query: RangeAggregation, times: list[int], values: list[float]) -> Windows:
        return Windows(
            np.array(times, dtype=np.int64),
            np.array(values, dtype=np.float64),
            self._steps,
            query.range_ns,
            query.offset_ns,
        )

    def _entries(
        self, query: RangeAggregation, window: Window, lowered: Lowered, labels: frozenset[str] | None
    ) -> Iterator[Entry]:
        """Yield the lines that are in a window of any step."""
        step_ns, first_ns = self._steps.step_ns, self._steps.start_ns - query.offset_ns
        gaps = self._steps.count > 1 and step_ns > query.range_ns
        for page in self._source.entries(window, lowered.tree, newest_first=False, page=_PAGE, labels=labels):
            self._lines += len(page)
            if self._lines > self._limits.max_lines:
                raise PharosError(
                    Kind.LIMITED,
                    f"the query reads more than {self._limits.max_lines:,} lines",
                    hint="ask for less time, or filter the lines first",
                )
            for entry in page:
                if (
                    gaps
                    and (entry.ts_ns - first_ns) % step_ns
                    and (-(entry.ts_ns - first_ns) % step_ns >= query.range_ns)
                ):
                    continue
                yield entry

    def _absent(self, query: RangeAggregation, window: Window, streams: Sequence[Stream]) -> Grid:
        present = np.zeros(self._steps.count, dtype=bool)
        if streams:
            lowered = lower(streams, query.logs.stages, self._source.metadata_fields)
            extract = _Extraction(query, lowered, frozenset())
            times = []
            for entry in self._entries(query, window, lowered, extract.labels):
                line = Line(entry)
                if extract.value(line) is not None:
                    _refuse_failed(line)
                    times.append(entry.ts_ns)
            present = self._windows(query, times, [1.0] * len(times)).present
        names = [one.name for one in query.logs.matchers]
        labels = tuple(
            sorted(
                (one.name, one.value)
                for one in query.logs.matchers
                if one.op is MatchOp.EQUAL and one.value and names.count(one.name) == 1
            )
        )
        column = constant(1.0, self._steps.count)
        return Grid({labels: Column(column.values, ~present)})

    def _check_series(self, count: int) -> None:
        if count >= self._limits.max_series:
            raise PharosError(
                Kind.LIMITED,
                f"maximum number of series ({self._limits.max_series}) reached for a single query",
                hint="consider reducing query cardinality by adding more specific stream selectors,"
                " or by aggregating with sum by (...)",
            )


def _key_of(stream: Stream, names: Sequence[str], values: Sequence[str]) -> Labels:
    found = [(name, stream.labels.get(name) or value) for name, value in zip(names, values, strict=True)]
    return tuple(sorted(pair for pair in set(found) if pair[1]))


class _Extraction:
    """The number that a line counts for."""

    def __init__(self, query: RangeAggregation, lowered: Lowered, wanted: frozenset[str] | None) -> None:
        if wanted is not None and query.unwrap is not None:
            wanted |= {query.unwrap.label}.union(*map(label_names, query.unwrap.filters))
        self.labels = None if wanted is None else wanted_labels(lowered.rest, wanted)
        """The labels that anybody looks at; None for all."""
        self._steps = compile_stages(lowered.rest, wanted)
        self._unwrap = query.unwrap
        self._counts_bytes = query.name.startswith("bytes")
        if query.unwrap is not None:
            self._label = query.unwrap.label
            self._read = _CONVERSIONS[query.unwrap.conversion]
            self._filters = tuple(map(filter_step, query.unwrap.filters))

    def value(self, line: Line) -> float | None:
        """Return a line's number once it went through all stages; None for one that is left out."""
        if not run(self._steps, line):
            return None
        if self._unwrap is None:
            return float(len(line.text.encode("utf-8", "replace"))) if self._counts_bytes else 1.0
        text = line.get(self._label)
        if not text:
            return None
        number = 0.0
        try:
            number = self._read(text)
        except PharosError as exc:
            line.fail(_SAMPLE_ERROR, exc.message)
        return number if run(self._filters, line) else None


class _Labels:
    """The labels of the series that a line belongs to."""

    def __init__(self, grouping: Grouping | None, unwrapped: str) -> None:
        self._by = grouping.names if grouping is not None and not grouping.without else None
        self._without = set(grouping.names) if grouping is not None and grouping.without else set()
        if unwrapped and self._by is None:
            self._without.add(unwrapped)
        self._takes_errors = self._by is not None and ERROR in self._by
        self.wanted = None if self._by is None else frozenset(self._by)
        """The labels that are looked at; None for all."""

    def __call__(self, line: Line) -> Labels:
        """Return them. Raises PharosError(INVALID) for a line that failed, which a metric does not count."""
        if line.error and not self._takes_errors:
            _refuse_failed(line)
        if self._by is not None:
            found = {(name, line.get(name) or "") for name in self._by}
        else:
            found = {pair for pair in line.labels().items() if pair[0] not in self._without}
        return tuple(sorted(pair for pair in found if pair[1]))


def _refuse_failed(line: Line) -> None:
    if not line.error:
        return
    labels = ", ".join(f"{name}={quote(value)}" for name, value in sorted(line.labels().items()))
    raise PharosError(
        Kind.INVALID,
        f"pipeline error: '{line.error}' for series: '{{{labels[:1000]}}}'",
        hint=f'use a label filter to intentionally skip this error, as | {ERROR}!="{line.error}",'
        f' or all errors with | {ERROR}=""',
    )
