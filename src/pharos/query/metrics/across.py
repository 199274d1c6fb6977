"""Several tenants read at once: each by itself, and what is found told apart by a label.

As Mimir's tenant federation has it (pkg/querier/tenantfederation): a series gets the label `__tenant_id__`;
one that it has already becomes `original___tenant_id__`. Matchers of the first choose tenants, those of the
second are about the label that the series had. Below this module every question is about one tenant, so that
what is kept of a tenant serves here too, and equal series of two tenants never meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.labels import ORIGINAL_TENANT_LABEL, TENANT_LABEL, Labels, Matcher
from pharos.promql.source import HistogramColumns, SeriesBlock, empty_block
from pharos.query.metrics.samples import MetricSource, SampleBounds


def labels_of_tenant(labels: Labels, tenant: str) -> Labels:
    """Return the labels of a tenant's series as they are shown beside those of other tenants."""
    found = dict(labels)
    own = found.get(TENANT_LABEL)
    if own is not None:
        found[ORIGINAL_TENANT_LABEL] = own
    found[TENANT_LABEL] = tenant
    return tuple(sorted(found.items()))


def chosen(scope: Scope, matchers: Sequence[Matcher]) -> Iterator[tuple[Scope, tuple[Matcher, ...]]]:
    """Yield the scope of every tenant that the matchers choose, and what its own series must match."""
    of_tenants = [matcher for matcher in matchers if matcher.name == TENANT_LABEL]
    own = tuple(
        Matcher(TENANT_LABEL, matcher.op, matcher.value) if matcher.name == ORIGINAL_TENANT_LABEL else matcher
        for matcher in matchers
        if matcher.name != TENANT_LABEL
    )
    for one in scope.each():
        if all(matcher.matches(one.tenant) for matcher in of_tenants):
            yield one, own


class AcrossSource:
    """The samples of several tenants within one query; see `SampleSource`.

    `sources` are those of each tenant, each with the query's bounds, which hold for all of them together.
    """

    def __init__(self, scope: Scope, sources: Sequence[MetricSource], bounds: SampleBounds) -> None:
        self._scope = scope
        self._sources = {source.tenant: source for source in sources}
        self._bounds = bounds

    @property
    def samples_read(self) -> int:
        """How many samples were loaded."""
        return sum(source.samples_read for source in self._sources.values())

    @property
    def series_selected(self) -> int:
        """How many series were selected."""
        return sum(source.series_selected for source in self._sources.values())

    def check(self) -> None:
        """Raise PharosError when the query is to end."""
        for source in self._sources.values():
            source.check()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match, of all tenants that are chosen."""
        found: list[SeriesBlock] = []
        for one, own in chosen(self._scope, matchers):
            block = self._sources[one.tenant].select(own, start_ms, end_ms)
            self._check_bounds()
            labels = [labels_of_tenant(labels, one.tenant) for labels in block.labels]
            found.append(
                SeriesBlock(
                    labels, block.offsets, block.ts_ms, block.values, block.start_ms, block.histograms
                )
            )
        return _side_by_side(found)

    def _check_bounds(self) -> None:
        """Raise PharosError(LIMITED) when all tenants together went beyond what one query may take."""
        bounds = self._bounds
        if self.samples_read > bounds.samples:
            raise PharosError(
                Kind.LIMITED,
                "query processing would load too many samples into memory in query execution",
                hint=f"the limit is {bounds.samples}, of all tenants together",
            )
        if 0 < bounds.series < self.series_selected:
            raise PharosError(
                Kind.LIMITED,
                f"query would select more than {bounds.series} series of all tenants together",
                hint="narrow the selectors",
            )


def _side_by_side(blocks: Sequence[SeriesBlock]) -> SeriesBlock:
    """Return one block of the series of several."""
    blocks = [block for block in blocks if len(block.labels)]
    if len(blocks) < 2:
        return blocks[0] if blocks else empty_block()
    starts = None
    if any(block.start_ms is not None for block in blocks):
        starts = np.concatenate(
            [np.zeros_like(one.ts_ms) if one.start_ms is None else one.start_ms for one in blocks]
        )
    return SeriesBlock(
        [labels for block in blocks for labels in block.labels],
        _offsets(block.offsets for block in blocks),
        np.concatenate([block.ts_ms for block in blocks]),
        np.concatenate([block.values for block in blocks]),
        starts,
        _histograms(blocks),
    )


def _offsets(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return offsets that go on from one part to the next."""
    return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))]).astype(
        np.int64
    )


def _histograms(blocks: Sequence[SeriesBlock]) -> HistogramColumns | None:
    """Return the histograms of all blocks, None if there are none."""
    some = [block.histograms for block in blocks if block.histograms is not None]
    if not some:
        return None
    offsets = [
        np.zeros_like(one.offsets) if one.histograms is None else one.histograms.offsets for one in blocks
    ]
    columns: dict[str, NDArray[np.generic] | None] = {"offsets": _offsets(offsets)}
    for name in HistogramColumns.__struct_fields__:
        if name.endswith("_at"):
            columns[name] = _offsets(getattr(one, name) for one in some)
        elif name == "start_ms":
            starts = [np.zeros_like(one.ts_ms) if one.start_ms is None else one.start_ms for one in some]
            columns[name] = np.concatenate(starts) if any(s.any() for s in starts) else None
        elif name != "offsets":
            columns[name] = np.concatenate([getattr(one, name) for one in some])
    return HistogramColumns(**columns)  # type: ignore[arg-type]
