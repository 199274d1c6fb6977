"""What a server must hold is reckoned from what was acknowledged, sample by sample."""

from __future__ import annotations

from collections import Counter

from bench.series import build
from bench.values import value
from bench.verify import Content, expected, first_metric


def test_expected_content_is_that_of_each_shard_s_acknowledged_prefix() -> None:
    layout = build("counters", 400)
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for first, sent in ((0, 200 * 3 + 7), (200, 150)):
        for position in range(sent):
            step, within = divmod(position, 200)
            name = layout.labels[first + within][0][1]
            counts[name] += 1
            sums[name] += int(value(first + within, step, layout.kinds[first + within]))
    wanted = {name: Content(counts[name], sums[name]) for name in counts}
    assert expected("counters", 400, [607, 150]) == wanted
    name = layout.labels[0][0][1]
    assert first_metric("counters", 400, [607, 150]) == (name, counts[name])
