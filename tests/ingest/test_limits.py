"""What a tenant may send: its rate, its series, their labels. What is beyond is refused, and not logged."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ingest.rw_messages import v1_body

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import pack
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics.batch import Accepted, MetricsBatch
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.rates import Rates
from pharos.limits import LimitTable, TenantLimits
from pharos.policy import TenantPolicy
from pharos.sampling import Names, Sampling, SeriesRule
from pharos.telemetry import REGISTRY

NOW_MS = 1_700_000_000_000 // 3_600_000 * 3_600_000
HOUR_MS = 3_600_000
TENANT = "a"


class Sender:
    """Sends series of one tenant to a decoder, whose limits may change."""

    def __init__(self, **limits: int) -> None:
        self.limits = TenantLimits(**limits)
        self.policy = TenantPolicy(self._of)
        self.decoder = Decoder(seed=3, today=NOW_MS // 86_400_000, max_age_ms=0, policy=self.policy)
        self.batch: MetricsBatch = self.decoder.begin()

    def sample(self, share: float, *metrics: str, tenants: tuple[str, ...] = ()) -> None:
        self.policy.sampling.now = Sampling(metrics=(SeriesRule(share, metrics, Names(tenants)),))

    def _of(self, tenant: str) -> TenantLimits:
        return self.limits if tenant == TENANT else TenantLimits()

    def send(self, *names: str, at_ms: int = NOW_MS, tenant: str = TENANT, **labels: str) -> Accepted:
        body = request(*names, at_ms=at_ms, **labels)
        return self.decoder.decode(self.batch, tenant, body, at_ms * 1_000_000)

    def active(self, tenant: str = TENANT) -> int:
        return self.decoder.known.active().get(tenant, 0)


def request(*names: str, at_ms: int = NOW_MS, **labels: str) -> bytes:
    """Return a request of one sample of each metric."""
    return v1_body(
        [{"labels": [("__name__", name), *labels.items()], "samples": [(at_ms, 1.0)]} for name in names]
    )


def rows(batch: MetricsBatch, tenant: str = TENANT) -> list[tuple[int, int]]:
    columns = batch.columns(tenant)
    count = int(columns.counts[places.SAMPLES])
    return sorted(
        zip(columns.samples.id[:count].tolist(), columns.samples.ts_ms[:count].tolist(), strict=True)
    )


def test_new_series_beyond_the_limit_are_refused_and_those_that_are_there_go_on() -> None:
    sender = Sender(max_series=2)
    assert sender.send("a", "b").is_whole
    refused = sender.send("a", "b", "c", "d")
    assert (refused.samples, refused.beyond_series, refused.beyond_samples) == (2, 2, 2)
    assert not refused.is_whole
    assert "2 active series" in refused.refusal()
    assert sender.active() == 2
    sender.limits = TenantLimits(max_series=3)
    assert sender.send("c").is_whole
    assert sender.send("a", "b", "c").is_whole


def test_other_tenants_are_not_counted() -> None:
    sender = Sender(max_series=1)
    assert sender.send("a").is_whole
    assert sender.send("a", "b", "c", tenant="other").is_whole
    assert (sender.active(), sender.active("other")) == (1, 3)


def test_a_series_that_stays_away_for_two_hours_makes_room() -> None:
    sender = Sender(max_series=2)
    assert sender.send("a", "b").is_whole
    assert sender.send("a", at_ms=NOW_MS + HOUR_MS).is_whole
    assert sender.send("c", at_ms=NOW_MS + HOUR_MS).beyond_series == 1
    assert sender.send("a", "c", at_ms=NOW_MS + 2 * HOUR_MS).is_whole
    assert sender.active() == 2
    assert sender.send("b", at_ms=NOW_MS + 2 * HOUR_MS).beyond_series == 1
    assert sender.send("b", "d", at_ms=NOW_MS + 9 * HOUR_MS).is_whole
    assert sender.active() == 2


def test_what_is_undone_is_not_counted() -> None:
    sender = Sender(max_series=3)
    assert sender.send("a").is_whole
    assert sender.send("a", "b", "c").is_whole
    sender.decoder.undo(sender.batch)
    assert sender.active() == 1
    with pytest.raises(PharosError, match="malformed"):
        sender.decoder.decode(sender.batch, TENANT, request("x", "y") + b"\x0a\xff", NOW_MS * 1_000_000)
    assert sender.active() == 1
    assert sender.send("b", "c").is_whole
    assert sender.active() == 3
    sender.decoder.forget()
    assert sender.active() == 0


@pytest.mark.parametrize(
    ("limits", "labels", "words"),
    [
        ({"max_label_names": 2}, {"x": "1", "y": "2"}, "more than 2 labels"),
        ({"max_label_name_length": 8}, {"nine_char": "1"}, "name is longer than 8 bytes"),
        ({"max_label_value_length": 3}, {"x": "four"}, "value is longer than 3 bytes"),
    ],
)
def test_labels_beyond_the_limits_refuse_their_series(
    limits: dict[str, int], labels: dict[str, Any], words: str
) -> None:
    sender = Sender(**limits)
    assert sender.send("m", x="1").is_whole
    refused = sender.send("m", **labels)
    assert (refused.samples, refused.invalid_series) == (0, 1)
    assert words in refused.refusal()
    assert sender.send("m", tenant="other", **labels).is_whole


def test_what_is_kept_decodes_to_what_was_taken_when_nothing_bounds_it() -> None:
    sender = Sender(max_series=2)
    metadata = v1_body([], metadata=[{"family": "a", "type": 1, "help": "words"}])
    body = request("a", "c") + metadata + request("b", "d")
    accepted = sender.decoder.decode(sender.batch, TENANT, body, NOW_MS * 1_000_000)
    assert (accepted.samples, accepted.beyond_series, accepted.metadata) == (2, 2, 1)
    assert accepted.kept is not None
    kind, kept = accepted.kept
    again = sender.decoder.fresh()
    batch: Any = again.begin()
    repeated = again.decode(batch, TENANT, again.unpack(kind, pack(kept)), NOW_MS * 1_000_000)
    assert repeated.is_whole
    assert repeated.metadata == 1
    assert rows(batch) == rows(sender.batch)


def _rates(**limits: int) -> tuple[Rates, FakeClock, LimitTable]:
    clock = FakeClock()
    table = LimitTable()
    table.say({TENANT: limits})
    return Rates(clock, table), clock, table


def test_a_tenant_that_sent_too_much_waits_until_its_debt_is_paid() -> None:
    rates, clock, _ = _rates(ingest_rate=100, ingest_burst=200)
    rates.check(TENANT)
    rates.take(TENANT, 150)
    rates.check(TENANT)
    rates.take(TENANT, 150)
    with pytest.raises(PharosError) as raised:
        rates.check(TENANT)
    assert raised.value.kind is Kind.LIMITED
    assert raised.value.retry_after_s == pytest.approx(1.01)
    rates.check("other")
    with pytest.raises(PharosError, match="100 samples a second"):
        rates.take(TENANT, 1)
    clock.advance_ms(1_020)
    rates.check(TENANT)


def test_who_is_turned_away_again_and_again_is_told_five_times_a_second() -> None:
    rates, clock, _ = _rates(ingest_rate=100)
    assert [rates.turn_away(TENANT) for _ in range(12)] == pytest.approx([0.0] * 10 + [0.2, 0.4])
    assert rates.turn_away("other") == 0.0
    assert max(rates.turn_away(TENANT) for _ in range(100)) == 5.0
    clock.advance_ms(120_000)
    assert rates.turn_away(TENANT) == 0.0


def test_over_time_the_rate_is_exact() -> None:
    rates, clock, _ = _rates(ingest_rate=100, ingest_burst=50)
    taken = 0
    for _ in range(1_000):
        clock.advance_ms(100)
        try:
            rates.check(TENANT)
        except PharosError:
            continue
        rates.take(TENANT, 37)
        taken += 37
    assert taken == pytest.approx(100 * 100, abs=100)


def test_more_than_may_ever_come_at_once_is_refused_for_good() -> None:
    rates, _, table = _rates(ingest_rate=10)
    with pytest.raises(PharosError, match="may send 100 at once") as raised:
        rates.take(TENANT, 101)
    assert raised.value.kind is Kind.INVALID
    table.say({})
    rates.take(TENANT, 101)
    rates.check(TENANT)


def by_user(*users: int, name: str = "hits") -> bytes:
    """Return a request of a series of each user."""
    return v1_body(
        [
            {
                "labels": [("__name__", name), ("user", str(user))],
                "samples": [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)],
            }
            for user in users
        ]
    )


def test_a_share_of_a_metrics_series_is_kept_each_time_the_same_and_of_no_other() -> None:
    sender = Sender()
    sender.sample(0.2, "hits")
    taken = sender.decoder.decode(sender.batch, TENANT, by_user(*range(1_000)), NOW_MS * 1_000_000)
    assert 280 < taken.points < 520
    assert taken.sampled_out == 2_000 - taken.points
    assert taken.is_whole
    assert not taken.is_cut
    assert sender.active() == taken.points // 2
    before = {ident for ident, _ in rows(sender.batch)}
    again = sender.decoder.decode(sender.batch, TENANT, by_user(*range(1_000)), NOW_MS * 1_000_000)
    assert (again.points, again.sampled_out) == (taken.points, taken.sampled_out)
    assert {ident for ident, _ in rows(sender.batch)} == before
    other = sender.decoder.decode(sender.batch, TENANT, by_user(*range(50), name="other"), NOW_MS * 1_000_000)
    assert (other.points, other.sampled_out, other.kept) == (100, 0, None)


def test_what_sampling_leaves_out_is_not_in_the_log() -> None:
    sender = Sender()
    sender.sample(0.2, "hits")
    taken = sender.decoder.decode(sender.batch, TENANT, by_user(*range(100)), NOW_MS * 1_000_000)
    assert taken.kept is not None
    fresh = sender.decoder.fresh()
    batch = fresh.begin()
    assert fresh.decode(batch, TENANT, taken.kept[1], NOW_MS * 1_000_000).points == taken.points
    assert rows(batch) == rows(sender.batch)


def test_rules_that_change_count_for_series_that_are_known() -> None:
    sender = Sender()
    assert sender.send("hits", "other").points == 2
    sender.sample(0.0, "hits")
    assert sender.send("hits", "other").points == 1
    assert sender.send("hits").is_empty
    sender.sample(0.0, "other")
    assert sender.send("hits", "other").points == 1
    sender.policy.sampling.now = Sampling()
    assert sender.send("hits", "other").points == 2


def test_rules_of_other_tenants_do_not_count_and_the_first_that_fits_does() -> None:
    sender = Sender()
    sender.policy.sampling.now = Sampling(
        metrics=(
            SeriesRule(0.0, ("hits",), Names(("b*",))),
            SeriesRule(1.0, ("hits",)),
            SeriesRule(0.0, ("hits", "misses")),
        )
    )
    assert sender.send("hits", "misses").points == 1
    assert sender.send("hits", "misses", tenant="b1").points == 0


def test_a_tenant_is_sampled_still_when_it_was_away() -> None:
    sender = Sender()
    sender.sample(0.0, "hits")
    assert sender.send("other", "hits").points == 1
    assert sender.send("other", "hits", at_ms=NOW_MS + 9 * HOUR_MS).points == 1
    sender.decoder.forget()
    assert sender.send("other", "hits", at_ms=NOW_MS + 9 * HOUR_MS).points == 1


def test_samples_that_are_left_out_are_counted_by_tenant() -> None:
    labels = {"signal": "samples", "tenant": "counted", "reason": "sampling"}
    sender = Sender()
    sender.sample(0.0, "hits")
    sender.send("hits", tenant="counted").count("test", {})
    assert REGISTRY.get_sample_value("pharos_dropped_total", labels) == 1
