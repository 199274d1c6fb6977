"""Instant queries over a few series that a case names, as templates ask them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pharos.labels import Labels, Matcher, labels_of
from pharos.promql.answer import evaluate_text
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import parse
from pharos.promql.source import SeriesBlock
from pharos.rules.evaluate import elements


class FewSeries:
    """Series with one sample each, at time 0."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = {_labels(text): value for text, value in values.items()}

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the series that match."""
        del start_ms, end_ms
        chosen = [
            labels
            for labels in sorted(self._values)
            if all(matcher.matches(dict(labels).get(matcher.name, "")) for matcher in matchers)
        ]
        count = len(chosen)
        return SeriesBlock(
            labels=chosen,
            offsets=np.arange(count + 1, dtype=np.int64),
            ts_ms=np.zeros(count, np.int64),
            values=np.asarray([self._values[labels] for labels in chosen], np.float64),
            start_ms=np.zeros(count, np.int64),
        )


def _labels(text: str) -> Labels:
    selector = parse(text)
    assert isinstance(selector, VectorSelector)
    return labels_of({matcher.name: matcher.value for matcher in selector.matchers})


def instant(text: str, values: Mapping[str, float]) -> list[tuple[Labels, float]]:
    """Return what a query finds. Raises PharosError as PromQL does."""
    answer = evaluate_text(text, FewSeries(values), 0, 0, 0)
    return [(one.labels, one.value) for one in elements(answer)]
