"""All watched series of a tenant: what is told of a tick, when an anomaly is over, what a restart keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pharos.anomalies.following import Following, Judged, Seen
from pharos.anomalies.incidents import confidence_of, severity_of
from pharos.anomalies.kept import read_state, state_path, write_state
from pharos.anomalies.watch import Watch
from pharos.labels import Labels

_WATCH = Watch("queues", "queue_depth")
_A: Labels = (("__name__", "queue_depth"), ("job", "a"))
_B: Labels = (("__name__", "queue_depth"), ("job", "b"))
_EVERY_S = 15
_BEGUN_S = 1_767_225_600
_LEARNED = 3_000
_COOLDOWN_MS = 60_000
_END_MS = (_BEGUN_S + _LEARNED * _EVERY_S) * 1000


def _usual(rows: int, seed: int = 3) -> NDArray[np.float64]:
    return np.asarray(np.random.default_rng(seed).normal(100, 5, rows), np.float64)


def _ordinary(place: int) -> dict[Labels, float]:
    """Return what both do when nothing happens."""
    return {_A: 98 + place % 5, _B: 97 + place % 7}


def _learned(watch: Watch = _WATCH, max_series: int = 10) -> Following:
    """Return one that knows both series."""
    following = Following("default", max_series, _COOLDOWN_MS)
    following.watch([watch])
    times = _BEGUN_S + _EVERY_S * np.arange(_LEARNED, dtype=np.float64)
    following.learn(watch, [_A, _B], times, np.asarray([_usual(_LEARNED), _usual(_LEARNED, 4)]))
    return following


def _tick(following: Following, place: int, values: Mapping[Labels, float], watch: Watch = _WATCH) -> Judged:
    seen = Seen(watch, [*values], np.asarray([*values.values()], np.float64))
    return following.judge(_END_MS + place * _EVERY_S * 1000, [seen])


def test_an_anomaly_begins_grows_worse_and_is_over_after_the_cooldown() -> None:
    following = _learned()
    assert _tick(following, 0, {_A: 101, _B: 99}).changed == ()
    (begun,) = _tick(following, 1, {_A: 260, _B: 99}).changed
    assert (begun.watch, dict(begun.labels)["job"], begun.end_ms) == ("queues", "a", 0)
    assert begun.severity == "critical"
    assert float(begun.upper) < 260
    assert float(begun.lower) < 100 < float(begun.upper)
    ended = [
        one
        for place in range(2, 12)
        for one in _tick(following, place, _ordinary(place)).changed
        if one.end_ms
    ]
    assert [(one.id, one.start_ms) for one in ended] == [(begun.id, begun.start_ms)]
    assert ended[0].end_ms < begun.start_ms + 10 * _EVERY_S * 1000
    assert following.incidents.count == 0


def test_verdicts_are_written_of_what_is_unusual_each_time_and_of_the_rest_in_turns() -> None:
    following = _learned()
    bodies = [_tick(following, place, {_A: 100, _B: 100}).body for place in range(8)]
    assert sum(body.count(b"pharos_anomaly_value") for body in bodies) == 2 * 2
    bodies = [_tick(following, place, {_A: 300, _B: 100}).body for place in range(8, 10)]
    assert all(body.count(b"pharos_anomaly_score") >= 1 for body in bodies)
    assert b"critical" in bodies[0]


def test_series_that_go_are_an_anomaly_only_where_gaps_count() -> None:
    for counts, found in ((False, 0), (True, 1)):
        watch = Watch("queues", "queue_depth", counts_gaps=counts)
        following = _learned(watch)
        changed = [
            one for place in range(40) for one in _tick(following, place, {_B: 99 + place % 3}, watch).changed
        ]
        assert len({one.id for one in changed}) == found


def test_more_series_than_are_allowed_are_left_out() -> None:
    following = _learned(max_series=1)
    judged = _tick(following, 0, {_A: 100, _B: 100})
    assert (judged.series, following.left_out, following.counts()) == (1, 1, {"queues": 1})


def test_what_was_learned_lasts_over_a_restart(tmp_path: Path) -> None:
    first = _learned()
    (begun,) = _tick(first, 0, {_A: 260, _B: 99}).changed
    path = state_path(tmp_path / "anomalies", "a/b")
    write_state(path, first, _END_MS)
    assert path.name == "a%2Fb.state"
    second = Following("default", 10, _COOLDOWN_MS)
    second.watch([_WATCH])
    assert read_state(path, second) == _END_MS
    second.resume([begun], {"queues": _WATCH})
    second.incidents.wait_from(_END_MS)
    # The anomaly goes on as itself, and is no second one.
    later = [one for place in range(1, 20) for one in _tick(second, place, _ordinary(place)).changed]
    assert [(one.id, one.end_ms > 0) for one in later] == [(begun.id, True)]
    (other,) = _tick(second, 20, {_A: 100, _B: 300}).changed
    assert dict(other.labels)["job"] == "b"


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"at_ms": 1, "series": [["a", "b", []]]}\nno state'])
def test_a_state_that_cannot_be_read_is_learned_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "default.state"
    path.write_bytes(content)
    following = Following("default", 10, _COOLDOWN_MS)
    following.watch([_WATCH])
    assert read_state(path, following) == 0


def test_of_what_is_marked_as_abnormal_nothing_is_learned() -> None:
    times = _BEGUN_S + _EVERY_S * np.arange(2 * _LEARNED, dtype=np.float64)
    values = _usual(2 * _LEARNED)
    values[2_000:3_500] += 150
    seen = [(times[2_000] - 1, times[3_500] + 1)]
    upper = []
    for spans in ([], seen):
        following = Following("default", 10, _COOLDOWN_MS)
        following.watch([_WATCH])
        following.learn(_WATCH, [_A], times[:10], values[:10].reshape(1, -1))
        following.relearn("queues", _A, times, values, spans)
        at = (times[-1] + _EVERY_S) * 1000
        judged = following.judge(int(at), [Seen(_WATCH, [_A], np.asarray([900.0]))])
        upper.append(float(judged.changed[0].upper))
    assert upper[0] > 1.2 * upper[1]


def test_a_watch_that_is_changed_begins_anew_and_one_that_is_gone_ends_its_anomalies() -> None:
    following = _learned()
    _tick(following, 0, {_A: 260, _B: 99})
    assert following.watch([Watch("queues", "queue_depth", alerts=False)]) == []
    assert following.series == 2
    assert [one.name for one in following.watch([Watch("queues", "queue_length")])] == ["queues"]
    assert following.series == 0
    judged = following.judge(_END_MS + 60_000, [])
    assert [one.end_ms > 0 for one in judged.changed] == [True]


@pytest.mark.parametrize(("score", "severity"), [(0.5, "info"), (0.55, "warning"), (0.7, "critical")])
def test_severity_follows_the_score_and_confidence_what_was_known(score: float, severity: str) -> None:
    assert severity_of(score) == severity
    assert confidence_of(score, 0.1) < confidence_of(score, 1.0) <= 1
    assert confidence_of(0.5, 1.0) == pytest.approx(0.5)
