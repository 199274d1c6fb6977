"""When traces are decided about, from what time on, and what a reload takes over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.query.store import StillClock

from pharos.config import Settings, limit_table, load_settings, sampling_of
from pharos.errors import Kind, PharosError
from pharos.ingest.jaeger.sampling import Strategies
from pharos.ingest.tail_sampling import Received
from pharos.keeping import CURSOR_FILE, Keeping, TailSampling
from pharos.policy import Kept, TenantPolicy
from pharos.sampling import Sampling, SamplingRules, TraceRule

NOW_S = 1_700_000_000
RULES = Sampling(traces=(TraceRule(0.5),), decide_after_ms=60_000)


@dataclass
class Stage:
    """Who is asked to decide, about which time in seconds from the start."""

    folder: Path
    clock: StillClock = field(default_factory=lambda: StillClock(NOW_S * 1000))
    rules: SamplingRules = field(default_factory=lambda: SamplingRules(RULES))
    oldest_s: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)
    fails: bool = False

    def open(self) -> TailSampling:
        return TailSampling(self.rules, self._drop, lambda: self.oldest_s * 1000, self.clock, self.folder)

    def _drop(self, _rules: Sampling, received: Received) -> int:
        if self.fails:
            raise PharosError(Kind.UNAVAILABLE, "not now")
        self.asked.append((received.first_s - NOW_S, received.until_s - NOW_S))
        return 0


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_what_came_before_the_first_rule_is_kept_and_all_else_is_decided_about_once(stage: Stage) -> None:
    sampling = stage.open()
    for _ in range(40):
        sampling.look()
        stage.clock.ms += 10_000
    assert stage.asked == [(0, 60), (60, 120), (120, 180), (180, 240), (240, 300)]


def test_a_server_that_has_rules_begins_with_its_start(stage: Stage) -> None:
    sampling = stage.open()
    sampling.begin()
    stage.clock.ms += 200_000
    sampling.begin()
    sampling.look()
    assert stage.asked == [(0, 140)]


def test_a_restart_goes_on_where_it_was(stage: Stage) -> None:
    stage.open().look()
    stage.clock.ms += 120_000
    stage.open().look()
    stage.clock.ms += 7_200_000
    stage.open().look()
    assert stage.asked == [(0, 60), (60, 7_260)]


def test_what_is_not_stored_yet_is_waited_for(stage: Stage) -> None:
    sampling = stage.open()
    sampling.look()
    stage.clock.ms += 600_000
    stage.oldest_s = NOW_S + 100
    sampling.look()
    assert stage.asked == []
    stage.oldest_s = NOW_S + 130
    sampling.look()
    assert stage.asked == [(0, 70)]


def test_what_failed_is_done_again(stage: Stage) -> None:
    sampling = stage.open()
    sampling.look()
    stage.clock.ms += 120_000
    stage.fails = True
    with pytest.raises(PharosError, match="not now"):
        sampling.look()
    stage.fails = False
    sampling.look()
    assert stage.asked == [(0, 60)]


def test_without_rules_nothing_is_asked_and_what_comes_meanwhile_is_kept(stage: Stage) -> None:
    sampling = stage.open()
    sampling.look()
    stage.rules.now = Sampling()
    stage.clock.ms += 600_000
    sampling.look()
    assert not (stage.folder / CURSOR_FILE).exists()
    stage.rules.now = RULES
    sampling.look()
    stage.clock.ms += 120_000
    sampling.look()
    assert stage.asked == [(600, 660)]


def test_a_cursor_that_cannot_be_read_is_begun_anew(stage: Stage) -> None:
    (stage.folder / CURSOR_FILE).write_text("?")
    sampling = stage.open()
    sampling.look()
    stage.clock.ms += 120_000
    sampling.look()
    assert stage.asked == [(0, 60)]


def test_a_clock_that_was_ahead_does_not_end_it(stage: Stage) -> None:
    sampling = stage.open()
    stage.clock.ms += 86_400_000
    sampling.look()
    stage.clock.ms = NOW_S * 1000
    sampling.look()
    stage.clock.ms += 120_000
    sampling.look()
    assert stage.asked == [(0, 60)]


FILE = """
sampling:
  strategies: strategies.json
  logs: [{shares: {debug: 10%}}]
limits: {retention_logs_debug: 2d}
retention: {logs: 3d, metrics: 0s}
tenants: {a: {limits: {max_series: 7}}}
"""


def keeping_of(path: Path) -> Keeping:
    settings = load_settings(path, {})
    rules = SamplingRules(sampling_of(settings.sampling))
    return Keeping(settings, TenantPolicy(sampling=rules), limit_table(settings), Strategies())


async def test_a_reload_takes_over_sampling_limits_retention_and_strategies(tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_text("data: d\n")
    keeping = keeping_of(path)
    keeping.limits.say({"b": {"max_series": 9}})
    (tmp_path / "strategies.json").write_text('{"default_strategy": {"type": "probabilistic", "param": 0.5}}')
    path.write_text(FILE)
    take_over = await keeping.reloadable()
    assert keeping.policy.sampling.now.logs == ()
    await take_over()
    shares = keeping.policy.sampling.now.shares_of_logs("t", "s")
    assert shares is not None
    assert list(shares) == [1.0, 1.0, 0.1, 1.0, 1.0, 1.0, 1.0]
    assert keeping.strategies.answer("x")["probabilisticSampling"] == {"samplingRate": 0.5}
    assert keeping.limits("a").max_series == 7
    assert keeping.limits("b").max_series == 9
    assert keeping.limits("c").retention_logs_debug_ms == 2 * 86_400_000
    assert keeping.policy.retention.now == Kept(0, 3 * 86_400_000, 14 * 86_400_000, 90 * 86_400_000)
    assert keeping.changed.is_set()


async def test_a_file_with_a_fault_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_text(FILE.replace("  strategies: strategies.json\n", ""))
    keeping = keeping_of(path)
    before, kept = keeping.policy.sampling.now, keeping.policy.retention.now
    path.write_text("sampling: {logs: [{shares: {debug: 2}}]}\n")
    with pytest.raises(PharosError, match=r"pharos.yml:1: sampling.logs.0.shares.debug: not a share"):
        await keeping.reloadable()
    path.write_text("sampling: {strategies: none.json}\n")
    with pytest.raises(PharosError, match=r"none.json"):
        await keeping.reloadable()
    path.write_text("retention: {logs: 3}\n")
    with pytest.raises(PharosError, match=r"pharos.yml:1: retention.logs"):
        await keeping.reloadable()
    assert keeping.policy.sampling.now is before
    assert keeping.policy.retention.now is kept


def test_settings_without_a_file_stay(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert settings.reread() is settings
