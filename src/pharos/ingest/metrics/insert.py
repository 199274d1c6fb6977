"""Decoded metrics into the engine: one block a table, the segment's name as token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.engine import Engine, native
from pharos.engine.keys import bucket_of
from pharos.engine.native import Column
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.order import key_order
from pharos.ingest.metrics.parts import Exemplars, Histograms, Parts
from pharos.ingest.metrics.traits import HISTOGRAMS, STARTS, Traits
from pharos.ingest.metrics.values import value_columns

_TIME: Final = "DateTime64(3, 'UTC')"


def insert_metrics(
    engine: Engine,
    tenants: Mapping[str, TenantColumns],
    parts: Sequence[tuple[str, Parts]],
    seen_ms: int,
    traits: Traits,
    token: str,
) -> None:
    """Store columns and parts durably; repeating it with the same token adds nothing.

    `seen_ms` is when they were received. Series go first, so that no sample is ever stored whose labels are
    unknown, and traits before what they tell of. Raises what `Engine.load` raises.
    """
    shares = list(tenants.items())
    _load_series(engine, shares, token)
    traits.write(engine, _traits_of(shares, parts), token)
    _load_samples(engine, shares, token)
    _load_starts(engine, shares, token)
    _load_histograms(engine, parts, token)
    _load_exemplars(engine, parts, token)
    _load_metadata(engine, parts, seen_ms, token)


def _traits_of(
    shares: Sequence[tuple[str, TenantColumns]], parts: Sequence[tuple[str, Parts]]
) -> Iterator[tuple[str, str, NDArray[np.uint64]]]:
    for tenant, columns in shares:
        if count := int(columns.counts[places.STARTS]):
            yield tenant, STARTS, columns.starts.metric[:count]
    for tenant, part in parts:
        if part.histograms is not None:
            yield tenant, HISTOGRAMS, part.histograms.metric


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


class _Rows(NamedTuple):
    """Rows of id, metric, time and a number of several tenants, one tenant after the other."""

    runs: list[tuple[str, int]]
    ids: NDArray[np.uint64]
    metrics: NDArray[np.uint64]
    ts: NDArray[np.int64]
    numbers: NDArray[Any]

    @classmethod
    def of(
        cls, tenants: Sequence[tuple[str, TenantColumns]], place: int, kind: Callable[[TenantColumns], Any]
    ) -> _Rows | None:
        """Return the rows of a kind, in the order of the tenants' names; None without any."""
        shares: list[tuple[str, list[NDArray[Any]]]] = []
        for tenant, columns in sorted(tenants, key=lambda share: share[0].encode()):
            if count := int(columns.counts[place]):
                shares.append((tenant, [array[:count] for array in kind(columns)]))
        if not shares:
            return None
        runs = [(tenant, len(arrays[0])) for tenant, arrays in shares]
        return cls(runs, *(_joined([arrays[i] for _, arrays in shares]) for i in range(4)))

    def order(self) -> NDArray[np.int32]:
        """Return where the rows lie, in the order of the table's key."""
        order, begin = np.empty(len(self.ids), np.int32), 0
        for _, count in self.runs:
            end = begin + count
            own = key_order(self.ids[begin:end], self.metrics[begin:end], self.ts[begin:end])
            order[begin:end] = own + np.int32(begin)
            begin = end
        return order


def _load_samples(engine: Engine, tenants: Sequence[tuple[str, TenantColumns]], token: str) -> None:
    rows = _Rows.of(tenants, places.SAMPLES, lambda columns: columns.samples)
    if rows is None:
        return
    # Rows that are in the order of the table's key are not sorted again, nor copied for it.
    order = rows.order()
    engine.load(
        "samples",
        len(order),
        [
            native.repeated_string("tenant", rows.runs),
            native.gathered("b", bucket_of(rows.ts), order),
            native.gathered("id", rows.ids, order),
            native.gathered("m", rows.metrics, order),
            native.gathered("ts", rows.ts, order, _TIME),
            *value_columns(rows.numbers[order]),
        ],
        token=token,
    )


def _load_starts(engine: Engine, tenants: Sequence[tuple[str, TenantColumns]], token: str) -> None:
    rows = _Rows.of(tenants, places.STARTS, lambda columns: columns.starts)
    if rows is None:
        return
    engine.load(
        "starts",
        len(rows.ids),
        [
            native.repeated_string("tenant", rows.runs),
            native.numbers("b", bucket_of(rows.ts)),
            native.numbers("id", rows.ids),
            native.numbers("m", rows.metrics),
            native.numbers("ts", rows.ts, _TIME),
            native.numbers("start_ms", rows.numbers),
        ],
        token=token,
    )


