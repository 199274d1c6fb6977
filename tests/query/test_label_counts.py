"""How often labels occur is counted from columns as one would count tuples."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st
from tests.promql.columns import columns_of

from pharos.labels import Labels, labels_of
from pharos.query.metrics.label_counts import LabelCounts, most
from pharos.query.metrics.label_table import LabelTable

_SETS = st.dictionaries(
    st.sampled_from(["__name__", "a", "b", "c"]), st.sampled_from(["x", "y", "ä", "=x", "b=x"]), max_size=4
).map(labels_of)


@given(st.lists(_SETS, max_size=15), st.lists(_SETS, max_size=5), st.integers(1, 5))
def test_counts_are_those_of_the_tuples(labels: list[Labels], others: list[Labels], limit: int) -> None:
    table = LabelTable(seed=1)
    columns_of(others, table)
    counts = LabelCounts(columns_of(labels, table))
    pairs = Counter(pair for one in labels for pair in one)
    values: defaultdict[str, int] = defaultdict(int)
    sizes: defaultdict[str, int] = defaultdict(int)
    for (name, value), count in pairs.items():
        values[name] += 1
        sizes[name] += len(value.encode()) * count
    assert counts.values == values
    assert counts.bytes == sizes
    assert counts.pairs == len(pairs)
    ranked = sorted(((-count, f"{name}={value}") for (name, value), count in pairs.items()))
    assert counts.most_frequent_pairs(limit) == [(name, -count) for count, name in ranked[:limit]]
    metrics = {value: count for (name, value), count in pairs.items() if name == "__name__"}
    assert counts.most_frequent("__name__", limit) == most(metrics, limit)
