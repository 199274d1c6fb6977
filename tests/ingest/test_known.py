"""Which series are known: those that came of late, and no others for long."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
from tests.ingest.rw_messages import v1_body

from pharos.engine.keys import DAY_MS
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics import decoder as decoding
from pharos.ingest.metrics.decoder import Decoder

_BEGAN_MS = 1_763_712_000_000
_MINUTE_MS = 60_000
_TENANT = "default"
_MANY = 5_000


class _Sender:
    """Sends samples to a decoder, each minute of a clock that only it moves."""

    def __init__(self) -> None:
        self.decoder = Decoder(seed=11, today=_BEGAN_MS // DAY_MS, max_age_ms=0)
        self.now_ms = _BEGAN_MS
        self.newest: defaultdict[int, int] = defaultdict(int)
        """The newest time of a sample, by id."""

    def send(self, series: range, ahead_ms: int = 0) -> int:
        """Send a sample of each series; return how many of them are registered."""
        ts = self.now_ms + ahead_ms
        batch = self.decoder.begin()
        body = v1_body(
            [{"labels": [("__name__", "m"), ("i", str(i))], "samples": [(ts, 1.0)]} for i in series]
        )
        self.decoder.decode(batch, _TENANT, body, self.now_ms * 1_000_000)
        counts = batch.columns(_TENANT)
        for number in counts.samples.id[: counts.counts[places.SAMPLES]].tolist():
            self.newest[number] = max(self.newest[number], ts)
        return int(counts.counts[places.SERIES])

    def known(self) -> set[int]:
        recent = self.decoder.recent()
        assert recent is not None
        return set(recent.ids.tolist())


def test_series_that_did_not_come_for_twenty_minutes_are_dropped_and_registered_when_they_come_again() -> (
    None
):
    sender = _Sender()
    assert sender.send(range(_MANY)) == _MANY
    for minute in range(1, 21):
        sender.now_ms = _BEGAN_MS + minute * _MINUTE_MS
        assert sender.send(range(10)) == 0
    assert len(sender.known()) == _MANY
    sender.now_ms += _MINUTE_MS
    assert sender.send(range(10)) == 0
    assert len(sender.known()) == 10
    assert sender.send(range(20)) == 10


def test_room_for_series_that_ended_is_given_back() -> None:
    sender = _Sender()
    before = len(sender.decoder.known.arrays.low)
    sender.send(range(20_000))
    assert len(sender.decoder.known.arrays.low) > before
    sender.now_ms += 30 * _MINUTE_MS
    sender.send(range(10))
    assert len(sender.decoder.known.arrays.low) == before


def test_a_series_with_a_sample_of_late_is_always_known() -> None:
    chance, sender, told = random.Random(7), _Sender(), 0
    sender.send(range(_MANY))
    for _ in range(90):
        sender.now_ms += chance.choice([20_000, _MINUTE_MS, 4 * _MINUTE_MS])
        first = chance.randrange(_MANY)
        ahead_ms = chance.choice([-DAY_MS, 0, 0, 30_000])
        sender.send(range(first, first + chance.choice([1, 40, 3_000])), ahead_ms)
        recent = sender.decoder.recent()
        if recent is None:
            continue
        told += recent.from_ms > _BEGAN_MS + decoding.FUTURE_TOLERANCE_MS + 2 * _MINUTE_MS
        late = {number for number, ts in sender.newest.items() if ts >= recent.from_ms}
        assert late <= set(recent.ids.tolist())
    assert told > 40


def test_what_was_sent_to_a_former_process_may_lie_ahead_so_that_its_time_is_not_told_of() -> None:
    sender = _Sender()
    assert sender.decoder.recent() is None
    sender.send(range(1))
    from_ms = sender.decoder.recent_from_ms
    assert from_ms is not None
    assert from_ms > _BEGAN_MS + decoding.FUTURE_TOLERANCE_MS


def test_after_all_was_forgotten_it_is_not_known_which_series_came() -> None:
    sender = _Sender()
    sender.send(range(10))
    sender.decoder.forget()
    assert sender.decoder.recent() is None
    sender.now_ms += _MINUTE_MS
    sender.send(range(10))
    from_ms = sender.decoder.recent_from_ms
    assert from_ms is not None
    assert from_ms > sender.now_ms + decoding.FUTURE_TOLERANCE_MS
    assert np.unique(sender.decoder.known.ids()).size == 10