def _load_series(engine: Engine, tenants: Sequence[tuple[str, TenantColumns]], token: str) -> None:
    shares = [(tenant, c, int(c.counts[places.SERIES])) for tenant, c in tenants if c.counts[places.SERIES]]
    if not shares:
        return
    ends, labels = [], np.uint64(0)
    for _, columns, count in shares:
        ends.append(columns.series.label_end[:count] + labels)
        labels = ends[-1][-1]
    names = b"".join(
        c.series.metric_names[: int(c.counts[places.METRIC_BYTES])].tobytes() for _, c, _ in shares
    )
    keys = b"".join(c.series.keys[: int(c.counts[places.KEY_BYTES])].tobytes() for _, c, _ in shares)
    values = b"".join(c.series.values[: int(c.counts[places.VALUE_BYTES])].tobytes() for _, c, _ in shares)
    engine.load(
        "series",
        sum(count for _, _, count in shares),
        [
            native.repeated_string("tenant", [(tenant, count) for tenant, _, count in shares]),
            native.packed_strings("metric", names),
            native.numbers("m", _joined([c.series.metric[:count] for _, c, count in shares])),
            native.numbers("id", _joined([c.series.id[:count] for _, c, count in shares])),
            native.numbers("day", _joined([c.series.day[:count] for _, c, count in shares]), "Date32"),
            native.string_map("labels", _joined(ends), keys, values),
        ],
        token=token,
    )


def _running_ends(
    chunks: Sequence[Histograms] | Sequence[Exemplars], ends: Callable[[int], NDArray[np.uint64]]
) -> NDArray[np.uint64]:
    total = np.uint64(0)
    joined = []
    for i in range(len(chunks)):
        joined.append(ends(i) + total)
        total = joined[-1][-1]
    return np.concatenate(joined)


def _load_histograms(engine: Engine, parts: Sequence[tuple[str, Parts]], token: str) -> None:
    found = [(tenant, part.histograms) for tenant, part in parts if part.histograms is not None]
    if not found:
        return
    chunks = [chunk for _, chunk in found]
    integers = np.concatenate([chunk.integers for chunk in chunks])
    floats = np.concatenate([chunk.floats for chunk in chunks])

    def array(name: str, column: int, values: list[NDArray[np.generic]]) -> Column:
        ends = _running_ends(chunks, lambda i: chunks[i].ends[:, column])
        return native.arrays(name, ends, np.concatenate(values))

    engine.load(
        "histograms",
        len(integers),
        [
            native.repeated_string("tenant", [(tenant, len(chunk.id)) for tenant, chunk in found]),
            native.numbers("b", bucket_of(integers[:, 0])),
            native.numbers("id", np.concatenate([chunk.id for chunk in chunks])),
            native.numbers("m", np.concatenate([chunk.metric for chunk in chunks])),
            native.numbers("ts", integers[:, 0], _TIME),
            native.numbers("start_ms", integers[:, 1]),
            native.numbers("flt", integers[:, 2].astype(np.uint8)),
            native.numbers("reset_hint", integers[:, 3].astype(np.uint8)),
            native.numbers("schema", integers[:, 4].astype(np.int8)),
            native.numbers("count", floats[:, 0]),
            native.numbers("sum", floats[:, 1]),
            native.numbers("zero_threshold", floats[:, 2]),
            native.numbers("zero_count", floats[:, 3]),
            array("positive_span_offset", 0, [c.span_offset[0] for c in chunks]),
            array("positive_span_length", 0, [c.span_length[0] for c in chunks]),
            array("positive", 1, [c.buckets[0] for c in chunks]),
            array("negative_span_offset", 2, [c.span_offset[1] for c in chunks]),
            array("negative_span_length", 2, [c.span_length[1] for c in chunks]),
            array("negative", 3, [c.buckets[1] for c in chunks]),
            array("custom", 4, [c.custom for c in chunks]),
        ],
        token=token,
    )


def _load_exemplars(engine: Engine, parts: Sequence[tuple[str, Parts]], token: str) -> None:
    found = [(tenant, part.exemplars) for tenant, part in parts if part.exemplars is not None]
    if not found:
        return
    chunks = [chunk for _, chunk in found]
    ts = np.concatenate([chunk.ts_ms for chunk in chunks])
    engine.load(
        "exemplars",
        len(ts),
        [
            native.repeated_string("tenant", [(tenant, len(chunk.id)) for tenant, chunk in found]),
            native.numbers("b", bucket_of(ts)),
            native.numbers("id", np.concatenate([chunk.id for chunk in chunks])),
            native.numbers("m", np.concatenate([chunk.metric for chunk in chunks])),
            native.numbers("ts", ts, _TIME),
            native.numbers("v", np.concatenate([chunk.value for chunk in chunks])),
            native.string_map(
                "labels",
                _running_ends(chunks, lambda i: chunks[i].label_end),
                b"".join(chunk.keys for chunk in chunks),
                b"".join(chunk.values for chunk in chunks),
            ),
        ],
        token=token,
    )


def _load_metadata(engine: Engine, parts: Sequence[tuple[str, Parts]], seen_ms: int, token: str) -> None:
    found = [(tenant, item) for tenant, part in parts for item in part.metadata]
    if not found:
        return
    seen: NDArray[np.int64] = np.full(len(found), seen_ms, np.int64)
    engine.load(
        "metadata",
        len(found),
        [
            native.string_values("tenant", [tenant for tenant, _ in found]),
            native.string_values("metric", [item.metric for _, item in found]),
            native.string_values("type", [item.type for _, item in found]),
            native.string_values("unit", [item.unit for _, item in found]),
            native.string_values("help", [item.help for _, item in found]),
            native.numbers("seen_ms", seen),
        ],
        token=token,
    )
